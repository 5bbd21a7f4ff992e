"""Who takes part, version by version, as the acts in the journal tell it.

A change is in force from the act that carries it out, in the order of the journal. So who took
part on a day at an hour, and by which certificates, is a question that the journal answers; the
rows in PostgreSQL are written for those who join with them.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from payvand.settlement.errors import ForeignRecord
from payvand.settlement.operator_acts import OperatorAct
from payvand.switch.approvals.proposal import Act
from payvand.switch.participant import Participant
from payvand.switch.registry.changes import ChangeRefused, after_changes

__all__ = ["ADOPTED", "PARTICIPANT_CHANGE", "ParticipantBook", "ParticipantVersion"]

PARTICIPANT_CHANGE: Final = "participants.change"
"""The kind of proposals that change participants."""
ADOPTED: Final = "participants.adopted"
"""The act by which the switch takes in by itself who was there before there was a journal of it:
its first operators, and the rows of an older database."""

_ENDS: Final = frozenset({Act.REFUSED, Act.WITHDRAWN, Act.EXPIRED, Act.CANCELLED, Act.FAILED})


@dataclass(frozen=True, slots=True)
class ParticipantVersion:
    """What a participant was from one moment on."""

    number: int
    since: int
    """Nanoseconds since 1970, of the act."""
    proposal: bytes
    """Empty where the switch did it by itself."""
    participant: Participant


class ParticipantBook:
    """The participants, as the acts lead to them."""

    def __init__(self) -> None:
        """Begin before the first act."""
        self.current: Mapping[str, Participant] = {}
        """By name, in the order of onboarding."""
        self._proposed: dict[bytes, Sequence[Mapping[str, Any]]] = {}
        self._versions: dict[str, list[ParticipantVersion]] = {}

    def apply(self, act: OperatorAct) -> None:
        """Follow an act; raises `ForeignRecord` where it can't happen."""
        if act.act == ADOPTED:
            self._change(act, act.details["participants"], act.details["numbers"])
        elif act.act == Act.PROPOSED and act.details.get("kind") == PARTICIPANT_CHANGE:
            self._proposed[act.proposal] = act.details["content"]["participants"]
        elif act.proposal in self._proposed:
            if act.act == Act.CARRIED_OUT:
                self._change(act, self._proposed.pop(act.proposal))
            elif act.act in _ENDS:
                del self._proposed[act.proposal]

    def versions(self, name: str) -> Sequence[ParticipantVersion]:
        """Return all versions of a participant, the oldest first; none of an unknown one."""
        return self._versions.get(name, ())

    def version_at(self, name: str, at: int) -> ParticipantVersion | None:
        """Return the version that was in force at *at*, in nanoseconds since 1970."""
        versions = self.versions(name)
        place = bisect_right(versions, at, key=lambda version: version.since)
        return versions[place - 1] if place else None

    def _change(
        self,
        act: OperatorAct,
        entries: Sequence[Mapping[str, Any]],
        numbers: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        try:
            after = after_changes(self.current, entries, numbers=numbers)
        except (ChangeRefused, KeyError, TypeError) as refused:
            raise ForeignRecord(
                f"frame {act.sequence} changes participants as they can't be changed: {refused}",
                hint="the journal isn't one that this switch wrote: verify it",
            ) from refused
        for entry in entries:
            participant = after[entry["name"]]
            versions = self._versions.setdefault(participant.name, [])
            if versions and versions[-1].participant == participant:
                continue
            versions.append(
                ParticipantVersion(len(versions) + 1, act.timestamp, act.proposal, participant)
            )
        self.current = after
