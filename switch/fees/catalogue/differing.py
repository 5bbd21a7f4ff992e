"""What differs between two versions of a schedule: rows that came, went or changed."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from payvand.switch.rules.differing import RowChange, differences

__all__ = ["schedule_differences"]

NAMED_BY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "beneficiary": ("code",),
        "payer_class": ("code",),
        "service": ("code",),
        "fact": ("code",),
        "share_tree": ("code", "from"),
        "share": ("beneficiary",),
        "fee": ("code", "from"),
        "band": ("above",),
        "reduction": ("code", "from"),
        "late": ("code", "from"),
        "rebate": ("code", "from"),
    }
)
"""The fields that name a row of each kind."""


def schedule_differences(before: str, after: str) -> list[RowChange]:
    """Return what *after* changes of *before*, both TOML texts; *before* may be empty."""
    return differences(before, after, NAMED_BY)
