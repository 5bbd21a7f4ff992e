"""How many fees a second are assessed, beside plain Python doing the same case by case.

The cases are of a service with all that costs time: facts that are amounts, counts and choices, a
fee of every kind, conditions, reductions by payer, and taxes on top and within. A fee is a line
that is charged, tax or not. The clock runs from the columns of facts to the amounts of all lines,
on one core. Plain Python is the assessment that explains each line; it takes some of the same
cases, and must come to the same amounts.
"""

import statistics
import time
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from payvand.bench.result import Result
from payvand.bench.workbench import Workbench
from payvand.switch.fees.assessment.assessing import assess as assess_one
from payvand.switch.fees.assessment.plan import CaseStatus, Plan
from payvand.switch.fees.catalogue.reading import parse

__all__ = ["assess"]

CASES: Final = 1_000_000
QUICK_CASES: Final = 50_000
ALONE: Final = 2_000
ROUNDS: Final = 5
DAY: Final = date(2026, 4, 1)
PLACES: Final = ("town", "road", "village")
PAYERS: Final = ("", "veteran", "insured")

TITLES: Final = 'title_en = "a"\ntitle_fa = "ا"\n'
FEES: Final = (
    'code = "opening"\nkind = "fixed"\namount = 770_000',
    'code = "pages"\nkind = "per_unit"\nof = "pages"\nunits_free = 2\namount = 70_000\n'
    'value_added = { per_million = 90_000, share_tree = "all" }',
    'code = "claim"\nkind = "percentage"\nof = "value"\nper_million = 1_250\nmin = 10_000',
    'code = "court"\nkind = "ranged"\nof = "value"\nround_to = 1_000\n'
    "band = [{ per_million = 25_000 }, { above = 200_000_000, per_million = 35_000 }]",
    'code = "appeal"\nkind = "relational"\nof = "court"\nper_million = 285_714\n'
    'when = { place = ["town", "road"] }',
    'code = "class"\nkind = "banded"\nof = "value"\n'
    "band = [{ amount = 100_000 }, { above = 1_000_000, amount = 250_000 }]\n"
    'value_added = { per_million = 90_000, included = true, share_tree = "all" }',
)
SCHEDULE: Final = f"""
agency = "bench"
sector = "judiciary"
edition = "1"
{TITLES}
[[beneficiary]]
code = "all"
kind = "treasury"
iban = "IR450104000000000000001001"
{TITLES}
[[share_tree]]
code = "all"
legal_basis = "none"
share = [{{ beneficiary = "all" }}]
{TITLES}
[[payer_class]]
code = "veteran"
{TITLES}
[[payer_class]]
code = "insured"
{TITLES}
[[service]]
code = "service"
legal_basis = "none"
{TITLES}
[[service.fact]]
code = "value"
kind = "amount"
{TITLES}
[[service.fact]]
code = "pages"
kind = "count"
{TITLES}
[[service.fact]]
code = "place"
kind = "choice"
choices = {list(PLACES)}
{TITLES}
[[service.reduction]]
code = "veterans"
per_million = 500_000
when = {{ payer = "veteran" }}
{TITLES}
[[service.reduction]]
code = "insured"
per_million = 300_000
max = 1_000_000
when = {{ payer = "insured", place = "village" }}
{TITLES}
""" + "".join(f'[[service.fee]]\nshare_tree = "all"\n{fee}\n{TITLES}' for fee in FEES)


def assess(bench: Workbench, name: str) -> Result:
    """Measure how many fees a second are assessed in batches."""
    cases = QUICK_CASES if bench.quick else CASES
    plan = Plan(schedule := parse(SCHEDULE), "service", DAY)
    since = time.perf_counter_ns()
    columns = _drawn(cases)
    drawing_ns = time.perf_counter_ns() - since
    seconds, fees = [], 0
    for turn in range(ROUNDS):
        bench.tell(f"{name}: {turn + 1} of {ROUNDS}")
        start = time.perf_counter()
        found = plan.reckon(plan.columns(columns, cases))
        seconds.append(time.perf_counter() - start)
        fees = int(np.count_nonzero(found.gross))
    bench.prove("every case is assessed", bool((found.statuses == CaseStatus.FINE).all()))
    alone = [
        {
            "value": int(columns["value"][index]),
            "pages": int(columns["pages"][index]),
            "place": PLACES[int(columns["place"][index])],
            "payer": PAYERS[int(columns["payer"][index])],
        }
        for index in range(ALONE)
    ]
    start = time.perf_counter()
    each = [assess_one(schedule, "service", facts, day=DAY) for facts in alone]
    alone_s = time.perf_counter() - start
    bench.prove(
        "many at once cost what each costs",
        [one.total for one in each] == found.totals[:ALONE].tolist(),
    )
    fees_alone = sum(1 for one in each for line in one.lines if line.gross)
    return Result(
        name,
        fees / statistics.median(seconds),
        "fees/s",
        "plain Python, case by case",
        fees_alone / alone_s,
        {
            "cases": cases,
            "fees_per_case": round(fees / cases, 2),
            "lines": len(plan.lines),
            "cases_per_s": round(cases / statistics.median(seconds)),
            "drawing_ns_per_case": round(drawing_ns / cases),
        },
    )


def _drawn(cases: int) -> dict[str, npt.NDArray[Any]]:
    """Draw the facts of cases, the same ones in every run."""
    chance = np.random.default_rng(1404)
    return {
        "value": np.exp(chance.uniform(9, 25, cases)).astype(np.uint64),
        "pages": chance.integers(0, 40, cases, dtype=np.uint64),
        "place": chance.integers(0, len(PLACES), cases, dtype=np.uint64),
        "payer": chance.choice(len(PAYERS), cases, p=[0.8, 0.1, 0.1]).astype(np.uint64),
    }
