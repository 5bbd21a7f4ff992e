"""Certificates that run out: a metric, and a warning in the log before the last one ends."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from payvand.switch.metrics import Metrics
from payvand.switch.participants import Registry

__all__ = ["ENDS_SOON_S", "watch_expiry"]

NS: Final = 1_000_000_000
ENDS_SOON_S: Final = 30 * 86_400
"""A participant whose last certificate ends sooner is told of."""
TELL_EVERY_S: Final = 6 * 3_600.0

log = structlog.get_logger("payvand.switch")


async def watch_expiry(
    registry: Registry, metrics: Metrics, *, clock: Callable[[], int] = time.time_ns
) -> None:
    """Show when certificates end, anew with each change, and warn of the last ones, for ever."""
    changed = asyncio.Event()
    registry.callers.watch(changed.set)
    while True:
        changed.clear()
        show_expiry(registry, metrics, now=clock())
        try:
            async with asyncio.timeout(TELL_EVERY_S):
                await changed.wait()
        except TimeoutError:
            pass


def show_expiry(registry: Registry, metrics: Metrics, *, now: int) -> list[str]:
    """Show when certificates end; warn of, and return, those whose last one ends soon."""
    everybody = [one for one in registry.book.current.values() if not one.is_closed]
    metrics.show_certificates(
        {
            (one.name, each.fingerprint): each.not_after / NS
            for one in everybody
            for each in one.certificates
        }
    )
    ending = []
    for one in everybody:
        last = max((each.not_after for each in one.certificates), default=0)
        if one.certificates and last - now < ENDS_SOON_S * NS:
            ending.append(one.name)
            log.warning(
                "a participant's last certificate ends soon: register its successor",
                participant=one.name,
                days_left=max(last - now, 0) // (86_400 * NS),
            )
    return ending
