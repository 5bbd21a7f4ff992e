"""Totals are proved before anything of a file is given out."""

from collections.abc import Callable
from pathlib import Path

import pytest

from payvand.switch.files import FileError, FileSummary, open_payment_file
from tests.support.payment_files import Batch, Order, pain001_text


def inspect(tmp_path: Path, text: str) -> FileSummary:
    path = tmp_path / "payments.xml"
    path.write_text(text, encoding="utf-8")
    return open_payment_file(path).inspect()


def refusal(tmp_path: Path, text: str) -> FileError:
    """Return why the file as a whole is refused, after a proof that nothing was given out."""
    path = tmp_path / "payments.xml"
    path.write_text(text, encoding="utf-8")
    given: list[object] = []
    with pytest.raises(FileError) as refused:
        given.extend(open_payment_file(path).read())
    assert given == []
    assert refused.value.hint
    return refused.value


def batches() -> tuple[Batch, Batch]:
    return (
        Batch([Order(amount="1000"), Order(amount="2000.50", unit="EUR")], number="2"),
        Batch([Order(amount="7")], number="1", control_sum="7.0"),
    )


def test_a_summary_says_what_the_file_holds(tmp_path: Path) -> None:
    text = pain001_text(*batches(), number="3", control_sum="3007.50")
    assert inspect(tmp_path, text) == FileSummary(
        form="pain.001.001.09",
        message_id="M1",
        initiating_party="Sender",
        batches=2,
        instructions=3,
        control_sum="3007.5",
    )


@pytest.mark.parametrize("number", ["2", "4", "", " 3 ", "03", "3.0", "-3", "+3", "٣", "9" * 16])
def test_the_number_of_transactions_is_proved_for_the_group(tmp_path: Path, number: str) -> None:
    text = pain001_text(*batches(), number=number)
    if number.strip() in ("3", "03", ""):
        assert inspect(tmp_path, text).instructions == 3
    else:
        assert refusal(tmp_path, text).rule == "file.number_of_transactions"


@pytest.mark.parametrize(
    "control_sum", ["3007.51", "3007", "3007,5", "", "3007.500", "+3007.5", "1e3", "NaN", "9" * 61]
)
def test_the_control_sum_is_proved_for_the_group(tmp_path: Path, control_sum: str) -> None:
    text = pain001_text(*batches(), control_sum=control_sum)
    if control_sum in ("", "3007.500", "+3007.5"):
        assert inspect(tmp_path, text).control_sum == "3007.5"
    else:
        error = refusal(tmp_path, text)
        assert (error.rule, error.line) == ("file.control_sum", 3)


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (lambda batch: setattr(batch, "number", "2"), "file.number_of_transactions"),
        (lambda batch: setattr(batch, "control_sum", "8"), "file.control_sum"),
    ],
)
def test_totals_are_proved_for_each_batch(
    tmp_path: Path, spoil: Callable[[Batch], None], rule: str
) -> None:
    first, second = batches()
    spoil(second)
    error = refusal(tmp_path, pain001_text(first, second))
    assert error.rule == rule
    assert error.line == 8  # where the second batch starts


def test_unreadable_instructions_count_in_the_totals(tmp_path: Path) -> None:
    order = Order(amount="5", creditor_iban="")
    assert inspect(tmp_path, pain001_text(Batch([order]), control_sum="5")).instructions == 1


def test_a_sum_over_an_illegible_amount_is_refused_and_without_a_sum_only_the_instruction(
    tmp_path: Path,
) -> None:
    orders = [Order(amount="5"), Order(amount="five")]
    error = refusal(tmp_path, pain001_text(Batch(orders), control_sum="5"))
    assert (error.rule, error.line) == ("file.control_sum", 6)
    assert inspect(tmp_path, pain001_text(Batch(orders))).control_sum == "5"


def test_a_sum_is_exact_where_a_float_is_not(tmp_path: Path) -> None:
    orders = [Order(amount="9007199254740993"), Order(amount="0.00000000000000001")]
    exact = "9007199254740993.00000000000000001"
    assert inspect(tmp_path, pain001_text(Batch(orders), control_sum=exact)).control_sum == exact
    error = refusal(tmp_path, pain001_text(Batch(orders), control_sum="9007199254740993"))
    assert error.rule == "file.control_sum"


def test_an_equivalent_amount_counts_in_the_sum(tmp_path: Path) -> None:
    element = '<EqvtAmt><Amt Ccy="IRR">195</Amt><CcyOfTrf>EUR</CcyOfTrf></EqvtAmt>'
    text = pain001_text(Batch([Order(amount_element=element)]), control_sum="195")
    assert inspect(tmp_path, text).control_sum == "195"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (pain001_text(), "file.empty"),
        (pain001_text(Batch([])), "file.empty"),
        (pain001_text(Batch(), message_id=""), "file.message_id"),
        (pain001_text(Batch(), version=13), "file.version"),
        (pain001_text(Batch(), namespace="urn:pain.001.001.01"), "file.version"),
        (pain001_text(Batch(), namespace="urn:pain.008.001.09"), "file.not_pain001"),
        (pain001_text(Batch(), namespace="urn:pain.001.001.090"), "file.not_pain001"),
        (pain001_text(Batch(), namespace="urn:pain.001.001.09}"), "file.not_pain001"),
        ("<Document/>", "file.not_pain001"),
        ('<Doc xmlns="urn:pain.001.001.09"/>', "file.not_pain001"),
        ('<Document xmlns="urn:pain.001.001.09"/>', "file.structure"),
        ('<p:Document xmlns:p="urn:pain.001.001.09"><GrpHdr/></p:Document>', "file.structure"),
    ],
)
def test_a_file_that_holds_no_payments_of_ours_is_refused(
    tmp_path: Path, text: str, rule: str
) -> None:
    assert refusal(tmp_path, text).rule == rule


GOOD = pain001_text(Batch())
HEADER = GOOD[GOOD.index("<GrpHdr>") : GOOD.index("<PmtInf>")]
INFORMATION = GOOD[GOOD.index("<PmtInf>") : GOOD.index("</CstmrCdtTrfInitn>")]
INSTRUCTION = GOOD[GOOD.index("<CdtTrfTxInf>") : GOOD.index("</PmtInf>")]


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace(HEADER, ""),
        GOOD.replace(HEADER, HEADER + HEADER),
        GOOD.replace(HEADER + INFORMATION, INFORMATION + HEADER),
        GOOD.replace(INFORMATION, INSTRUCTION),
        GOOD.replace(INSTRUCTION, INFORMATION),
        GOOD.replace(INSTRUCTION, f"<CdtTrfTxInf>{INSTRUCTION}</CdtTrfTxInf>"),
        GOOD.replace("CstmrCdtTrfInitn", "CstmrDrctDbtInitn"),
        GOOD.replace("<CstmrCdtTrfInitn>", "<X><CstmrCdtTrfInitn>").replace(
            "</Document>", "</X></Document>"
        ),
    ],
    ids=[
        "no header",
        "two headers",
        "header last",
        "instruction outside of a batch",
        "batch in a batch",
        "instruction in an instruction",
        "another message",
        "one level too deep",
    ],
)
def test_elements_that_stand_in_the_wrong_place_refuse_the_file(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, text).rule == "file.structure"
