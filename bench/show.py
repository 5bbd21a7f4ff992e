"""A report as tables for people."""

from rich import box
from rich.console import Console
from rich.table import Table

from payvand.bench.result import Report

__all__ = ["show"]


def show(report: Report, console: Console) -> None:
    """Print the machine, the results and the proofs."""
    console.print(str(report.machine), highlight=False, soft_wrap=True)
    title = f"payvand bench {report.subject}" + (" --quick" if report.quick else "")
    table = Table(title=title, box=box.SIMPLE_HEAD)
    table.add_column("result")
    table.add_column("value", justify="right")
    table.add_column("unit")
    table.add_column("beside it")
    table.add_column("value", justify="right")
    table.add_column("ratio", justify="right")
    for result in report.results:
        table.add_row(
            result.name,
            _figure(result.value),
            result.unit,
            result.reference,
            _figure(result.reference_value),
            f"{result.ratio:.2f}",
        )
    console.print(table)
    for name, holds in report.proofs.items():
        if not holds:
            console.print(f"[red]does not hold[/red]  {name}", highlight=False)
    held = sum(report.proofs.values())
    console.print(f"{held} of {len(report.proofs)} proofs hold", highlight=False)


def _figure(figure: float) -> str:
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"
