from pathlib import Path

def check_run(path: Path) -> None:
    """Prove every byte of a file of ids; raise SnapshotDamaged where one is not as written."""
