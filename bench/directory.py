"""How many aliases a second are looked up, beside two random reads of memory for each.

A directory of mobile numbers is filled, and batches of a payment request's size are asked for in
random order, nine in ten of them there. A look-up can't do with less than reading one word of an
index and one row, each anywhere; NumPy doing just that over arrays of the same sizes is the
reference.
"""

import statistics
import time

import numpy as np
import numpy.typing as npt

from payvand.bench.result import Result
from payvand.bench.workbench import Workbench
from payvand.core.records import U128
from payvand.switch.directory.alias import AliasKind
from payvand.switch.directory.alias_table import AliasTable

__all__ = ["directory"]

ALIASES = 10_000_000
QUICK_ALIASES = 200_000
BATCH = 8_190
BATCHES = 400
ROUNDS = 15
ABSENT_EVERY = 10
FILL_BATCH = 100_000
ROW_BYTES = 40
FIRST_MOBILE = 989_000_000_000
NAME = "نام خانوادگی نمونه".encode()


def directory(bench: Workbench, name: str) -> Result:
    """Measure look-ups by the batch in a directory of ten million aliases."""
    aliases = QUICK_ALIASES if bench.quick else ALIASES
    chance = np.random.default_rng(1404)
    bench.tell(f"{name}: fill with {aliases:,} aliases")
    table = AliasTable()
    since = time.perf_counter()
    for first in range(0, aliases, FILL_BATCH):
        numbers = np.arange(first, min(first + FILL_BATCH, aliases), dtype=np.uint64)
        banks = (numbers % np.uint64(30) + np.uint64(10)).astype(np.uint16)
        table.put(_keys(numbers), numbers, banks, [NAME] * len(numbers))
    filled_s = time.perf_counter() - since
    asked = chance.integers(0, aliases, BATCH * BATCHES, dtype=np.uint64)
    asked[::ABSENT_EVERY] += np.uint64(aliases)
    batches = [_keys(part) for part in np.split(asked, BATCHES)]
    _prove(bench, table, asked[:BATCH], batches[0])
    slots = np.zeros(1 << (2 * aliases - 1).bit_length(), np.uint64)
    rows = np.zeros((aliases, ROW_BYTES // 8), np.uint64)
    rates, reads = [], []
    for turn in range(ROUNDS):
        bench.tell(f"{name}: turn {turn + 1} of {ROUNDS}")
        since = time.perf_counter()
        for batch in batches:
            table.find(batch)
        rates.append(len(asked) / (time.perf_counter() - since))
        reads.append(len(asked) / _read(slots, rows, asked))
    memory = table.statistics()
    total = sum(size for part, size in memory.items() if part.endswith("_bytes"))
    return Result(
        name,
        statistics.median(rates),
        "look-ups/s",
        "reading a random word and a random row",
        statistics.median(reads),
        {
            "aliases": aliases,
            "batch": BATCH,
            "bytes_per_alias": round(total / aliases, 1),
            "fill_per_s": round(aliases / filled_s),
        }
        | memory,
    )


def _keys(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.void]:
    """Return the keys of mobile numbers: of the n-th that could be given out."""
    keys = np.zeros(len(numbers), U128)
    keys["lo"] = numbers + np.uint64(FIRST_MOBILE)
    keys["hi"] = AliasKind.MOBILE << 56
    return keys


def _prove(
    bench: Workbench,
    table: AliasTable,
    numbers: npt.NDArray[np.uint64],
    keys: npt.NDArray[np.void],
) -> None:
    found = table.find(keys)
    there = numbers < len(table)
    bench.prove(
        "those that are there are found, and no others", bool((found["is_there"] == there).all())
    )
    right = (found["account"] == numbers) & (found["bank_code"] == numbers % 30 + 10)
    bench.prove("what is found is what was put in", bool(right[there].all()))


def _read(
    slots: npt.NDArray[np.uint64], rows: npt.NDArray[np.uint64], asked: npt.NDArray[np.uint64]
) -> float:
    """Return how long it takes to read a word and a row for each number, scattered as by a hash."""
    places = (asked * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)
    slot, row = places % np.uint64(len(slots)), asked % np.uint64(len(rows))
    since = time.perf_counter()
    for part in range(0, len(asked), BATCH):
        slots.take(slot[part : part + BATCH])
        rows.take(row[part : part + BATCH], axis=0)
    return time.perf_counter() - since
