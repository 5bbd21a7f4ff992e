"""The table `reference.claim`: every claim there was, as its last act left it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from payvand.settlement.database import Executor
from payvand.switch.directory.claims import Claim, ClaimKind, ClaimState

__all__ = ["claimed", "insert", "list_of", "read", "update"]

COLUMNS = (
    "id, kind, key, donor, claimant, opened_at, answer_by, completion, state, complete_by, "
    "reason, moved_to"
)


async def read(connection: Executor, id: int) -> Claim | None:
    """Return a claim as its last act left it, held fast until the transaction ends."""
    row = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM reference.claim WHERE id = $1 FOR UPDATE",  # noqa: S608 - our names
        UUID(int=id),
    )
    return _claim(row) if row is not None else None


async def insert(connection: Executor, claim: Claim) -> None:
    """Keep a new claim."""
    await connection.execute(
        f"INSERT INTO reference.claim ({COLUMNS}) "  # noqa: S608 - our names
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        *(UUID(int=claim.id), claim.kind.value, UUID(int=claim.key), claim.donor, claim.claimant),
        *(claim.opened_at, claim.answer_by, claim.completion, claim.settled_state.value),
        *(claim.complete_by, claim.reason, claim.moved_to),
    )


async def update(connection: Executor, claim: Claim) -> None:
    """Keep what an act made of a claim."""
    await connection.execute(
        "UPDATE reference.claim SET state = $2, complete_by = $3, reason = $4, moved_to = $5 "
        "WHERE id = $1",
        *(UUID(int=claim.id), claim.settled_state.value, claim.complete_by),
        *(claim.reason, claim.moved_to),
    )


async def claimed(connection: Executor, keys: Iterable[int], moment: datetime) -> set[int]:
    """Return those of *keys* on which a claim is open at *moment*.

    What deadlines made of the others is written down, so that they no longer stand in the way.
    """
    rows = await connection.fetch(
        f"SELECT {COLUMNS} FROM reference.claim "  # noqa: S608 - our names
        "WHERE key = ANY($1::uuid[]) AND state IN ('waiting', 'confirmed') FOR UPDATE",
        [UUID(int=key) for key in keys],
    )
    open_keys = set()
    for claim in map(_claim, rows):
        now = claim.at(moment)
        if now.is_open(moment):
            open_keys.add(claim.key)
        else:
            await update(connection, now)
    return open_keys


async def list_of(
    connection: Executor, participant: str, *, ended: bool, before: UUID | None, limit: int
) -> list[Claim]:
    """Return claims that *participant* is party to, newest first.

    Args:
        ended: also those that ended; without, some that only a deadline ended may be among them.
        before: the last claim of the page before.
        limit: how many at most.
    """
    rows = await connection.fetch(
        f"""
        SELECT {COLUMNS} FROM reference.claim
        WHERE (donor = $1 OR claimant = $1)
            AND ($2 OR state IN ('waiting', 'confirmed'))
            AND ($3::uuid IS NULL
                OR (opened_at, id) < (SELECT opened_at, id FROM reference.claim WHERE id = $3))
        ORDER BY opened_at DESC, id DESC LIMIT $4
        """,  # noqa: S608 - our names
        *(participant, ended, before, limit),
    )
    return [_claim(row) for row in rows]


def _claim(row: Any) -> Claim:
    return Claim(
        id=row["id"].int,
        kind=ClaimKind(row["kind"]),
        key=row["key"].int,
        donor=row["donor"],
        claimant=row["claimant"],
        opened_at=row["opened_at"],
        answer_by=row["answer_by"],
        completion=row["completion"],
        settled_state=ClaimState(row["state"]),
        complete_by=row["complete_by"],
        reason=row["reason"],
        moved_to=row["moved_to"],
    )
