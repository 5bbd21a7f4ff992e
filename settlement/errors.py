"""The faults of this room, a branch of the tree in `payvand.core.errors`.

PayvandFault
└── SettlementFault           settlement can't do its work
    ├── DatabaseUnavailable   the database or its machine: start it, free space
    ├── SchemaMismatch        the database was written by other code than this
    ├── ProjectionConflict    another projector moved the cursor: read it again and go on
    └── WindowFault           frames or notes contradict each other: stop, run the verifier
"""

from payvand.core.errors import PayvandFault

__all__ = [
    "DatabaseUnavailable",
    "ForeignRecord",
    "ProjectionConflict",
    "SchemaMismatch",
    "SettlementFault",
    "WindowFault",
]


class SettlementFault(PayvandFault):
    """Settlement, or the database that serves it, can't do its work."""


class DatabaseUnavailable(SettlementFault):
    """The database can't be started or reached."""


class SchemaMismatch(SettlementFault):
    """The database's schema or rows aren't those that this code can work on."""


class ProjectionConflict(SettlementFault):
    """The cursor of the projection isn't where this projector left it."""


class ForeignRecord(SettlementFault):
    """A record in the journal isn't one that the switch writes, and can't be read here."""


class WindowFault(SettlementFault):
    """The settlement windows in the journal contradict the transfers in it."""
