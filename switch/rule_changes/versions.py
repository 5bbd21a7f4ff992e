"""The versions of the tables and when each was in force, as the acts in the journal tell.

A version is a text by its digest. The tables that come with the switch are the first versions,
adopted at its first start. Each later one was proposed; it is in force from the moment of the act
that carried it out until another version of its table is. Going back to an earlier text makes a
version of its own, so the numbers of what was in force only rise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from payvand.settlement.operator_acts import OperatorAct
from payvand.switch.approvals.proposal import Act
from payvand.switch.rules.rulebook import TABLES

__all__ = ["ADOPTED", "RULE_CHANGE", "InForce", "TableVersion", "VersionBook"]

ADOPTED: Final = "rules.adopted"
"""The act by which a switch takes the tables that come with it for its first versions."""
RULE_CHANGE: Final = "rules.change"
"""The kind of proposals to set a version in force."""


@dataclass(frozen=True, slots=True)
class TableVersion:
    """One version of a table."""

    number: int
    """From 1, through all tables, in the order in which they were proposed."""
    table: str
    digest: bytes
    """SHA-256 of its text."""
    proposal: bytes
    """The id of its proposal; empty where the switch came with it."""
    restores: int
    """The number of the earlier version whose text it is; 0 where it is a new text."""


@dataclass(frozen=True, slots=True)
class InForce:
    """A version and since when it is in force."""

    since: int
    """Nanoseconds since 1970; the timestamp of the act in the journal."""
    sequence: int
    """Of that act's frame."""
    version: TableVersion


class VersionBook:
    """All versions, as the acts lead to them."""

    def __init__(self) -> None:
        """Begin before the first act."""
        self.versions: list[TableVersion] = []
        """By number, from 1 at the first place."""
        self._of_proposal: dict[bytes, TableVersion] = {}
        self._history: dict[str, list[InForce]] = {}

    def apply(self, act: OperatorAct) -> None:
        """Follow an act; those that are of no table are passed."""
        if act.act == ADOPTED:
            for table, digest in sorted(act.details["tables"].items()):
                self._set_in_force(act, self._add(table, bytes.fromhex(digest)))
        elif act.act == Act.PROPOSED and act.details["kind"] == RULE_CHANGE:
            content = act.details["content"]
            self._of_proposal[act.proposal] = self._add(
                content["table"],
                bytes.fromhex(content["digest"]),
                act.proposal,
                content.get("restores", 0),
            )
        elif act.act == Act.CARRIED_OUT and act.proposal in self._of_proposal:
            self._set_in_force(act, self._of_proposal[act.proposal])

    @property
    def missing_tables(self) -> list[str]:
        """The tables that have no version yet."""
        return [table for table in TABLES if table not in self._history]

    def get(self, number: int) -> TableVersion | None:
        """Return the version of a number, or None."""
        return self.versions[number - 1] if 0 < number <= len(self.versions) else None

    def of_proposal(self, id: bytes) -> TableVersion | None:
        """Return the version that a proposal would set in force, or None."""
        return self._of_proposal.get(id)

    def history(self, table: str) -> Sequence[InForce]:
        """Return what was in force of a table, the oldest first."""
        return self._history.get(table, ())

    def in_force(self, table: str, at: int | None = None) -> InForce:
        """Return which version of *table* is in force, or was at *at*.

        Of a moment before the first one the first one tells: it knows the days before it.
        """
        history = self._history[table]
        if at is None:
            return history[-1]
        return next((entry for entry in reversed(history) if entry.since <= at), history[0])

    def before(self, table: str) -> TableVersion | None:
        """Return the version in force before this one, of another text; None where none was."""
        now = self.in_force(table).version
        return next(
            (
                entry.version
                for entry in reversed(self._history[table])
                if entry.version.digest != now.digest
            ),
            None,
        )

    def _add(
        self, table: str, digest: bytes, proposal: bytes = b"", restores: int = 0
    ) -> TableVersion:
        version = TableVersion(len(self.versions) + 1, table, digest, proposal, restores)
        self.versions.append(version)
        return version

    def _set_in_force(self, act: OperatorAct, version: TableVersion) -> None:
        entry = InForce(act.timestamp, act.sequence, version)
        self._history.setdefault(version.table, []).append(entry)
