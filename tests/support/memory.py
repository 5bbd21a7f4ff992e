"""How much memory a process takes."""

from pathlib import Path


def resident_bytes(pid: int) -> int:
    """Return the bytes of a process that are in memory now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (resident,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(resident.split()[1]) << 10
