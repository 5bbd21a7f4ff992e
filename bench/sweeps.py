"""Curves: throughput and latency against batch size, accounts and history.

Each point is a result like any other, with the plain C loop or the run's beginning beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import uvloop

from payvand.bench.driving import IN_FLIGHT
from payvand.bench.history import run_tenths
from payvand.bench.result import Result
from payvand.bench.throughput import in_batches
from payvand.bench.workbench import Workbench
from payvand.core.limits import BATCH_EVENTS_MAX

__all__ = ["LEDGER_SWEEPS", "Sweep"]

BATCH_SIZES = {1: 3_000, 10: 3_000, 100: 2_000, 1_000: 1_000, BATCH_EVENTS_MAX: 300}
"""Size, and how many of that size."""
QUICK_BATCH_SIZES = (1, 100, BATCH_EVENTS_MAX)
BATCH_ACCOUNTS = 1_000_000
ACCOUNT_COUNTS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
QUICK_ACCOUNT_COUNTS = (1_000, 10_000)
HISTORY_TRANSFERS = 40_000_000
QUICK_HISTORY_TRANSFERS = 400_000


@dataclass(frozen=True, slots=True)
class Sweep:
    """One curve: its points' places on the axis, and the results there."""

    name: str
    title: str
    axis: str
    logarithmic: bool
    """Whether the axis of places is."""
    note: str
    """What to know to read it."""
    measure: Callable[[Workbench], list[tuple[float, Result]]]


def _by_batch(bench: Workbench) -> list[tuple[float, Result]]:
    sizes = QUICK_BATCH_SIZES if bench.quick else tuple(BATCH_SIZES)
    return [
        (size, in_batches(BATCH_ACCOUNTS, size, BATCH_SIZES[size])(bench, f"batch_{size}"))
        for size in sizes
    ]


def _by_accounts(bench: Workbench) -> list[tuple[float, Result]]:
    counts = QUICK_ACCOUNT_COUNTS if bench.quick else ACCOUNT_COUNTS
    return [
        (count, in_batches(count, BATCH_EVENTS_MAX)(bench, f"accounts_{count}")) for count in counts
    ]


def _by_history(bench: Workbench) -> list[tuple[float, Result]]:
    transfers = QUICK_HISTORY_TRANSFERS if bench.quick else HISTORY_TRANSFERS
    accounts = QUICK_ACCOUNT_COUNTS[-1] if bench.quick else BATCH_ACCOUNTS
    tenths = uvloop.run(run_tenths(bench, "history", accounts, transfers))
    points = []
    so_far = 0
    for tenth in tenths:
        so_far += tenth.driven.events
        result = Result(
            f"history_{so_far}",
            tenth.driven.per_second,
            "transfers/s",
            "the first tenth of the same run",
            tenths[0].driven.per_second,
            {
                "accounts": accounts,
                "resident_mib": tenth.resident_bytes >> 20,
                **tenth.driven.percentiles(),
            },
        )
        points.append((so_far / 1e6, result))
    return points


LEDGER_SWEEPS = (
    Sweep(
        "batch",
        "Size of a batch",
        "transfers in a batch",
        True,
        f"{IN_FLIGHT} batches are in flight. The engine joins those that wait into one frame; the "
        "loop writes one for each.",
        _by_batch,
    ),
    Sweep(
        "accounts",
        "Number of accounts",
        "accounts",
        True,
        f"Batches of {BATCH_EVENTS_MAX:,}, {IN_FLIGHT} in flight.",
        _by_accounts,
    ),
    Sweep(
        "history",
        "Length of history",
        "million transfers so far",
        False,
        f"Batches of {BATCH_EVENTS_MAX:,}, {IN_FLIGHT} in flight.",
        _by_history,
    ),
)
