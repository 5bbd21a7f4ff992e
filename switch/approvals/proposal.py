"""A proposal and its life, as a function of the acts in the journal.

    proposed ─► OPEN ─ approved ─► APPROVED ─ carried out ─► CARRIED_OUT
                 ├─ reviewed ─► OPEN, where its kind needs that too
                 │                    ├─ scheduled ─► APPROVED, due at another time
                 │                    ├─ cancelled ─► CANCELLED
                 │                    └─ failed ─► FAILED
                 ├─ refused ─► REFUSED
                 ├─ withdrawn ─► WITHDRAWN
                 └─ expired ─► EXPIRED

There is no second state anywhere that could disagree: a switch that starts reads the acts, and so
does who looks at the projection.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from payvand.settlement.errors import ForeignRecord
from payvand.settlement.operator_acts import OperatorAct

__all__ = ["ON_CALL", "Act", "Proposal", "ProposalBook", "ProposalState", "canonical", "digest_of"]

ON_CALL: Final = -1
"""Stands for the due time of what is carried out when an operator says so, after the approval."""


class Act(StrEnum):
    """What happens to proposals, as the journal names it."""

    PROPOSED = "proposed"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"
    CARRIED_OUT = "carried_out"
    FAILED = "failed"


class ProposalState(StrEnum):
    """Where a proposal stands."""

    OPEN = "open"
    """It waits for a second operator."""
    APPROVED = "approved"
    """It will be carried out when it is due."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    """Its proposer took it back."""
    EXPIRED = "expired"
    """Nobody decided in time."""
    CANCELLED = "cancelled"
    """It was approved, and called off before it was due."""
    CARRIED_OUT = "carried_out"
    FAILED = "failed"
    """It was approved and due, and could not be carried out any more."""


_LIFE: Final[Mapping[Act, tuple[ProposalState, ProposalState]]] = {
    Act.REVIEWED: (ProposalState.OPEN, ProposalState.OPEN),
    Act.APPROVED: (ProposalState.OPEN, ProposalState.APPROVED),
    Act.REFUSED: (ProposalState.OPEN, ProposalState.REFUSED),
    Act.WITHDRAWN: (ProposalState.OPEN, ProposalState.WITHDRAWN),
    Act.EXPIRED: (ProposalState.OPEN, ProposalState.EXPIRED),
    Act.SCHEDULED: (ProposalState.APPROVED, ProposalState.APPROVED),
    Act.CANCELLED: (ProposalState.APPROVED, ProposalState.CANCELLED),
    Act.CARRIED_OUT: (ProposalState.APPROVED, ProposalState.CARRIED_OUT),
    Act.FAILED: (ProposalState.APPROVED, ProposalState.FAILED),
}
"""From which state to which each act leads."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an operator wants to be done, and what became of it."""

    id: bytes
    """16 bytes, the proposer's choice: a retry has the same."""
    kind: str
    """What is to be done, for example `rules.change`."""
    content: Mapping[str, Any]
    """With what; its canonical form is what `digest` is of."""
    digest: str
    """SHA-256 of kind and content, in hexadecimal: what the second operator approves."""
    reason: str
    proposer: str
    proposed_at: int
    """Nanoseconds since 1970, as all times here."""
    expires_at: int
    """Who has not decided by then can't any more."""
    due_at: int
    """When it is carried out once it is approved; 0 for at once, `ON_CALL` for when told to."""
    state: ProposalState
    acts: tuple[OperatorAct, ...]
    """All that happened to it, in order."""

    @property
    def is_open(self) -> bool:
        """Whether it waits for a second operator."""
        return self.state is ProposalState.OPEN

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for a decision or for its time."""
        return self.state in (ProposalState.OPEN, ProposalState.APPROVED)

    def is_due(self, now: int) -> bool:
        """Tell whether it is to be carried out."""
        return self.state is ProposalState.APPROVED and 0 <= self.due_at <= now

    def done_by(self, act: Act) -> OperatorAct | None:
        """Return the last *act* that happened to it, or None."""
        return next((done for done in reversed(self.acts) if done.act == act), None)


class ProposalBook:
    """All proposals, as the acts lead to them."""

    def __init__(self) -> None:
        """Begin before the first act."""
        self._proposals: dict[bytes, Proposal] = {}
        self._waiting: dict[bytes, None] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._proposals)

    def __iter__(self) -> Iterator[Proposal]:
        """Iterate over them, the oldest first."""
        return iter(self._proposals.values())

    @property
    def waiting(self) -> list[Proposal]:
        """Those that wait for a decision or for their time, the oldest first."""
        return [self._proposals[id] for id in self._waiting]

    def get(self, id: bytes) -> Proposal | None:
        """Return the proposal of an id, or None."""
        return self._proposals.get(id)

    def apply(self, act: OperatorAct) -> None:
        """Follow an act; raises `ForeignRecord` where it can't happen to its proposal."""
        if not act.proposal:
            return
        try:
            known = self._proposals.get(act.proposal)
            if act.act == Act.PROPOSED:
                if known is not None:
                    raise ValueError("it was proposed before")
                self._proposals[act.proposal] = _proposed(act)
                self._waiting[act.proposal] = None
                return
            if known is None:
                raise ValueError("it was never proposed")
            before, after = _LIFE[Act(act.act)]
            if known.state is not before:
                raise ValueError(f"it is {known.state}")
            due_at = int(act.details["due_at"]) if act.act == Act.SCHEDULED else known.due_at
        except (ValueError, KeyError, TypeError) as error:
            raise ForeignRecord(
                f"frame {act.sequence} says {act.act!r} of the proposal {act.proposal.hex()}: "
                f"{error}",
                hint="the journal isn't one that this switch wrote: verify it",
            ) from error
        self._proposals[act.proposal] = replace(
            known, state=after, due_at=due_at, acts=(*known.acts, act)
        )
        if not self._proposals[act.proposal].is_waiting:
            del self._waiting[act.proposal]


def canonical(content: Mapping[str, Any]) -> bytes:
    """Return the one form of *content*: JSON with sorted keys, without spaces, in UTF-8."""
    return json.dumps(
        content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def digest_of(kind: str, content: Mapping[str, Any]) -> str:
    """Return what an operator approves: SHA-256 of the kind and the canonical content."""
    return hashlib.sha256(kind.encode() + b"\n" + canonical(content)).hexdigest()


def _proposed(act: OperatorAct) -> Proposal:
    """Return the proposal that an act begins; ValueError where its digest is of something else."""
    told = act.details
    if told["digest"] != digest_of(told["kind"], told["content"]):
        raise ValueError("its digest isn't of its content")
    return Proposal(
        id=act.proposal,
        kind=told["kind"],
        content=told["content"],
        digest=told["digest"],
        reason=told["reason"],
        proposer=act.operator,
        proposed_at=act.timestamp,
        expires_at=int(told["expires_at"]),
        due_at=int(told["due_at"]),
        state=ProposalState.OPEN,
        acts=(act,),
    )
