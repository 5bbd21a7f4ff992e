"""What risk scoring costs: trees beside other evaluators, features, and the whole stage.

Everything runs on one thread. Batches are timed in CPU time of the process, the least of many
repeats, so that other work on the machine counts as little as it can; single rows in time on the
clock, by quantile. Peers and ours take turns.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from payvand.bench.result import Result
from payvand.bench.scoring_peers import FEATURES, LEAVES, peers_of, train
from payvand.bench.workbench import Subject, Workbench
from payvand.core.ledger import Ledger
from payvand.core.records import ACCOUNT, TRANSFER, Records
from payvand.risk.feature_engine import FeatureEngine
from payvand.risk.feature_file import FeatureSet, default_features, read_features
from payvand.risk.lightgbm_text import load_lightgbm
from payvand.risk.rules import RulePack, read_rules
from payvand.risk.stage import RiskStage
from payvand.risk.tree_evaluator import INSTRUCTIONS, TreeModel, machine_instructions

__all__ = ["RISK"]

BATCH_ROWS = 1_000
REPEATS, QUICK_REPEATS = 100, 10
CALLS, QUICK_CALLS = 20_000, 1_000
EVENTS, QUICK_EVENTS = 3_000_000, 100_000
WARM_KEYS, LIVE_KEYS = 1_000, 1_000_000
BLOCK_EVENTS = 8_190
RULES = 30
SCORE_TOLERANCE = 1e-9
BANKS, ACCOUNTS = 16, 100_000
START_NS = 1_764_000_000_000_000_000

Events = npt.NDArray[np.uint64]


def trees(bench: Workbench, name: str) -> Result:
    """Score batches by an ensemble, beside every peer that is installed."""
    count = int(name.split("_")[1])
    repeats = QUICK_REPEATS if bench.quick else REPEATS
    with bench.scratch(name) as folder:
        bench.tell(f"{name}: training")
        trained = train(count, folder)
        rows = np.ascontiguousarray(trained.rows[:BATCH_ROWS])
        ensemble = load_lightgbm(trained.path)
        bench.tell(f"{name}: compiling the peers")
        peers = peers_of(trained, rows, folder)
        paths = INSTRUCTIONS[: INSTRUCTIONS.index(machine_instructions()) + 1]
        models = {path: TreeModel(ensemble, instructions=path) for path in paths}
        ours: dict[str, Callable[[], object]] = {
            path: partial(model.score, rows) for path, model in models.items()
        }
        bench.tell(f"{name}: scoring")
        times = _least(peers.ready | ours, repeats)
        wanted = trained.booster.predict(rows, raw_score=True)
        scores = [model.score(rows) for model in models.values()]
    bench.prove(
        "scores are LightGBM's to 1e-9",
        all(float(np.abs(score - wanted).max()) < SCORE_TOLERANCE for score in scores),
    )
    bench.prove(
        "all instruction sets give the same bits",
        len({score.tobytes() for score in scores}) == 1,
    )
    per_row = {peer: seconds / BATCH_ROWS * 1e9 for peer, seconds in times.items()}
    best = min(peers.ready, key=lambda peer: per_row[peer])
    detail: dict[str, Any] = {f"{peer}_ns": round(each) for peer, each in per_row.items()}
    detail |= {"leaves": LEAVES, "features": FEATURES, "batch_rows": BATCH_ROWS, "path": paths[-1]}
    detail |= {"not_measured": peers.missing}
    return Result(name, per_row[paths[-1]], "ns/row", best, per_row[best], detail)


def _least(runs: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the least CPU time of each, in seconds; they take turns."""
    times = dict.fromkeys(runs, float("inf"))
    for _ in range(repeats):
        for run_name, run in runs.items():
            since = time.process_time()
            run()
            times[run_name] = min(times[run_name], time.process_time() - since)
    return times


def tree_row(bench: Workbench, name: str) -> Result:
    """Score one row per call from Python, beside LightGBM's own call."""
    calls = QUICK_CALLS if bench.quick else CALLS
    with bench.scratch(name) as folder:
        trained = train(100, folder)
        model = TreeModel(load_lightgbm(trained.path))
    rows = [np.ascontiguousarray(row) for row in trained.rows[:calls]]
    ours = _quantiles([_clocked(partial(model.score_one, row)) for row in rows])
    predict = partial(trained.booster.predict, raw_score=True, num_threads=1)
    theirs = _quantiles([_clocked(partial(predict, row[None, :])) for row in rows[: calls // 10]])
    detail = {"p99_ns": round(ours[1]), "reference_p99_ns": round(theirs[1]), "calls": calls}
    return Result(name, ours[0], "ns", "LightGBM's Booster.predict", theirs[0], detail)


def _clocked(run: Callable[[], object]) -> int:
    since = time.perf_counter_ns()
    run()
    return time.perf_counter_ns() - since


def _quantiles(times: list[int]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


# --- features ------------------------------------------------------------------------------------


def features(bench: Workbench, name: str) -> Result:
    """Compute 12 windowed features over 3 keys: warm, and with a million live keys."""
    count = QUICK_EVENTS if bench.quick else EVENTS
    measured = {}
    for label, keys in (("warm", WARM_KEYS), ("live", LIVE_KEYS)):
        bench.tell(f"{name}: {keys:,} keys")
        engine = FeatureEngine(_windows(), keys_max=2 * keys)
        events = _events(count, keys)
        blocks = [events[first : first + BLOCK_EVENTS] for first in range(0, count, BLOCK_EVENTS)]
        times = []
        for block in blocks:
            since = time.process_time()
            engine.process(block)
            times.append((time.process_time() - since) / len(block) * 1e9)
        # The second half: by then windows are as full as they get, and what enters also leaves.
        measured[label] = statistics.median(times[len(times) // 2 :])
        statistic = engine.statistics()[0]
        reads = _random_reads(events, keys)
    bench.prove("no key was evicted", statistic.evicted == 0)
    detail = {
        "warm_ns": round(measured["warm"]),
        "warm_keys": WARM_KEYS,
        "keys": LIVE_KEYS,
        "events": count,
        "bytes_per_key": statistic.bytes_per_key,
        "bytes_per_entry": statistic.bytes_per_entry,
    }
    reference = "reading three random lines of memory an event"
    return Result(name, measured["live"], "ns/event", reference, reads, detail)


def _windows() -> FeatureSet:
    """Count and mean over two windows, of three keys."""
    lines = ['format = 1\nname = "bench"\nversion = 1\ntime_unit = "s"']
    lines.append('fields = ["debtor", "creditor", "device", "amount"]')
    for key in ("debtor", "creditor", "device"):
        for window in ("1d", "7d"):
            head = f'key = "{key}"\nwindow = "{window}"'
            lines.append(f'[[feature]]\nname = "{key}_count_{window}"\n{head}\naggregate = "count"')
            lines.append(f'[[feature]]\nname = "{key}_mean_{window}"\n{head}\naggregate = "mean"')
            lines.append('of = "amount"')
    return read_features("\n".join(lines).encode(), source="bench")


def _events(count: int, keys: int) -> Events:
    """Draw events of a month."""
    chances = np.random.default_rng(1404)
    events = np.zeros((count, 6), np.uint64)
    events[:, 0] = 1_700_000_000 + np.sort(chances.integers(0, 30 * 86_400, count))
    events[:, 1] = np.arange(count)
    events[:, 2:5] = chances.integers(1, keys, (count, 3))
    events[:, 5] = chances.integers(1, 10**7, count)
    return events


def _random_reads(events: Events, keys: int) -> float:
    """Return the CPU time an event, in ns, of reading a line of memory for each of its keys."""
    lines = np.ones((3, keys, 8), np.uint64)
    block = events[:BLOCK_EVENTS, 2:5].astype(np.intp)
    times = []
    for _ in range(20):
        since = time.process_time()
        for key in range(3):
            lines[key][block[:, key]].sum()
        times.append(time.process_time() - since)
    return min(times) / len(block) * 1e9


# --- the stage -----------------------------------------------------------------------------------


def stage(bench: Workbench, name: str) -> Result:
    """Decide on payments by features, rules and trees, beside the ledger applying the same ones."""
    batches = 12 if bench.quick else 300
    offered = default_features()
    with bench.scratch(name) as folder:
        model = load_lightgbm(train(100, folder, offered.names).path)
    rules = _rules(offered)
    risk = RiskStage.from_rules(rules, features=offered, model=model)
    replayed = RiskStage.from_rules(rules, features=offered, model=model)
    ledger = Ledger()
    ledger.create_accounts(_accounts(), 1)
    times: dict[str, list[float]] = {"stage": [], "ledger": []}
    bench.tell(f"{name}: batches")
    for place in range(batches):
        transfers, now = _payments(place, BLOCK_EVENTS), START_NS + place * 1_000_000_000
        since = time.process_time()
        decisions = risk.decide_records(transfers, now)
        between = time.process_time()
        ledger.create_transfers(transfers, now, decisions)
        times["stage"].append((between - since) / BLOCK_EVENTS * 1e9)
        times["ledger"].append((time.process_time() - between) / BLOCK_EVENTS * 1e9)
        replayed.observe_records(transfers, decisions, now)
    bench.prove("a replay comes to the same state", risk.digest() == replayed.digest())
    bench.tell(f"{name}: single payments")
    singles = []
    for place in range(QUICK_CALLS if bench.quick else CALLS):
        transfer, now = _payments(batches + place, 1), now + 1_000_000
        singles.append(_clocked(partial(risk.decide_records, transfer, now)))
    # The second half: by then memory is touched and windows are filling.
    value, reference = (
        statistics.median(times[part][batches // 2 :]) for part in ("stage", "ledger")
    )
    p50, p99 = _quantiles(singles)
    detail = {"rules": RULES, "trees": 100, "features": len(offered.names)}
    detail |= {"batch": BLOCK_EVENTS, "single_p50_ns": round(p50), "single_p99_ns": round(p99)}
    return Result(
        name, value, "ns/payment", "the ledger applying the same payments", reference, detail
    )


def _rules(offered: FeatureSet) -> RulePack:
    """Return thirty expression rules that nearly never hold, so that all of them are looked at."""
    lines = ['format = 1\npack = "bench"\nversion = 1']
    for number in range(1, RULES + 1):
        lines.append(
            f'[[rule]]\nid = "rule-{number}"\nnumber = {number}\nkind = "expression"\n'
            'owner = "bench"\naction = "review"\nreason = "FRAD"\n'
            'valid_from = 1970-01-01T00:00:00Z\ntext = { en = "Rare", fa = "نادر" }\n'
            f'when = "amount > {number + 100} * debtor_mean_30d and debtor_count_1d >= {number} '
            'or score > 20 and hour in {22, 23, 0, 1}"\n'
            "test = [{ given = { score = 21, hour = 1 }, is = true }, { given = {}, is = false }]"
        )
    document = "\n".join(lines).encode()
    return read_rules(document, source="bench", features=offered, has_score=True)


def _accounts() -> Records:
    """Return the books of some banks."""
    accounts = np.zeros(BANKS, ACCOUNT)
    accounts["id"]["lo"] = (np.arange(BANKS) + 1) * 16 + 1
    accounts["ledger"], accounts["code"] = 364, 1
    return accounts


def _payments(batch: int, count: int) -> Records:
    """Draw payments of many accounts between the banks."""
    chances = np.random.default_rng(batch)
    transfers = np.zeros(count, TRANSFER)
    transfers["id"]["lo"], transfers["id"]["hi"] = np.arange(count) + 1, batch + 1
    debtor, creditor = chances.integers(0, BANKS, (2, count))
    creditor = np.where(debtor == creditor, (creditor + 1) % BANKS, creditor)
    transfers["debit_account_id"]["lo"] = (debtor + 1) * 16 + 1
    transfers["credit_account_id"]["lo"] = (creditor + 1) * 16 + 1
    transfers["user_data_64"] = chances.integers(1, ACCOUNTS, count)
    transfers["user_data_128"]["hi"] = chances.integers(1, ACCOUNTS, count)
    transfers["amount"]["lo"] = chances.integers(1, 10**8, count)
    transfers["ledger"], transfers["code"] = 364, 1
    return transfers


RISK = Subject(
    "risk",
    "Measure what scoring costs, beside other evaluators of trees.",
    {
        "trees_100": trees,
        "trees_500": trees,
        "tree_row": tree_row,
        "features": features,
        "stage": stage,
    },
)
