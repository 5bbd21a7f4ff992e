"""Whoever changes the directory comes through here: judged, made durable, then known to memory.

    judge in memory ─► one transaction in PostgreSQL ─► apply to memory ─► answer

One change at a time, so what was judged still holds when it is applied. A transaction whose end
nobody heard of may have been committed: its aliases are read again before the next change, and
until then memory says what was acknowledged before.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from payvand.settlement.database import Executor, Pool
from payvand.switch.directory import alias_rows, claim_rows
from payvand.switch.directory.alias import AliasKind
from payvand.switch.directory.claims import Claim, ClaimKind, ClaimRefused, ClaimTerms, open_claim
from payvand.switch.directory.directory import (
    AliasRefused,
    Change,
    Directory,
    Entry,
    Registration,
    key_of,
    require_name,
)

__all__ = ["Registrar"]

Asked = TypeVar("Asked")
Judged = TypeVar("Judged")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Registrar:
    """The one that changes a directory. `load` it before use."""

    def __init__(
        self,
        pool: Pool,
        directory: Directory,
        clock: Callable[[], int],
        *,
        terms: ClaimTerms | None = None,
    ) -> None:
        """Keep *directory* in the database of *pool*; *clock* gives nanoseconds since 1970."""
        self.directory = directory
        self._pool = pool
        self._clock = clock
        self._terms = terms or ClaimTerms()
        self._turn = asyncio.Lock()
        self._doubtful: set[int] = set()

    async def load(self) -> int:
        """Fill the memory and return how many aliases there are."""
        async with self._turn, self._pool.acquire() as connection:
            return await alias_rows.load(connection, self.directory.table)

    # --- aliases -----------------------------------------------------------------------------

    async def register(self, by: str, wanted: Sequence[Registration]) -> dict[int, AliasRefused]:
        """Register aliases for *by*, each judged on its own; return the refused ones by place.

        Raises `Throttled`.
        """
        async with self._changing(by) as connection:
            entries, refused = _judged(
                wanted, lambda one: self.directory.judge_registration(by, one)
            )
            news = {
                place: Change(entry.key, entry)
                for place, entry in entries.items()
                if self.directory.entry(entry.key) != entry
            }
            self._charge(by, sum(one.rule == "alias.taken" for one in refused.values()))
            await self._change(connection, news, refused)
        return refused

    async def remove(self, by: str, aliases: Sequence[tuple[int, str]]) -> dict[int, AliasRefused]:
        """Take aliases of *by* out, each on its own; return the refused ones by place.

        One that is not there is as it was wished, but costs like any question that finds nobody.
        Raises `Throttled`.
        """
        async with self._changing(by) as connection:
            keys, refused = _judged(aliases, lambda alias: key_of(*alias))
            gone: dict[int, Change] = {}
            owners = {place: self.directory.registrar_of(key) for place, key in keys.items()}
            for place, owner in owners.items():
                if owner == by:
                    gone[place] = Change(keys[place], None)
                elif owner is not None:
                    hint = "another bank registered it"
                    refused[place] = AliasRefused("alias", "alias.not_yours", hint)
            self._charge(by, sum(owner != by for owner in owners.values()))
            await self._change(connection, gone, refused)
        return refused

    async def _change(
        self, connection: Executor, changes: dict[int, Change], refused: dict[int, AliasRefused]
    ) -> None:
        """Make changes durable, then known; those that a claim forbids go to *refused*."""
        if not changes:
            return
        held = await claim_rows.claimed(
            connection, {change.key for change in changes.values()}, self._now()
        )
        allowed: dict[int, Change] = {}
        for place, change in changes.items():
            if change.key in held:
                hint = "a claim on it is open; wait for its end"
                refused[place] = AliasRefused("alias", "alias.claimed", hint)
            elif change.key in allowed:
                if allowed[change.key] != change:
                    hint = "it stands twice in this request, with different words"
                    refused[place] = AliasRefused("alias", "alias.twice", hint)
            else:
                allowed[change.key] = change
        await self._commit(connection, list(allowed.values()))

    # --- claims ------------------------------------------------------------------------------

    async def open_claim(
        self, by: str, id: int, kind: ClaimKind, alias_kind: int, text: str
    ) -> Claim:
        """Open *by*'s claim on an alias, or return the one that it opened under *id*.

        Raises `AliasRefused`, `ClaimRefused` or `Throttled`.
        """
        async with self._changing(by) as connection:
            key = key_of(alias_kind, text)
            known = await claim_rows.read(connection, id)
            if known is not None:
                if (known.claimant, known.kind, known.key) != (by, kind, key):
                    hint = "another claim has this id: give each its own"
                    raise ClaimRefused("claim.id_reused", hint)
                return known.at(self._now())
            if alias_kind == AliasKind.IBAN:
                raise ClaimRefused("claim.iban", "an IBAN stands for its own account only")
            donor = self.directory.registrar_of(key)
            if donor is None:
                self._charge(by, 1)
                hint = "nobody registered it: register it yourself"
                raise AliasRefused("alias", "alias.unknown", hint)
            moment = self._now()
            if await claim_rows.claimed(connection, [key], moment):
                hint = "a claim on it is open; wait for its end"
                raise AliasRefused("alias", "alias.claimed", hint)
            claim = open_claim(
                id=id,
                kind=kind,
                key=key,
                donor=donor,
                claimant=by,
                moment=moment,
                terms=self._terms,
            )
            await claim_rows.insert(connection, claim)
        return claim

    async def confirm_claim(self, by: str, id: int) -> Claim:
        """Say the donor's yes; raises `ClaimRefused`."""
        async with self._changing(by) as connection:
            claim = (await self._claim(connection, by, id)).confirm(by, self._now())
            await claim_rows.update(connection, claim)
        return claim

    async def cancel_claim(self, by: str, id: int, reason: str) -> Claim:
        """Say either side's no; raises `ClaimRefused`."""
        async with self._changing(by) as connection:
            claim = (await self._claim(connection, by, id)).cancel(by, self._now(), reason)
            await claim_rows.update(connection, claim)
        return claim

    async def complete_claim(self, by: str, id: int, iban: str, name: str) -> Claim:
        """Move the alias of a confirmed claim to an account of *by*.

        Raises `AliasRefused` or `ClaimRefused`.
        """
        async with self._changing(by) as connection:
            before = await self._claim(connection, by, id)
            claim = before.complete(by, self._now(), iban)
            if claim == before:
                return claim  # completed before; what it stands for may have changed since
            account = self.directory.judge_account(by, iban)
            require_name(name)
            await claim_rows.update(connection, claim)
            await self._commit(connection, [Change(claim.key, Entry(claim.key, account, name))])
        return claim

    async def claims(self, by: str, *, ended: bool, before: UUID | None, limit: int) -> list[Claim]:
        """Return claims that *by* is party to, newest first, as they stand."""
        async with self._pool.acquire() as connection:
            found = await claim_rows.list_of(
                connection, by, ended=ended, before=before, limit=limit
            )
        return [claim.at(self._now()) for claim in found]

    async def _claim(self, connection: Executor, by: str, id: int) -> Claim:
        claim = await claim_rows.read(connection, id)
        if claim is None or by not in (claim.donor, claim.claimant):
            raise ClaimRefused("claim.unknown", "you are party to no claim with this id")
        return claim

    # --- one change at a time ----------------------------------------------------------------

    @asynccontextmanager
    async def _changing(self, by: str) -> AsyncIterator[Executor]:
        """Wait for the turn, and be in a transaction; what was committed is applied behind it."""
        async with self._turn, self._pool.acquire() as connection:
            await self._settle_doubts(connection)
            self.directory.require_tokens(by, 1, self._clock())
            self._committing: list[Change] = []
            async with connection.transaction():
                yield connection
            self.directory.apply(self._committing)
            self._doubtful.clear()

    async def _commit(self, connection: Executor, changes: list[Change]) -> None:
        """Write changes; they become known once the transaction is committed."""
        if not self.directory.table.has_room(len(changes)):
            raise AliasRefused("alias", "directory.full", "the directory holds no more aliases")
        self._committing = changes
        self._doubtful = {change.key for change in changes}
        await alias_rows.write(connection, changes)

    async def _settle_doubts(self, connection: Executor) -> None:
        if not self._doubtful:
            return
        kept = await alias_rows.read(connection, self._doubtful)
        self.directory.apply([Change(key, kept.get(key)) for key in self._doubtful])
        self._doubtful.clear()

    def _charge(self, by: str, misses: int) -> None:
        self.directory.spend(by, hits=0, misses=misses, now_ns=self._clock())

    def _now(self) -> datetime:
        return EPOCH + timedelta(microseconds=self._clock() // 1_000)


def _judged(
    asked: Sequence[Asked], judge: Callable[[Asked], Judged]
) -> tuple[dict[int, Judged], dict[int, AliasRefused]]:
    """Return what *judge* made of each, and what it refused, both by place."""
    good: dict[int, Judged] = {}
    refused: dict[int, AliasRefused] = {}
    for place, one in enumerate(asked):
        try:
            good[place] = judge(one)
        except AliasRefused as refusal:
            refused[place] = refusal
    return good, refused
