from collections.abc import Collection, Mapping
from typing import Protocol

class _Route(Protocol):
    """What a table takes of a route."""

    @property
    def name(self) -> str: ...
    @property
    def position(self) -> int: ...
    @property
    def ledger(self) -> int: ...
    @property
    def unit(self) -> str: ...
    @property
    def auto_accept(self) -> bool: ...
    @property
    def sends(self) -> bool: ...
    @property
    def receives(self) -> bool: ...

class RouteTable:
    """The routes of one state of the directory, read without the GIL. Immutable."""

    routes: tuple[_Route, ...]
    """Those that something leads to."""

    def __init__(
        self,
        by_bank_code: Mapping[str, _Route],
        by_iban: Mapping[str, _Route],
        units: Collection[str],
    ) -> None:
        """Lead by the whole IBAN first, then by the three digits of the bank code.

        *units* are the codes of all units that the switch keeps books in.
        """
    def find_route(self, iban: str) -> _Route | None:
        """Return where a well-formed *iban* leads, or None."""
