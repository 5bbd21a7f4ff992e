"""The report of a day: its figures, what is kept back, its signature, and how it is checked.

It is one JSON object in a form of its own: sorted keys, no spaces, UTF-8; the signature is over
these bytes behind a tag. The day's head with its root and its own signature stands in it, so who
knows the switch's public key knows that the figures are told of the frames under that root.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from payvand.settlement.business_day import ClosedDay
from payvand.switch.fees.openness.day_totals import DayTotals, Sum
from payvand.switch.fees.openness.suppression import Cell, keep_back

__all__ = ["LEAST_COUNT", "canonical", "check", "csv_text", "make", "sign"]

DOMAIN: Final = b"payvand fee report 1\n"
LEAST_COUNT: Final = 5
"""Fewer payments or refunds, and not none, are kept back."""

KINDS: Final = ("paid", "refunded")


def make(
    day: ClosedDay,
    totals: DayTotals,
    *,
    names: Mapping[int, str],
    sectors: Mapping[str, str],
    unit: str,
    least: int = LEAST_COUNT,
) -> dict[str, Any]:
    """Return the report of a day.

    Args:
        day: closed and signed.
        totals: of its frames.
        names: of participants by their numbers.
        sectors: of agencies by their names.
        unit: that amounts are in.
        least: what counts less is kept back.
    """
    by_sector: dict[str, list[int]] = {}
    for agency in sorted({*totals.paid, *totals.refunded}, key=lambda one: names[one]):
        by_sector.setdefault(sectors.get(names[agency], ""), []).append(agency)
    told: dict[str, Any] = {"paid": None, "refunded": None, "sectors": []}
    for kind, sums, shared, share in (
        ("paid", totals.paid, totals.received, "shares"),
        ("refunded", totals.refunded, totals.given_back, "given_back"),
    ):
        _tell(told, kind, share, by_sector, names, sums, shared, least)
    carts = totals.carts_settled + totals.carts_declined
    report = {
        "report": "payvand fees 1",
        "day": day.fields(),
        "unit": unit,
        "kept_back_below": least,
        "carts": {
            "settled": totals.carts_settled if carts >= least else None,
            "settled_per_million": (
                totals.carts_settled * 1_000_000 // carts if carts >= least else None
            ),
        },
        **told,
    }
    return report | {"csv_sha256": sha256(csv_text(report).encode()).hexdigest()}


def _tell(
    told: dict[str, Any],
    kind: str,
    share: str,
    by_sector: Mapping[str, Sequence[int]],
    names: Mapping[int, str],
    sums: Mapping[int, Sum],
    shared: Mapping[tuple[int, int], Sum],
    least: int,
) -> None:
    """Put the figures of one kind into what is told, those left out that are kept back."""
    empty = Sum()
    shares_of = {
        agency: sorted(
            ((names[other], one) for (of, other), one in shared.items() if of == agency),
            key=lambda named: named[0],
        )
        for agencies in by_sector.values()
        for agency in agencies
    }
    root = Cell(
        sum(one.count for one in sums.values()),
        [
            Cell(
                sum(sums.get(agency, empty).count for agency in agencies),
                [
                    Cell(
                        sums.get(agency, empty).count,
                        [Cell(one.count) for _, one in shares_of[agency]],
                    )
                    for agency in agencies
                ],
            )
            for agencies in by_sector.values()
        ],
    )
    keep_back(root, least)
    told[kind] = _figures(root, sum(one.amount for one in sums.values()))
    for place, (sector, agencies) in enumerate(by_sector.items()):
        if len(told["sectors"]) <= place:
            told["sectors"].append(
                {"sector": sector, "agencies": [{"agency": names[one]} for one in agencies]}
            )
        entry, cell = told["sectors"][place], root.cells[place]
        amount = sum(sums.get(agency, empty).amount for agency in agencies)
        entry[kind] = _figures(cell, amount)
        for told_agency, agency_cell, agency in zip(
            entry["agencies"], cell.cells, agencies, strict=True
        ):
            told_agency[kind] = _figures(agency_cell, sums.get(agency, empty).amount)
            told_agency[share] = [
                {"beneficiary": name, "amount": None if one.is_kept_back else str(part.amount)}
                for (name, part), one in zip(shares_of[agency], agency_cell.cells, strict=True)
            ]


def _figures(cell: Cell, amount: int) -> dict[str, Any]:
    if cell.is_kept_back:
        return {"count": None, "amount": None}
    return {"count": cell.count, "amount": str(amount)}


def canonical(report: Mapping[str, Any]) -> bytes:
    """Return the bytes that the signature is over, but for the tag before them."""
    return json.dumps(report, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def sign(report: Mapping[str, Any], key: Ed25519PrivateKey) -> bytes:
    """Return the signature of a report, 64 bytes."""
    return key.sign(DOMAIN + canonical(report))


def check(report: Mapping[str, Any], signature: bytes, public_key: bytes, csv: str = "") -> str:
    """Return what is wrong with a report, or nothing.

    Args:
        report: as it was told.
        signature: 64 bytes.
        public_key: the switch's, on a way that isn't the report's.
        csv: its CSV form, where that is to be checked too.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, DOMAIN + canonical(report))
    except (InvalidSignature, ValueError):
        return "its signature isn't that of the key"
    try:
        day = ClosedDay.of_fields(report["day"])
    except (KeyError, TypeError, ValueError) as error:
        return f"it says no day: {error}"
    if not day.signed_by(public_key):
        return "its day's signature isn't that of the key, so the root isn't the switch's"
    if csv and sha256(csv.encode()).hexdigest() != report.get("csv_sha256"):
        return "the CSV isn't this report's"
    return ""


def csv_text(report: Mapping[str, Any]) -> str:
    """Return the figures of a report as CSV; what is kept back is empty."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["date", "sector", "agency", "beneficiary", "kind", "count", "amount", "unit"])
    date, unit = report["day"]["date"], report["unit"]

    def write(sector: str, agency: str, kind: str, figures: Mapping[str, Any]) -> None:
        rows.writerow([date, sector, agency, "", kind, figures["count"], figures["amount"], unit])

    for kind in KINDS:
        write("", "", kind, report[kind])
        for sector in report["sectors"]:
            write(sector["sector"], "", kind, sector[kind])
            for agency in sector["agencies"]:
                write(sector["sector"], agency["agency"], kind, agency[kind])
    for sector in report["sectors"]:
        for agency in sector["agencies"]:
            for kind in ("shares", "given_back"):
                for share in agency[kind]:
                    who = [sector["sector"], agency["agency"], share["beneficiary"]]
                    rows.writerow([date, *who, kind, "", share["amount"], unit])
    return text.getvalue()
