"""Notices: acts that change what a bill asks and move no money.

A notice is a row of the database and a transfer of nothing in the ledger, which carries the digest
of the row and takes the next number of the bill's acts. The row is written first; it holds once
the transfer is there, and never where another act took the number.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import blake2b
from typing import Any
from uuid import UUID

from payvand.settlement.database import Executor
from payvand.settlement.errors import SchemaMismatch
from payvand.switch.fees.bills.bill import BillLine
from payvand.switch.fees.bills.standing import Act

__all__ = ["Notice", "What", "insert_notice", "insert_notices", "read_notices"]


class What(StrEnum):
    """What a notice does."""

    AMENDED = "amended"
    """Lines ask something else, or the due day is another."""
    WAIVED = "waived"
    """Lines ask less."""
    EXEMPTED = "exempted"
    """Lines, or all of them, ask nothing, whether they were paid or not."""
    OBJECTED = "objected"
    """The payer objects; the agency answers by another notice."""
    DISMISSED = "dismissed"
    """The agency stands by what the payer objected to."""
    CANCELLED = "cancelled"
    """Nothing is asked any more, and what was paid goes back."""
    EXPIRED = "expired"
    """Its time ran out."""
    ACCRUED = "accrued"
    """Penalties and interest came on top, right before a payment."""
    REBATED = "rebated"
    """Something came off, right before a payment."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What an act says that moves nothing."""

    what: What
    reason: str
    made_by: str
    lines: tuple[BillLine, ...] | None = None
    """What the bill asks from now on; None for what it asked."""
    due: date | None = None
    """The last day to pay from now on; None for the day it was."""
    ends: str = ""
    """cancelled or expired, where nothing can be paid any more."""
    on: date | None = None
    """Up to which day lateness is reckoned by it; None where it reckons none."""

    def content(self) -> str:
        """Return it as JSON, always in the same form."""
        told: dict[str, Any] = {"what": self.what, "reason": self.reason, "made_by": self.made_by}
        if self.lines is not None:
            told["lines"] = [
                [line.fee, line.kind, str(line.amount), line.share_tree] for line in self.lines
            ]
        if self.due is not None:
            told["due"] = self.due.isoformat()
        if self.ends:
            told["ends"] = self.ends
        if self.on is not None:
            told["on"] = self.on.isoformat()
        return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    def digest(self) -> int:
        """Return 128 bits of its content, which the transfer carries."""
        content = self.content().encode()
        return int.from_bytes(
            blake2b(content, digest_size=16, person=b"payvand.notice").digest(), "big"
        )

    @classmethod
    def of(cls, content: str) -> "Notice":
        """Return the notice that `content` gave."""
        told = json.loads(content)
        lines = told.get("lines")
        return cls(
            what=What(told["what"]),
            reason=told["reason"],
            made_by=told["made_by"],
            lines=None
            if lines is None
            else tuple(BillLine(fee, kind, int(amount), tree) for fee, kind, amount, tree in lines),
            due=date.fromisoformat(told["due"]) if "due" in told else None,
            ends=told.get("ends", ""),
            on=date.fromisoformat(told["on"]) if "on" in told else None,
        )


async def insert_notices(connection: Executor, notices: Iterable[tuple[int, int, Notice]]) -> None:
    """Write notices down, each with its bill's key and the number of its act."""
    await connection.executemany(
        "INSERT INTO fees.notice (key, act, digest, content) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT DO NOTHING",
        [
            (UUID(int=key), act, UUID(int=notice.digest()), notice.content())
            for key, act, notice in notices
        ],
    )


async def insert_notice(connection: Executor, key: int, act: int, notice: Notice) -> None:
    """Write a notice down; it holds once the ledger has its act."""
    await connection.execute(
        "INSERT INTO fees.notice (key, act, digest, content) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT DO NOTHING",
        *(UUID(int=key), act, UUID(int=notice.digest()), notice.content()),
    )


async def read_notices(
    connection: Executor, acts: Mapping[int, Iterable[Act]]
) -> dict[int, dict[int, Notice]]:
    """Return the notices of bills, by key and by the number of the act.

    Raises `SchemaMismatch` where the ledger has a notice that the database lacks.
    """
    wanted = {
        (key, act.number): act.cart
        for key, of_bill in acts.items()
        for act in of_bill
        if act.is_notice
    }
    notices: dict[int, dict[int, Notice]] = {key: {} for key in acts}
    if not wanted:
        return notices
    rows = await connection.fetch(
        "SELECT key, act, content FROM fees.notice WHERE key = ANY($1)",
        list({UUID(int=key) for key, _ in wanted}),
    )
    for row in rows:
        key, act, notice = row["key"].int, row["act"], Notice.of(row["content"])
        if wanted.get((key, act)) == notice.digest():
            notices[key][act] = notice
    lost = [place for place in wanted if place[1] not in notices[place[0]]]
    if lost:
        raise SchemaMismatch(
            f"the ledger holds {len(lost)} notices of bills that the database lacks",
            hint="this database is older than the journal: restore a newer backup of it",
        )
    return notices
