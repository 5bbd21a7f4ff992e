from payvand.switch.directory.alias_table import AliasTable

class CopiedRows:
    """Puts into a table what COPY sends. Feed it all chunks in order; then `has_ended` is true."""

    def __init__(self, table: AliasTable) -> None: ...
    rows: int
    """How many were put so far."""
    has_ended: bool
    """Whether the end of the rows has come."""

    def feed(self, chunk: bytes) -> None:
        """Put in the rows that end in *chunk*; ValueError where it is no such row."""
