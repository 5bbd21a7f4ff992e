"""What is measured about the ledger and its journal, in one process, durable throughout."""

from functools import partial

from payvand.bench.history import flat
from payvand.bench.horizon import live_bytes, old_retries
from payvand.bench.latency import single_durable
from payvand.bench.plots import measure_and_draw
from payvand.bench.postgres import postgres_batch, postgres_call
from payvand.bench.recovery import replay
from payvand.bench.snapshots import snapshot_open, snapshot_p99
from payvand.bench.sweeps import LEDGER_SWEEPS
from payvand.bench.throughput import hot_account, linked, two_phase, uniform
from payvand.bench.workbench import Subject

__all__ = ["LEDGER"]

LEDGER = Subject(
    "ledger",
    "Measure the ledger and its journal beside a plain C loop.",
    {
        "durable_10k": uniform(10_000),
        "durable_1m": uniform(1_000_000),
        "durable_10m": uniform(10_000_000),
        "hot_account": hot_account(1_000_000),
        "two_phase": two_phase(1_000_000),
        "linked_4": linked(1_000_000),
        "single_durable": single_durable,
        "replay": replay,
        "live_bytes": live_bytes,
        "old_retries": old_retries,
        "snapshot_open": snapshot_open,
        "snapshot_p99": snapshot_p99,
        "flat": flat,
        "postgres_call": postgres_call,
        "postgres_batch": postgres_batch,
    },
    long=frozenset({"flat"}),
    plot=partial(measure_and_draw, LEDGER_SWEEPS),
)
