"""Bytes as batches of events over a universe so small that everything in it collides.

Four accounts, twelve ids, and amounts at both ends of what a counter holds: a few dozen bytes make
retries, second ends of one reservation, broken chains and overflows, two or three at once. Chance
or a fuzzer draws the bytes; any bytes are a run, and both ledgers must answer it alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from payvand.core.records import AccountFlags as AF
from payvand.core.records import TransferFlags as TF
from tests.support.ledger_records import Account, Books, CompiledLedger, Limit, Transfer
from tests.support.reference_ledger import ReferenceLedger

U128_MAX = 2**128 - 1
SECOND = 1_000_000_000
IDS = range(1, 13)
ACCOUNT_IDS = range(1, 5)
BATCH_MAX = 6
STEPS_MAX = 40

_AMOUNTS = (0, 0, 1, 1, 1, 2, 2, 2, 3, 2**127, U128_MAX - 1, U128_MAX, U128_MAX)
_ODD_IDS = (0, 99, U128_MAX)
_TIMEOUTS = (0, 0, 0, 1, 1, 2, 2**32 - 1)
_ACCOUNT_FLAGS = (
    0,
    0,
    AF.DEBITS_MUST_NOT_EXCEED_CREDITS,
    AF.CREDITS_MUST_NOT_EXCEED_DEBITS,
    AF.HISTORY,
    AF.CLOSED,
    AF.LINKED,
    AF.DEBITS_MUST_NOT_EXCEED_CREDITS | AF.CREDITS_MUST_NOT_EXCEED_DEBITS,
    1 << 6,
)
_MOVEMENTS = (
    0,
    0,
    TF.PENDING,
    TF.PENDING,
    TF.PENDING,
    TF.BALANCING_DEBIT,
    TF.BALANCING_CREDIT,
    TF.BALANCING_DEBIT | TF.BALANCING_CREDIT,
    TF.BALANCING_DEBIT | TF.PENDING,
    TF.PENDING | TF.CLOSING_DEBIT,
    TF.PENDING | TF.CLOSING_CREDIT | TF.BALANCING_CREDIT,
    TF.CLOSING_DEBIT,
)
_ENDS = (TF.POST_PENDING_TRANSFER, TF.POST_PENDING_TRANSFER, TF.VOID_PENDING_TRANSFER)
_ELAPSED = (*[0] * 9, 1, 3, SECOND // 2, SECOND - 2, SECOND - 1, SECOND, 2 * SECOND, 5 * 10**18)
_END_OF_TIME = 2**63 - 2**40
_ODD: dict[str, tuple[int, ...]] = {
    "debit_account_id": _ODD_IDS,
    "credit_account_id": _ODD_IDS,
    "pending_id": (0, 1, 9, U128_MAX),
    "user_data_64": (1, 2),
    "user_data_32": (1, 2),
    "timeout": (1, 2),
    "ledger": (0, 2),
    "code": (0, 2),
    "timestamp": (1, 2**63 - 1, 2**63),
}
_ODD_OF_ACCOUNT: dict[str, tuple[int, ...]] = {
    "id": _ODD_IDS,
    "debits_pending": (1,),
    "debits_posted": (1,),
    "credits_pending": (1,),
    "credits_posted": (1,),
    "user_data_128": (1,),
    "user_data_64": (1,),
    "user_data_32": (1,),
    "reserved": (1,),
    "ledger": (0, 2),
    "code": (0, 2),
    "flags": (0, AF.HISTORY, 1 << 6),
    "timestamp": (1, 2**63 - 1, 2**63),
}
_STEPS_OF_IMPORT = (1, 1, 1, 2, 0, -1, SECOND // 2)
_POSTED = (0, 1, 2, 2**127, U128_MAX - 1, U128_MAX)

Event = TypeVar("Event", Account, Transfer)


@dataclass(slots=True)
class Draws:
    """Choices made by bytes, one each; when they have run out, always the first."""

    data: bytes
    at: int = field(default=0)

    def __bool__(self) -> bool:
        """Tell whether there are bytes left."""
        return self.at < len(self.data)

    def below(self, limit: int) -> int:
        """Return a number below *limit*, at most 256."""
        byte = self.data[self.at] if self else 0
        self.at += 1
        return byte % limit

    def one_of(self, choices: Sequence[int]) -> int:
        """Return one of the choices."""
        return int(choices[self.below(len(choices))])

    def rarely(self, odds: int) -> bool:
        """Tell yes once in *odds* times."""
        return self.below(odds) == odds - 1


def _account(draws: Draws) -> Account:
    """Choose an account: likely one that exists, perhaps with a field that is another."""
    account = Account(draws.one_of(ACCOUNT_IDS), flags=draws.one_of(_ACCOUNT_FLAGS))
    for _ in range(max(0, draws.below(6) - 3)):
        name = list(_ODD_OF_ACCOUNT)[draws.below(len(_ODD_OF_ACCOUNT))]
        account = replace(account, **{name: draws.one_of(_ODD_OF_ACCOUNT[name])})
    return account


_CHANGES: dict[str, tuple[int, ...]] = {
    "amount": _AMOUNTS,
    "flags": (0, TF.PENDING, *_ENDS),
    "pending_id": (0, 1, 2, 3, U128_MAX),
    "timeout": (0, 1),
    "debit_account_id": (0, *ACCOUNT_IDS),
    "credit_account_id": (0, *ACCOUNT_IDS),
    "user_data_128": (0, 1, 2),
    "user_data_64": (0, 1, 2),
    "user_data_32": (0, 1, 2),
    "ledger": (0, 1, 2),
    "code": (0, 1, 2),
}


def _again(draws: Draws, sent: Sequence[Transfer]) -> Transfer:
    """Send an event once more, perhaps with a field or two that are others."""
    event = sent[draws.below(len(sent))]
    for _ in range(draws.below(3)):
        name = list(_CHANGES)[draws.below(len(_CHANGES))]
        event = replace(event, **{name: int(draws.one_of(_CHANGES[name]))})
    return event


def _transfer(draws: Draws, books: ReferenceLedger, sent: Sequence[Transfer]) -> Transfer:
    """Choose an event: one sent before, the end of a reservation, or a movement."""
    kind = draws.below(8)
    if kind < 2 and sent:
        return _again(draws, sent)
    odd = draws.rarely(8)
    ends = kind < 5
    flags = draws.one_of(_ENDS if ends else _MOVEMENTS)
    if odd and draws.rarely(3):
        flags = draws.below(256) | draws.below(8) << 8
    if draws.rarely(8):
        flags |= TF.LINKED
    used = {*books.content.transfers, *books.failed}
    fresh = [id for id in IDS if id not in used] or IDS
    pending = [*books.content.phases] or IDS
    named = not ends or draws.rarely(4)
    event = Transfer(
        id=draws.one_of(fresh if draws.below(6) else (*IDS, *_ODD_IDS)),
        debit_account_id=draws.one_of(ACCOUNT_IDS) if named else 0,
        credit_account_id=draws.one_of(ACCOUNT_IDS) if named else 0,
        amount=draws.one_of(_AMOUNTS),
        pending_id=draws.one_of(pending if draws.below(6) else IDS) if ends else 0,
        user_data_128=int(draws.rarely(4)),
        timeout=draws.one_of(_TIMEOUTS) if flags & TF.PENDING else 0,
        ledger=int(named),
        code=int(named),
        flags=int(flags),
    )
    if odd:
        name = list(_ODD)[draws.below(len(_ODD))]
        event = replace(event, **{name: draws.one_of(_ODD[name])})
    return event


def _imported(draws: Draws, events: Sequence[Event], last: int) -> list[Event]:
    """Give events past timestamps of their own, most of them rising from *last* on."""
    marked = []
    for event in events:
        last = max(0, last + draws.one_of(_STEPS_OF_IMPORT))
        flag = AF.IMPORTED if isinstance(event, Account) else TF.IMPORTED
        flags = event.flags if draws.rarely(16) else event.flags | flag
        marked.append(replace(event, flags=int(flags), timestamp=last))
    return marked


class Collisions:
    """Two ledgers that are given the same, and must answer the same."""

    def __init__(self) -> None:
        """Open both, with four accounts of which two are limited."""
        self.compiled, self.naive = CompiledLedger(), ReferenceLedger()
        self.clock = 0
        self.sent: list[Transfer] = []
        flags = (
            0,
            AF.DEBITS_MUST_NOT_EXCEED_CREDITS,
            AF.CREDITS_MUST_NOT_EXCEED_DEBITS,
            AF.HISTORY,
        )
        events = [Account(id, flags=int(flag)) for id, flag in zip(ACCOUNT_IDS, flags, strict=True)]
        self._both(lambda books: books.create_accounts(events[:3], 0))

    def _both(self, step: Callable[[Books], object]) -> None:
        assert step(self.compiled) == step(self.naive)
        assert self.compiled.timestamp == self.naive.timestamp
        self.clock = max(self.clock, self.naive.timestamp)

    def run(self, data: bytes) -> None:
        """Make what the bytes say of both, comparing answers and books as they go."""
        draws = Draws(data)
        for _ in range(STEPS_MAX):
            if not draws:
                break
            self._step(draws)
            self._compare()

    def _step(self, draws: Draws) -> None:
        kind = draws.below(16)
        now = self.clock = min(self.clock + draws.one_of(_ELAPSED), _END_OF_TIME)
        if kind < 10:
            count = 1 + draws.below(BATCH_MAX)
            events = [_transfer(draws, self.naive, self.sent) for _ in range(count)]
            self.sent += events
            if kind == 9:
                events = _imported(draws, events, self.naive.content.transfer_timestamp)
            decisions = [2 if draws.rarely(20) else 0 for _ in events]
            self._both(lambda books: books.create_transfers(events, now, decisions))
        elif kind < 12:
            opened = [_account(draws) for _ in range(1 + draws.below(BATCH_MAX))]
            if kind == 11:
                opened = _imported(draws, opened, self.naive.content.account_timestamp)
            self._both(lambda books: books.create_accounts(opened, now))
        elif kind == 12:
            limit = Limit(draws.one_of((*ACCOUNT_IDS, 9)), draws.one_of(_AMOUNTS))
            self._both(lambda books: books.set_limits([limit], now))
        elif kind == 13:
            self._both(lambda books: books.expire(now))
        else:
            self._set_balances(draws)

    def _set_balances(self, draws: Draws) -> None:
        """Put balances near the end of a counter into an account without reservations."""
        id, debits, credits = (
            draws.one_of(ACCOUNT_IDS),
            draws.one_of(_POSTED),
            draws.one_of(_POSTED),
        )
        account = self.naive.content.accounts.get(id)
        if account is not None and not account.debits_pending and not account.credits_pending:
            for books in (self.compiled, self.naive):
                books.set_balances(id, (0, debits, 0, credits))

    def _compare(self) -> None:
        compiled, naive = self.compiled, self.naive
        assert compiled.lookup_accounts(ACCOUNT_IDS) == naive.lookup_accounts(ACCOUNT_IDS)
        assert compiled.lookup_transfers(IDS) == naive.lookup_transfers(IDS)
        assert compiled.states(IDS) == naive.states(IDS)


def run(data: bytes) -> None:
    """Make a run of *data*; raises AssertionError where the two ledgers differ."""
    Collisions().run(data)
