"""Keeping the embedded PostgreSQL alive: it is started again where it ends while the switch runs.

Payments don't need it: they go on meanwhile. What does need it answers UNAVAILABLE, and the
projector tries again until it is back.
"""

import asyncio
from typing import Final

import structlog

from payvand.settlement.errors import SettlementFault
from payvand.settlement.postgres import EmbeddedPostgres

__all__ = ["keep_running"]

LOOK_S: Final = 0.5
RETRY_S_MAX: Final = 30.0
"""Between attempts to start it; the delay doubles up to this."""

log = structlog.get_logger("payvand.switch")


async def keep_running(database: EmbeddedPostgres) -> None:
    """Start *database* again whenever it has ended, until cancelled."""
    delay = LOOK_S
    while True:
        await asyncio.sleep(delay)
        if database.running:
            delay = LOOK_S
            continue
        log.error("the embedded PostgreSQL has ended; starting it again")
        starting = asyncio.create_task(asyncio.to_thread(_start_again, database))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # The thread can't be stopped half-way, and who cancels stops the server next.
            await asyncio.wait([starting])
            raise
        except SettlementFault as fault:
            delay = min(delay * 2, RETRY_S_MAX)
            log.error("the embedded PostgreSQL doesn't start", fault=str(fault), retry_s=delay)


def _start_again(database: EmbeddedPostgres) -> None:
    database.stop()
    database.start()
