"""The versions of schedules and when each was in force, as the acts in the journal tell.

A version is a text by its digest. Each was proposed for its agency, and is in force from the moment
of the act that carried it out until another version of that agency is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from payvand.settlement.operator_acts import OperatorAct
from payvand.switch.approvals.proposal import Act

__all__ = ["SCHEDULE_CHANGE", "InForce", "ScheduleVersion", "ScheduleVersions"]

SCHEDULE_CHANGE: Final = "fees.schedule"
"""The kind of proposals to set a schedule in force."""


@dataclass(frozen=True, slots=True)
class ScheduleVersion:
    """One version of an agency's schedule."""

    number: int
    """From 1, over all agencies, in the order in which they were drafted."""
    agency: str
    digest: bytes
    """SHA-256 of its text."""
    proposal: bytes
    """The id of its proposal."""


@dataclass(frozen=True, slots=True)
class InForce:
    """A version and since when it is in force."""

    since: int
    """Nanoseconds since 1970; the timestamp of the act in the journal."""
    sequence: int
    """Of that act's frame."""
    version: ScheduleVersion


class ScheduleVersions:
    """All versions, as the acts lead to them."""

    def __init__(self) -> None:
        """Begin before the first act."""
        self._versions: list[ScheduleVersion] = []
        self._of_proposal: dict[bytes, ScheduleVersion] = {}
        self._history: dict[str, list[InForce]] = {}

    def __reversed__(self) -> Iterator[ScheduleVersion]:
        """Iterate over all versions, the newest first."""
        return reversed(self._versions)

    def apply(self, act: OperatorAct) -> None:
        """Follow an act; those that are of no schedule are passed."""
        if act.act == Act.PROPOSED and act.details["kind"] == SCHEDULE_CHANGE:
            content = act.details["content"]
            version = ScheduleVersion(
                len(self._versions) + 1,
                content["agency"],
                bytes.fromhex(content["digest"]),
                act.proposal,
            )
            self._versions.append(version)
            self._of_proposal[act.proposal] = version
        elif act.act == Act.CARRIED_OUT and act.proposal in self._of_proposal:
            version = self._of_proposal[act.proposal]
            entry = InForce(act.timestamp, act.sequence, version)
            self._history.setdefault(version.agency, []).append(entry)

    @property
    def agencies(self) -> tuple[str, ...]:
        """The agencies of which a version is in force."""
        return tuple(self._history)

    def get(self, number: int) -> ScheduleVersion | None:
        """Return the version of a number, or None."""
        return self._versions[number - 1] if 0 < number <= len(self._versions) else None

    def of_proposal(self, id: bytes) -> ScheduleVersion | None:
        """Return the version that a proposal would set in force, or None."""
        return self._of_proposal.get(id)

    def history(self, agency: str) -> Sequence[InForce]:
        """Return what was in force of an agency, the oldest first."""
        return self._history.get(agency, ())

    def in_force(self, agency: str, at: int | None = None) -> ScheduleVersion | None:
        """Return the version of *agency* that is in force, or was at *at*; None where none was."""
        history = self.history(agency)
        found = (one.version for one in reversed(history) if at is None or one.since <= at)
        return next(found, None)
