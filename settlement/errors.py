"""The faults of this room: what failed, whose fault it is, and what to do next.

SettlementError
├── DatabaseUnavailable   the database or its machine: start it, free space, mend permissions
├── SchemaMismatch        the database was written by other code than this
├── ProjectionConflict    another projector moved the cursor; read it again and go on
└── WindowFault           frames or notes that contradict each other: stop, run the verifier
"""

__all__ = [
    "DatabaseUnavailable",
    "ProjectionConflict",
    "SchemaMismatch",
    "SettlementError",
    "WindowFault",
]


class SettlementError(Exception):
    """A fault of settlement, with a hint for the operator."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        """What to do next; empty where nothing helps."""

    def __str__(self) -> str:
        """Return the message, followed by the hint."""
        message = super().__str__()
        return f"{message}\nhint: {self.hint}" if self.hint else message


class DatabaseUnavailable(SettlementError):
    """The database can't be started or reached."""


class SchemaMismatch(SettlementError):
    """The database's schema isn't one that this code can work on."""


class ProjectionConflict(SettlementError):
    """The cursor of the projection isn't where this projector left it."""


class WindowFault(SettlementError):
    """The settlement windows in the journal contradict the transfers in it."""
