"""Matching a bank's rows with the postings of the books: ordered rules, each counted.

The postings of a participant in a window stand on one side, the rows of its file on the other.
Rules are tried in the order of `Rule`, from the surest to the weakest, and what one has matched the
next ones don't see:

    exact        the payment's id, the amount with its side, the day
    day          id and amount; the day is another
    side         id and amount; the side is the other one
    split        several rows with one id add up to the payment
    merged       one row has the amounts of several payments: it names one of them, or none
    amount       the id; the amount is another
    reference    the beginning of an id, or an id mistyped at up to two places, and the amount
    likeness     no such reference, but amount, side and day fit one payment alone

What is left over are breaks, and so is every match that isn't exact: each is one break of one kind.
A rule never chooses between two that fit equally: then it leaves them to the breaks.

Everything here is a function of the two sides, and their order doesn't matter but for naming which
of two equal rows is the double: the later one in the file.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from payvand.settlement.reconciliation.bank_file import (
    IDENTITY_DIGITS,
    BankRows,
    compact,
    identity_of,
)

__all__ = [
    "RULES_VERSION",
    "Break",
    "Kind",
    "Matching",
    "Postings",
    "Rule",
    "match",
]

RULES_VERSION = 1
"""Raised when a rule changes, so that it can be told which rules matched a row."""

GROUP_MAX = 4
"""How many payments one row may stand for."""
PAIR_WORK_MAX = 20_000_000
TRIPLE_CANDIDATES_MAX = 100
"""How many steps looking for pairs may take in one file, and among how many payments groups of
three are looked for: a file that is wrong from end to end must not take for ever."""
SUGGESTED_FROM_MAX = 500
SUGGESTED_ROWS_MAX = 1_000
"""How many missing payments are weighed for a row that fits nothing, and for how many such rows."""
PREFIX_DIGITS_MIN = 8
TYPOS_MAX = 2
THIRD = -(-IDENTITY_DIGITS // (TYPOS_MAX + 1))


class Rule(IntEnum):
    """What matched a row; the numbers are stored and never reused."""

    NONE = 0
    EXACT = 1
    DAY = 2
    SIDE = 3
    SPLIT = 4
    MERGED = 5
    AMOUNT = 6
    REFERENCE = 7
    LIKENESS = 8


class Kind(IntEnum):
    """What a break is; the numbers are stored and never reused."""

    MISSING_AT_BANK = 1
    """The books have the payment, the file doesn't."""
    UNKNOWN_AT_SWITCH = 2
    """The file has a row that no payment fits."""
    DUPLICATE_AT_BANK = 3
    """The file has a payment twice."""
    AMOUNT_DIFFERS = 4
    SIDE_DIFFERS = 5
    DAY_DIFFERS = 6
    SPLIT_AT_BANK = 7
    """Several rows make up one payment."""
    MERGED_AT_BANK = 8
    """One row makes up several payments."""
    REFERENCE_DIFFERS = 9
    ROW_UNREADABLE = 10
    """A row was set aside; it names the payment, or nobody knows which it was."""
    CONTROL_TOTAL_DIFFERS = 11
    """The file contradicts what it says of itself."""


@dataclass(slots=True)
class Postings:
    """The books' side, in columns."""

    ids: list[int]
    """Of the payments."""
    amounts: list[int]
    """In minor units; negative where money left the participant."""
    days: list[int]
    """Days since 1970-01-01, local."""
    optional: set[int] = field(default_factory=set)
    """Places of what a file may have and need not: the window's own settlement."""


@dataclass(frozen=True, slots=True)
class Break:
    """One disagreement between the books and a file."""

    kind: Kind
    payments: tuple[int, ...] = ()
    """Places among the postings."""
    rows: tuple[int, ...] = ()
    """Places among the rows."""
    expected: int | None = None
    """What the books say: an amount, or a day."""
    found: int | None = None
    """What the file says."""
    suggestions: tuple[tuple[int, int], ...] = ()
    """For a row that fits nothing: (place among the postings, score of 100), the best first."""


@dataclass(slots=True)
class Matching:
    """What came of it."""

    rule_of: list[Rule]
    """For each row what matched it."""
    payment_of: list[int]
    """For each row the place of its payment, or -1; of a merged row, the one that it names."""
    breaks: list[Break] = field(default_factory=list)
    counts: Counter[Rule] = field(default_factory=Counter)
    """How many rows each rule matched."""


def match(postings: Postings, rows: BankRows) -> Matching:
    """Match all rows of a file with the postings that it should have."""
    return _Matcher(postings, rows).run()


class _Matcher:
    """One run over two sides."""

    def __init__(self, postings: Postings, rows: BankRows) -> None:
        self.postings = postings
        self.rows = rows
        self.result = Matching([Rule.NONE] * len(rows), [-1] * len(rows))
        self.open_rows: set[int] = set()
        self.open_payments: set[int] = set()
        self.place_of = {identity: place for place, identity in enumerate(postings.ids)}
        assert len(self.place_of) == len(postings.ids), "the books have each payment once"

    def run(self) -> Matching:
        named = self._exact()
        for payment, places in sorted(named.items()):
            self._named(payment, places)
        self._merged()
        self._amounts()
        self._references()
        self._likeness()
        self._merged_unnamed()
        self._leftovers()
        return self.result

    def _exact(self) -> dict[int, list[int]]:
        """Match what agrees wholly; return the other rows that name a payment, by payment."""
        postings, rows, result = self.postings, self.rows, self.result
        matched = bytearray(len(postings.ids))
        named: dict[int, list[int]] = defaultdict(list)
        columns = zip(rows.references, rows.amounts, rows.days, strict=True)
        for row, (reference, amount, day) in enumerate(columns):
            payment = self.place_of.get(identity_of(reference), -1)
            if payment < 0:
                self.open_rows.add(row)
            elif (
                not matched[payment]
                and postings.amounts[payment] == amount
                and postings.days[payment] == day
            ):
                matched[payment] = 1
                result.rule_of[row] = Rule.EXACT
                result.payment_of[row] = payment
            else:
                named[payment].append(row)
        result.counts[Rule.EXACT] = sum(matched)
        self.open_payments = {place for place, taken in enumerate(matched) if not taken}
        return named

    def _take(self, rule: Rule, rows: Iterable[int], payments: tuple[int, ...]) -> None:
        """Count rows and payments as matched."""
        for row in rows:
            self.result.rule_of[row] = rule
            self.result.payment_of[row] = payments[0]
            self.result.counts[rule] += 1
            self.open_rows.discard(row)
        self.open_payments.difference_update(payments)

    def _note(self, kind: Kind, payments: tuple[int, ...], rows: tuple[int, ...]) -> None:
        """Note the break of a match that isn't exact."""
        by_day = kind is Kind.DAY_DIFFERS
        ours, theirs = (
            (self.postings.days, self.rows.days)
            if by_day
            else (self.postings.amounts, self.rows.amounts)
        )
        expected = sum(ours[payment] for payment in payments)
        found = sum(theirs[row] for row in rows)
        self.result.breaks.append(Break(kind, payments, rows, expected, found))

    def _named(self, payment: int, places: list[int]) -> None:
        """Match the rows that name a payment and don't agree wholly, or leave them open."""
        amounts, expected = self.rows.amounts, self.postings.amounts[payment]
        if payment in self.open_payments:
            same = [row for row in places if amounts[row] == expected]
            turned = [row for row in places if amounts[row] == -expected]
            if same:
                places.remove(same[0])
                self._take(Rule.DAY, same[:1], (payment,))
                self._note(Kind.DAY_DIFFERS, (payment,), (same[0],))
            elif turned:
                places.remove(turned[0])
                self._take(Rule.SIDE, turned[:1], (payment,))
                self._note(Kind.SIDE_DIFFERS, (payment,), (turned[0],))
            elif len(places) > 1 and sum(amounts[row] for row in places) == expected:
                self._take(Rule.SPLIT, places, (payment,))
                self._note(Kind.SPLIT_AT_BANK, (payment,), tuple(places))
                return
        if payment in self.open_payments:
            # One row names it, with another amount; what more there are, are doubles of it.
            self.open_rows.add(places.pop(0))
        for row in places:
            self.result.payment_of[row] = payment
            self._note(Kind.DUPLICATE_AT_BANK, (payment,), (row,))

    def _payment_named_by(self, row: int) -> int:
        return self.place_of.get(identity_of(self.rows.references[row]), -1)

    def _named_rows(self) -> Iterator[tuple[int, int]]:
        """Return the open rows that name an open payment, each with it."""
        for row in sorted(self.open_rows):
            payment = self._payment_named_by(row)
            if payment in self.open_payments:
                yield row, payment

    def _merged(self) -> None:
        """Match rows whose surplus is made up of payments that no row names."""
        named = list(self._named_rows())
        others = self._missing() - {payment for _, payment in named}
        if not named or not others:
            return
        groups = _Groups(self.postings.amounts, others, looks=len(named))
        for row, payment in named:
            surplus = self.rows.amounts[row] - self.postings.amounts[payment]
            if surplus and (found := groups.making(surplus, self.open_payments)):
                payments = (payment, *found)
                self._take(Rule.MERGED, (row,), payments)
                self._note(Kind.MERGED_AT_BANK, payments, (row,))

    def _amounts(self) -> None:
        """Match rows that name a payment, whatever their amount is."""
        for row, payment in list(self._named_rows()):
            self._take(Rule.AMOUNT, (row,), (payment,))
            self._note(Kind.AMOUNT_DIFFERS, (payment,), (row,))

    def _references(self) -> None:
        """Match rows whose reference is nearly a payment's id, with its amount."""
        texts = {row: compact(self.rows.references[row]) for row in self.open_rows}
        if not any(len(text) >= PREFIX_DIGITS_MIN for text in texts.values()):
            return
        likely: dict[tuple[int, str], list[int]] = defaultdict(list)
        for payment in sorted(self._missing()):
            for piece in _pieces(f"{self.postings.ids[payment]:032x}"):
                likely[piece].append(payment)
        for row in sorted(texts):
            candidates = {
                payment for piece in _pieces(texts[row]) for payment in likely.get(piece, ())
            }
            near = [
                payment
                for payment in candidates
                if self.postings.amounts[payment] == self.rows.amounts[row]
                and payment in self.open_payments
                and _resembles(texts[row], f"{self.postings.ids[payment]:032x}")
            ]
            self._match_only(Rule.REFERENCE, row, near)

    def _likeness(self) -> None:
        """Match rows without a usable reference where amount, side and day fit one payment."""
        by_look = self._open_by(
            lambda place: (self.postings.amounts[place], self.postings.days[place])
        )
        looks = Counter((self.rows.amounts[row], self.rows.days[row]) for row in self.open_rows)
        for row in sorted(self.open_rows):
            look = self.rows.amounts[row], self.rows.days[row]
            if looks[look] == 1 and not identity_of(self.rows.references[row]):
                self._match_only(Rule.LIKENESS, row, by_look.get(look, []))

    def _merged_unnamed(self) -> None:
        """Match rows that name nothing with the group of payments of their day that they make."""
        rows = [row for row in sorted(self.open_rows) if not identity_of(self.rows.references[row])]
        by_day: dict[int, list[int]] = defaultdict(list)
        for row in rows:
            by_day[self.rows.days[row]].append(row)
        payments_of = self._open_by(lambda place: self.postings.days[place]) if rows else {}
        for day, its_rows in by_day.items():
            payments = payments_of.get(day, [])
            groups = _Groups(self.postings.amounts, payments, looks=len(its_rows))
            for row in its_rows:
                found = groups.making(self.rows.amounts[row], self.open_payments, smallest=2)
                if found:
                    self._take(Rule.MERGED, (row,), found)
                    self._note(Kind.MERGED_AT_BANK, found, (row,))

    def _open_by(self, key: Callable[[int], Hashable]) -> dict[Hashable, list[int]]:
        found: dict[Hashable, list[int]] = defaultdict(list)
        for place in sorted(self._missing()):
            found[key(place)].append(place)
        return found

    def _match_only(self, rule: Rule, row: int, payments: list[int]) -> None:
        """Match a row with its payment where there is one alone."""
        if len(payments) == 1 and payments[0] in self.open_payments:
            self._take(rule, (row,), (payments[0],))
            self._note(Kind.REFERENCE_DIFFERS, (payments[0],), (row,))

    def _leftovers(self) -> None:
        missing = sorted(self._missing())
        for payment in missing:
            expected = self.postings.amounts[payment]
            self.result.breaks.append(Break(Kind.MISSING_AT_BANK, (payment,), (), expected))
        for count, row in enumerate(sorted(self.open_rows)):
            found = self.rows.amounts[row]
            suggestions = self._suggestions(row, missing) if count < SUGGESTED_ROWS_MAX else ()
            self.result.breaks.append(
                Break(Kind.UNKNOWN_AT_SWITCH, (), (row,), None, found, suggestions)
            )

    def _missing(self) -> set[int]:
        """Return the payments that the file should have and no row is matched with."""
        return self.open_payments - self.postings.optional

    def _suggestions(self, row: int, missing: list[int]) -> tuple[tuple[int, int], ...]:
        """Return the missing payments that a row may be, with scores: half of it the amount."""
        scored = []
        amount, day = self.rows.amounts[row], self.rows.days[row]
        for payment in missing[:SUGGESTED_FROM_MAX]:
            expected = self.postings.amounts[payment]
            apart = abs(abs(amount) - abs(expected))
            score = max(0, 50 - 100 * apart // max(abs(expected), 1))
            score += 20 * ((amount < 0) == (expected < 0))
            score += max(0, 30 - 10 * abs(day - self.postings.days[payment]))
            scored.append((payment, score))
        scored.sort(key=lambda each: (-each[1], each[0]))
        return tuple(each for each in scored[:3] if each[1] >= 60)


class _Groups:
    """Finds which few of some payments make up an amount, where that is one group alone.

    Groups are of one side. A pair is found by looking for what one payment leaves over, so a look
    costs one step a payment; groups of three cost one a pair, and are looked for among few.
    """

    def __init__(self, amounts: list[int], payments: Collection[int], *, looks: int) -> None:
        """Look among *payments*, as many as *looks* times."""
        self._amounts = amounts
        self._size_max = GROUP_MAX - 1 if len(payments) * looks <= PAIR_WORK_MAX else 1
        self._by_amount: dict[int, list[int]] = defaultdict(list)
        self._sides: dict[bool, list[int]] = {True: [], False: []}
        for payment in payments:
            self._by_amount[amounts[payment]].append(payment)
            self._sides[amounts[payment] < 0].append(payment)

    def making(self, amount: int, still_open: set[int], smallest: int = 1) -> tuple[int, ...]:
        """Return the open payments with this sum; none where several groups of a size have it."""
        side: list[int] = []
        for size in range(smallest, self._size_max + 1):
            if size == 2:
                side = [payment for payment in self._sides[amount < 0] if payment in still_open]
            if size == 3 and len(side) > TRIPLE_CANDIDATES_MAX:
                break
            found = set(self._of_size(size, amount, side, still_open))
            if found:
                return found.pop() if len(found) == 1 else ()
        return ()

    def _of_size(
        self, size: int, amount: int, side: list[int], still_open: set[int]
    ) -> Iterator[tuple[int, ...]]:
        if size == 1:
            for payment in self._by_amount.get(amount, ()):
                if payment in still_open:
                    yield (payment,)
            return
        for payment in side:
            rest = amount - self._amounts[payment]
            if rest and (rest < 0) == (amount < 0):
                later = [other for other in side if other > payment] if size > 2 else side
                for group in self._of_size(size - 1, rest, later, still_open):
                    if payment < group[0]:
                        yield (payment, *group)


def _pieces(digits: str) -> Iterator[tuple[int, str]]:
    """Return pieces of an id, with their places, of which what resembles it has one at least.

    A beginning has the first digits. Up to two wrong digits leave one of three thirds as it was.
    """
    if len(digits) >= PREFIX_DIGITS_MIN:
        yield -1, digits[:PREFIX_DIGITS_MIN]
    if len(digits) == IDENTITY_DIGITS:
        for start in range(0, IDENTITY_DIGITS, THIRD):
            yield start, digits[start : start + THIRD]


def _resembles(digits: str, identity: str) -> bool:
    """Tell whether a reference is an id cut short or mistyped."""
    if len(digits) >= PREFIX_DIGITS_MIN and identity.startswith(digits):
        return True
    if len(digits) != IDENTITY_DIGITS:
        return False
    return sum(one != other for one, other in zip(digits, identity, strict=True)) <= TYPOS_MAX
