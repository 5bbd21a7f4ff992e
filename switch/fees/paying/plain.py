"""Plain payments: one bill, whole, of one line, to which nothing has happened yet. Most are such.

They go as columns: all that are divided along one tree at once, and the records of their chains are
made by numpy. A payment of which anything is out of the ordinary is left to `paying`, which judges
it bill by bill; so is one whose chain the ledger didn't take. Both ways write the same records.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple

import asyncpg
import numpy as np
import numpy.typing as npt

from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.core.records import TRANSFER, Records, TransferFlags
from payvand.switch.fees.bills.accounts import (
    ACT_CODE,
    COLLECTION_ACCOUNT,
    FEE_CODE,
    SHARE_CODE,
    account_key,
    fees_account,
)
from payvand.switch.fees.bills.bill import BillRefused
from payvand.switch.fees.bills.number import TransferKind, agency_of, transfer_id
from payvand.switch.fees.bills.tariff import Tariff
from payvand.switch.fees.paying.cart import Cart
from payvand.switch.fees.paying.dividing import Collector, Divider, Tree
from payvand.switch.fees.paying.payload import payload_of
from payvand.switch.routing import Route

__all__ = ["COLUMNS", "Chain", "PlainBatch", "plain_batches"]

COLUMNS: Final = (
    "key, service, amount, due, facts, schedule_version, "
    "jsonb_array_length(lines) AS line_count, lines -> 0 ->> 3 AS share_tree"
)
"""Of the rows of bills that plain payments are judged by."""
_HALF: Final = 64
_LOW: Final = (1 << _HALF) - 1


class Chain(NamedTuple):
    """A plain payment."""

    place: int
    cart: Cart
    key: int


@dataclass(frozen=True, slots=True)
class PlainBatch:
    """Plain payments along one tree, as the engine takes them; each has as many records."""

    chains: Sequence[Chain]
    width: int
    """Records of each."""
    records: Records
    payloads: bytes
    offsets: npt.NDArray[np.uint32]


@dataclass(slots=True)
class _Group:
    """Plain payments of one agency along one tree."""

    tree: Tree
    collector: Collector
    chains: list[Chain]


def plain_batches(
    carts: Mapping[int, Cart],
    rows: Mapping[int, asyncpg.Record],
    terms: Mapping[tuple[int, int], Tariff | None],
    divider: Divider,
    debtor: Route,
) -> list[PlainBatch]:
    """Return the batches of those *carts* that are plain; *rows* are of bills without acts.

    Args:
        carts: by their place in the call.
        rows: of bills, with `COLUMNS`, by key.
        terms: the tariffs that bills were made by, by agency and version.
        divider: of the moment.
        debtor: the bank that pays.
    """
    groups: dict[tuple[int, str, str, str], _Group | None] = {}
    seen: set[int] = set()
    for place, cart in carts.items():
        part = cart.parts[0]
        row = rows.get(part.key)
        if row is None or len(cart.parts) > 1 or part.beyond or part.key in seen:
            continue
        amount = row["amount"]
        if amount != cart.amount or part.amount not in (0, amount) or row["line_count"] != 1:
            continue
        agency = agency_of(part.key)
        tariff = terms.get((agency, row["schedule_version"]))
        if tariff is None or tariff.changes_with_time(row["service"], row["due"], divider.day):
            continue
        kind = agency, row["service"], row["share_tree"], row["facts"] or ""
        if kind not in groups:
            groups[kind] = None
            with suppress(BillRefused):
                groups[kind] = _Group(divider.tree(*kind), divider.collector(agency), [])
        group = groups[kind]
        if group is not None:
            seen.add(part.key)
            group.chains.append(Chain(place, cart, part.key))
    batches = []
    for group in groups.values():
        if group is not None:
            some = BATCH_EVENTS_MAX // (2 + len(group.tree.accounts))
            for first in range(0, len(group.chains), some):
                batch = _batch(group, group.chains[first : first + some], debtor)
                if batch is not None:
                    batches.append(batch)
    return batches


def _batch(group: _Group, chains: Sequence[Chain], debtor: Route) -> PlainBatch | None:
    """Return the records of chains; None where not everybody gets something of each of them."""
    amounts = np.array([chain.cart.amount for chain in chains], np.uint64)
    shares = group.tree.shares.divide_many(amounts)
    if not shares.all():
        full = shares.all(axis=1)
        chains = [chains[place] for place in np.flatnonzero(full).tolist()]
        amounts, shares = amounts[full], shares[full]
        if not chains:
            return None
    leaves = shares.shape[1]
    records = np.zeros((len(chains), 2 + leaves), TRANSFER)
    ids = records["id"]
    carts = b"".join(chain.cart.asked.id for chain in chains)
    words = np.frombuffer(carts, ">u8").reshape(-1, 2)
    act_ids = [transfer_id(TransferKind.ACT, chain.key, 1) for chain in chains]
    share_id = transfer_id(TransferKind.SHARE, 0, 1) - transfer_id(TransferKind.ACT, 0, 1)
    ids["hi"][:, 0], ids["lo"][:, 0] = words[:, 0], words[:, 1]
    act_hi = np.array([identity >> _HALF for identity in act_ids], np.uint64)
    act_lo = np.array([identity & _LOW for identity in act_ids], np.uint64)
    ids["hi"][:, 1], ids["lo"][:, 1] = act_hi, act_lo
    ids["hi"][:, 2:] = (act_hi + np.uint64(share_id >> _HALF))[:, None]
    ids["lo"][:, 2:] = act_lo[:, None] + np.arange(1, leaves + 1, dtype=np.uint64)
    fees = fees_account(group.collector.number)
    records["debit_account_id"]["lo"][:, 0] = debtor.position
    records["debit_account_id"]["lo"][:, 1] = COLLECTION_ACCOUNT
    records["debit_account_id"]["lo"][:, 2:] = fees
    records["credit_account_id"]["lo"][:, 0] = COLLECTION_ACCOUNT
    records["credit_account_id"]["lo"][:, 1] = fees
    records["credit_account_id"]["lo"][:, 2:] = [account for account, _ in group.tree.accounts]
    records["amount"]["lo"][:, :2] = amounts[:, None]
    records["amount"]["lo"][:, 2:] = shares
    data = records["user_data_128"]
    data["hi"][:, 0] = account_key(group.collector.ibans[0])
    data["lo"][:, 0] = [chain.cart.digest for chain in chains]
    data["hi"][:, 1], data["lo"][:, 1] = words[:, 0], words[:, 1]
    data["hi"][:, 2:] = [key for _, key in group.tree.accounts]
    keys = np.array([chain.cart.debtor_key for chain in chains], np.uint64)
    records["user_data_64"][:, :2] = keys[:, None]
    records["ledger"] = debtor.ledger
    records["code"][:, 0], records["code"][:, 1] = FEE_CODE, ACT_CODE
    records["code"][:, 2:] = SHARE_CODE
    records["flags"][:, :-1] = int(TransferFlags.LINKED)
    payloads = [payload_of(chain.cart, group.collector, debtor.unit) for chain in chains]
    lengths = np.zeros((len(chains), 2 + leaves), np.uint32)
    lengths[:, 0] = [len(payload) for payload in payloads]
    offsets = np.zeros(lengths.size + 1, np.uint32)
    np.cumsum(lengths, out=offsets[1:])
    return PlainBatch(chains, 2 + leaves, records.reshape(-1), b"".join(payloads), offsets)
