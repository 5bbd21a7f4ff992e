"""Reference vectors: facts about the country's numbers, gathered from independent sources."""

import json
from pathlib import Path
from typing import Any

__all__ = ["content", "vectors"]

_FOLDER = Path(__file__).parent.parent / "vectors"


def content(name: str) -> dict[str, Any]:
    """Return all that the file *name* holds."""
    return dict(json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def vectors(name: str) -> list[dict[str, Any]]:
    """Return the vectors of the file *name*, which are dictionaries that say what is expected."""
    found = content(name)["vectors"]
    assert found, f"{name}.json holds no vector"
    return list(found)
