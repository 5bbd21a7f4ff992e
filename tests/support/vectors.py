"""Reference vectors: facts about the country's numbers, gathered from independent sources."""

import json
from pathlib import Path
from typing import Any

__all__ = ["vectors"]

_FOLDER = Path(__file__).parent.parent / "vectors"


def vectors(name: str) -> list[dict[str, Any]]:
    """Return the vectors of the file *name*, which are dictionaries with an `expect` in each."""
    found = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))["vectors"]
    assert found, f"{name}.json holds no vector"
    return list(found)
