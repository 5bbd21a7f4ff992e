"""The timestamps of results: whose moment an answer speaks of."""

from dataclasses import replace

from payvand.core.records import AccountFlags, TransferFlags
from payvand.core.statuses import AccountStatus, TransferStatus
from tests.support.ledger_records import Account, CompiledLedger, Outcome, Transfer


def test_an_account_again_is_told_when_it_was_opened_and_another_when_it_was_judged() -> None:
    books = CompiledLedger()
    account = Account(1)
    other = replace(account, flags=AccountFlags.HISTORY)
    assert books.create_accounts([account, account, other], 10) == [
        Outcome(11, AccountStatus.CREATED),
        Outcome(11, AccountStatus.EXISTS),
        Outcome(13, AccountStatus.EXISTS_WITH_DIFFERENT_FLAGS),
    ]


def test_a_transfer_again_is_told_when_it_moved_and_another_when_it_was_judged() -> None:
    books = CompiledLedger()
    books.create_accounts([Account(1), Account(2)], 10)
    transfer = Transfer(1, 1, 2, amount=5, ledger=1, code=1)
    missing = replace(transfer, id=2, credit_account_id=3)
    events = [transfer, transfer, replace(transfer, amount=4), missing, missing]
    assert books.create_transfers(events, 20) == [
        Outcome(21, TransferStatus.CREATED),
        Outcome(21, TransferStatus.EXISTS),
        Outcome(23, TransferStatus.EXISTS_WITH_DIFFERENT_AMOUNT),
        Outcome(24, TransferStatus.CREDIT_ACCOUNT_NOT_FOUND),
        Outcome(25, TransferStatus.ID_ALREADY_FAILED),
    ]


def test_an_imported_transfer_answers_with_the_moment_that_it_brought_along() -> None:
    books = CompiledLedger()
    books.create_accounts([Account(1), Account(2)], 10)
    transfer = Transfer(1, 1, 2, ledger=1, code=1, flags=TransferFlags.IMPORTED, timestamp=15)
    late = replace(transfer, id=2)
    assert books.create_transfers([transfer, transfer, late], 20) == [
        Outcome(15, TransferStatus.CREATED),
        Outcome(15, TransferStatus.EXISTS),
        Outcome(23, TransferStatus.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS),
    ]
