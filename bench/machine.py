"""The machine a benchmark ran on, as far as it bears on the figures."""

import importlib.metadata
import os
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

__all__ = ["Machine", "file_system_of"]

PACKAGES = ("payvand", "numpy", "grpcio", "protobuf", "asyncpg", "uvloop")
MEMORY_FILE_SYSTEMS = frozenset({"tmpfs", "ramfs", "devtmpfs"})
"""Where nothing is durable, and so nothing can be measured that claims to be."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Facts to print beside figures."""

    cpu: str
    cores: int
    """Those that this process may use."""
    memory_bytes: int
    kernel: str
    file_system: str
    """Of the folder in which journals and databases of the run lie."""
    huge_pages: str
    """The kernel's policy for transparent huge pages."""
    load_average: float
    """Over the minute before the run: more than a little, and others share the machine."""
    python: str
    versions: dict[str, str]

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Look at the machine, and at the file system of *folder*."""
        return cls(
            cpu=_cpu_model(),
            cores=len(os.sched_getaffinity(0)),
            memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            kernel=f"{platform.system()} {platform.release()}",
            file_system=file_system_of(folder),
            huge_pages=_huge_pages(),
            load_average=round(os.getloadavg()[0], 2),
            python=f"{sys.implementation.name} {platform.python_version()}",
            versions={name: importlib.metadata.version(name) for name in PACKAGES},
        )

    def __str__(self) -> str:
        """Return the facts in a line."""
        return (
            f"{self.cpu}, {self.cores} cores, {self.memory_bytes >> 30} GiB, {self.kernel}, "
            f"{self.file_system}, huge pages {self.huge_pages}, {self.python}, "
            f"load {self.load_average}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the facts for a script."""
        return asdict(self)


def file_system_of(folder: Path) -> str:
    """Return the type of the file system that holds *folder*, as the kernel calls it."""
    path = str(folder.resolve())
    found, longest = "unknown", 0
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount, kind, *_ = line.split(" ")
        inside = mount == "/" or path == mount or path.startswith(f"{mount}/")
        if inside and len(mount) >= longest:
            found, longest = kind, len(mount)
    return found


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _huge_pages() -> str:
    try:
        policy = Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text()
    except FileNotFoundError:
        return "none"
    return policy[policy.index("[") + 1 : policy.index("]")]
