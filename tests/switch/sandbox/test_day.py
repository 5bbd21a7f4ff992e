"""The sandbox's day: the same for the same seed, whole in its files, and wrong only on purpose."""

from collections import Counter
from dataclasses import replace
from importlib.resources import files as resources
from pathlib import Path

import pytest

from payvand.risk.rules import load_rules
from payvand.switch.directory_file import ParticipantEntry, load
from payvand.switch.files import Instruction, LineError, open_payment_file
from payvand.switch.identifiers import iban
from payvand.switch.sandbox.accounts import ACCEPTED, REJECTION_CODES, SILENT, account_iban, verdict
from payvand.switch.sandbox.day import CASES, SPREE_LINES, PlannedFile, day_date, plan_day
from payvand.switch.sandbox.day_files import write_file
from payvand.switch.sandbox.days import next_day
from payvand.switch.sandbox.rules import VELOCITY_COUNT_MAX, write_rules
from tests.support.iso20022_schema import violations

INSTRUCTIONS = 2_000


@pytest.fixture(scope="module")
def directory() -> tuple[ParticipantEntry, ...]:
    return load(Path(str(resources("payvand.switch.sandbox") / "directory.toml")))


@pytest.fixture(scope="module")
def day(directory: tuple[ParticipantEntry, ...]) -> list[PlannedFile]:
    return plan_day(directory, number=1, instructions=INSTRUCTIONS, seed=7)


def test_the_same_seed_gives_the_same_day_and_another_day_another(
    directory: tuple[ParticipantEntry, ...], day: list[PlannedFile]
) -> None:
    assert plan_day(directory, number=1, instructions=INSTRUCTIONS, seed=7) == day
    assert plan_day(directory, number=2, instructions=INSTRUCTIONS, seed=7) != day
    assert plan_day(directory, number=1, instructions=INSTRUCTIONS, seed=8) != day


def test_every_bank_sends_every_case_in_both_forms(day: list[PlannedFile]) -> None:
    banks = {file.bank for file in day}
    assert len(banks) == 6
    for bank in banks:
        own = [file for file in day if file.bank == bank]
        assert {file.form for file in own} == {"pain.001", "csv"}
        assert any(file.turns > 1 for file in own)
        assert {line.case for file in own for line in file.lines} == {case.name for case in CASES}
    assert sum(len(file.lines) for file in day) >= INSTRUCTIONS


def test_accounts_are_derived_and_wrong_only_on_purpose(day: list[PlannedFile]) -> None:
    wrong = Counter(
        line.case
        for file in day
        for line in file.lines
        if not (iban.is_valid(line.creditor_iban) and iban.is_valid(line.debtor_iban))
    )
    assert set(wrong) == {"wrong check digits", "a foreign account", "no creditor account"}


def test_the_files_hold_what_was_planned(day: list[PlannedFile], tmp_path: Path) -> None:
    for planned in day:
        path = tmp_path / planned.name
        write_file(planned, path, on=day_date(1))
        file = open_payment_file(path)
        assert file.inspect().instructions == len(planned.lines)
        for line, read in zip(planned.lines, file.read(), strict=True):
            assert read.end_to_end_id == line.end_to_end_id
            if isinstance(read, Instruction):
                assert (read.debtor_iban, read.creditor_iban, str(read.amount)) == (
                    line.debtor_iban,
                    line.creditor_iban,
                    line.amount,
                )
                assert read.bill_reference == line.bill_reference
                assert not line.id or read.id.hex() == line.id
            else:
                assert isinstance(read, LineError)
                assert line.case != CASES[0].name


def test_pain001_is_written_as_its_schema_says(day: list[PlannedFile], tmp_path: Path) -> None:
    planned = next(file for file in day if file.form == "pain.001")
    lawful = [line for line in planned.lines if line.case in ("to a bank", "a fee")][:40]
    path = tmp_path / planned.name
    write_file(replace(planned, lines=lawful), path, on=day_date(1))
    assert violations(path.read_bytes()) == []


def test_a_day_that_is_not_over_is_given_out_again(
    directory: tuple[ParticipantEntry, ...], tmp_path: Path
) -> None:
    told: list[str] = []

    def play(seed: int) -> tuple[int, list[Path]]:
        day = next_day(tmp_path, directory, instructions=1_000, seed=seed, tell=told.append)
        return day.number, day.files["melli"]

    first = play(1)
    written = len(told)
    assert play(2) == first
    assert len(told) == written, "what is there is not written again"
    (tmp_path / "days" / "0001" / "plan.json").unlink()
    assert play(1) == first, "a day that was planned in part is planned anew"
    (tmp_path / "days" / "0001" / "result.json").write_text("{}")
    assert play(1)[0] == 2


def test_the_rules_of_the_sandbox_block_and_slow_whom_the_day_expects(
    directory: tuple[ParticipantEntry, ...], day: list[PlannedFile], tmp_path: Path
) -> None:
    pack = load_rules(write_rules(directory, tmp_path / "rules.toml"))
    assert [rule.reason for rule in pack.rules] == ["AM13", "AM14", "AC06"]
    debtors = Counter(line.debtor_iban for file in day for line in file.lines)
    assert max(debtors.values()) == SPREE_LINES > VELOCITY_COUNT_MAX
    assert sorted(debtors.values())[-2] <= VELOCITY_COUNT_MAX


@pytest.mark.parametrize(
    ("ending", "word"), [(900, SILENT), (899, ACCEPTED), *REJECTION_CODES.items()]
)
def test_an_account_says_how_its_bank_answers(ending: int, word: str) -> None:
    account = account_iban("012", 5, ending)
    assert iban.is_valid(account)
    assert verdict(account) == word
