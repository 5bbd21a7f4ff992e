"""Holdings: what each beneficiary still has of the payments of a bill, by the ledger.

A payment's shares have ids that follow from its act; what a refund took of a share has the id of
the refund's act and the share's place. So both are found by their ids alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from payvand.core.engine import Engine
from payvand.core.records import Records, u128_array, u128_list, u128_of
from payvand.switch.fees.bills.accounts import REFUND_CODE
from payvand.switch.fees.bills.number import SHARES_MAX, TransferKind, transfer_id
from payvand.switch.fees.bills.standing import Act

__all__ = ["Holding", "divide_among", "read_holdings"]

LOOK: Final = 256
"""Places of one act that are looked up at once."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What a beneficiary has of one share of a payment."""

    act: int
    """The payment's."""
    place: int
    """The share's, from 1."""
    line: int
    """The place of the bill's line, or that of a credit."""
    position: int
    """The account in the ledger."""
    key: int
    """Of the beneficiary's own account."""
    amount: int
    """The share, less what refunds took of it."""


async def read_holdings(engine: Engine, key: int, acts: Sequence[Act]) -> list[Holding]:
    """Return the holdings of a bill's payments, in the order of acts and places."""
    returned: dict[tuple[int, int], int] = {}
    for act in acts:
        if act.code == REFUND_CODE:
            for place, record in await _transfers(engine, TransferKind.RETURN, key, act):
                share = act.about, place
                returned[share] = returned.get(share, 0) + u128_of(record["amount"])
    holdings = []
    for act in acts:
        if act.is_payment:
            for place, record in await _transfers(engine, TransferKind.SHARE, key, act):
                amount = u128_of(record["amount"]) - returned.get((act.number, place), 0)
                holdings.append(
                    Holding(
                        act=act.number,
                        place=place,
                        line=int(record["user_data_32"]),
                        position=u128_of(record["credit_account_id"]),
                        key=u128_of(record["user_data_128"]) >> 64,
                        amount=amount,
                    )
                )
    return holdings


def divide_among(amount: int, holdings: Sequence[Holding]) -> list[tuple[Holding, int]]:
    """Divide what goes back among those who have it, in proportion to what they have.

    By the largest remainder, of equal ones the first. Nobody gives back more than it has, and the
    sum is *amount*, which must be no more than all have.
    """
    whole = sum(holding.amount for holding in holdings)
    assert 0 <= amount <= whole, "no more goes back than there is"
    if not amount:
        return []
    parts = [divmod(amount * holding.amount, whole) for holding in holdings]
    left = amount - sum(part for part, _ in parts)
    greatest = sorted(range(len(parts)), key=lambda place: (-parts[place][1], place))[:left]
    extra = set(greatest)
    divided = [
        (holding, part + (place in extra))
        for place, (holding, (part, _)) in enumerate(zip(holdings, parts, strict=True))
    ]
    return [(holding, part) for holding, part in divided if part]


async def _transfers(
    engine: Engine, kind: TransferKind, key: int, act: Act
) -> Iterable[tuple[int, Records]]:
    """Return the transfers of an act by their places."""
    found: list[tuple[int, Records]] = []
    first = transfer_id(kind, key, act.number, 1, act.attempt)
    for start in range(0, SHARES_MAX, LOOK):
        ids = u128_array(first + place for place in range(start, start + LOOK))
        records = await engine.lookup_transfers(ids)
        found += [
            (identity - first + 1, record)
            for identity, record in zip(u128_list(records["id"]), records, strict=True)
        ]
        # Shares have places without gaps; what a refund took has those of the shares.
        if kind is TransferKind.SHARE and len(records) < len(ids):
            break
    return found
