"""Banks' files are read by their profiles: good rows are taken, bad ones set aside."""

from pathlib import Path
from random import Random

import hypothesis.strategies as st
import pytest
from hypothesis import given

from payvand.settlement.reconciliation.bank_file import BankFile, FileRefused
from payvand.settlement.reconciliation.profile import CAMT, Profile, ProfileInvalid
from payvand.settlement.reconciliation.reading import RowBad, parse_amount, read_bank_file
from tests.support.bank_files import (
    CSV_PROFILE,
    FIXED_PROFILE,
    Row,
    camt_bytes,
    csv_lines,
    draw_postings,
    fixed_lines,
)

CSV, FIXED = Profile.parse(CSV_PROFILE), Profile.parse(FIXED_PROFILE)


def draw_rows(count: int = 30) -> list[Row]:
    postings = draw_postings(Random(3), count)
    columns = zip(postings.ids, postings.amounts, postings.days, strict=True)
    return [Row(f"{identity:032x}", amount, day) for identity, amount, day in columns]


ROWS = draw_rows()
FORMS: dict[str, tuple[Profile, bytes]] = {
    "csv": (CSV, "\r\n".join(csv_lines(ROWS)).encode()),
    "fixed": (FIXED, "\n".join(fixed_lines(ROWS)).encode()),
    "camt": (CAMT, camt_bytes(ROWS)),
}


def read(tmp_path: Path, content: bytes, profile: Profile) -> BankFile:
    path = tmp_path / "file"
    path.write_bytes(content)
    return read_bank_file(path, profile)


def rows_of(file: BankFile) -> list[Row]:
    columns = zip(file.rows.references, file.rows.amounts, file.rows.days, strict=True)
    return [Row(*row) for row in columns]


@pytest.mark.parametrize("form", FORMS)
def test_what_a_bank_wrote_is_what_is_read(tmp_path: Path, form: str) -> None:
    profile, content = FORMS[form]
    file = read(tmp_path, content, profile)
    assert rows_of(file) == ROWS
    assert file.set_aside == ()
    assert file.declared_count == len(ROWS)
    assert file.declared_sum == sum(abs(row.amount) for row in ROWS)
    assert file.control_faults == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1256", "utf-16"])
def test_a_foreign_encoding_is_read_as_what_it_is(tmp_path: Path, encoding: str) -> None:
    # The Persian yeh isn't in windows-1256; banks that write it have the Arabic one.
    lines = [line.replace("ی", "ي") for line in csv_lines(ROWS)]
    profile = Profile.parse(CSV_PROFILE.replace("ی", "ي"))
    file = read(tmp_path, "\n".join(lines).encode(encoding), profile)
    assert rows_of(file) == ROWS
    assert file.control_faults == []


def test_an_unknown_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="in none of the encodings utf-8-sig"):
        read(tmp_path, b"\xff\x81\xfe", FIXED)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_file_that_breaks_off_is_told_and_read_up_to_there(
    tmp_path: Path, form: str, kept: float
) -> None:
    profile, content = FORMS[form]
    file = read(tmp_path, content[: int(len(content) * kept)], profile)
    assert file.control_faults
    taken = rows_of(file)
    assert 0 < len(taken) < len(ROWS)
    assert set(taken) <= set(ROWS)


def test_bad_rows_are_set_aside_with_their_reason_and_the_rest_is_taken(tmp_path: Path) -> None:
    lines = csv_lines(ROWS)
    parts = lines[1].split(";")
    bad = {
        "amount.characters": [parts[0], parts[1], "12x4", parts[3]],
        "amount.fraction": [parts[0], parts[1], "12.5", parts[3]],
        "amount.zero": [parts[0], parts[1], "0", parts[3]],
        "amount.sign": [parts[0], parts[1], "-5", parts[3]],
        "amount.overflow": [parts[0], parts[1], "9" * 19, parts[3]],
        "side.unknown": [parts[0], "?", parts[2], parts[3]],
        "day.format": [parts[0], parts[1], parts[2], "1404/13/01"],
        "row.columns": parts[:2],
    }
    content = [lines[0], *(";".join(line) for line in bad.values()), *lines[1:]]
    file = read(tmp_path, "\n".join(content).encode(), CSV)
    assert [aside.rule for aside in file.set_aside] == list(bad)
    assert [aside.number for aside in file.set_aside] == list(range(2, 10))
    assert file.set_aside[0].text == ";".join(bad["amount.characters"])
    assert rows_of(file) == ROWS
    assert file.control_faults == [f"{len(ROWS)} rows declared, {len(ROWS) + 8} there"]


def test_bad_entries_of_a_message_are_set_aside(tmp_path: Path) -> None:
    content = camt_bytes(ROWS)
    for old, new in ((b"<CdtDbtInd>CRDT", b"<CdtDbtInd>NONE"), (b"<Dt>2025", b"<Dt>2025-99")):
        assert old in content
        file = read(tmp_path, content.replace(old, new, 1), CAMT)
        assert len(file.set_aside) == 1
        assert len(file.rows) == len(ROWS) - 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no xml",
        b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"/>',
        b"<Document/>",
        b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08}"/>',
    ],
)
def test_what_is_no_statement_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileRefused):
        read(tmp_path, content, CAMT)


def test_entities_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef0123456789abcdef")
    content = camt_bytes(ROWS[:1]).replace(ROWS[0].reference.encode(), b"&x;")
    doctype = f'<!DOCTYPE d [<!ENTITY x SYSTEM "{secret}">]>'.encode()
    file = read(tmp_path, doctype + content, CAMT)
    assert "0123456789abcdef" not in "".join(file.rows.references)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    content = "\n".join(csv_lines(ROWS)).replace("مبلغ", "amount", 1).encode()
    with pytest.raises(FileRefused, match="has no column 'مبلغ', its columns are"):
        read(tmp_path, content, CSV)


def test_numbers_name_columns_too(tmp_path: Path) -> None:
    profile = Profile.parse(
        'name = "plain"\nform = "csv"\nheading = false\n'
        "[columns]\nreference = 0\namount = 1\nday = 2\n"
    )
    file = read(tmp_path, b"ab,-5,2025-11-09\ncd,7,2025-11-10\n", profile)
    assert rows_of(file) == [Row("ab", -5, 20_401), Row("cd", 7, 20_402)]
    assert file.control_faults == []


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1,234,567", 1_234_567),
        ("۱۲۳", 123),
        ("-15.00", -15),
        ("−7", -7),
        ("+8", 8),
        (" 9 ", 9),
    ],
)
def test_amounts_are_read_as_people_write_them(text: str, amount: int) -> None:
    assert parse_amount(text, CSV, 0) == amount


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.integers(0, 3))
def test_amounts_survive_being_written_with_decimals(amount: int, exponent: int) -> None:
    whole, minor = divmod(abs(amount), 10**exponent)
    text = f"{'-' * (amount < 0)}{whole}" + (f".{minor:0{exponent}}" if exponent else "")
    assert parse_amount(text, CSV, exponent) == amount


@pytest.mark.parametrize("text", ["", "1_000", "1e5", "0x10", "NaN", "Infinity", "--5", "1 000"])
def test_what_is_no_amount_is_no_amount(text: str) -> None:
    with pytest.raises(RowBad, match=r"amount\.characters"):
        parse_amount(text, CSV, 0)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (('form = "csv"', 'form = "pdf"'), "form"),
        (('delimiter = ";"', 'delimiter = ";;"'), "delimiter"),
        (('calendar = "persian"', 'calendar = "lunar"'), "days.calendar"),
        (('name = "csv-bank"', 'name = ""'), "name"),
        (('name = "csv-bank"', 'name = "x"\ncolour = 1'), "colour"),
        (('thousands = ","', "exponent = 9"), "amounts.exponent"),
        (('day = "تاریخ"', ""), "columns.day"),
        (('side = "نوع"', ""), "columns.side"),
        (('reference = "شماره پیگیری"', "reference = [0, 3]"), "columns.reference"),
        (('reference = "شماره پیگیری"', "reference = 1.5"), "columns.reference"),
        (('thousands = ","', "thousands"), "TOML"),
    ],
)
def test_a_wrong_profile_names_the_key(change: tuple[str, str], key: str) -> None:
    assert change[0] in CSV_PROFILE
    with pytest.raises(ProfileInvalid, match=key):
        Profile.parse(CSV_PROFILE.replace(*change, 1))


@given(st.binary(max_size=300), st.sampled_from(["csv", "fixed", "camt"]))
def test_no_bytes_break_the_reader(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, form: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any-bytes"
    path.write_bytes(content)
    try:
        file = read_bank_file(path, FORMS[form][0])
    except FileRefused:
        return
    assert len(file.rows) == 0 or form != "camt"
