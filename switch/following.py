"""What each participant is told of a frame, as it goes over the wire.

A frame is divided once for all participants: offers and outcomes become the bytes of their fields
in `FollowResponse`, so a payment's own bytes go from the journal to the creditor's bank as the
debtor's bank sent them. Several streams that follow closely share what was made.

Order. Expiries stand before the frame's records, as in the ledger; outcomes and offers each come
in the order of the books. A payment that settles in one step is an offer and an outcome at once,
in the same step. A declined payment is an outcome for its debtor's bank alone.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Final

from payvand.core.engine import Engine
from payvand.core.frame import Frame
from payvand.switch.translate import ReasonBook
from payvand.switch.wire.division import divide

__all__ = ["Divider", "follow"]

CACHE_BYTES_MAX: Final = 32 << 20
"""Bytes of divided frames that are kept for other streams."""

SILENT_FRAMES_MAX: Final = 4_096
"""After so many frames that don't concern a participant it is told the cursor alone."""

_CURSOR: Final = b"\x08"
"""The tag of `FollowResponse.cursor`."""


def varint(value: int) -> bytes:
    """Return an unsigned integer in the base-128 form of protobuf."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Divider:
    """Divide frames among participants, each frame once. Shared by all streams."""

    def __init__(self, reasons: ReasonBook) -> None:
        """Start with nothing divided; tell why payments were declined by *reasons*."""
        self._reasons = reasons
        self._divided: OrderedDict[int, dict[int, bytes]] = OrderedDict()
        self._kept_bytes = 0

    def _code(self, status: int, decision: int) -> str:
        return self._reasons.reason(status, decision).code

    def fields_for(self, participant: int, frame: Frame) -> bytes:
        """Return the offers and outcomes of *frame* for *participant*; empty for none."""
        divided = self._divided.get(frame.sequence)
        if divided is None:
            divided = divide(frame, self._code)
            self._divided[frame.sequence] = divided
            self._kept_bytes += _size(divided)
            while self._kept_bytes > CACHE_BYTES_MAX:
                self._kept_bytes -= _size(self._divided.popitem(last=False)[1])
        return divided.get(participant, b"")


def _size(divided: dict[int, bytes]) -> int:
    return 200 + sum(map(len, divided.values()))


async def follow(
    engine: Engine, divider: Divider, participant: int, cursor: int
) -> AsyncIterator[tuple[int, bytes]]:
    """Yield (cursor, serialised `FollowResponse`) for all that concerns *participant*, for ever.

    Nothing is kept for a stream: one that isn't read from simply stays where it is in the journal.
    """
    told = cursor
    async for frame in engine.follow(cursor):
        fields = divider.fields_for(participant, frame)
        if fields or frame.sequence - told >= SILENT_FRAMES_MAX:
            told = frame.sequence
            yield told, _CURSOR + varint(told) + fields
        else:
            await asyncio.sleep(0)  # frames of the files come many at once
