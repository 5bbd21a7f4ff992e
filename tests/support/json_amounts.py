"""Amounts in JSON are texts: a number would pass through doubles, which hold no year of SATNA."""

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["amounts_that_are_numbers"]

MONEY = re.compile(
    r"amount|balance|debits|credits|^net$|_net$|_cap$|^opening$|^closing$|^carried$|^fee$|"
    r"^paid$|^received$|prefunding|funded|shortfall|owes|lacks|residual_(?!account)|_qeran$|_rials$"
)
"""Names of what is money where it is no count of something."""

COUNTS = frozenset({"matched", "breaks", "ages"})
"""What is counted by kinds, of which one is `amount`."""


def amounts_that_are_numbers(content: Any, path: str = "") -> Iterator[str]:
    """Yield where *content*, read from JSON, has an amount that is a number, or any fraction."""
    if isinstance(content, dict):
        for name, value in content.items():
            here = f"{path}.{name}"
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if is_number and MONEY.search(name):
                yield here
            if name not in COUNTS or not isinstance(value, dict):
                yield from amounts_that_are_numbers(value, here)
    elif isinstance(content, list):
        for place, value in enumerate(content):
            yield from amounts_that_are_numbers(value, f"{path}[{place}]")
