"""Banks' files with known faults: what a bank would send, and which breaks must be found in it.

A bank's rows begin as the postings of the books. Each fault then takes payments that no other one
touches, spoils their rows, and says what break that is. `Kind` and the payments that it is about
are what a test compares; a row that belongs to no payment is known by its reference.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from random import Random

from persiantools.jdatetime import JalaliDate

from payvand.settlement.reconciliation.bank_file import BankRows
from payvand.settlement.reconciliation.matching import Kind, Matching, Postings

EPOCH = date(1970, 1, 1)
Told = tuple[Kind, tuple[int, ...]]
"""A kind of break and the ids of its payments, sorted."""


@dataclass(frozen=True)
class Row:
    """A row as a bank has it."""

    reference: str
    amount: int
    day: int


@dataclass
class SpoiledFile:
    """Rows on their way to a file, and the breaks that are in them."""

    postings: Postings
    random: Random
    rows: list[Row] = field(default_factory=list)
    expected: Counter[Told] = field(default_factory=Counter)
    untouched: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        columns = zip(self.postings.ids, self.postings.amounts, self.postings.days, strict=True)
        self.rows = [Row(f"{identity:032x}", amount, day) for identity, amount, day in columns]
        self.untouched = list(range(len(self.rows)))
        self.random.shuffle(self.untouched)

    def spoil(self, faults: Iterable[str]) -> "SpoiledFile":
        """Inject faults by name, those that still find payments to spoil."""
        for name in faults:
            FAULTS[name](self)
        self.random.shuffle(self.rows)
        return self

    def take(self, count: int = 1) -> list[int]:
        """Take places of payments that nothing has touched, all of one side and day; or none."""
        for place in self.untouched:
            same = [other for other in self.untouched if self._look(other) == self._look(place)]
            if len(same) >= count:
                for taken in same[:count]:
                    self.untouched.remove(taken)
                return same[:count]
        return []

    def _look(self, place: int) -> tuple[bool, int]:
        return self.postings.amounts[place] < 0, self.postings.days[place]

    def expect(self, kind: Kind, places: Iterable[int]) -> None:
        """Say that a break is there."""
        self.expected[told(kind, self.postings, places)] += 1

    def row_of(self, place: int) -> Row:
        """Return a payment's row."""
        reference = f"{self.postings.ids[place]:032x}"
        return next(row for row in self.rows if row.reference == reference)

    def change(self, place: int, **changes: object) -> None:
        """Change a payment's row."""
        row = self.row_of(place)
        self.rows[self.rows.index(row)] = replace(row, **changes)  # type: ignore[arg-type]


def told(kind: Kind, postings: Postings, places: Iterable[int]) -> Told:
    """Return what is compared of a break."""
    return kind, tuple(sorted(postings.ids[place] for place in places))


def found_in(matching: Matching, postings: Postings) -> Counter[Told]:
    """Return the breaks that matching found, to be compared."""
    return Counter(told(each.kind, postings, each.payments) for each in matching.breaks)


def draw_postings(random: Random, count: int) -> Postings:
    """Draw a window's postings over two days; no two amounts are likely to be equal."""
    return Postings(
        [random.getrandbits(127) for _ in range(count)],
        [random.choice((-1, 1)) * random.randrange(10**6, 10**9) for _ in range(count)],
        [20_400 + random.randrange(2) for _ in range(count)],
    )


def columns_of(rows: Iterable[Row]) -> BankRows:
    """Return rows as they would have been read."""
    return BankRows.of([(n, r.amount, r.day, r.reference) for n, r in enumerate(rows, 1)])


def _lose(file: SpoiledFile) -> None:
    for place in file.take():
        file.rows.remove(file.row_of(place))
        file.expect(Kind.MISSING_AT_BANK, [place])


def _double(file: SpoiledFile) -> None:
    for place in file.take():
        for _ in range(file.random.choice((1, 1, 2))):
            file.rows.append(file.row_of(place))
            file.expect(Kind.DUPLICATE_AT_BANK, [place])


def _cut_reference(file: SpoiledFile) -> None:
    for place in file.take():
        row = file.row_of(place)
        file.change(place, reference=row.reference[: file.random.randrange(8, 32)])
        file.expect(Kind.REFERENCE_DIFFERS, [place])


def _mistype_reference(file: SpoiledFile) -> None:
    for place in file.take():
        digits = list(file.row_of(place).reference)
        for at in file.random.sample(range(32), file.random.choice((1, 2))):
            digits[at] = "f" if digits[at] != "f" else "e"
        file.change(place, reference="".join(digits))
        file.expect(Kind.REFERENCE_DIFFERS, [place])


def _drop_reference(file: SpoiledFile) -> None:
    for place in file.take():
        file.change(place, reference=file.random.choice(("", "حواله", "n/a")))
        file.expect(Kind.REFERENCE_DIFFERS, [place])


def _split(file: SpoiledFile) -> None:
    for place in file.take():
        row = file.row_of(place)
        file.rows.remove(row)
        sign = 1 if row.amount > 0 else -1
        cuts = sorted(file.random.sample(range(1, abs(row.amount)), file.random.choice((1, 2, 3))))
        bounds = [0, *cuts, abs(row.amount)]
        for start, stop in pairwise(bounds):
            file.rows.append(replace(row, amount=sign * (stop - start)))
        file.expect(Kind.SPLIT_AT_BANK, [place])


def _merge(file: SpoiledFile) -> None:
    places = file.take(file.random.choice((2, 3)))
    if places:
        _merge_into(file, places, file.row_of(places[0]).reference)


def _merge_unnamed(file: SpoiledFile) -> None:
    places = file.take(file.random.choice((2, 3)))
    if places:
        _merge_into(file, places, "تجمیع")


def _merge_into(file: SpoiledFile, places: list[int], reference: str) -> None:
    merged = [file.row_of(place) for place in places]
    for row in merged:
        file.rows.remove(row)
    file.rows.append(Row(reference, sum(row.amount for row in merged), merged[0].day))
    file.expect(Kind.MERGED_AT_BANK, places)


def _shift_day(file: SpoiledFile) -> None:
    for place in file.take():
        shift = file.random.choice((-1, 1, 3, 30))
        file.change(place, day=file.row_of(place).day + shift)
        file.expect(Kind.DAY_DIFFERS, [place])


def _change_amount(file: SpoiledFile) -> None:
    for place in file.take():
        row = file.row_of(place)
        wrong = file.random.choice((row.amount + 1, row.amount * 10, row.amount // 2 - 7))
        file.change(place, amount=wrong)
        file.expect(Kind.AMOUNT_DIFFERS, [place])


def _turn_sign(file: SpoiledFile) -> None:
    for place in file.take():
        file.change(place, amount=-file.row_of(place).amount)
        file.expect(Kind.SIDE_DIFFERS, [place])


def _add_stranger(file: SpoiledFile) -> None:
    reference = f"{file.random.getrandbits(128) | 1 << 127:032x}"
    file.rows.append(Row(reference, file.random.randrange(1, 10**6), 20_400))
    file.expect(Kind.UNKNOWN_AT_SWITCH, [])


FAULTS: dict[str, Callable[[SpoiledFile], None]] = {
    "lost": _lose,
    "doubled": _double,
    "cut reference": _cut_reference,
    "mistyped reference": _mistype_reference,
    "no reference": _drop_reference,
    "split": _split,
    "merged": _merge,
    "merged unnamed": _merge_unnamed,
    "shifted day": _shift_day,
    "wrong amount": _change_amount,
    "wrong sign": _turn_sign,
    "stranger": _add_stranger,
}


# --- writing ---------------------------------------------------------------------------------

CSV_PROFILE = """
name = "csv-bank"
form = "csv"
encodings = ["utf-8-sig", "windows-1256"]
delimiter = ";"
[columns]
reference = "شماره پیگیری"
amount = "مبلغ"
side = "نوع"
day = "تاریخ"
[amounts]
thousands = ","
[sides]
debit = "برداشت"
credit = "واریز"
[days]
format = "%Y/%m/%d"
calendar = "persian"
[control]
mark = "جمع"
count = 1
sum = 2
"""

FIXED_PROFILE = """
name = "fixed-bank"
form = "fixed"
[columns]
reference = [0, 32]
amount = [32, 52]
day = [52, 60]
[days]
format = "%Y%m%d"
[control]
mark = "TRAILER"
count = [8, 20]
sum = [20, 50]
"""


def day_of(number: int) -> date:
    """Return a day counted since 1970."""
    return EPOCH + timedelta(days=number)


def csv_lines(rows: list[Row]) -> list[str]:
    """Return rows as the lines of `CSV_PROFILE`."""
    lines = ["شماره پیگیری;نوع;مبلغ;تاریخ"]
    for row in rows:
        side = "برداشت" if row.amount < 0 else "واریز"
        day = JalaliDate(day_of(row.day)).strftime("%Y/%m/%d")
        lines.append(f"{row.reference};{side};{abs(row.amount):,};{day}")
    lines.append(f"جمع;{len(rows)};{sum(abs(row.amount) for row in rows)}")
    return lines


def fixed_lines(rows: list[Row]) -> list[str]:
    """Return rows as the lines of `FIXED_PROFILE`."""
    lines = [f"{r.reference:<32}{r.amount:>20}{day_of(r.day):%Y%m%d}" for r in rows]
    total = sum(abs(row.amount) for row in rows)
    return [*lines, f"{'TRAILER':<8}{len(rows):>12}{total:>30}"]


def camt_bytes(rows: list[Row]) -> bytes:
    """Return rows as a statement of ISO 20022."""
    total = sum(abs(row.amount) for row in rows)
    entries = "".join(
        f'<Ntry><Amt Ccy="IRR">{abs(row.amount)}</Amt>'
        f"<CdtDbtInd>{'DBIT' if row.amount < 0 else 'CRDT'}</CdtDbtInd>"
        f"<ValDt><Dt>{day_of(row.day)}</Dt></ValDt>"
        f"<NtryDtls><TxDtls><Refs><TxId>{row.reference}</TxId></Refs></TxDtls></NtryDtls></Ntry>"
        for row in rows
    )
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>'
        f"<TxsSummry><TtlNtries><NbOfNtries>{len(rows)}</NbOfNtries><Sum>{total}</Sum>"
        f"</TtlNtries></TxsSummry>{entries}</Stmt></BkToCstmrStmt></Document>"
    ).encode()
