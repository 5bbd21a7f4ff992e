"""Draws events for the ledger from a small universe, with an eye on what its books hold.

Blind draws would spend themselves on ids that were never used or are burnt. Half of these name
something that exists: a reservation under way to resolve, an event to send again.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import hypothesis.strategies as st

from payvand.core import AccountFilter, QueryFilter
from payvand.core.records import AccountFlags as AF
from payvand.core.records import TransferFlags as TF
from tests.support.ledger_records import Account, Quota, Transfer, TransferState
from tests.support.reference_ledger import ReferenceLedger

U128_MAX = 2**128 - 1
SECOND = 1_000_000_000
ACCOUNT_IDS = (1, 2, 3, 4, 2**64 + 1, 2**127)
TRANSFER_IDS = (*range(1, 30), 2**64 + 1, 2**64 + 2, 2**127 + 1, 2**127 + 2)
QUOTA_IDS = (1, 2, 3, 4, 5)
LEDGERS = (1, 2)
LIMITED = AF.DEBITS_MUST_NOT_EXCEED_CREDITS | AF.CREDITS_MUST_NOT_EXCEED_DEBITS

Event = TypeVar("Event", Account, Transfer)


def _weighted(**weights: int) -> st.SearchStrategy[str]:
    return st.sampled_from([name for name, weight in weights.items() for _ in range(weight)])


account_ids = st.sampled_from(ACCOUNT_IDS)
ledgers = st.sampled_from([1] * 8 + [2])
amounts = st.one_of(
    *[st.integers(0, 12)] * 9, st.sampled_from([U128_MAX, U128_MAX - 1, 2**127, 2**64])
)
user_data = st.sampled_from([0, 0, 0, 1, 2])
timeouts = st.sampled_from([0, 0, 1, 1, 2, 2**32 - 1])
account_flags = st.sampled_from(
    [
        AF(0),
        AF(0),
        AF.DEBITS_MUST_NOT_EXCEED_CREDITS,
        AF.DEBITS_MUST_NOT_EXCEED_CREDITS,
        AF.CREDITS_MUST_NOT_EXCEED_DEBITS,
        AF.HISTORY,
        AF.CLOSED,
    ]
)
movement_flags = st.sampled_from(
    [
        *[TF(0)] * 3,
        *[TF.PENDING] * 6,
        TF.BALANCING_DEBIT,
        TF.BALANCING_CREDIT,
        TF.BALANCING_DEBIT | TF.BALANCING_CREDIT,
        TF.BALANCING_DEBIT | TF.PENDING,
        TF.PENDING | TF.CLOSING_DEBIT,
        TF.PENDING | TF.CLOSING_CREDIT,
        TF.PENDING | TF.CLOSING_DEBIT | TF.CLOSING_CREDIT,
    ]
)
_spoil_kind = _weighted(sound=11, spoil=1)
_transfer_kind = _weighted(movement=6, resolution=4, retry=2)

# One field at a time, set to what a rule forbids or to what only a retry may not have.
_ACCOUNT_SPOILS: dict[str, st.SearchStrategy[int]] = {
    "id": st.sampled_from([0, U128_MAX]),
    "debits_pending": st.just(1),
    "debits_posted": st.just(1),
    "credits_pending": st.just(1),
    "credits_posted": st.just(1),
    "user_data_128": st.just(7),
    "user_data_64": st.just(7),
    "user_data_32": st.just(7),
    "reserved": st.just(1),
    "ledger": st.sampled_from([0, 2]),
    "code": st.sampled_from([0, 2]),
    "flags": st.one_of(st.just(int(LIMITED)), st.integers(0, 2**16 - 1)),
    "timestamp": st.sampled_from([1, 2**63 - 1, 2**63]),
}
_TRANSFER_SPOILS: dict[str, st.SearchStrategy[int]] = {
    "id": st.sampled_from([0, U128_MAX]),
    "debit_account_id": st.sampled_from([0, 1, 2, 9, U128_MAX]),
    "credit_account_id": st.sampled_from([0, 1, 2, 9, U128_MAX]),
    "amount": amounts,
    "pending_id": st.sampled_from([0, 1, 99, U128_MAX, *TRANSFER_IDS[:8]]),
    "user_data_128": st.just(7),
    "user_data_64": st.just(7),
    "user_data_32": st.just(7),
    "timeout": st.just(3),
    "ledger": st.sampled_from([0, 1, 2]),
    "code": st.sampled_from([0, 1, 2]),
    "flags": st.one_of(
        st.sampled_from([TF.POST_PENDING_TRANSFER | TF.PENDING, TF.CLOSING_DEBIT]),
        st.integers(0, 2**16 - 1),
    ),
    "timestamp": st.sampled_from([1, 2**63 - 1, 2**63]),
}

_QUOTA_SPOILS: dict[str, st.SearchStrategy[int]] = {
    "id": st.sampled_from([0, U128_MAX]),
    "debit_account_id": st.sampled_from([0, 1, 9]),
    "credit_account_id": st.sampled_from([0, 1, 9]),
    "codes": st.just(0),
    "event": st.sampled_from([1, 16]),
    "flags": st.sampled_from([1, 2]),
    "timestamp": st.just(1),
}


def draw_accounts(data: st.DataObject, sent: Sequence[Account]) -> list[Account]:
    """Draw a batch of account events, some of them retries of those *sent* before."""
    events = []
    for linked in data.draw(st.lists(_linked, max_size=5)):
        if sent and data.draw(st.booleans()):
            event = data.draw(st.sampled_from(sent))
        else:
            event = Account(
                id=data.draw(account_ids),
                user_data_128=data.draw(user_data),
                ledger=data.draw(ledgers),
                flags=data.draw(account_flags) | linked,
            )
        if data.draw(_spoil_kind) == "spoil":
            name = data.draw(st.sampled_from(sorted(_ACCOUNT_SPOILS)))
            event = replace(event, **{name: data.draw(_ACCOUNT_SPOILS[name])})
        events.append(event)
    return events


def draw_transfers(
    data: st.DataObject, books: ReferenceLedger, sent: Sequence[Transfer]
) -> list[Transfer]:
    """Draw a batch of transfer events that fit *books*; some are retries of those *sent*."""
    events: list[Transfer] = []
    for linked in data.draw(st.lists(_linked, max_size=8)):
        kind = data.draw(_transfer_kind)
        known = [*sent, *events]
        if kind == "retry" and known:
            event = data.draw(st.sampled_from(known))
        elif kind == "resolution" and known:
            event = _draw_resolution(data, books, events)
            event = replace(event, flags=event.flags | linked)
        else:
            event = _draw_movement(data, books, events)
            event = replace(event, flags=event.flags | linked)
        if data.draw(_spoil_kind) == "spoil":
            name = data.draw(st.sampled_from(sorted(_TRANSFER_SPOILS)))
            event = replace(event, **{name: data.draw(_TRANSFER_SPOILS[name])})
        events.append(event)
    return events


_linked = st.sampled_from([0] * 7 + [int(TF.LINKED)])


def _draw_id(data: st.DataObject, books: ReferenceLedger, events: Sequence[Transfer]) -> int:
    used = {*books.content.transfers, *books.failed, *(event.id for event in events)}
    fresh = [id for id in TRANSFER_IDS if id not in used]
    return data.draw(st.sampled_from(fresh or TRANSFER_IDS))


def _draw_movement(
    data: st.DataObject, books: ReferenceLedger, events: Sequence[Transfer]
) -> Transfer:
    flags = data.draw(movement_flags)
    debit, credit = data.draw(st.permutations(sorted(books.content.accounts) or ACCOUNT_IDS))[:2]
    return Transfer(
        id=_draw_id(data, books, events),
        debit_account_id=debit,
        credit_account_id=credit,
        amount=data.draw(amounts),
        user_data_64=data.draw(user_data),
        timeout=data.draw(timeouts) if flags & TF.PENDING else 0,
        ledger=data.draw(ledgers),
        code=1,
        flags=flags,
    )


def _draw_resolution(
    data: st.DataObject, books: ReferenceLedger, events: Sequence[Transfer]
) -> Transfer:
    open_ids = [id for id, phase in books.content.phases.items() if phase == TransferState.PENDING]
    open_ids += [event.id for event in events if event.flags & TF.PENDING]
    pending_id = data.draw(st.sampled_from([*open_ids * 4, *books.content.transfers] or [99]))
    post = data.draw(st.sampled_from([True, True, False]))
    everything = U128_MAX if post else 0
    return Transfer(
        id=_draw_id(data, books, events),
        pending_id=pending_id,
        amount=data.draw(st.one_of(st.just(everything), st.just(everything), amounts)),
        user_data_32=data.draw(user_data),
        flags=TF.POST_PENDING_TRANSFER if post else TF.VOID_PENDING_TRANSFER,
    )


def draw_quota(data: st.DataObject) -> Quota:
    """Draw a quota, most of them sound, few of them with the same id and other terms."""
    id = data.draw(st.sampled_from(QUOTA_IDS))
    debit, credit = data.draw(st.permutations(ACCOUNT_IDS[:4]))[:2]
    to_whoever = data.draw(st.booleans())
    quota = Quota(
        id=id,
        debit_account_id=debit,
        credit_account_id=0 if to_whoever else credit,
        amount_max=data.draw(st.sampled_from([3, 8, 2**128 - 1])),
        sum_max=data.draw(st.sampled_from([0, 5, 12, 30, 2**128 - 1])),
        codes=data.draw(st.sampled_from([0b10, 0b10, 0b110, 0b100])),
        period=data.draw(st.sampled_from([0, 1, 2])),
        offset=data.draw(st.sampled_from([0, 1])),
        flags=0 if to_whoever else data.draw(st.sampled_from([0, 1])),
    )
    if data.draw(_spoil_kind) == "spoil":
        name = data.draw(st.sampled_from(sorted(_QUOTA_SPOILS)))
        quota = replace(quota, **{name: data.draw(_QUOTA_SPOILS[name])})
    return quota


def draw_filter(data: st.DataObject, books: ReferenceLedger) -> AccountFilter | QueryFilter:
    """Draw a question, most of whose parts fit something in *books*."""
    records = [*books.content.accounts.values(), *books.content.transfers.values()]
    moments = st.sampled_from([0, 0, 0, *[record.timestamp for record in records], 2**63])
    common = {
        "user_data_128": data.draw(st.sampled_from([0, 0, 0, 1, 7])),
        "user_data_64": data.draw(st.sampled_from([0, 0, 0, 1, 2])),
        "user_data_32": data.draw(st.sampled_from([0, 0, 0, 1])),
        "code": data.draw(st.sampled_from([0, 0, 1, 2])),
        "timestamp_min": data.draw(moments),
        "timestamp_max": data.draw(moments),
        "limit": data.draw(st.sampled_from([0, 1, 2, 3, 8190, 2**32 - 1])),
        "reversed": data.draw(st.booleans()),
    }
    if data.draw(st.booleans()):
        return QueryFilter(ledger=data.draw(st.sampled_from([0, 0, 1, 2])), **common)
    return AccountFilter(
        account_id=data.draw(st.sampled_from([*ACCOUNT_IDS, *books.content.accounts, 0, 9])),
        debits=data.draw(st.sampled_from([True, True, False])),
        credits=data.draw(st.sampled_from([True, True, False])),
        **common,
    )


def as_imported(events: Sequence[Event], last: int, steps: Sequence[int]) -> list[Event]:
    """Mark *events* as imported; each one's timestamp is a step after that of the one before."""
    marked = []
    for event, step in zip(events, steps, strict=False):
        last = max(0, last + step)
        flag = AF.IMPORTED if isinstance(event, Account) else TF.IMPORTED
        marked.append(replace(event, flags=event.flags | flag, timestamp=last))
    return marked
