"""Banks by the code in their IBANs and by the issuer number (BIN) of their cards, day by day.

Banks merge and are dissolved, and their codes stay in circulation for years. So a code has a first
and a last day as its bank's own, and a successor behind the last; asking who holds it on a day
follows the successors, however many. Three refusals are told apart:

* `bank_code.unknown`, `bin.unknown`: the table has no such code;
* `bank_code.unissued`, `bin.unissued`: it begins on a later day;
* `bank_code.retired`, `bin.retired`: it ended, and nobody succeeded to it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from payvand.switch.identifiers.identifier_error import IdentifierError
from payvand.switch.rules.table_row import RulesError, TableRow, parse_toml
from payvand.switch.rules.validity import Validity

__all__ = ["UNKNOWN_DAY", "Bank", "Banks", "Bin", "Holding", "Succession", "parse", "read"]

BANKS_MAX = 900
BANK_CODE_LENGTH = 3
BIN_LENGTH = 6
UNKNOWN_DAY = "unknown"
"""Stands for `until` where a code ended before the table begins, nobody knows when."""


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank or credit institution and the code that it has or had."""

    code: str
    name_en: str
    name_fa: str
    bic: str
    """Eight characters, as a name only; empty where none is known."""
    validity: Validity
    """The days on which the code is its own."""
    successor: str
    """The code of who holds its accounts behind the last day; empty where nobody does."""
    note: str


@dataclass(frozen=True, slots=True)
class Bin:
    """The first six digits of a bank's cards."""

    digits: str
    bank_code: str
    validity: Validity


@dataclass(frozen=True, slots=True)
class Succession:
    """One step from a bank to who holds its accounts now."""

    code: str
    successor: str
    last: date
    """The last day of the code's own bank; `date.min` where nobody knows it."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Who holds a code on a day, and by which successions."""

    code: str
    bank: Bank
    successions: tuple[Succession, ...]


class Banks:
    """One version of the table. Immutable: a change makes another."""

    def __init__(
        self, version: str, source: str, banks: Iterable[Bank], bins: Iterable[Bin]
    ) -> None:
        """Hold *banks* and their *bins*, which must fit together; `parse` sees to that."""
        self.version = version
        self.source = source
        self.banks: Mapping[str, Bank] = MappingProxyType({bank.code: bank for bank in banks})
        """By code."""
        self.bins: Mapping[str, Bin] = MappingProxyType({bin.digits: bin for bin in bins})
        """By their six digits."""

    def holder(self, code: str, day: date) -> Holding:
        """Return who holds the accounts with the bank code *code* on *day*.

        Raises `IdentifierError` where the code is unknown, not yet issued or retired.
        """
        successions: list[Succession] = []
        bank = self._bank(code, day)
        while not bank.validity.covers(day):
            last = bank.validity.last
            if not bank.successor:
                hint = f"the code ended with {_day_text(last)}, and no bank succeeded to it"
                raise IdentifierError("bank_code.retired", hint)
            successions.append(Succession(bank.code, bank.successor, last))
            bank = self._bank(bank.successor, day)
        return Holding(code, bank, tuple(successions))

    def issuer(self, card: str, day: date) -> Holding:
        """Return who holds the accounts behind a card on *day*; six digits or more are enough.

        Raises `IdentifierError` where the issuer number is unknown, not yet issued or retired.
        """
        bin = self.bins.get(card[:BIN_LENGTH])
        if bin is None:
            raise IdentifierError(
                "bin.unknown", "no bank of the country issues cards that begin so"
            )
        if day < bin.validity.first:
            hint = f"cards that begin so are issued from {_day_text(bin.validity.first)} on"
            raise IdentifierError("bin.unissued", hint)
        if day > bin.validity.last:
            hint = f"cards that begin so ended with {_day_text(bin.validity.last)}"
            raise IdentifierError("bin.retired", hint)
        return self.holder(bin.bank_code, day)

    def _bank(self, code: str, day: date) -> Bank:
        bank = self.banks.get(code)
        if bank is None:
            raise IdentifierError("bank_code.unknown", "no bank of the country has this code")
        if day < bank.validity.first:
            hint = f"the code is its bank's from {_day_text(bank.validity.first)} on"
            raise IdentifierError("bank_code.unissued", hint)
        return bank


def parse(text: str) -> Banks:
    """Return the table that the TOML *text* holds, or raise `RulesError`."""
    return read(parse_toml(text))


def read(file: TableRow) -> Banks:
    """Return the table that a parsed *file* holds, or raise `RulesError`."""
    version, source = file.text("version"), file.text("source")
    banks: dict[str, Bank] = {}
    bins: dict[str, Bin] = {}
    for row in file.rows("bank"):
        bank = _bank(row)
        if bank.code in banks:
            raise row.fault("code", "banks.twice", f"the code {bank.code} has a row already")
        banks[bank.code] = bank
        for digits in row.texts("bins", optional=True):
            _add_bin(bins, row, "bins", Bin(digits, bank.code, Validity()))
        row.finish()
    for row in file.rows("bin", optional=True):
        bin = Bin(row.text("digits"), row.text("bank"), row.validity())
        row.text("note", "")
        _add_bin(bins, row, "digits", bin)
        row.finish()
    file.finish()
    _check(banks, bins)
    return Banks(version, source, banks.values(), bins.values())


def _bank(row: TableRow) -> Bank:
    code = row.text("code")
    if not _is_number(code, BANK_CODE_LENGTH):
        raise row.fault("code", "banks.code", f"a bank code has {BANK_CODE_LENGTH} digits")
    ended = row.is_word("until", UNKNOWN_DAY)
    return Bank(
        code=code,
        name_en=row.text("name_en"),
        name_fa=row.text("name_fa"),
        bic=row.text("bic", ""),
        validity=Validity(date.min, date.min) if ended else row.validity(),
        successor=row.text("successor", ""),
        note=row.text("note", ""),
    )


def _add_bin(bins: dict[str, Bin], row: TableRow, key: str, bin: Bin) -> None:
    if not _is_number(bin.digits, BIN_LENGTH):
        raise row.fault(key, "banks.bin", f"an issuer number has {BIN_LENGTH} digits")
    if bin.digits in bins:
        holder = bins[bin.digits].bank_code
        raise row.fault(key, "banks.twice", f"{bin.digits} is of the bank {holder} already")
    bins[bin.digits] = bin


def _check(banks: Mapping[str, Bank], bins: Mapping[str, Bin]) -> None:
    """Refuse successors that are not there, that go in a circle, or that have no beginning."""
    if not 0 < len(banks) <= BANKS_MAX:
        raise RulesError("bank", "banks.count", f"give 1 to {BANKS_MAX} banks")
    for bin in bins.values():
        if bin.bank_code not in banks:
            hint = f"{bin.digits} belongs to {bin.bank_code}, which has no row"
            raise RulesError("bin", "banks.missing", hint, is_between_rows=True)
    for index, bank in enumerate(banks.values()):
        at = f"bank[{index}]"
        if bank.successor and bank.validity.last == date.max:
            hint = f"{bank.code} has a successor, so say its last day in until"
            raise RulesError(f"{at}.until", "banks.until", hint)
        seen = [bank.code]
        while successor := banks[seen[-1]].successor:
            if successor not in banks:
                hint = f"{seen[-1]} is succeeded by {successor}, which has no row"
                raise RulesError(f"{at}.successor", "banks.missing", hint, is_between_rows=True)
            if successor in seen:
                hint = "successors go in a circle: " + " → ".join([*seen, successor])
                raise RulesError(f"{at}.successor", "banks.circle", hint, is_between_rows=True)
            seen.append(successor)


def _is_number(text: str, length: int) -> bool:
    return len(text) == length and text.isascii() and text.isdigit()


def _day_text(day: date) -> str:
    return str(Validity(day, day)).partition(" to ")[0] if day > date.min else "an unknown day"
