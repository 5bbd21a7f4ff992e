"""A page of plots: what a run of sweeps found, drawn, with the figures under each drawing."""

from pathlib import Path

from payvand.bench.machine import Machine
from payvand.bench.result import Result
from payvand.bench.sweeps import Sweep
from payvand.bench.workbench import Workbench
from payvand.settlement.reporting.chart import Chart, Line, side_by_side

__all__ = ["PAGE", "draw", "measure_and_draw"]

PAGE = "plots.md"
SPREAD_LOGARITHMIC = 50
"""Rates that differ by more than this are drawn on a logarithmic axis."""


def measure_and_draw(
    sweeps: tuple[Sweep, ...], bench: Workbench, machine: Machine, page: Path
) -> list[Result]:
    """Measure every curve, write the page and its drawings into a folder; return all points."""
    page.mkdir(parents=True, exist_ok=True)
    quick = " A quick run: it shows that the page can be made." if bench.quick else ""
    sections = [f"# Throughput and latency\n\nMeasured on {machine}.{quick}\n"]
    results: list[Result] = []
    for sweep in sweeps:
        bench.tell(sweep.title)
        points = sweep.measure(bench)
        (page / f"{sweep.name}.svg").write_text(draw(sweep, points), encoding="utf-8")
        sections.append(_section(sweep, points))
        results += [result for _, result in points]
    (page / PAGE).write_text("\n".join(sections), encoding="utf-8")
    return results


def draw(sweep: Sweep, points: list[tuple[float, Result]]) -> str:
    """Return the drawing of a curve: throughput on the left, latency on the right."""
    rates = [rate for _, result in points for rate in (result.value, result.reference_value)]
    throughput = Chart(
        "transfers/s",
        sweep.axis,
        [
            Line("engine", [(at, result.value) for at, result in points]),
            Line("reference", [(at, result.reference_value) for at, result in points]),
        ],
        x_logarithmic=sweep.logarithmic,
        y_logarithmic=max(rates) > SPREAD_LOGARITHMIC * min(rates),
    )
    latency = Chart(
        "ms from submission to durable answer, a batch",
        sweep.axis,
        [
            Line(name, [(at, result.detail[f"batch_{name}_ms"]) for at, result in points])
            for name in ("p50", "p99")
        ],
        x_logarithmic=sweep.logarithmic,
        y_logarithmic=True,
    )
    return side_by_side([throughput, latency])


def _section(sweep: Sweep, points: list[tuple[float, Result]]) -> str:
    rows = "\n".join(
        f"| {at:,g} | {result.value:,.0f} | {result.reference_value:,.0f} | {result.ratio:.2f} "
        f"| {result.detail['batch_p50_ms']} | {result.detail['batch_p99_ms']} |"
        for at, result in points
    )
    return (
        f"## {sweep.title}\n\n![{sweep.title}]({sweep.name}.svg)\n\n"
        f"{sweep.note} Reference: {points[0][1].reference}.\n\n"
        f"| {sweep.axis} | transfers/s | reference | ratio | p50 ms | p99 ms |\n"
        f"|--:|--:|--:|--:|--:|--:|\n{rows}\n"
    )
