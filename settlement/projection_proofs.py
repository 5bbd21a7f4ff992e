"""Proofs that the projection in PostgreSQL says what the ledger and the journal say."""

from uuid import UUID

from payvand.core.ledger import Ledger
from payvand.core.records import u128_array, u128_list
from payvand.settlement.database import Executor
from payvand.settlement.netting import is_position
from payvand.settlement.operator_acts import OperatorAct
from payvand.settlement.proof import Proof, verdict
from payvand.settlement.recount import Recount
from payvand.settlement.statements import read_page

__all__ = [
    "prove_database_equals_acts",
    "prove_database_equals_ledger",
    "prove_database_equals_windows",
    "prove_projection_has_no_gap",
    "prove_statements_equal_ledger",
]


_BALANCES = """
WITH posting AS (
    SELECT debit_account_id, credit_account_id, amount FROM books.transfer WHERE flags & 10 = 0
), reservation AS (
    SELECT debit_account_id, credit_account_id, amount FROM books.transfer pending
    WHERE flags & 2 <> 0
        AND NOT EXISTS (SELECT FROM books.transfer WHERE pending_id = pending.id)
        AND NOT EXISTS (SELECT FROM books.expiry WHERE pending_id = pending.id)
), side AS (
    SELECT debit_account_id AS id, amount AS debits_posted, 0 AS credits_posted,
        0 AS debits_pending, 0 AS credits_pending FROM posting
    UNION ALL SELECT credit_account_id, 0, amount, 0, 0 FROM posting
    UNION ALL SELECT debit_account_id, 0, 0, amount, 0 FROM reservation
    UNION ALL SELECT credit_account_id, 0, 0, 0, amount FROM reservation
), balance AS (
    SELECT id, sum(debits_posted) AS debits_posted, sum(credits_posted) AS credits_posted,
        sum(debits_pending) AS debits_pending, sum(credits_pending) AS credits_pending
    FROM side GROUP BY id
), newest_limit AS (
    SELECT DISTINCT ON (account_id) account_id AS id, limit_amount
    FROM books.account_limit ORDER BY account_id, timestamp DESC
)
SELECT id, account.id IS NOT NULL AS opened, coalesce(debits_posted, 0) AS debits_posted,
    coalesce(credits_posted, 0) AS credits_posted, coalesce(debits_pending, 0) AS debits_pending,
    coalesce(credits_pending, 0) AS credits_pending, coalesce(limit_amount, 0) AS limit_amount
FROM books.account FULL JOIN balance USING (id) FULL JOIN newest_limit USING (id)
ORDER BY id
"""

_BALANCE_NAMES = ("debits_posted", "credits_posted", "debits_pending", "credits_pending")


async def prove_database_equals_ledger(
    connection: Executor, books: Ledger, *, sequence: int
) -> Proof:
    """Prove that the rows add up to the ledger's balances and limits, account by account.

    *sequence* is the frame that the ledger stands at; wait for the projection to be there.
    """
    name = "database_equals_ledger"
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        cursor = await connection.fetchval("SELECT sequence FROM books.cursor")
        rows = await connection.fetch(_BALANCES)
    if cursor != sequence:
        return Proof(name, False, f"the database is at frame {cursor}, the ledger at {sequence}")
    wrong = [f"account {row['id']} was never opened" for row in rows if not row["opened"]]
    if len(rows) != books.accounts_count:
        wrong.append(f"{len(rows)} accounts in the database, {books.accounts_count} in the ledger")
    ids = u128_array(int(row["id"]) for row in rows)
    accounts, limits = books.lookup_accounts(ids), books.lookup_limits(ids)
    held = {
        account: balances
        for account, *balances in zip(
            u128_list(accounts["id"]),
            *(u128_list(accounts[field]) for field in _BALANCE_NAMES),
            strict=True,
        )
    }
    limit_of = dict(zip(u128_list(limits["account_id"]), u128_list(limits["limit"]), strict=True))
    for row in rows:
        account = int(row["id"])
        told = [int(row[field]) for field in _BALANCE_NAMES]
        if told != held.get(account):
            wrong.append(f"account {account}: {told} in the database, {held.get(account)}")
        if int(row["limit_amount"]) != limit_of.get(account, 0):
            wrong.append(f"account {account}: its limit differs")
    return verdict(name, wrong, f"{len(rows):,} accounts at frame {sequence:,}")


async def prove_database_equals_windows(connection: Executor, recounts: list[Recount]) -> Proof:
    """Prove that the database has the windows and positions that the frames add up to."""
    rows = await connection.fetch(
        "SELECT * FROM books.net_position ORDER BY window_number, participant"
    )
    fields = ("opening", "debits", "credits", "net", "settled", "carried")
    told = {
        (row["window_number"], row["participant"]): [int(row[field]) for field in fields]
        for row in rows
    }
    counted = {
        (recount.closed.number, position.participant): [
            getattr(position, field) for field in fields
        ]
        for recount in recounts
        for position in recount.positions
    }
    wrong = [
        f"window {window}, participant {participant}"
        for window, participant in sorted(told.keys() | counted.keys())
        if told.get((window, participant)) != counted.get((window, participant))
    ]
    closed = await connection.fetchval("SELECT count(*) FROM books.settlement_window")
    if closed != len(recounts):
        wrong.append(f"{closed} windows in the database, {len(recounts)} in the journal")
    return verdict("database_equals_windows", wrong, f"{len(counted):,} positions")


async def prove_database_equals_acts(
    connection: Executor, acts: list[tuple[OperatorAct, bytes]]
) -> Proof:
    """Prove that the database tells of each act of an operator what the journal tells."""
    told = {
        row["sequence"]: tuple(row)
        for row in await connection.fetch("SELECT * FROM books.operator_act")
    }
    held = {
        act.sequence: (
            *(act.sequence, act.timestamp, act.act, act.operator),
            *(UUID(bytes=act.proposal) if act.proposal else None, note.decode()),
        )
        for act, note in acts
    }
    wrong = [
        f"the act of frame {sequence}"
        for sequence in sorted(told.keys() | held.keys())
        if told.get(sequence) != held.get(sequence)
    ]
    return verdict("database_equals_acts", wrong, f"{len(held):,} acts of operators")


# A window's entries must lead from what it opened with to what it carried.
_BROKEN_STATEMENTS = """
WITH moved AS (
    SELECT account, window_number, sum(amount) AS amount FROM (
        SELECT debit_account_id AS account, window_number, -amount AS amount
        FROM books.transfer WHERE flags & 10 = 0
        UNION ALL
        SELECT credit_account_id, window_number, amount
        FROM books.transfer WHERE flags & 10 = 0
    ) side GROUP BY account, window_number
)
SELECT window_number, participant FROM (
    SELECT window_number, participant, opening, carried, coalesce(moved.amount, 0) AS amount,
        lag(carried, 1, 0::numeric) OVER (PARTITION BY participant ORDER BY window_number) AS before
    FROM books.net_position position
    LEFT JOIN moved USING (window_number)
    WHERE moved.account = position.participant * 16 + 1 OR moved.account IS NULL
) statement
WHERE opening <> before OR opening + amount <> carried
ORDER BY window_number, participant
"""


async def prove_statements_equal_ledger(connection: Executor, books: Ledger) -> Proof:
    """Prove that statements lead from window to window and end at the ledger's balances.

    The database must be where the ledger is.
    """
    broken = await connection.fetch(_BROKEN_STATEMENTS)
    wrong = [
        f"the statement of participant {row['participant']} for window {row['window_number']} "
        "doesn't lead to what was carried"
        for row in broken
    ]
    rows = await connection.fetch("SELECT id FROM books.account ORDER BY id")
    positions = [int(row["id"]) for row in rows if is_position(int(row["id"]))]
    accounts = books.lookup_accounts(u128_array(positions))
    balances = zip(
        u128_list(accounts["id"]),
        u128_list(accounts["credits_posted"]),
        u128_list(accounts["debits_posted"]),
        strict=True,
    )
    for account, credits, debits in balances:
        statement = (await read_page(connection, account, limit=1)).statement
        if statement.closing != credits - debits:
            wrong.append(
                f"the statement of account {account} closes at {statement.closing:,}, "
                f"the ledger says {credits - debits:,}"
            )
    return verdict("statements_equal_ledger", wrong, f"{len(positions):,} positions")


_CURSOR = """
SELECT
    cursor.sequence,
    (SELECT count(*) FROM books.frame) AS frames,
    (SELECT coalesce(min(sequence), 1) FROM books.frame) AS first,
    (SELECT coalesce(max(sequence), 0) FROM books.frame) AS last,
    (SELECT coalesce(sum(created), 0) FROM books.frame) AS created,
    (SELECT coalesce(sum(failed), 0) FROM books.frame) AS failed,
    (SELECT coalesce(sum(expired), 0) FROM books.frame) AS expired,
    (SELECT count(*) FROM books.account) + (SELECT count(*) FROM books.account_limit)
        + (SELECT count(*) FROM books.transfer) AS created_rows,
    (SELECT count(*) FROM books.failure) AS failed_rows,
    (SELECT count(*) FROM books.expiry) AS expired_rows
FROM books.cursor
"""


async def prove_projection_has_no_gap(connection: Executor) -> Proof:
    """Prove that the projection has every frame up to its cursor, and every row of each, once."""
    row = await connection.fetchrow(_CURSOR)
    assert row is not None, "the projection has a cursor"
    wrong = []
    if (row["first"], row["last"], row["frames"]) != (1, row["sequence"], row["sequence"]):
        wrong.append(
            f"{row['frames']} frames from {row['first']} to {row['last']}, "
            f"the cursor at {row['sequence']}"
        )
    for kind in ("created", "failed", "expired"):
        if row[kind] != row[f"{kind}_rows"]:
            wrong.append(f"{row[kind]} records {kind}, {row[f'{kind}_rows']} rows")
    return verdict("projection_has_no_gap", wrong, f"{row['sequence']:,} frames")
