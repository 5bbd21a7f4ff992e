"""What operators decide, as the journal tells it: one frame for each act, its note the act.

A frame of event `EVENT_OPERATOR_ACT` moves no money. Its note is one JSON object: the act, who did
it, the proposal that it belongs to, and what else there is to tell. So the chain of digests and
the signed roots of business days cover the acts of operators as they cover payments, and
nobody can take one out, or put one in, without the proofs saying so.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Self

from payvand.core.frame import Frame
from payvand.settlement.database import Executor
from payvand.settlement.errors import ForeignRecord

__all__ = ["EVENT_OPERATOR_ACT", "OperatorAct", "note_of", "read_acts", "tells_act"]

EVENT_OPERATOR_ACT: Final = 3
"""The application tag of the frame that holds an act; see also `netting.EVENT_WINDOW_CLOSED`."""


@dataclass(frozen=True, slots=True)
class OperatorAct:
    """One act, as its frame tells it."""

    sequence: int
    """Of its frame."""
    timestamp: int
    """Of its frame, in nanoseconds since 1970."""
    act: str
    """What was done, for example `proposed`."""
    operator: str
    """The name that the certificate carries; empty where the switch did it by itself."""
    proposal: bytes
    """The 16 bytes of the proposal's id; empty where the act belongs to none."""
    details: Mapping[str, Any]
    """What else the note tells, by key."""

    @classmethod
    def of(cls, frame: Frame) -> Self:
        """Read the frame of an act; raises `ForeignRecord` where its note isn't one."""
        return cls.from_note(frame.note, sequence=frame.sequence, timestamp=frame.timestamp)

    @classmethod
    def from_note(cls, note: bytes, *, sequence: int, timestamp: int) -> Self:
        """Read the note of an act; raises `ForeignRecord` where it isn't one."""
        try:
            told = json.loads(note)
            act, operator = told.pop("act"), told.pop("operator")
            proposal = bytes.fromhex(told.pop("proposal", ""))
            if not isinstance(act, str) or not isinstance(operator, str) or len(proposal) % 16:
                raise ValueError("act, operator or proposal is of another form")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ForeignRecord(
                f"the note of frame {sequence} isn't an operator's act: {error!r}",
                hint="other code than this wrote the frame, or it is damaged: verify",
            ) from error
        return cls(sequence, timestamp, act, operator, proposal, MappingProxyType(told))


def note_of(act: str, operator: str, proposal: bytes, details: Mapping[str, Any]) -> bytes:
    """Return the note of an act; the same act always has the same bytes."""
    told = {**details, "act": act, "operator": operator}
    if proposal:
        told["proposal"] = proposal.hex()
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def tells_act(frame: Frame) -> bool:
    """Tell whether a frame holds an operator's act."""
    return frame.event == EVENT_OPERATOR_ACT


async def read_acts(connection: Executor, *, after: int = 0) -> list[OperatorAct]:
    """Return the acts that the projection holds, in their order, of frames after *after*."""
    rows = await connection.fetch(
        "SELECT sequence, timestamp, note FROM books.operator_act "
        "WHERE sequence > $1 ORDER BY sequence",
        after,
    )
    return [
        OperatorAct.from_note(
            row["note"].encode(), sequence=row["sequence"], timestamp=row["timestamp"]
        )
        for row in rows
    ]
