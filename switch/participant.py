"""A participant: a bank or a government service that is connected to the switch."""

from dataclasses import dataclass

from payvand.switch.units import UNITS

__all__ = ["Participant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """A bank or a government service of this switch."""

    number: int
    """From 1; ledger accounts derive from it. 0 before the registry gave it one."""
    name: str
    """The short name, which its certificate carries."""
    role: int
    """A number of `payvand.v1.ParticipantRole`."""
    display_name: str
    """In English."""
    display_name_fa: str = ""
    """In Persian; empty where it has none."""
    bank_codes: tuple[str, ...]
    ibans: tuple[str, ...]
    net_debit_cap: int
    """In minor units of the unit."""
    unit: str
    auto_accept: bool

    @property
    def ledger(self) -> int:
        """The number of its unit's ledger."""
        return UNITS[self.unit].ledger
