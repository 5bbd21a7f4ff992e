"""The rows of participants in PostgreSQL, for those who join with them, and their ledger accounts.

Both follow from the registry and may be brought up to it again and again: the rows of whoever has
accounts, the accounts and the net debit caps in the ledger.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np

from payvand.core.engine import Engine
from payvand.core.records import ACCOUNT, LIMIT, AccountFlags, Records, u128_array, u128_list
from payvand.core.statuses import AccountStatus, LimitStatus
from payvand.settlement.database import Executor, as_amount
from payvand.settlement.netting import (
    charge_account,
    collateral_account,
    position_account,
    settlement_account,
)
from payvand.switch.fees.bills.accounts import (
    COLLECTION_ACCOUNT,
    COLLECTION_ACCOUNT_CODE,
    FEES_ACCOUNT_CODE,
    fees_account,
)
from payvand.switch.identity import Role
from payvand.switch.participant import ROLES, Participant
from payvand.switch.units import IRR

__all__ = ["CENTRAL_BANK_ACCOUNT", "open_accounts", "read_rows", "write_rows"]

CENTRAL_BANK_ACCOUNT: Final = 1
"""The switch's own account that stands for money at the central bank; it funds the others."""

POSITION_CODE: Final = 1
SETTLEMENT_CODE: Final = 2
CENTRAL_BANK_CODE: Final = 3
COLLATERAL_CODE: Final = 6
CHARGE_ACCOUNT_CODE: Final = 7

LIMITED: Final = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS
UNLIMITED: Final = AccountFlags(0)
ACCOUNTS_AT_ONCE: Final = 8_000
"""Within one batch of the ledger."""

_Entry = tuple[int, int, int, AccountFlags, int]
"""Id, ledger, code, flags and limit of an account."""


async def open_accounts(
    engine: Engine,
    participants: Iterable[Participant],
    cap_of: Callable[[Participant], int] = lambda one: one.net_debit_cap,
) -> None:
    """Bring the ledger to the accounts and limits of *participants*; touch what is right never.

    Raises `RuntimeError` where the ledger has such an account with other traits: the database and
    the journal aren't of the same switch. *cap_of* tells how far a position may fall below zero.
    """
    wanted: list[_Entry] = [
        (CENTRAL_BANK_ACCOUNT, IRR.ledger, CENTRAL_BANK_CODE, UNLIMITED, 0),
        (COLLECTION_ACCOUNT, IRR.ledger, COLLECTION_ACCOUNT_CODE, UNLIMITED, 0),
    ]
    for one in participants:
        number, ledger = one.number, one.ledger
        wanted += [
            (position_account(number), ledger, POSITION_CODE, LIMITED, cap_of(one)),
            (settlement_account(number), ledger, SETTLEMENT_CODE, LIMITED, 0),
            (collateral_account(number), ledger, COLLATERAL_CODE, LIMITED, 0),
            (charge_account(number), ledger, CHARGE_ACCOUNT_CODE, UNLIMITED, 0),
        ]
        if ROLES[one.role] is Role.AGENCY:
            wanted.append((fees_account(number), ledger, FEES_ACCOUNT_CODE, UNLIMITED, 0))
    for start in range(0, len(wanted), ACCOUNTS_AT_ONCE):
        await _open(engine, wanted[start : start + ACCOUNTS_AT_ONCE])


async def _open(engine: Engine, wanted: Sequence[_Entry]) -> None:
    ids = u128_array(account for account, *_ in wanted)
    opened = set(u128_list((await engine.lookup_accounts(ids))["id"]))
    missing = [entry for entry in wanted if entry[0] not in opened]
    if missing:
        results = (await engine.create_accounts(_account_records(missing))).results
        for entry, status in zip(missing, results["status"].tolist(), strict=True):
            if status not in (AccountStatus.CREATED, AccountStatus.EXISTS):
                raise RuntimeError(
                    f"account {entry[0]} can't be opened: {AccountStatus(status).name.lower()}; "
                    "the journal isn't of the switch that the database belongs to"
                )
    standing = await engine.lookup_limits(ids)
    limit_of = dict(
        zip(u128_list(standing["account_id"]), u128_list(standing["limit"]), strict=True)
    )
    stale = [entry for entry in wanted if entry[3] and limit_of.get(entry[0]) != entry[4]]
    if stale:
        limits = np.zeros(len(stale), LIMIT)
        limits["account_id"] = u128_array(account for account, *_ in stale)
        limits["limit"] = u128_array(limit for *_, limit in stale)
        results = (await engine.set_limits(limits)).results
        assert (results["status"] == LimitStatus.CREATED).all(), "the accounts were just opened"


def _account_records(entries: Sequence[_Entry]) -> Records:
    records = np.zeros(len(entries), ACCOUNT)
    records["id"] = u128_array(account for account, *_ in entries)
    records["ledger"] = [ledger for _, ledger, *_ in entries]
    records["code"] = [code for _, _, code, *_ in entries]
    records["flags"] = [int(flags) for _, _, _, flags, _ in entries]
    return records


async def read_rows(connection: Executor) -> list[Participant]:
    """Return the participants that have rows, by number, with the traits that rows have."""
    rows = await connection.fetch(
        "SELECT number, name, role, display_name, bank_codes, ibans, net_debit_cap, unit, "
        "auto_accept, display_name_fa FROM reference.participants ORDER BY number"
    )
    return [
        Participant(
            number=row["number"],
            name=row["name"],
            role=row["role"],
            display_name=row["display_name"],
            bank_codes=tuple(row["bank_codes"]),
            ibans=tuple(row["ibans"]),
            net_debit_cap=as_amount(row["net_debit_cap"]),
            unit=row["unit"],
            auto_accept=row["auto_accept"],
            display_name_fa=row["display_name_fa"],
        )
        for row in rows
    ]


async def write_rows(connection: Executor, changed: Sequence[Participant]) -> None:
    """Write rows; codes may go from one participant to another in whatever order they come."""
    await connection.execute(
        "UPDATE reference.participants SET bank_codes = '{}', ibans = '{}' WHERE number = ANY($1)",
        [participant.number for participant in changed],
    )
    for one in changed:
        # A closed participant leads nowhere, so its codes are free for others.
        codes, ibans = ([], []) if one.is_closed else (list(one.bank_codes), list(one.ibans))
        await connection.execute(
            """
            INSERT INTO reference.participants (number, name, role, display_name, bank_codes,
                ibans, net_debit_cap, unit, auto_accept, display_name_fa)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (number) DO UPDATE SET display_name = $4, bank_codes = $5, ibans = $6,
                net_debit_cap = $7, auto_accept = $9, display_name_fa = $10
            """,
            *(one.number, one.name, one.role, one.display_name, codes, ibans),
            *(one.net_debit_cap, one.unit, one.auto_accept, one.display_name_fa),
        )
