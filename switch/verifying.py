"""Proving a data folder right, with no switch on it: the journal's files and the database."""

import asyncio
import fcntl
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from payvand.core.errors import JournalInUse, JournalUnusable
from payvand.settlement.database import Executor, connect, create_books, migrate
from payvand.settlement.errors import DatabaseUnavailable
from payvand.settlement.postgres import EmbeddedPostgres
from payvand.settlement.proof import Proof
from payvand.settlement.proofs import prove_all
from payvand.switch.day_key import public_day_key

__all__ = ["hold_journal", "verify"]


More = Callable[[Executor], Awaitable[list[Proof]]]
"""Proofs of the caller's own, from the database."""


async def _nothing_more(_: Executor) -> list[Proof]:
    return []


async def verify(
    data: Path, *, database: str = "", with_database: bool = True, more: More = _nothing_more
) -> list[Proof]:
    """Return the proofs of `payvand.settlement.proofs` for a data folder.

    The folder is held for as long as that takes, as a switch would hold it. Where the journal is
    whole but the database can't be had, that is a proof that fails: `database_answers`.

    Args:
        data: the data folder.
        database: the connection string of its database; empty for the embedded one, which is
            started for the time.
        with_database: False to look at the journal's files alone.
        more: proves something further, where the database can be had.

    Raises:
        JournalInUse: a switch runs on the folder; what it writes just now can't be judged.
        JournalUnusable: there is no journal.
    """
    journal = data / "journal"
    day_key = public_day_key(data)
    with hold_journal(journal):
        if not with_database:
            return await prove_all(journal, day_key=day_key)
        async with AsyncExitStack() as stack:
            try:
                server: str | EmbeddedPostgres = database
                if not database:
                    server = EmbeddedPostgres(data / "database")
                    stack.push_async_callback(asyncio.to_thread, server.stop)
                    await asyncio.to_thread(server.start)
                pool = await connect(server)
                stack.callback(pool.terminate)
                async with pool.acquire() as connection:
                    await migrate(connection)
                    await create_books(connection)
            except DatabaseUnavailable as fault:
                proofs = await prove_all(journal, day_key=day_key)
                return [*proofs, Proof("database_answers", False, str(fault))]
            proofs = await prove_all(journal, pool, day_key=day_key)
            async with pool.acquire() as connection:
                return [*proofs, *await more(connection)]


@contextmanager
def hold_journal(journal: Path) -> Iterator[None]:
    """Hold the lock of a journal, so that no switch begins to write it."""
    if not any(journal.glob("segment-*.journal")):
        raise JournalUnusable(
            f"there is no journal in {journal}", hint="name the data folder with --data"
        )
    descriptor = os.open(journal / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise JournalInUse(
            f"a switch runs on {journal.parent}",
            hint="stop it first; a running one is compared by `payvand totals`",
        ) from error
    finally:
        os.close(descriptor)
