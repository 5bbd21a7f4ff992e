"""Issuing: the lines of an agency become bills, each judged on its own."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from payvand.settlement.database import Pool
from payvand.switch.fees.bills.bill import (
    AMOUNT_MAX,
    LINES_MAX,
    Bill,
    BillLine,
    BillRefused,
    Instalment,
)
from payvand.switch.fees.bills.bill_rows import insert_bills, row_of
from payvand.switch.fees.bills.contract import LINE_KINDS, SUBJECT_KINDS
from payvand.switch.fees.bills.number import bill_key
from payvand.switch.fees.bills.tariff import Facts, Tariff, TariffOf
from payvand.switch.fees.catalogue.schedule import BillTerms
from payvand.switch.identifiers import bill as bill_identifiers
from payvand.switch.identifiers import foreign_id, legal_id, national_id, treasury
from payvand.switch.identifiers.identifier_error import IdentifierError
from payvand.switch.routing import Route
from payvand.switch.rules.solar_hijri import TEHRAN, solar_year
from payvand.v1.bill_pb2 import IssuedBill, NewBill
from payvand.v1.payment_pb2 import Refusal

__all__ = ["INSTALMENTS_MAX", "Issuing", "day_of", "parse_day", "parse_payer"]

REFERENCE_LENGTH_MAX: Final = 64
SUBJECT_LENGTH_MAX: Final = 40
FACTS_BYTES_MAX: Final = 4_096
INSTALMENTS_MAX: Final = 60
NS: Final = 1_000_000_000

_REUSED: Final = {
    "bill.reference_reused": (
        "reference",
        "another bill has this reference: amend that, or give this one its own",
    ),
    "bill.treasury_id_taken": ("treasury_id", "another bill has these thirty digits"),
}
_PAYERS: Final = {
    national_id.NATIONAL_ID_LENGTH: national_id.parse,
    legal_id.LEGAL_ID_LENGTH: legal_id.parse,
    foreign_id.FOREIGN_ID_LENGTH: foreign_id.parse,
}


class Issuing:
    """Issue bills into the database. One for each process."""

    def __init__(self, pool: Pool, tariff_of: TariffOf, clock: Callable[[], int]) -> None:
        """Judge by the tariffs in force; *clock* tells nanoseconds since 1970."""
        self._pool = pool
        self._tariff_of = tariff_of
        self._clock = clock

    async def issue(
        self, agency: Route, asked: Sequence[NewBill]
    ) -> tuple[list[IssuedBill], list[Refusal]]:
        """Issue bills of *agency*, and return a result for each line; they are durable by then."""
        tariff = self._tariff_of(agency.name)
        now = self._clock()
        issued = [IssuedBill() for _ in asked]
        refusals: list[Refusal] = []
        if tariff is None:
            return issued, [_no_schedule(place, agency.name) for place in range(len(asked))]
        desk = _Desk(agency.number, tariff, now)
        places, rows, bills = [], [], []
        for place, message in enumerate(asked):
            try:
                bill = desk.bill_of(message)
            except BillRefused as refused:
                refusals.append(_refusal(place, refused.field, refused.rule, refused.hint))
                continue
            places.append(place)
            rows.append(row_of(bill))
            bills.append(bill)
        refused_rows: dict[int, str] = {}
        if rows:
            async with self._pool.acquire() as connection:
                refused_rows = await insert_bills(connection, rows)
        for row, (place, bill) in enumerate(zip(places, bills, strict=True)):
            if row in refused_rows:
                field, hint = _REUSED[refused_rows[row]]
                refusals.append(_refusal(place, field, refused_rows[row], hint))
            else:
                issued[place] = IssuedBill(
                    number=bill.number,
                    bill_id=str(bill.bill_id or ""),
                    payment_id=str(bill.payment_id or ""),
                )
        return issued, sorted(refusals, key=lambda refusal: refusal.index)


class _Desk:
    """Makes the bills of one agency at one moment, and keeps what many lines have in common."""

    def __init__(self, agency: int, tariff: Tariff, now: int) -> None:
        self._agency = agency
        self._tariff = tariff
        self._now = now
        self._today = day_of(now)
        self._terms: dict[str, BillTerms] = {}
        self._trees: dict[tuple[str, str, str], str] = {}
        self._divided: set[tuple[str, str, str]] = set()

    def bill_of(self, asked: NewBill) -> Bill:
        """Return the bill that a line asks for; raises `BillRefused`."""
        _check_text("reference", asked.reference, REFERENCE_LENGTH_MAX)
        if not asked.reference:
            raise BillRefused("reference", "bill.reference", "give each bill a reference")
        terms = self._terms_of(asked.service)
        lines = self._lines(asked)
        amount = sum(line.amount for line in lines)
        if not 0 < amount <= AMOUNT_MAX:
            raise BillRefused(
                "lines", "bill.amount", f"a bill asks more than nothing and at most {AMOUNT_MAX}"
            )
        due = self._today + timedelta(days=terms.due_days)
        if asked.due_date:
            due = parse_day("due_date", asked.due_date)
            if due < self._today:
                raise BillRefused("due_date", "bill.due", "the last day to pay is over")
        instalments = self._instalments(asked, amount, terms)
        bill_id, payment_id = self._ids(asked, amount)
        objection = timedelta(days=terms.objection_days)
        return Bill(
            key=bill_key(self._agency, asked.reference),
            service=asked.service,
            reference=asked.reference,
            payer=parse_payer("payer_id", asked.payer_id),
            subject_kind=self._subject_kind(asked),
            subject=asked.subject.value,
            lines=lines,
            due=due,
            objection_until=self._today + objection if objection else None,
            allows_partial=terms.allows_partial,
            instalments=instalments,
            bill_id=bill_id,
            payment_id=payment_id,
            treasury_id=_treasury(asked.treasury_id),
            schedule_version=self._tariff.version,
            facts=asked.facts,
            issued_at=self._now,
        )

    def _terms_of(self, service: str) -> BillTerms:
        if service not in self._terms:
            self._terms[service] = self._tariff.terms(service)
        return self._terms[service]

    def _lines(self, asked: NewBill) -> tuple[BillLine, ...]:
        facts = _facts(asked.facts)
        if not asked.lines:
            return self._tariff.assess(asked.service, facts, self._today)
        if len(asked.lines) > LINES_MAX:
            raise BillRefused("lines", "bill.lines", f"at most {LINES_MAX} lines")
        lines = []
        for place, line in enumerate(asked.lines):
            kind = LINE_KINDS.get(line.kind)
            if kind is None:
                raise BillRefused(f"lines[{place}].kind", "line.kind", "say what the line charges")
            if not 0 < line.amount <= AMOUNT_MAX:
                raise BillRefused(
                    f"lines[{place}].amount", "amount.range", f"from 1 to {AMOUNT_MAX}"
                )
            tree = self._tree(asked.service, line.fee, kind)
            lines.append(BillLine(line.fee, kind, line.amount, line.share_tree or tree))
        for tree in {line.share_tree for line in lines}:
            self._check_shares(asked.service, tree, asked.facts, facts)
        return tuple(lines)

    def _check_shares(self, service: str, tree: str, text: str, facts: Facts) -> None:
        """See that a line can be divided: what can't be paid isn't issued."""
        if (service, tree, text) not in self._divided:
            self._tariff.shares(service, tree, facts, self._today)
            self._divided.add((service, tree, text))

    def _tree(self, service: str, fee: str, kind: str) -> str:
        asked = (service, fee, kind)
        if asked not in self._trees:
            self._trees[asked] = self._tariff.share_tree(service, fee, kind, self._today)
        return self._trees[asked]

    def _instalments(self, asked: NewBill, amount: int, terms: BillTerms) -> tuple[Instalment, ...]:
        parts = tuple(
            Instalment(part.amount, parse_day(f"instalments[{place}].due_date", part.due_date))
            for place, part in enumerate(asked.instalments)
        )
        if not parts:
            return ()
        if len(parts) > min(terms.instalments_max, INSTALMENTS_MAX):
            raise BillRefused(
                "instalments",
                "instalments.count",
                f"the schedule allows {terms.instalments_max} at most",
            )
        if sum(part.amount for part in parts) != amount or not all(part.amount for part in parts):
            raise BillRefused(
                "instalments", "instalments.sum", f"they must add up to the amount, {amount}"
            )
        if any(a.due >= b.due for a, b in pairwise(parts)):
            raise BillRefused(
                "instalments", "instalments.order", "each is due after the one before"
            )
        return parts

    def _ids(self, asked: NewBill, amount: int) -> tuple[int, int]:
        """Return the bill id and the payment id, where the line asks for them; else zeros."""
        if not asked.HasField("id_parts"):
            return 0, 0
        parts = asked.id_parts
        try:
            bill_id = self._tariff.bill_id(parts.file_code)
            year = solar_year(self._today) % 10
            made = bill_identifiers.make_payment(bill_id, amount, year, parts.period)
        except IdentifierError as error:
            raise BillRefused("id_parts", error.rule, error.hint) from error
        return int(made.bill_id.number), int(made.payment_id.number)

    def _subject_kind(self, asked: NewBill) -> str:
        _check_text("subject.value", asked.subject.value, SUBJECT_LENGTH_MAX)
        kind = SUBJECT_KINDS.get(asked.subject.kind)
        if kind is None or bool(kind) != bool(asked.subject.value):
            raise BillRefused("subject", "subject.kind", "a subject has a kind and a number")
        return kind


def parse_payer(field: str, text: str) -> str:
    """Return a payer's id, or empty for nobody's; raises `BillRefused`."""
    if not text:
        return ""
    parse: Callable[[str], Any] | None = _PAYERS.get(len(text))
    if parse is None:
        raise BillRefused(
            field, "payer.length", "10 digits, 11 of a legal entity, 12 of a foreigner"
        )
    try:
        parse(text)
    except IdentifierError as error:
        raise BillRefused(field, error.rule, error.hint) from error
    return text


def day_of(moment_ns: int) -> date:
    """Return the day of a moment by Tehran's clock."""
    return datetime.fromtimestamp(moment_ns // NS, UTC).astimezone(TEHRAN).date()


def _facts(text: str) -> Facts:
    if len(text.encode()) > FACTS_BYTES_MAX:
        raise BillRefused("facts", "facts.size", f"at most {FACTS_BYTES_MAX} bytes")
    if not text:
        return {}
    try:
        facts = json.loads(text)
    except ValueError as error:
        raise BillRefused("facts", "facts.form", f"a JSON object: {error}") from error
    if not isinstance(facts, dict):
        raise BillRefused("facts", "facts.form", "a JSON object")
    return facts


def _treasury(text: str) -> str:
    if text:
        try:
            treasury.parse(text)
        except IdentifierError as error:
            raise BillRefused("treasury_id", error.rule, error.hint) from error
    return text


def parse_day(field: str, text: str) -> date:
    """Return the day of a text YYYY-MM-DD; raises `BillRefused`."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BillRefused(field, "date.form", "write YYYY-MM-DD") from error


def _check_text(field: str, text: str, length_max: int) -> None:
    if len(text) > length_max or not text.isprintable():
        raise BillRefused(field, "text.form", f"at most {length_max} printable characters")


def _no_schedule(place: int, agency: str) -> Refusal:
    return _refusal(
        place, "service", "schedule.missing", f"no fee schedule of {agency} is in force"
    )


def _refusal(place: int, field: str, rule: str, hint: str) -> Refusal:
    return Refusal(index=place, field=field, rule=rule, hint=hint)
