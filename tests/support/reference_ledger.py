"""A naive ledger in plain Python: the oracle of the compiled one.

Every rule is written once, in the order of precedence of the result codes, over dictionaries of
frozen values and integers without bound. A linked chain is undone by putting back the copy of the
dictionaries taken before it. Nothing here is fast and nothing is shared with the compiled ledger
but the numbers of flags and statuses.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from payvand.core import AccountFilter, QueryFilter
from payvand.core.records import AccountFlags as AF
from payvand.core.records import TransferFlags as TF
from payvand.core.statuses import AccountStatus as AS
from payvand.core.statuses import LimitStatus as LS
from payvand.core.statuses import TransferStatus as TS
from tests.support.ledger_records import (
    CREATED,
    Account,
    Balance,
    Expiry,
    Limit,
    Outcome,
    Quota,
    QuotaUse,
    State,
    Transfer,
    TransferState,
)
from tests.support.reference_queries import paged
from tests.support.reference_quotas import Posting, ReferenceQuotas, postings_of
from tests.support.reference_rules import (
    U128_MAX,
    account_content,
    account_exists,
    account_format,
    batch_problem,
    expires_at,
    filled,
    movement_format,
    overflow,
    resolution_format,
)

DECLINE = 2
ACTION_MASK = 3

Event = TypeVar("Event", Account, Transfer)


@dataclass
class _Content:
    """All that a failed chain puts back."""

    accounts: dict[int, Account] = field(default_factory=dict)
    transfers: dict[int, Transfer] = field(default_factory=dict)
    phases: dict[int, TransferState] = field(default_factory=dict)  # of pending transfers
    history: dict[tuple[int, int], Balance] = field(default_factory=dict)  # account, timestamp
    account_timestamp: int = 0  # of the account created last
    transfer_timestamp: int = 0  # of the transfer created last

    def copy(self) -> "_Content":
        return replace(
            self,
            accounts=dict(self.accounts),
            transfers=dict(self.transfers),
            phases=dict(self.phases),
            history=dict(self.history),
        )


class ReferenceLedger:
    """The ledger's semantics, written for reading."""

    def __init__(self) -> None:
        """Open empty books."""
        self.timestamp = 0
        self.content = _Content()
        self.limits: dict[int, int] = {}
        self.quotas = ReferenceQuotas()
        self.moments: dict[int, int] = {}  # when transfers took effect, by the clock
        self.failed: dict[int, TS] = {}  # ids burnt by a transient failure

    # The operations.

    def create_accounts(self, events: Sequence[Account], now: int) -> list[Outcome]:
        """Apply a batch of account events."""
        return self._execute(events, now, AS, self._create_account)

    def create_transfers(
        self, events: Sequence[Transfer], now: int, decisions: Sequence[int] | None = None
    ) -> list[Outcome]:
        """Apply a batch of transfer events; a decision of 2 declines its transfer."""
        words = [0] * len(events) if decisions is None else decisions

        def create(event: Transfer, timestamp: int, index: int) -> Outcome:
            declined = words[index] & ACTION_MASK == DECLINE
            outcome = self._create_transfer(event, timestamp, declined)
            if TS(outcome.status).transient:
                self.failed[event.id] = TS(outcome.status)  # not undone with a chain
            return outcome

        return self._execute(events, now, TS, create)

    def set_limits(self, events: Sequence[Limit], now: int) -> list[Outcome]:
        """Apply a batch of changes of limits."""
        if not events:
            return []
        base = self._begin(now)
        outcomes = []
        for index, event in enumerate(events):
            account = self.content.accounts.get(event.account_id)
            if account is None:
                status = LS.ACCOUNT_NOT_FOUND
            elif not account.flags & (
                AF.DEBITS_MUST_NOT_EXCEED_CREDITS | AF.CREDITS_MUST_NOT_EXCEED_DEBITS
            ):
                status = LS.ACCOUNT_HAS_NO_LIMITED_SIDE
            else:
                status = LS.CREATED
                self.limits[event.account_id] = event.limit
            outcomes.append(Outcome(base + 1 + index, status))
        self.timestamp = base + len(events)
        return outcomes

    def set_quotas(self, events: Sequence[Quota], now: int) -> list[Outcome]:
        """Apply a batch of quotas."""
        if not events:
            return []
        base = self._begin(now)
        outcomes = []
        for index, event in enumerate(events):
            moment = base + 1 + index
            outcomes.append(Outcome(moment, self.quotas.put(event, moment, self.content.accounts)))
        self.timestamp = base + len(events)
        return outcomes

    def lookup_quotas(self, ids: Sequence[int]) -> list[QuotaUse]:
        """Return what is used of the quotas found, in the order asked."""
        found = [self.quotas.quotas[id] for id in ids if id in self.quotas.quotas]
        return [
            self.quotas.use(one, self.timestamp, self._reserved(), self._postings())
            for one in found
        ]

    def expire(self, now: int) -> list[Expiry]:
        """Release what ran out at or before *now*, in order of expiry, then of creation."""
        now = self.timestamp = max(self.timestamp, now)
        pending = [self.content.transfers[id] for id in self._pending_ids()]
        due = [
            (expiry, transfer.timestamp, transfer)
            for transfer in pending
            if (expiry := expires_at(transfer)) is not None and expiry <= now
        ]
        released = []
        for _, _, transfer in sorted(due, key=lambda item: item[:2]):
            self._release(transfer)
            self._reopen(transfer)
            self.content.phases[transfer.id] = TransferState.EXPIRED
            released.append(
                Expiry(
                    transfer.id,
                    transfer.debit_account_id,
                    transfer.credit_account_id,
                    transfer.amount,
                )
            )
        return released

    def states(self, ids: Sequence[int]) -> list[State]:
        """Tell what stands behind each id, also behind ids never seen."""
        return [self._state(id) for id in ids]

    def _state(self, id: int) -> State:
        if id in self.failed:
            return State(TransferState.FAILED, self.failed[id])
        if id not in self.content.transfers:
            return State(TransferState.UNKNOWN, 0)
        return State(self.content.phases.get(id, TransferState.SINGLE), CREATED)

    def lookup_limits(self, ids: Sequence[int]) -> list[Limit]:
        """Return the limits of the accounts found, in the order asked."""
        return [Limit(id, self.limits.get(id, 0)) for id in ids if id in self.content.accounts]

    def lookup_accounts(self, ids: Sequence[int]) -> list[Account]:
        """Return the accounts found, in the order asked."""
        return [self.content.accounts[id] for id in ids if id in self.content.accounts]

    def lookup_transfers(self, ids: Sequence[int]) -> list[Transfer]:
        """Return the transfers found, in the order asked."""
        return [self.content.transfers[id] for id in ids if id in self.content.transfers]

    def account_transfers(self, filter: AccountFilter) -> list[Transfer]:
        """Return those of one account that match."""
        return paged(filter, self.content.transfers.values())

    def account_balances(self, filter: AccountFilter) -> list[Balance]:
        """Return how the account stood after each of them, where it keeps a history."""
        account = self.content.accounts.get(filter.account_id)
        if account is None or not account.flags & AF.HISTORY:
            return []
        found = self.account_transfers(filter)
        return [self.content.history[filter.account_id, each.timestamp] for each in found]

    def query_accounts(self, filter: QueryFilter) -> list[Account]:
        """Return the accounts that match."""
        return paged(filter, self.content.accounts.values())

    def query_transfers(self, filter: QueryFilter) -> list[Transfer]:
        """Return the transfers that match."""
        return paged(filter, self.content.transfers.values())

    def set_balances(self, account_id: int, balances: tuple[int, int, int, int]) -> None:
        """Set an account's four balances outright."""
        names = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
        self._change(account_id, **dict(zip(names, balances, strict=True)))

    # A batch.

    def _begin(self, now: int) -> int:
        base = max(now, self.timestamp)
        self.expire(base)
        return base

    def _execute(
        self,
        events: Sequence[Event],
        now: int,
        statuses: type[AS] | type[TS],
        create: Callable[[Event, int, int], Outcome],
    ) -> list[Outcome]:
        if not events:
            return []
        base = self._begin(now)
        last = base + len(events)
        outcomes: list[Outcome] = []
        before: _Content | None = None  # the books before the open chain
        first = 0  # where the open chain began
        broken = False
        for index, event in enumerate(events):
            timestamp = base + 1 + index
            linked = bool(event.flags & TF.LINKED)
            if linked and before is None:
                before, first, broken = self.content.copy(), index, False
            if linked and index == len(events) - 1:
                outcome = Outcome(timestamp, statuses.LINKED_EVENT_CHAIN_OPEN)
            elif before is not None and broken:
                outcome = Outcome(timestamp, statuses.LINKED_EVENT_FAILED)
            else:
                problem = batch_problem(event, events[0], last, statuses)
                outcome = (
                    create(event, timestamp, index)
                    if problem is None
                    else Outcome(timestamp, problem)
                )
            if before is not None and not broken and outcome.status != statuses.CREATED:
                broken = True
                self.content = before
                for chained in range(first, index):
                    outcomes[chained] = Outcome(base + 1 + chained, statuses.LINKED_EVENT_FAILED)
            if not linked:
                before = None
            outcomes.append(outcome)
        self.timestamp = last
        return outcomes

    # One account.

    def _create_account(self, event: Account, timestamp: int, _: int) -> Outcome:
        existing = self.content.accounts.get(event.id)
        imported = bool(event.flags & AF.IMPORTED)
        actual = event.timestamp if imported else timestamp
        status = account_format(event)
        if status is None and existing is not None:
            status = account_exists(event, existing)
            return Outcome(existing.timestamp if status == AS.EXISTS else timestamp, status)
        if status is None:
            status = account_content(event)
        if (
            status is None
            and imported
            and (
                actual <= self.content.account_timestamp
                or any(actual == other.timestamp for other in self.content.transfers.values())
            )
        ):
            status = AS.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS
        if status is not None:
            return Outcome(timestamp, status)
        self.content.accounts[event.id] = replace(event, timestamp=actual)
        self.content.account_timestamp = actual
        return Outcome(actual, AS.CREATED)

    # One transfer.

    def _create_transfer(self, event: Transfer, timestamp: int, declined: bool) -> Outcome:
        existing = self.content.transfers.get(event.id)
        actual = event.timestamp if event.flags & TF.IMPORTED else timestamp
        if event.flags & ~sum(TF):
            status: TS | None = TS.RESERVED_FLAG
        elif event.id == 0:
            status = TS.ID_MUST_NOT_BE_ZERO
        elif event.id == U128_MAX:
            status = TS.ID_MUST_NOT_BE_INT_MAX
        elif existing is not None:
            status = self._transfer_exists(event, existing)
            return Outcome(existing.timestamp if status == TS.EXISTS else timestamp, status)
        elif event.id in self.failed:
            status = TS.ID_ALREADY_FAILED
        elif declined:
            status = TS.DECLINED
        elif event.flags & (TF.POST_PENDING_TRANSFER | TF.VOID_PENDING_TRANSFER):
            status = self._resolve(event, actual, timestamp)
        else:
            status = self._move(event, actual, timestamp)
        if status is not None:
            return Outcome(timestamp, status)
        self.moments[event.id] = timestamp
        self._note_balances(self.content.transfers[event.id])
        return Outcome(actual, TS.CREATED)

    def _note_balances(self, transfer: Transfer) -> None:
        for id in (transfer.debit_account_id, transfer.credit_account_id):
            account = self.content.accounts[id]
            self.content.history[id, transfer.timestamp] = Balance(
                transfer.timestamp,
                account.debits_pending,
                account.debits_posted,
                account.credits_pending,
                account.credits_posted,
            )

    def _transfer_exists(self, event: Transfer, existing: Transfer) -> TS:
        flags = event.flags
        if flags != existing.flags:
            return TS.EXISTS_WITH_DIFFERENT_FLAGS
        if event.pending_id != existing.pending_id:
            return TS.EXISTS_WITH_DIFFERENT_PENDING_ID
        if event.timeout != existing.timeout:
            return TS.EXISTS_WITH_DIFFERENT_TIMEOUT
        expected = event
        if flags & (TF.POST_PENDING_TRANSFER | TF.VOID_PENDING_TRANSFER):
            expected = filled(event, self.content.transfers[event.pending_id])
        if expected.debit_account_id != existing.debit_account_id:
            return TS.EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID
        if expected.credit_account_id != existing.credit_account_id:
            return TS.EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID
        balancing = flags & (TF.BALANCING_DEBIT | TF.BALANCING_CREDIT)
        enough = balancing and expected.amount >= existing.amount
        if expected.amount != existing.amount and not enough:
            return TS.EXISTS_WITH_DIFFERENT_AMOUNT
        for name in ("user_data_128", "user_data_64", "user_data_32", "ledger", "code"):
            if getattr(expected, name) != getattr(existing, name):
                return TS[f"EXISTS_WITH_DIFFERENT_{name.upper()}"]
        return TS.EXISTS

    def _move(self, event: Transfer, timestamp: int, clock: int) -> TS | None:
        """Create a single or pending transfer, or return why not; quotas go by the *clock*."""
        status = movement_format(event)
        if status is not None:
            return status
        debit = self.content.accounts.get(event.debit_account_id)
        credit = self.content.accounts.get(event.credit_account_id)
        if debit is None:
            return TS.DEBIT_ACCOUNT_NOT_FOUND
        if credit is None:
            return TS.CREDIT_ACCOUNT_NOT_FOUND
        if debit.ledger != credit.ledger:
            return TS.ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER
        if event.ledger != debit.ledger:
            return TS.TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS
        if event.flags & TF.IMPORTED:
            if self._regresses(timestamp):
                return TS.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS
            if timestamp <= debit.timestamp:
                return TS.IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_DEBIT_ACCOUNT
            if timestamp <= credit.timestamp:
                return TS.IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_CREDIT_ACCOUNT
            if event.timeout:
                return TS.IMPORTED_EVENT_TIMEOUT_MUST_BE_ZERO
        if debit.flags & AF.CLOSED:
            return TS.DEBIT_ACCOUNT_ALREADY_CLOSED
        if credit.flags & AF.CLOSED:
            return TS.CREDIT_ACCOUNT_ALREADY_CLOSED
        amount = event.amount
        if event.flags & TF.BALANCING_DEBIT:
            amount = min(amount, max(0, self._debit_room(debit)))
        if event.flags & TF.BALANCING_CREDIT:
            amount = min(amount, max(0, self._credit_room(credit)))
        status = overflow(event, amount, debit, credit, timestamp)
        if status is not None:
            return status
        limited = debit.flags & AF.DEBITS_MUST_NOT_EXCEED_CREDITS
        if limited and amount > self._debit_room(debit):
            return TS.EXCEEDS_CREDITS
        limited = credit.flags & AF.CREDITS_MUST_NOT_EXCEED_DEBITS
        if limited and amount > self._credit_room(credit):
            return TS.EXCEEDS_DEBITS
        if self.quotas.quotas:
            moved = replace(event, amount=amount)
            status = self.quotas.judge(moved, clock, self._reserved(), self._postings())
            if status is not None:
                return status
        # From here on it can't fail.
        self._record(replace(event, amount=amount, timestamp=timestamp))
        if event.flags & TF.PENDING:
            self.content.phases[event.id] = TransferState.PENDING
            self._change(debit.id, debits_pending=debit.debits_pending + amount)
            self._change(credit.id, credits_pending=credit.credits_pending + amount)
        else:
            self._change(debit.id, debits_posted=debit.debits_posted + amount)
            self._change(credit.id, credits_posted=credit.credits_posted + amount)
        if event.flags & TF.CLOSING_DEBIT:
            self._change(debit.id, flags=debit.flags | AF.CLOSED)
        if event.flags & TF.CLOSING_CREDIT:
            self._change(credit.id, flags=credit.flags | AF.CLOSED)
        return None

    def _resolve(self, event: Transfer, timestamp: int, clock: int) -> TS | None:
        """Post or void a pending transfer, or return why not; it expires by the *clock*."""
        status = resolution_format(event)
        if status is not None:
            return status
        pending = self.content.transfers.get(event.pending_id)
        if pending is None:
            return TS.PENDING_TRANSFER_NOT_FOUND
        if not pending.flags & TF.PENDING:
            return TS.PENDING_TRANSFER_NOT_PENDING
        for name in ("debit_account_id", "credit_account_id", "ledger", "code"):
            if getattr(event, name) not in (0, getattr(pending, name)):
                return TS[f"PENDING_TRANSFER_HAS_DIFFERENT_{name.upper()}"]
        posting = bool(event.flags & TF.POST_PENDING_TRANSFER)
        resolved = replace(filled(event, pending), timestamp=timestamp)
        if resolved.amount > pending.amount:
            return TS.EXCEEDS_PENDING_TRANSFER_AMOUNT
        if not posting and resolved.amount < pending.amount:
            return TS.PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT
        phase = self.content.phases[pending.id]
        if phase == TransferState.POSTED:
            return TS.PENDING_TRANSFER_ALREADY_POSTED
        if phase == TransferState.VOIDED:
            return TS.PENDING_TRANSFER_ALREADY_VOIDED
        expiry = expires_at(pending)
        if phase == TransferState.EXPIRED or (expiry is not None and expiry <= clock):
            return TS.PENDING_TRANSFER_EXPIRED
        if event.flags & TF.IMPORTED and self._regresses(timestamp):
            return TS.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS
        if posting and self.content.accounts[pending.debit_account_id].flags & AF.CLOSED:
            return TS.DEBIT_ACCOUNT_ALREADY_CLOSED
        if posting and self.content.accounts[pending.credit_account_id].flags & AF.CLOSED:
            return TS.CREDIT_ACCOUNT_ALREADY_CLOSED
        # From here on it can't fail.
        self._record(resolved)
        self._release(pending)
        if posting:
            self.content.phases[pending.id] = TransferState.POSTED
            debit = self.content.accounts[pending.debit_account_id]
            credit = self.content.accounts[pending.credit_account_id]
            self._change(debit.id, debits_posted=debit.debits_posted + resolved.amount)
            self._change(credit.id, credits_posted=credit.credits_posted + resolved.amount)
        else:
            self.content.phases[pending.id] = TransferState.VOIDED
            self._reopen(pending)
        return None

    # Small steps.

    def _debit_room(self, account: Account) -> int:
        """Return how much more an account may be debited; below zero if it is beyond its limit."""
        limited = account.flags & AF.DEBITS_MUST_NOT_EXCEED_CREDITS
        allowance = self.limits.get(account.id, 0) if limited else 0
        bound = min(account.credits_posted + allowance, U128_MAX)  # no counter holds more
        return bound - account.debits_pending - account.debits_posted

    def _credit_room(self, account: Account) -> int:
        """Return how much more an account may be credited; below zero if beyond its limit."""
        limited = account.flags & AF.CREDITS_MUST_NOT_EXCEED_DEBITS
        allowance = self.limits.get(account.id, 0) if limited else 0
        bound = min(account.debits_posted + allowance, U128_MAX)
        return bound - account.credits_pending - account.credits_posted

    def _regresses(self, timestamp: int) -> bool:
        return timestamp <= self.content.transfer_timestamp or any(
            timestamp == account.timestamp for account in self.content.accounts.values()
        )

    def _record(self, transfer: Transfer) -> None:
        self.content.transfers[transfer.id] = transfer
        self.content.transfer_timestamp = transfer.timestamp

    def _reserved(self) -> list[Transfer]:
        return [self.content.transfers[id] for id in self._pending_ids()]

    def _postings(self) -> list[Posting]:
        return postings_of(self.content.transfers, self.moments)

    def _pending_ids(self) -> list[int]:
        return [id for id, phase in self.content.phases.items() if phase == TransferState.PENDING]

    def _release(self, pending: Transfer) -> None:
        debit = self.content.accounts[pending.debit_account_id]
        credit = self.content.accounts[pending.credit_account_id]
        self._change(debit.id, debits_pending=debit.debits_pending - pending.amount)
        self._change(credit.id, credits_pending=credit.credits_pending - pending.amount)

    def _reopen(self, pending: Transfer) -> None:
        for flag, account_id in (
            (TF.CLOSING_DEBIT, pending.debit_account_id),
            (TF.CLOSING_CREDIT, pending.credit_account_id),
        ):
            if pending.flags & flag:
                account = self.content.accounts[account_id]
                self._change(account_id, flags=account.flags & ~AF.CLOSED)

    def _change(self, account_id: int, **values: int) -> None:
        self.content.accounts[account_id] = replace(self.content.accounts[account_id], **values)
