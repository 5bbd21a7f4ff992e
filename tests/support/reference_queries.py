"""The naive ledger's answers to queries: every record is looked at, field by field."""

from collections.abc import Iterable
from typing import TypeVar

from payvand.core import AccountFilter, QueryFilter
from tests.support.ledger_records import Account, Transfer

U128_MAX = 2**128 - 1
ROWS_MAX = 8190

Record = TypeVar("Record", Account, Transfer)


def contradicts(filter: AccountFilter | QueryFilter) -> bool:
    """Tell whether a filter can match nothing whatever the books hold."""
    for moment in (filter.timestamp_min, filter.timestamp_max):
        if moment >= 2**63:
            return True
    if filter.timestamp_max and filter.timestamp_max < filter.timestamp_min:
        return True
    if isinstance(filter, AccountFilter):
        if filter.account_id in (0, U128_MAX):
            return True
        if not filter.debits and not filter.credits:
            return True
    return filter.limit == 0


def paged(filter: AccountFilter | QueryFilter, records: Iterable[Record]) -> list[Record]:
    """Return the records that match, in the order asked, as many as asked."""
    if contradicts(filter):
        return []
    found = [record for record in records if _matches(filter, record)]
    found.sort(key=lambda record: record.timestamp, reverse=filter.reversed)
    return found[: min(filter.limit, ROWS_MAX)]


def _matches(filter: AccountFilter | QueryFilter, record: Account | Transfer) -> bool:
    for name in ("user_data_128", "user_data_64", "user_data_32", "code"):
        if getattr(filter, name) not in (0, getattr(record, name)):
            return False
    if record.timestamp < filter.timestamp_min:
        return False
    if filter.timestamp_max and record.timestamp > filter.timestamp_max:
        return False
    if isinstance(filter, QueryFilter):
        return filter.ledger in (0, record.ledger)
    assert isinstance(record, Transfer)
    debits = filter.debits and record.debit_account_id == filter.account_id
    credits = filter.credits and record.credit_account_id == filter.account_id
    return debits or credits
