"""How bills stand: what was issued, and what the ledger says happened to it.

The acts of a bill are transfers under ids that follow from its key and their numbers, without gaps.
So they are read by looking up numbers until one is missing: one look at the ledger for bills that
nothing happened to, whatever their number.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from payvand.core.engine import Engine
from payvand.core.records import Records, u128_of
from payvand.switch.fees.bills.accounts import ACT_CODE, NOTICE_CODE, REFUND_CODE
from payvand.switch.fees.bills.number import ACTS_MAX, act_ids

__all__ = ["ATTEMPT_SHIFT", "Act", "read_acts"]

LOOKUPS_MAX: Final = 8_190
"""Ids of one look at the ledger."""
FIRST_LOOK: Final = 1
"""Acts of each bill that are looked up at first: most bills have none or one."""
ATTEMPT_SHIFT: Final = 12
GROWTH: Final = 8
"""So many times as many with each further look."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happened to a bill, as its transfer says."""

    number: int
    code: int
    """`ACT_CODE` for a payment, `NOTICE_CODE` for what moves nothing; any other is a stranger's
    transfer, which took the number and says nothing of the bill."""
    amount: int
    cart: int
    """Of a payment the id of the debit, of a refund that of its proposal, of a notice the digest
    of what it says."""
    debtor: int
    """The key of the account debited."""
    mark: int
    """Of a refund the number of the payment that it is of; above it, from the bit
    `ATTEMPT_SHIFT` on, the attempt that is in the ids of its other transfers."""
    timestamp: int

    @property
    def is_ours(self) -> bool:
        """Whether it says anything of the bill; else a stranger's transfer took the number."""
        return self.code in (ACT_CODE, REFUND_CODE, NOTICE_CODE)

    @property
    def is_payment(self) -> bool:
        """Whether it brought money."""
        return self.code == ACT_CODE

    @property
    def about(self) -> int:
        """Of a refund: the number of the payment that goes back."""
        return self.mark & (1 << ATTEMPT_SHIFT) - 1

    @property
    def attempt(self) -> int:
        """What is in the ids of the other transfers of the act."""
        return self.mark >> ATTEMPT_SHIFT

    @property
    def is_notice(self) -> bool:
        """Whether it changed what the bill asks."""
        return self.code == NOTICE_CODE


async def read_acts(engine: Engine, keys: Sequence[int]) -> Mapping[int, list[Act]]:
    """Return the acts of bills by their keys, in order; an empty list where there are none.

    Bills without acts cost an id each; others a few times as many as they have acts.
    """
    acts: dict[int, list[Act]] = {key: [] for key in keys}
    waiting, count = list(acts), FIRST_LOOK
    while waiting:
        some = max(1, LOOKUPS_MAX // count)
        further: list[int] = []
        for start in range(0, len(waiting), some):
            further += await _look(engine, acts, waiting[start : start + some], count)
        waiting, count = further, count * GROWTH
    return acts


async def _look(
    engine: Engine, acts: dict[int, list[Act]], keys: Sequence[int], count: int
) -> list[int]:
    """Look up the next *count* acts of bills; return the keys of those that may have more."""
    asked = [
        (key, number)
        for key in keys
        for number in range(len(acts[key]) + 1, min(len(acts[key]) + count, ACTS_MAX) + 1)
    ]
    ids = act_ids([key for key, _ in asked], [number for _, number in asked])
    found = await engine.lookup_transfers(ids)
    if not len(found):
        return []
    for (key, number), record in zip(_matched(asked, ids, found), found, strict=True):
        acts[key].append(_act_of(number, record))
    last = dict(asked)
    return [key for key in keys if acts[key] and acts[key][-1].number == last[key] < ACTS_MAX]


def _matched(
    asked: Sequence[tuple[int, int]], ids: Records, found: Records
) -> Iterable[tuple[int, int]]:
    """Yield what was asked of those ids that were found; both are in the same order."""
    if len(found) == len(ids):
        yield from asked
        return
    place = 0
    wanted = ids.tolist()
    for identity in found["id"].tolist():
        while wanted[place] != identity:
            place += 1
        yield asked[place]
        place += 1


def _act_of(number: int, record: Records) -> Act:
    return Act(
        number=number,
        code=int(record["code"]),
        amount=u128_of(record["amount"]),
        cart=u128_of(record["user_data_128"]),
        debtor=int(record["user_data_64"]),
        mark=int(record["user_data_32"]),
        timestamp=int(record["timestamp"]),
    )
