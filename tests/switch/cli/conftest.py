"""What the tests of commands share: whatever JSON a command prints has its amounts as texts."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from payvand.switch.cli import printing
from tests.support.json_amounts import amounts_that_are_numbers


@pytest.fixture(autouse=True)
def amounts_are_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at all JSON on its way to standard output."""

    def dumps(content: Any, **options: Any) -> str:
        wrong = list(amounts_that_are_numbers(content))
        assert not wrong, f"amounts in JSON are texts: {wrong}"
        return json.dumps(content, **options)

    monkeypatch.setattr(printing, "json", SimpleNamespace(dumps=dumps))
