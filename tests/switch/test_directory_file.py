"""A directory file is used whole or not at all, and its fault is named by path and rule."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from payvand.switch import directory_file
from payvand.switch.directory_file import PARTICIPANTS_MAX, DirectoryFileError, ParticipantEntry
from payvand.switch.identifiers import iban
from payvand.switch.units import AMOUNT_MAX

TREASURY = iban.make("010", "4001000001")
BANK: dict[str, Any] = {
    "name": "mehr",
    "role": "bank",
    "display_name": "Bank Mehr",
    "display_name_fa": "بانک مهر",
    "bank_codes": ["017", "062"],
    "net_debit_cap": 10**12,
    "prefunding": 5 * 10**11,
    "unit": "IRR",
}
AGENCY: dict[str, Any] = {
    "name": "court-fees",
    "role": "agency",
    "display_name": "Court fees",
    "ibans": [TREASURY],
    "net_debit_cap": 0,
    "prefunding": 0,
    "unit": "IRR",
    "auto_accept": True,
}


def fault(content: dict[str, Any]) -> DirectoryFileError:
    with pytest.raises(DirectoryFileError) as refused:
        directory_file.parse(content)
    assert refused.value.hint
    return refused.value


def test_participants_are_read_in_their_order() -> None:
    assert directory_file.parse({"participant": [BANK, AGENCY]}) == (
        ParticipantEntry(
            name="mehr",
            role="bank",
            display_name="Bank Mehr",
            display_name_fa="بانک مهر",
            bank_codes=("017", "062"),
            ibans=(),
            net_debit_cap=10**12,
            prefunding=5 * 10**11,
            unit="IRR",
            auto_accept=False,
        ),
        ParticipantEntry(
            name="court-fees",
            role="agency",
            display_name="Court fees",
            display_name_fa="",
            bank_codes=(),
            ibans=(TREASURY,),
            net_debit_cap=0,
            prefunding=0,
            unit="IRR",
            auto_accept=True,
        ),
    )


def test_a_file_is_read_from_disk(tmp_path: Path) -> None:
    path = tmp_path / "directory.toml"
    path.write_text(
        f"""
        [[participant]]
        name = "court-fees"
        role = "agency"
        display_name = "Court fees"
        display_name_fa = "هزینه دادرسی"
        ibans = ["{TREASURY}"]
        net_debit_cap = 0
        prefunding = 0
        unit = "IRR"
        """,
        encoding="utf-8",
    )
    (entry,) = directory_file.load(path)
    assert entry.display_name_fa == "هزینه دادرسی"


@pytest.mark.parametrize("content", [b"[[participant]", b"\xff", b"a = 1\na = 2", b'x = "\x00"'])
def test_a_file_that_is_not_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "directory.toml"
    path.write_bytes(content)
    with pytest.raises(DirectoryFileError) as refused:
        directory_file.load(path)
    assert refused.value.rule == "directory.toml"


def test_a_file_that_is_not_there_is_a_fault_of_operation(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        directory_file.load(tmp_path / "nothing.toml")


@pytest.mark.parametrize("key", sorted(set(BANK) - {"display_name_fa", "bank_codes"}))
def test_a_key_that_is_missing_is_named(key: str) -> None:
    entry = {other: value for other, value in BANK.items() if other != key}
    error = fault({"participant": [AGENCY, entry]})
    assert (error.path, error.rule) == (f"participant[1].{key}", "directory.missing")


@pytest.mark.parametrize(
    ("entry", "key", "value", "path", "rule"),
    [
        (BANK, "name", "", "name", "directory.type"),
        (BANK, "name", "Mehr", "name", "directory.name"),
        (BANK, "name", "-mehr", "name", "directory.name"),
        (BANK, "name", "m" * 33, "name", "directory.name"),
        (BANK, "name", "mehr\n", "name", "directory.name"),
        (BANK, "name", "a/b", "name", "directory.name"),
        (BANK, "name", 7, "name", "directory.type"),
        (BANK, "role", "broker", "role", "directory.role"),
        (BANK, "display_name", "n" * 141, "display_name", "directory.type"),
        (BANK, "display_name_fa", "", "display_name_fa", "directory.type"),
        (BANK, "unit", "EUR", "unit", "unit.unknown"),
        (BANK, "bank_codes", [], "bank_codes", "directory.accounts"),
        (BANK, "bank_codes", "017", "bank_codes", "directory.type"),
        (BANK, "bank_codes", [17], "bank_codes", "directory.type"),
        (BANK, "bank_codes", ["017", "17"], "bank_codes[1]", "directory.bank_code"),
        (BANK, "bank_codes", ["01۷"], "bank_codes[0]", "directory.bank_code"),
        (BANK, "bank_codes", ["017", "017"], "bank_codes", "directory.bank_code_twice"),
        (BANK, "ibans", [TREASURY], "bank_codes", "directory.accounts"),
        (AGENCY, "ibans", [], "ibans", "directory.accounts"),
        (AGENCY, "bank_codes", ["017"], "ibans", "directory.accounts"),
        (AGENCY, "ibans", [TREASURY, TREASURY[:-1]], "ibans[1]", "iban.length"),
        (AGENCY, "ibans", ["IR00" + TREASURY[4:]], "ibans[0]", "iban.check_digits"),
        (AGENCY, "ibans", [TREASURY, TREASURY], "ibans", "directory.iban_twice"),
        (BANK, "net_debit_cap", -1, "net_debit_cap", "directory.amount"),
        (BANK, "net_debit_cap", 1.5, "net_debit_cap", "directory.amount"),
        (BANK, "net_debit_cap", True, "net_debit_cap", "directory.amount"),
        (BANK, "prefunding", "5", "prefunding", "directory.amount"),
        (BANK, "prefunding", AMOUNT_MAX + 1, "prefunding", "directory.amount"),
        (BANK, "auto_accept", "yes", "auto_accept", "directory.type"),
        (BANK, "cap", 1, "cap", "directory.key"),
    ],
)
def test_a_wrong_value_is_named_by_path_and_rule(
    entry: dict[str, Any], key: str, value: object, path: str, rule: str
) -> None:
    wrong = deepcopy(entry)
    wrong[key] = value
    other = AGENCY if entry is BANK else BANK
    error = fault({"participant": [other, wrong]})
    assert (error.path, error.rule) == (f"participant[1].{path}", rule)


@pytest.mark.parametrize(
    ("key", "rule"),
    [("name", "directory.name_twice"), ("bank_codes", "directory.bank_code_twice")],
)
def test_what_belongs_to_one_participant_is_not_another_ones(key: str, rule: str) -> None:
    second = BANK | {"name": "sepehr", "bank_codes": ["015"]}
    error = fault({"participant": [BANK, second | {key: BANK[key]}]})
    assert (error.path, error.rule) == (f"participant[1].{key}", rule)


@pytest.mark.parametrize(
    ("content", "path", "rule"),
    [
        ({}, "participant", "directory.participants"),
        ({"participant": []}, "participant", "directory.participants"),
        ({"participant": BANK}, "participant", "directory.participants"),
        ({"participant": ["mehr"]}, "participant[0]", "directory.participants"),
        ({"participant": [BANK], "bank": []}, "bank", "directory.key"),
        ({"participant": [BANK] * (PARTICIPANTS_MAX + 1)}, "participant", "directory.participants"),
    ],
)
def test_a_file_without_participants_or_with_more_is_refused(
    content: dict[str, Any], path: str, rule: str
) -> None:
    error = fault(content)
    assert (error.path, error.rule) == (path, rule)
