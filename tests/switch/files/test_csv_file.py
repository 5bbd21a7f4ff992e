"""What is read from a CSV file, and which row is at fault where one cannot be read."""

from pathlib import Path

import pytest

from payvand.switch.files import FileError, FileSummary, Instruction, LineError, open_payment_file
from payvand.v1.payment_pb2 import PaymentKind
from tests.support.payment_files import CREDITOR, DEBTOR, csv_text

ROW = {
    "end_to_end_id": "E1",
    "debtor_iban": DEBTOR,
    "creditor_iban": CREDITOR,
    "amount": "1000",
    "unit": "IRR",
}
ALL = {
    **ROW,
    "kind": "fee",
    "debtor_name": "Payer",
    "creditor_name": "شرکت «نمونه»",
    "remittance": 'said "pay", then left',
    "bill_reference": "1234567890",
    "id": "",
    "batch_reference": "salaries-1",
}
ID = "0123456789abcdef0123456789abcdef"


def write(tmp_path: Path, content: str | bytes, name: str = "payments.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(
    tmp_path: Path, content: str | bytes, name: str = "payments.csv"
) -> list[Instruction | LineError]:
    return list(open_payment_file(write(tmp_path, content, name)).read())


def refusal(tmp_path: Path, content: str | bytes) -> FileError:
    """Return why the file as a whole is refused, after a proof that nothing was given out."""
    given: list[object] = []
    path = write(tmp_path, content)
    with pytest.raises(FileError) as refused:
        given.extend(open_payment_file(path).read())
    assert given == []
    assert refused.value.hint
    return refused.value


def only(results: list[Instruction | LineError]) -> Instruction:
    (result,) = results
    assert isinstance(result, Instruction), result
    return result


def test_every_column_is_read(tmp_path: Path) -> None:
    instruction = only(read(tmp_path, csv_text(ALL)))
    assert instruction == Instruction(
        id=instruction.id,
        kind=PaymentKind.PAYMENT_KIND_FEE,
        debtor_iban=DEBTOR,
        creditor_iban=CREDITOR,
        amount=1000,
        unit="IRR",
        end_to_end_id="E1",
        debtor_name="Payer",
        creditor_name="شرکت «نمونه»",
        remittance='said "pay", then left',
        bill_reference="1234567890",
        line=2,
        position=1,
    )


def test_columns_stand_in_any_order_and_optional_ones_may_be_missing(tmp_path: Path) -> None:
    plain = only(read(tmp_path, csv_text(ROW)))
    assert plain.kind == PaymentKind.PAYMENT_KIND_CREDIT_TRANSFER
    assert plain.creditor_name == ""
    turned = only(read(tmp_path, csv_text(ROW, columns=sorted(ROW))))
    assert turned == plain


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("amount", " amount "),
        lambda text: text.replace("\nE1", "\n\n\nE1"),
        lambda text: text.replace(",1000,", ',"1000",'),
        lambda text: text.replace(",1000,", ", ۱۰۰۰ ,"),
        lambda text: text.replace(CREDITOR, f"{CREDITOR[:4]} {CREDITOR[4:]}"),
    ],
    ids=["mark", "line ends", "padding", "blank lines", "quotes", "Persian digits", "grouped IBAN"],
)
def test_what_office_programs_do_to_a_file_makes_no_difference(tmp_path: Path, change) -> None:  # type: ignore[no-untyped-def]
    expected = only(read(tmp_path, csv_text(ROW)))
    changed = only(read(tmp_path, change(csv_text(ROW))))
    assert (changed.id, changed.amount, changed.creditor_iban) == (
        expected.id,
        expected.amount,
        expected.creditor_iban,
    )


def test_a_summary_says_what_the_file_holds(tmp_path: Path) -> None:
    rows = [ALL, {**ALL, "amount": "0.25"}, {**ALL, "amount": "much"}]
    path = write(tmp_path, csv_text(*rows))
    assert open_payment_file(path).inspect() == FileSummary(
        form="csv",
        message_id="salaries-1",
        initiating_party="",
        batches=1,
        instructions=3,
        control_sum="1000.25",
    )
    unnamed = write(tmp_path, csv_text(ROW), "june.csv")
    assert open_payment_file(unnamed).inspect().message_id == "june.csv"


@pytest.mark.parametrize(
    ("column", "cell", "rule"),
    [
        ("amount", "15.5", "amount.fraction"),
        ("amount", "0", "amount.zero"),
        ("amount", "", "amount.missing"),
        ("amount", "1 000", "amount.characters"),
        ("unit", "rial", "unit.unknown"),
        ("kind", "gift", "kind.unknown"),
        ("debtor_iban", "", "iban.missing"),
        ("creditor_iban", "IR" + "1" * 40, "iban.length"),
        ("creditor_name", "n" * 141, "creditor_name.length"),
        ("debtor_name", "\x00", "text.characters"),
        ("end_to_end_id", "e" * 36, "end_to_end_id.length"),
        ("end_to_end_id", "a\x1bb", "text.characters"),
        ("remittance", "r" * 141, "remittance.length"),
        ("bill_reference", "b" * 36, "bill_reference.length"),
        ("id", "12", "id.form"),
        ("id", "g" * 32, "id.form"),
        ("id", "0" * 32, "id.range"),
        ("id", "8" + "0" * 31, "id.range"),
    ],
)
def test_an_unreadable_row_names_its_column_rule_and_line_and_harms_no_other(
    tmp_path: Path, column: str, cell: str, rule: str
) -> None:
    first = {**ALL, "remittance": "two\nlines"}
    before, error, after = read(tmp_path, csv_text(first, {**ALL, column: cell}, ALL))
    assert isinstance(before, Instruction)
    assert isinstance(error, LineError)
    assert isinstance(after, Instruction)
    assert (error.path, error.rule) == (column, rule)
    assert (error.line, error.position) == (4, 2)  # The first row takes two lines.
    assert error.hint
    # And the others are what they would be in a file without a fault.
    assert [before, after] == read(tmp_path, csv_text(first, ALL, ALL))[::2]


@pytest.mark.parametrize("row", ["E1,x", "E1,a,b,c,d,e"])
def test_a_row_with_cells_too_few_or_too_many_harms_no_other(tmp_path: Path, row: str) -> None:
    text = csv_text(ROW) + row + "\n" + csv_text(ROW).split("\n")[1] + "\n"
    before, error, after = read(tmp_path, text)
    assert isinstance(before, Instruction)
    assert isinstance(error, LineError)
    assert isinstance(after, Instruction)
    assert (error.rule, error.line, error.position, error.path) == ("row.columns", 3, 2, "")


def test_a_file_sent_again_has_the_same_ids_and_ids_within_it_differ(tmp_path: Path) -> None:
    text = csv_text(ROW, ROW, ROW)
    first = read(tmp_path, text)
    assert read(tmp_path, text) == first
    ids = {result.id for result in first if isinstance(result, Instruction)}
    assert len(ids) == 3
    assert all(id[0] < 0x80 and len(id) == 16 for id in ids)


def test_the_file_name_or_the_batch_reference_makes_the_ids_another_months(
    tmp_path: Path,
) -> None:
    june = only(read(tmp_path, csv_text(ROW), "june.csv"))
    july = only(read(tmp_path, csv_text(ROW), "july.csv"))
    assert june.id != july.id
    named = csv_text({**ROW, "batch_reference": "june.csv"})
    assert only(read(tmp_path, named, "any.csv")).id == june.id


def test_a_stated_id_is_taken_as_it_is(tmp_path: Path) -> None:
    row = {**ROW, "id": f" {ID.upper()} "}
    assert only(read(tmp_path, csv_text(row))).id == bytes.fromhex(ID)


GOOD = csv_text(ROW)


@pytest.mark.parametrize(
    ("content", "rule", "line"),
    [
        (GOOD.rstrip("\n"), "file.truncated", 2),
        (GOOD.split("\n")[0], "file.truncated", 1),
        (GOOD.split("\n")[0] + "\n", "file.empty", 0),
        (GOOD.replace("amount,", "amount,amont,"), "file.columns", 1),
        (GOOD.replace("amount", "unit"), "file.columns", 1),
        (GOOD.replace("amount", "kind"), "file.columns", 1),
        (GOOD.replace(",", ";"), "file.columns", 1),
        (GOOD.replace("E1", '"E1'), "file.csv", 2),
        (GOOD.replace("E1", '"E"1'), "file.csv", 2),
        (GOOD.replace("E1", "e" * 300_000), "file.line_too_long", 2),
        (GOOD.replace("E1", '"' + "e\n" * 200_000), "file.csv", 65_538),
        (GOOD.replace("E1", "é").encode("latin-1"), "file.encoding", 2),
        (GOOD.encode("utf-16"), "file.encoding", 1),
        (GOOD.encode() + b"\xed\xa0\x80\n", "file.encoding", 3),
        (
            csv_text({**ROW, "batch_reference": "a"}, {**ROW, "batch_reference": "b"}),
            "file.batch_reference",
            3,
        ),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_is_refused(
    tmp_path: Path, content: str | bytes, rule: str, line: int
) -> None:
    error = refusal(tmp_path, content)
    assert (error.rule, error.line) == (rule, line)


def test_a_file_cut_off_anywhere_loses_no_row_in_silence(tmp_path: Path) -> None:
    content = csv_text(ALL, ALL, ALL).encode()
    for length in range(len(content)):
        path = write(tmp_path, content[:length])
        try:
            summary = open_payment_file(path).inspect()
        except FileError:
            continue
        # Only where it is cut off behind a whole row can nobody tell; CSV has no totals.
        assert content[:length].endswith(b"\n")
        assert summary.instructions == content[:length].count(b"\n") - 1
