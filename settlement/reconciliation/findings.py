"""Breaks as they are kept: under a key that stays the same for as long as the break is the same."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from payvand.settlement.reconciliation.bank_file import BankFile
from payvand.settlement.reconciliation.matching import Break, Kind, Matching, Postings

__all__ = ["Finding", "findings"]

_IDENTITY = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


@dataclass(frozen=True, slots=True)
class Finding:
    """A break with all that is kept of it; the fields are columns of the table."""

    kind: int
    key: str
    payments: list[UUID]
    rows: list[int]
    expected: int | None
    found: int | None
    detail: str
    suggestions: str


def findings(file: BankFile, postings: Postings, matching: Matching, window: int) -> list[Finding]:
    """Return all breaks of a file, each once.

    A row that was set aside and names a payment that is missing otherwise is one break, not two.
    """
    keys: Counter[str] = Counter()
    place_of = {postings.ids[p]: p for b in matching.breaks for p in b.payments}
    missing = {b.payments[0] for b in matching.breaks if b.kind is Kind.MISSING_AT_BANK}
    made = []
    for aside in file.set_aside:
        named = [place_of.get(int(text, 16)) for text in _IDENTITY.findall(aside.text.lower())]
        payments = [place for place in named if place in missing and place is not None][:1]
        missing.difference_update(payments)
        key = (
            f"{postings.ids[payments[0]]:032x}"
            if payments
            else f"{window}:{hashlib.sha256(aside.text.encode()).hexdigest()[:32]}"
        )
        made.append(
            Finding(
                Kind.ROW_UNREADABLE,
                _numbered(keys, f"{key}"),
                [UUID(int=postings.ids[place]) for place in payments],
                [aside.number],
                postings.amounts[payments[0]] if payments else None,
                None,
                aside.rule,
                "[]",
            )
        )
    for each in matching.breaks:
        if each.kind is not Kind.MISSING_AT_BANK or each.payments[0] in missing:
            made.append(_finding(each, file, postings, window, keys))
    made += _control_findings(file, window)
    return made


def _finding(
    each: Break, file: BankFile, postings: Postings, window: int, keys: Counter[str]
) -> Finding:
    if each.payments:
        key = f"{postings.ids[each.payments[0]]:032x}"
    else:
        row = each.rows[0]
        look = f"{file.rows.references[row]}|{file.rows.amounts[row]}|{file.rows.days[row]}"
        key = f"{window}:{hashlib.sha256(look.encode()).hexdigest()[:32]}"
    suggestions = [
        {"payment": f"{postings.ids[payment]:032x}", "score": score}
        for payment, score in each.suggestions
    ]
    return Finding(
        each.kind,
        _numbered(keys, f"{each.kind}:{key}").partition(":")[2],
        [UUID(int=postings.ids[payment]) for payment in each.payments],
        [file.rows.numbers[row] for row in each.rows],
        each.expected,
        each.found,
        "",
        json.dumps(suggestions),
    )


def _numbered(keys: Counter[str], key: str) -> str:
    """Tell equal ones apart, as two doubles of one payment."""
    keys[key] += 1
    return key if keys[key] == 1 else f"{key}#{keys[key]}"


def _control_findings(file: BankFile, window: int) -> Iterator[Finding]:
    if faults := file.control_faults:
        yield Finding(
            Kind.CONTROL_TOTAL_DIFFERS,
            f"{window}:control",
            [],
            [],
            file.declared_sum if file.declared_sum is not None else file.declared_count,
            None,
            "; ".join(faults),
            "[]",
        )
