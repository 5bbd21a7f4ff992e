"""The naive ledger's rules that need no books: what an event alone can be refused for."""

from dataclasses import replace

from payvand.core.records import AccountFlags as AF
from payvand.core.records import TransferFlags as TF
from payvand.core.statuses import AccountStatus as AS
from payvand.core.statuses import TransferStatus as TS
from tests.support.ledger_records import Account, Transfer

U128_MAX = 2**128 - 1
TIMESTAMP_MAX = 2**63 - 1
SECOND = 1_000_000_000


def batch_problem(
    event: Account | Transfer, leader: Account | Transfer, last: int, statuses: type[AS] | type[TS]
) -> AS | TS | None:
    """Return what keeps an event out of its batch: *last* is the batch's last timestamp."""
    flag = AF.IMPORTED if isinstance(event, Account) else TF.IMPORTED
    imported = bool(event.flags & flag)
    if imported and not leader.flags & flag:
        return statuses.IMPORTED_EVENT_NOT_EXPECTED
    if not imported and leader.flags & flag:
        return statuses.IMPORTED_EVENT_EXPECTED
    if not imported:
        return statuses.TIMESTAMP_MUST_BE_ZERO if event.timestamp else None
    if not 1 <= event.timestamp <= TIMESTAMP_MAX:
        return statuses.IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE
    if event.timestamp >= last:
        return statuses.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE
    return None


def account_format(event: Account) -> AS | None:
    """Return which check of form an account event fails, if any."""
    if event.reserved:
        return AS.RESERVED_FIELD
    if event.flags & ~sum(AF):
        return AS.RESERVED_FLAG
    if event.id == 0:
        return AS.ID_MUST_NOT_BE_ZERO
    if event.id == U128_MAX:
        return AS.ID_MUST_NOT_BE_INT_MAX
    return None


def account_exists(event: Account, existing: Account) -> AS:
    """Return in what an account event differs from the account of its id."""
    names = ("flags", "user_data_128", "user_data_64", "user_data_32", "ledger", "code")
    for name in names:
        if getattr(event, name) != getattr(existing, name):
            return AS[f"EXISTS_WITH_DIFFERENT_{name.upper()}"]
    return AS.EXISTS


def account_content(event: Account) -> AS | None:
    """Return which check of content a new account fails, if any."""
    exclusive = AF.DEBITS_MUST_NOT_EXCEED_CREDITS | AF.CREDITS_MUST_NOT_EXCEED_DEBITS
    if event.flags & exclusive == exclusive:
        return AS.FLAGS_ARE_MUTUALLY_EXCLUSIVE
    for name in ("debits_pending", "debits_posted", "credits_pending", "credits_posted"):
        if getattr(event, name):
            return AS[f"{name.upper()}_MUST_BE_ZERO"]
    if not event.ledger:
        return AS.LEDGER_MUST_NOT_BE_ZERO
    if not event.code:
        return AS.CODE_MUST_NOT_BE_ZERO
    return None


def movement_format(event: Transfer) -> TS | None:
    """Return which check of form a single or pending transfer fails, if any."""
    for name in ("debit_account_id", "credit_account_id"):
        if getattr(event, name) == 0:
            return TS[f"{name.upper()}_MUST_NOT_BE_ZERO"]
        if getattr(event, name) == U128_MAX:
            return TS[f"{name.upper()}_MUST_NOT_BE_INT_MAX"]
    if event.debit_account_id == event.credit_account_id:
        return TS.ACCOUNTS_MUST_BE_DIFFERENT
    if event.pending_id:
        return TS.PENDING_ID_MUST_BE_ZERO
    if not event.flags & TF.PENDING:
        if event.timeout:
            return TS.TIMEOUT_RESERVED_FOR_PENDING_TRANSFER
        if event.flags & (TF.CLOSING_DEBIT | TF.CLOSING_CREDIT):
            return TS.CLOSING_TRANSFER_MUST_BE_PENDING
    if not event.ledger:
        return TS.LEDGER_MUST_NOT_BE_ZERO
    if not event.code:
        return TS.CODE_MUST_NOT_BE_ZERO
    return None


def resolution_format(event: Transfer) -> TS | None:
    """Return which check of form a post or void fails, if any."""
    both = TF.POST_PENDING_TRANSFER | TF.VOID_PENDING_TRANSFER
    others = TF.PENDING | TF.BALANCING_DEBIT | TF.BALANCING_CREDIT
    others |= TF.CLOSING_DEBIT | TF.CLOSING_CREDIT
    if event.flags & both == both or event.flags & others:
        return TS.FLAGS_ARE_MUTUALLY_EXCLUSIVE
    if event.pending_id == 0:
        return TS.PENDING_ID_MUST_NOT_BE_ZERO
    if event.pending_id == U128_MAX:
        return TS.PENDING_ID_MUST_NOT_BE_INT_MAX
    if event.pending_id == event.id:
        return TS.PENDING_ID_MUST_BE_DIFFERENT
    if event.timeout:
        return TS.TIMEOUT_RESERVED_FOR_PENDING_TRANSFER
    return None


def overflow(
    event: Transfer, amount: int, debit: Account, credit: Account, timestamp: int
) -> TS | None:
    """Return which balance or moment the *amount* would carry past its greatest value."""
    if event.flags & TF.PENDING:
        if debit.debits_pending + amount > U128_MAX:
            return TS.OVERFLOWS_DEBITS_PENDING
        if credit.credits_pending + amount > U128_MAX:
            return TS.OVERFLOWS_CREDITS_PENDING
    if debit.debits_posted + amount > U128_MAX:
        return TS.OVERFLOWS_DEBITS_POSTED
    if credit.credits_posted + amount > U128_MAX:
        return TS.OVERFLOWS_CREDITS_POSTED
    if debit.debits_pending + debit.debits_posted + amount > U128_MAX:
        return TS.OVERFLOWS_DEBITS
    if credit.credits_pending + credit.credits_posted + amount > U128_MAX:
        return TS.OVERFLOWS_CREDITS
    if timestamp + event.timeout * SECOND > TIMESTAMP_MAX:
        return TS.OVERFLOWS_TIMEOUT
    return None


def filled(event: Transfer, pending: Transfer) -> Transfer:
    """Return a post or void with what it left open taken from its pending transfer."""
    everything = U128_MAX if event.flags & TF.POST_PENDING_TRANSFER else 0
    return replace(
        event,
        amount=pending.amount if event.amount == everything else event.amount,
        debit_account_id=pending.debit_account_id
        if event.debit_account_id == 0
        else event.debit_account_id,
        credit_account_id=pending.credit_account_id
        if event.credit_account_id == 0
        else event.credit_account_id,
        user_data_128=event.user_data_128 or pending.user_data_128,
        user_data_64=event.user_data_64 or pending.user_data_64,
        user_data_32=event.user_data_32 or pending.user_data_32,
        ledger=event.ledger or pending.ledger,
        code=event.code or pending.code,
    )


def expires_at(transfer: Transfer) -> int | None:
    """Return when a pending transfer runs out, in nanoseconds; None if it never does."""
    return transfer.timestamp + transfer.timeout * SECOND if transfer.timeout else None
