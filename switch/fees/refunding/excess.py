"""What goes back because a bill asks less than was paid of it."""

from collections.abc import Sequence
from hashlib import blake2b

from payvand.switch.fees.bills.state import Standing
from payvand.switch.fees.refunding.holdings import Holding
from payvand.switch.fees.refunding.request import RefundRequest

__all__ = ["excess_refund_id", "excess_refunds"]

REASON_CODE = "CUST"


def excess_refunds(
    before: Standing, after: Standing, holdings: Sequence[Holding]
) -> list[RefundRequest]:
    """Return the refunds of what a change made too much, one for each payment that it is of.

    Those give back who have the shares of the lines that ask less, the latest payment first. What
    was too much before is a credit already, and stays one.
    """
    left = after.credit - before.credit
    excess = {
        place: sum(one.amount for one in holdings if one.line == place) - line.amount
        for place, line in enumerate(after.lines)
    }
    wanted: dict[int, dict[int, int]] = {}
    for holding in sorted(holdings, key=lambda one: (-one.act, one.place)):
        amount = min(left, max(excess.get(holding.line, 0), 0), holding.amount)
        if amount > 0:
            lines = wanted.setdefault(holding.act, {})
            lines[holding.line] = lines.get(holding.line, 0) + amount
            excess[holding.line] -= amount
            left -= amount
    return [
        RefundRequest(after.bill.key, act, sum(lines.values()), lines, REASON_CODE)
        for act, lines in sorted(wanted.items(), reverse=True)
    ]


def excess_refund_id(after: Standing, request: RefundRequest) -> bytes:
    """Return the id of the refund of a payment that follows from the last act of a bill."""
    told = b"".join(
        part.to_bytes(16, "big") for part in (request.key, after.acts[-1].number, request.act)
    )
    return blake2b(told, digest_size=16, person=b"payvand.excess").digest()
