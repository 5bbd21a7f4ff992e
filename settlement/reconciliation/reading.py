"""Reading a bank's file by its profile: good rows are taken, bad ones set aside with their reason.

A file is refused as a whole only where nothing of it can be understood: no known encoding, no such
column, no XML of the kind. What it says of itself, its control totals, is read and kept, and held
against its rows by `BankFile.control_faults`.
"""

import csv
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from lxml import etree
from persiantools.jdatetime import JalaliDate

from payvand.settlement.reconciliation.bank_file import (
    AMOUNT_MAX,
    BankFile,
    BankRows,
    FileRefused,
    SetAside,
)
from payvand.settlement.reconciliation.profile import Column, Profile

__all__ = ["FILE_BYTES_MAX", "read_bank_file"]

FILE_BYTES_MAX = 512 << 20
"""A larger file is refused."""

TEXT_LENGTH_MAX = 500
EPOCH = date(1970, 1, 1).toordinal()
BYTE_ORDER_MARKS = {
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"\xef\xbb\xbf": "utf-8-sig",
}
CUT_OFF = ("unexpected end of data", "truncated data")
"""What decoders say of a text that ends within a character."""

DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")
"""Persian and Arabic digits are read as the digits they are."""


class RowBad(Exception):
    """A row can't be taken; its text is the broken rule."""


def read_bank_file(path: Path, profile: Profile) -> BankFile:
    """Read a file; raises `FileRefused` where it can't be read at all."""
    if (size := path.stat().st_size) > FILE_BYTES_MAX:
        raise FileRefused(
            f"{path.name} has {size} bytes, at most {FILE_BYTES_MAX} are read",
            hint="ask for it in parts",
        )
    content = path.read_bytes()
    digest = hashlib.sha256(content).digest()
    if profile.form == "camt":
        return _read_camt(content, digest, profile, path.name)
    encoding, text, cut = _decode(content, profile, path.name)
    file = _read_lines(text, digest, encoding, profile, path.name)
    return replace(file, truncated=file.truncated or cut)


def _decode(content: bytes, profile: Profile, name: str) -> tuple[str, str, bool]:
    """Return the encoding, the text, and whether it ends in the midst of a character."""
    marked = [encoding for mark, encoding in BYTE_ORDER_MARKS.items() if content.startswith(mark)]
    for encoding in (*marked, *profile.encodings):
        try:
            return encoding, content.decode(encoding), False
        except UnicodeDecodeError as error:
            if error.start and error.end == len(content) and error.reason in CUT_OFF:
                return encoding, content[: error.start].decode(encoding), True
        except LookupError as error:
            raise FileRefused(
                f"profile {profile.name}: {error}", hint="name encodings that Python knows"
            ) from error
    raise FileRefused(
        f"{name} is in none of the encodings {', '.join(profile.encodings)}",
        hint="add the encoding that the bank writes to its profile",
    )


# --- CSV and fixed width ---------------------------------------------------------------------


def _read_lines(text: str, digest: bytes, encoding: str, profile: Profile, name: str) -> BankFile:
    lines = _csv_lines(text, profile) if profile.form == "csv" else _fixed_lines(text)
    take = _picker(lines, profile, name)
    parse = RowParser(profile)
    rows, aside = BankRows(), []
    count = total = None
    for number, line in lines:
        if profile.control and _cell(line, 0, profile).strip() == profile.control.mark:
            count = _control_figure(line, profile.control.count, profile, 0)
            total = _control_figure(line, profile.control.sum, profile, profile.exponent)
            continue
        try:
            rows.add(number, *parse.row(*take(line)))
        except (RowBad, IndexError) as error:
            rule = str(error) if isinstance(error, RowBad) else "row.columns"
            aside.append(SetAside(number, rule, _shown(line, profile)))
    return BankFile(
        digest,
        encoding,
        rows,
        tuple(aside),
        count,
        total,
        truncated=bool(profile.control) and count is None and total is None,
    )


Line = list[str] | str
"""A line of a CSV file, split, or one of a fixed-width file."""


def _csv_lines(text: str, profile: Profile) -> Iterator[tuple[int, Line]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=profile.delimiter)
    while True:
        number = reader.line_num + 1
        try:
            line = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield number, []
            continue
        if line:
            yield number, line


def _fixed_lines(text: str) -> Iterator[tuple[int, Line]]:
    for number, line in enumerate(io.StringIO(text), 1):
        if line.strip():
            yield number, line.rstrip("\r\n")


def _picker(
    lines: Iterator[tuple[int, Line]], profile: Profile, name: str
) -> Callable[[Line], tuple[str, str, str, str]]:
    """Return what takes reference, amount, side and day out of a line; the heading is consumed."""
    columns = dict(profile.columns or {})
    if profile.form == "fixed":
        ranges = [columns.get(part, (0, 0)) for part in ("reference", "amount", "side", "day")]
        (a, b), (c, d), (e, f), (g, h) = (r for r in ranges if isinstance(r, tuple))

        def cut(line: Line) -> tuple[str, str, str, str]:
            assert isinstance(line, str)
            if len(line) < max(b, d, f, h):
                raise RowBad("row.columns")
            return line[a:b], line[c:d], line[e:f], line[g:h]

        return cut
    if profile.heading:
        _, heading = next(lines, (0, []))
        places = {cell.strip(): place for place, cell in enumerate(heading)}
        for part, column in columns.items():
            if isinstance(column, str):
                if column not in places:
                    raise FileRefused(
                        f"{name} has no column {column!r}, its columns are {list(places)}",
                        hint=f"see columns.{part} of profile {profile.name}",
                    )
                columns[part] = places[column]
    at = [columns.get(part) for part in ("reference", "amount", "side", "day")]
    reference, amount, side, day = (place if isinstance(place, int) else None for place in at)
    assert reference is not None and amount is not None and day is not None

    def pick(line: Line) -> tuple[str, str, str, str]:
        return line[reference], line[amount], "" if side is None else line[side], line[day]

    return pick


def _cell(line: Line, column: Column, profile: Profile) -> str:
    if isinstance(column, tuple):
        assert isinstance(line, str)
        return line[column[0] : column[1]]
    if isinstance(line, str):  # the mark at the beginning of a fixed-width line
        assert profile.control is not None
        return line[: len(profile.control.mark)]
    return line[column] if isinstance(column, int) and column < len(line) else ""


def _control_figure(
    line: Line, column: Column | None, profile: Profile, exponent: int
) -> int | None:
    if column is None:
        return None
    try:
        return abs(parse_amount(_cell(line, column, profile), profile, exponent))
    except RowBad:
        return None


def _shown(line: Line, profile: Profile) -> str:
    text = line if isinstance(line, str) else profile.delimiter.join(line)
    return text[:TEXT_LENGTH_MAX]


class RowParser:
    """Turns the texts of a row into what they say."""

    def __init__(self, profile: Profile) -> None:
        """Follow a profile."""
        self._profile = profile
        self._days: dict[str, int] = {}

    def row(self, reference: str, amount: str, side: str, day: str) -> tuple[int, int, str]:
        """Return (signed amount, day, reference); raises `RowBad`."""
        signed = parse_amount(amount, self._profile, self._profile.exponent)
        if self._profile.sides is not None:
            debit, credit = self._profile.sides
            side = side.strip()
            if side not in (debit, credit):
                raise RowBad("side.unknown")
            if signed < 0:
                raise RowBad("amount.sign")
            signed = -signed if side == debit else signed
        if signed == 0:
            raise RowBad("amount.zero")
        reference = reference.strip().lower()
        if not reference.isascii():
            reference = reference.translate(DIGITS)
        return signed, self._day(day), reference

    def _day(self, text: str) -> int:
        """Return the day; files have few of them, so each text is parsed once."""
        known = self._days.get(text)
        if known is None:
            known = self._days[text] = self._parse_day(text.strip().translate(DIGITS))
        return known

    def _parse_day(self, text: str) -> int:
        try:
            if self._profile.calendar == "persian":
                found = _from_persian(text, self._profile.day_format)
            else:
                moment = datetime.strptime(text, self._profile.day_format).replace(tzinfo=UTC)
                found = moment.date()
        except (ValueError, TypeError) as error:
            raise RowBad("day.format") from error
        return found.toordinal() - EPOCH


def _from_persian(text: str, form: str) -> date:
    day: date = JalaliDate.strptime(text, form).to_gregorian()  # type: ignore[no-untyped-call]
    return day


def parse_amount(text: str, profile: Profile, exponent: int) -> int:
    """Return the amount that a text says, in minor units, exactly; raises `RowBad`."""
    digits = text.strip()
    if not _is_plain(digits):
        digits = digits.translate(DIGITS).replace("−", "-")
        if profile.thousands:
            digits = digits.replace(profile.thousands, "")
        if profile.point != ".":
            digits = digits.replace(profile.point, ".")
    try:
        amount = int(digits) * 10**exponent if _is_plain(digits) else _exact(digits, exponent)
    except (ValueError, InvalidOperation) as error:
        raise RowBad("amount.characters") from error
    if abs(amount) > AMOUNT_MAX:
        raise RowBad("amount.overflow")
    return amount


def _is_plain(digits: str) -> bool:
    """Tell whether a text is digits behind at most one sign: int() itself takes more than that."""
    bare = digits[1:] if digits[:1] in ("-", "+") else digits
    return bare.isascii() and bare.isdigit()


def _exact(digits: str, exponent: int) -> int:
    if not set(digits) <= set("+-.0123456789"):
        raise RowBad("amount.characters")
    value = Decimal(digits).scaleb(exponent)
    if value != value.to_integral_value():
        raise RowBad("amount.fraction")
    return int(value)


# --- camt.053 and camt.054 -------------------------------------------------------------------


@dataclass(slots=True)
class _Camt:
    """What is gathered while a message is read."""

    rows: BankRows
    aside: list[SetAside]
    count: int | None = None
    total: int | None = None


def _read_camt(content: bytes, digest: bytes, profile: Profile, name: str) -> BankFile:
    """Read a statement or a notice as a stream; of one that breaks off, what stands before."""
    found = _Camt(BankRows(), [])
    number = 0
    truncated = False
    parser = etree.iterparse(
        io.BytesIO(content),
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
    )
    try:
        for event, element in parser:
            try:
                tag = etree.QName(element)
            except ValueError as error:  # A brace in the namespace, in which lxml writes names.
                raise FileRefused(
                    f"{name} has a namespace that none can have: {error}", hint="see its profile"
                ) from None
            if event == "start":
                if element.getparent() is None and not _is_camt(tag.namespace):
                    raise FileRefused(f"{name} isn't camt.053 or camt.054", hint="see its profile")
                continue
            if tag.localname == "TtlNtries":
                found.count = _minor_units(element.findtext("{*}NbOfNtries"), 0)
                found.total = _minor_units(element.findtext("{*}Sum"), profile.exponent)
            if tag.localname != "Ntry":
                continue
            number += 1
            try:
                found.rows.add(number, *_entry(element, profile.exponent))
            except RowBad as error:
                text = etree.tostring(element, encoding="unicode")[:TEXT_LENGTH_MAX]
                found.aside.append(SetAside(number, str(error), text))
            element.clear()
    except etree.XMLSyntaxError as error:
        if not number:
            raise FileRefused(f"{name} isn't XML: {error}", hint="see its profile") from error
        truncated = True
    return BankFile(digest, "", found.rows, tuple(found.aside), found.count, found.total, truncated)


def _is_camt(namespace: str | None) -> bool:
    return bool(namespace) and any(kind in str(namespace) for kind in ("camt.053", "camt.054"))


def _entry(entry: "etree._Element", exponent: int) -> tuple[int, int, str]:
    """Return (signed amount, day, reference) of an entry."""
    amount = _minor_units(entry.findtext("{*}Amt"), exponent)
    side = entry.findtext("{*}CdtDbtInd")
    day = entry.findtext("{*}ValDt/{*}Dt") or (entry.findtext("{*}BookgDt/{*}DtTm") or "")[:10]
    reference = (
        entry.findtext("{*}NtryDtls/{*}TxDtls/{*}Refs/{*}TxId")
        or entry.findtext("{*}AcctSvcrRef")
        or entry.findtext("{*}NtryRef")
        or ""
    )
    if amount is None:
        raise RowBad("amount.characters")
    if not 0 < amount <= AMOUNT_MAX:
        raise RowBad("amount.overflow" if amount > 0 else "amount.zero")
    if side not in ("CRDT", "DBIT"):
        raise RowBad("side.unknown")
    try:
        ordinal = date.fromisoformat(day).toordinal() - EPOCH
    except ValueError as error:
        raise RowBad("day.format") from error
    return (-amount if side == "DBIT" else amount), ordinal, reference.strip().lower()


def _minor_units(text: str | None, exponent: int) -> int | None:
    """Return the amount that a decimal is, or None where it isn't one."""
    try:
        return _exact((text or "").strip(), exponent)
    except (RowBad, InvalidOperation):
        return None
