"""A day of payments, planned: who pays whom how much, and what is wrong with some of them.

Everything follows from the directory, the number of the day, how many instructions there are to be
and the seed: the same of these give the same day. What becomes of an instruction follows from
itself: accounts whose number says how the bank answers (`accounts`), amounts above a cap or a
ceiling, accounts on the block list, a customer that pays too often (`rules`), rules broken on
purpose.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Final, Literal

from payvand.client import new_payment_id
from payvand.switch.directory_file import ParticipantEntry
from payvand.switch.sandbox import people
from payvand.switch.sandbox.accounts import (
    REJECTION_CODES,
    SILENT_ENDING,
    account_iban,
    blocked_iban,
)
from payvand.switch.sandbox.rules import CEILING

__all__ = ["CASES", "INSTRUCTIONS_MIN", "Line", "PlannedFile", "day_date", "plan_day"]

INSTRUCTIONS_MIN: Final = 1_000
"""Fewer would leave some cases out."""
FIRST_DAY: Final = date(2026, 3, 21)
"""Nowruz 1405."""

FILE_LINES_MAX: Final = 4_000
PAIN001_SHARE: Final = 0.75
GROUP_LINES_MAX: Final = 12
"""At most so many instructions of one debtor stand together."""
DEBTORS: Final = 4_000
"""Customers of each bank that pay, more where there are more payments; each pays a few times."""
SPREE_SERIAL: Final = 9_000_000
SPREE_LINES: Final = 60
"""So many lines in a row are of one customer of the first bank: more than its velocity allows."""
CREDITORS: Final = 60_000
"""Customers of each bank that are paid."""
TWICE_LINES_MAX: Final = 500
"""The file that is sent twice has at most so many."""
REPEATED_LINES: Final = 25
"""So many lines of each bank's last file stand in it twice, under the same id."""
REUSED_IDS: Final = 5
"""So many ids are used again for another amount, which is refused."""


@dataclass(frozen=True, slots=True)
class Line:
    """An instruction as its bank writes it; some are wrong on purpose."""

    debtor_iban: str
    debtor_name: str
    creditor_iban: str
    creditor_name: str
    amount: str
    unit: str
    end_to_end_id: str
    remittance: str
    bill_reference: str
    kind: Literal["credit_transfer", "fee"]
    id: str = ""
    """The payment's id as 32 hexadecimal digits, where the bank makes its own (CSV)."""
    case: str = ""
    """Which of `CASES` it is; not in the file."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file that a bank sends."""

    bank: str
    """The bank's short name."""
    name: str
    """The file's name, which is in it as its message id too."""
    form: Literal["pain.001", "csv"]
    lines: Sequence[Line]
    turns: int
    """How often it is sent; more than once means that the bank wasn't sure."""


def day_date(number: int) -> date:
    """Return the date of the day *number*, from 1."""
    return FIRST_DAY + timedelta(days=number - 1)


def plan_day(
    directory: Sequence[ParticipantEntry], *, number: int, instructions: int, seed: int
) -> list[PlannedFile]:
    """Plan the files of the day *number*: about *instructions* instructions, those sent once.

    Every bank of the directory sends; the first sends most.
    """
    banks = [entry for entry in directory if entry.role == "bank"]
    agencies = [entry for entry in directory if entry.role == "agency"]
    if len(banks) < 2 or not agencies or instructions < INSTRUCTIONS_MIN:
        raise ValueError(
            f"a day needs two banks, a government service and {INSTRUCTIONS_MIN} instructions; "
            f"there are {len(banks)}, {len(agencies)} and {instructions}"
        )
    random = Random(f"{seed}/{number}")  # noqa: S311 (a reproducible day, no secret)
    weights = [len(banks) + 2 - index for index in range(len(banks))]
    files: list[PlannedFile] = []
    for bank, weight in zip(banks, weights, strict=True):
        count = instructions * weight // sum(weights)
        desk = _Desk(
            random,
            bank,
            [other for other in banks if other is not bank],
            agencies,
            debtors=max(DEBTORS, count // 4),
            spree=bank is banks[0],
        )
        files += _files_of(desk, number, count)
    return files


class _Desk:
    """A bank's payments desk: draws lines of each case."""

    def __init__(
        self,
        random: Random,
        bank: ParticipantEntry,
        others: Sequence[ParticipantEntry],
        agencies: Sequence[ParticipantEntry],
        *,
        debtors: int,
        spree: bool,
    ) -> None:
        self.random = random
        self.bank = bank
        self.others = others
        self.agencies = agencies
        self.spree = spree
        self._debtors = debtors
        self._drawn = 0

    def creditor(self, ending: int | None = None, *, answering: bool = False) -> str:
        """Return an account at another bank; with *answering*, at one that answers for itself."""
        banks = self.others
        if answering:
            banks = [bank for bank in banks if not bank.auto_accept] or banks
        code = self.random.choice(self.random.choice(banks).bank_codes)
        return account_iban(code, DEBTORS + self.random.randrange(CREDITORS), ending)

    def blocked(self) -> str:
        """Return the account at another bank that is on the block list."""
        return blocked_iban(self.random.choice(self.random.choice(self.others).bank_codes))

    def debtor(self, serial: int | None = None) -> tuple[str, str]:
        """Return an account of the bank itself, any or the one given, and its holder's name."""
        if serial is None:
            serial = self.random.randrange(self._debtors)
        holder = people.firm if serial % 3 else people.person
        code = self.bank.bank_codes[serial % len(self.bank.bank_codes)]
        name = Random(f"{self.bank.name}/{serial}")  # noqa: S311 (the same name every day)
        return account_iban(code, serial), holder(name)

    def amount(self) -> int:
        """Return an amount in rial: mostly small, now and then large, always whole thousands."""
        scale = self.random.choices((10**2, 10**3, 10**4, 10**5), (45, 35, 17, 3))[0]
        return 1_000 * self.random.randrange(scale, 10 * scale)

    def line(self, creditor_iban: str, *, amount: str = "", unit: str = "", name: str = "") -> Line:
        """Return an ordinary credit transfer but for what is given."""
        self._drawn += 1
        return Line(
            *("", ""),
            creditor_iban,
            name or people.person(self.random),
            amount or str(self.amount()),
            unit or self.bank.unit,
            f"{self.bank.name[:8]}-{self._drawn:06}",
            people.purpose(self.random),
            "",
            "credit_transfer",
        )

    def fee(self, creditor_iban: str = "") -> Line:
        """Return a fee to a government service."""
        agency = self.random.choice(self.agencies)
        self._drawn += 1
        units = self.random.randrange(10, 50_000)
        return Line(
            *("", ""),
            creditor_iban or self.random.choice(agency.ibans),
            agency.display_name_fa or agency.display_name,
            str(units * 1_000),
            self.bank.unit,
            f"{self.bank.name[:8]}-{self._drawn:06}",
            "",
            _bill(self.random, units),
            "fee",
        )


def _files_of(desk: "_Desk", number: int, count: int) -> list[PlannedFile]:
    """Draw a bank's *count* lines and put them into files; the last pain.001 goes out twice."""
    lines = [
        replace(case.draw(desk), case=case.name)
        for case in CASES
        for _ in range(max(1, count * case.per_ten_thousand // 10_000))
    ]
    ordinary = CASES[0]
    lines += [replace(ordinary.draw(desk), case=ordinary.name) for _ in range(count - len(lines))]
    desk.random.shuffle(lines)
    lines = _with_debtors(desk, lines)
    in_pain001 = int(count * PAIN001_SHARE)
    twice = min(TWICE_LINES_MAX, in_pain001 // 4)
    chunks = [*_chunks(lines[: in_pain001 - twice]), lines[in_pain001 - twice : in_pain001]]
    files = [
        PlannedFile(
            desk.bank.name,
            f"{desk.bank.name}-{day_date(number):%Y%m%d}-{place:02}.xml",
            "pain.001",
            chunk,
            2 if place == len(chunks) else 1,
        )
        for place, chunk in enumerate(chunks, 1)
    ]
    ids = _Ids(desk, number)
    chunks = list(_chunks([replace(line, id=ids.next()) for line in lines[in_pain001:]]))
    chunks[-1] = _with_repeats(desk, chunks[-1])
    return files + [
        PlannedFile(
            desk.bank.name,
            f"{desk.bank.name}-{day_date(number):%Y%m%d}-{place:02}.csv",
            "csv",
            chunk,
            1,
        )
        for place, chunk in enumerate(chunks, len(files) + 1)
    ]


def _with_debtors(desk: "_Desk", lines: Sequence[Line]) -> list[Line]:
    """Give the lines their debtors, a few lines in a row to each."""
    done: list[Line] = []
    while len(done) < len(lines):
        if desk.spree and not done:
            iban, name = desk.debtor(SPREE_SERIAL)
            stop = SPREE_LINES
        else:
            iban, name = desk.debtor()
            stop = len(done) + desk.random.randint(1, GROUP_LINES_MAX)
        done += [
            replace(line, debtor_iban=iban, debtor_name=name) for line in lines[len(done) : stop]
        ]
    return done


def _with_repeats(desk: "_Desk", lines: Sequence[Line]) -> list[Line]:
    """Let some lines stand in the file twice, and some ids be used again for something else.

    Only ordinary lines: an id that had no effect is free to be used.
    """
    ordinary = [line for line in lines if line.case == CASES[0].name]
    repeated = desk.random.sample(ordinary, min(REPEATED_LINES, len(ordinary) // 4))
    reused = desk.random.sample(ordinary, min(REUSED_IDS, len(ordinary) // 4))
    return [
        *lines,
        *repeated,
        *(replace(line, amount=f"{line.amount}000") for line in reused),
    ]


class _Ids:
    """Payment ids as a bank makes them that keeps its own: UUIDv7 of the day."""

    def __init__(self, desk: "_Desk", number: int) -> None:
        self._random = desk.random
        self._now_ms = (day_date(number) - date(1970, 1, 1)).days * 86_400_000

    def next(self) -> str:
        """Return the next one, as 32 hexadecimal digits."""
        self._now_ms += 1
        return new_payment_id(now_ms=self._now_ms, entropy=self._random.randbytes(10)).hex()


def _chunks(lines: Sequence[Line]) -> Iterator[Sequence[Line]]:
    for start in range(0, len(lines), FILE_LINES_MAX):
        yield lines[start : start + FILE_LINES_MAX]


@dataclass(frozen=True, slots=True)
class _Case:
    """A kind of line: how many of ten thousand are of it, and how one is made."""

    name: str
    per_ten_thousand: int
    draw: Callable[["_Desk"], Line]


def _rejected(ending: int) -> Callable[["_Desk"], Line]:
    """Return what draws a payment to an account with an *ending* that isn't accepted."""
    return lambda desk: desk.line(desk.creditor(ending, answering=True))


# What a foreign desk writes: the account that the registry of IBANs gives as its example.
_FOREIGN_IBAN: Final = "DE89370400440532013000"
_NOBODYS_CODE: Final = "999"

CASES: Final = (
    _Case("to a bank", 7_560, lambda desk: desk.line(desk.creditor())),
    _Case("a fee", 1_700, lambda desk: desk.fee()),
    # Rejected by the creditor's bank, or never answered.
    *(
        _Case(f"rejected, {REJECTION_CODES[ending]}", 50, _rejected(ending))
        for ending in (901, 904, 906, 914)
    ),
    _Case("never answered", 60, _rejected(SILENT_ENDING)),
    # Declined.
    _Case(
        "above the ceiling", 15, lambda desk: desk.line(desk.creditor(), amount=str(9 * CEILING))
    ),
    _Case(
        "above the net debit cap",
        20,
        lambda desk: desk.line(desk.creditor(), amount=str(2 * desk.bank.net_debit_cap + 1_000)),
    ),
    _Case("to a blocked account", 15, lambda desk: desk.line(desk.blocked())),
    # Refused: a rule of the contract is broken.
    _Case("wrong check digits", 90, lambda desk: desk.line(_slip(desk.creditor()))),
    _Case(
        "no such bank",
        90,
        lambda desk: desk.line(account_iban(_NOBODYS_CODE, desk.random.randrange(CREDITORS))),
    ),
    _Case("a foreign account", 40, lambda desk: desk.line(_FOREIGN_IBAN)),
    _Case("a foreign unit", 40, lambda desk: desk.line(desk.creditor(), unit="EUR")),
    _Case("an amount of zero", 40, lambda desk: desk.line(desk.creditor(), amount="0")),
    _Case("a part of a rial", 40, lambda desk: desk.line(desk.creditor(), amount="125000.50")),
    _Case("no creditor account", 40, lambda desk: desk.line("")),
    _Case("a name too long", 50, lambda desk: desk.line(desk.creditor(), name="نام " * 40)),
)
"""What a day is made of."""


def _slip(iban: str) -> str:
    """Return an IBAN with two digits swapped, as a hand does: its check digits are wrong."""
    for index in range(len(iban) - 2, 6, -1):
        if iban[index] != iban[index + 1]:
            return iban[:index] + iban[index + 1] + iban[index] + iban[index + 2 :]
    raise AssertionError("an account of the sandbox has two different digits")


def _bill(random: Random, units: int) -> str:
    """Return bill and payment identifier of a bill of *units* thousand rial, with check digits."""
    bill = f"{random.randrange(10**6, 10**8)}{random.randrange(100, 1_000)}9"
    bill += _check_digit(bill)
    payment = f"{units}{random.randrange(10)}{random.randrange(10, 100)}"
    payment += _check_digit(payment)
    payment += _check_digit(bill + payment)
    return f"{bill}/{payment}"


def _check_digit(digits: str) -> str:
    """Return the check digit of the bill scheme: weights 2 to 7 from the right, modulo 11."""
    rest = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(digits))) % 11
    return "0" if rest < 2 else str(11 - rest)
