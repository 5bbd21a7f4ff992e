"""The bench itself: where a run works, how it tells its progress, and what it proved.

A subject is a list of measures by name. A measure is a function that takes a `Workbench`, does its
work in scratch folders of it, lets it note each proof, and returns one `Result`.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from payvand.bench.machine import MEMORY_FILE_SYSTEMS, Machine, file_system_of
from payvand.bench.result import Report, Result
from payvand.core.errors import PayvandFault

__all__ = ["BenchUnusable", "Measure", "Subject", "Workbench", "run"]


class BenchUnusable(PayvandFault):
    """The machine lacks what the benchmark needs: a disk, room, memory, a program."""


@dataclass(slots=True)
class Workbench:
    """What a measure gets to work with."""

    folder: Path
    """On a real disk; scratch folders lie in it."""
    quick: bool
    """Take seconds, not minutes."""
    tell: Callable[[str], None]
    """Tell the person who waits how far it is."""
    proofs: dict[str, bool] = field(default_factory=dict)
    tls: bool = True
    """Whether what goes over gRPC is under mutual TLS."""

    @contextmanager
    def scratch(self, name: str) -> Iterator[Path]:
        """Give a fresh folder for the body, and remove it with all its files afterwards."""
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    def prove(self, name: str, holds: bool) -> None:
        """Note whether a proof holds; one that failed once has failed."""
        self.proofs[name] = self.proofs.get(name, True) and holds


Measure = Callable[[Workbench, str], Result]
"""Takes the name of its result too."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What can be measured about one part of the house."""

    name: str
    title: str
    measures: dict[str, Measure]
    """By the names of their results, in the order in which they run."""
    long: frozenset[str] = frozenset()
    """Those that take many minutes; they run where they are named, or quickly."""
    plot: Callable[[Workbench, Machine, Path], list[Result]] | None = None
    """Measures curves, writes a page of plots into a folder and returns the curves' points."""
    over_grpc: bool = False
    """Whether TLS may be left out."""


def run(
    subject: Subject,
    *,
    folder: Path,
    only: tuple[str, ...],
    quick: bool,
    tell: Callable[[str], None],
    plots: Path | None = None,
    tls: bool = True,
) -> Report:
    """Run a subject's measures, or those named in *only*, one after the other.

    Given *plots*, measure the subject's curves instead and write a page of them into that folder.

    Raises:
        BenchUnusable: *folder* is kept in memory, or the machine lacks something else.
    """
    kind = file_system_of(folder)
    if kind in MEMORY_FILE_SYSTEMS:
        raise BenchUnusable(
            f"{folder} is on {kind}, where nothing is durable",
            hint="name a folder on a disk with --folder",
        )
    machine = Machine.of(folder)
    bench = Workbench(folder, quick, tell, tls=tls)
    if plots is not None:
        assert subject.plot is not None, f"{subject.name} has no plots"
        results = subject.plot(bench, machine, plots)
        return Report(subject.name, machine, quick, results, bench.proofs)
    results = []
    for name, measure in subject.measures.items():
        if only and name not in only:
            continue
        if name in subject.long and not (only or quick):
            tell(f"{name} is a long run: name it with --only")
            continue
        tell(name)
        results.append(measure(bench, name))
    return Report(subject.name, machine, quick, results, bench.proofs)
