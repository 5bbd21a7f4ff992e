"""What each participant is told of a frame, as it goes over the wire.

A frame is divided once for all participants: offers and outcomes become the bytes of their fields
in `FollowResponse`, so a payment's own bytes go from the journal to the creditor's bank as the
debtor's bank sent them. Several streams that follow closely share what was made.

Order. Expiries stand before the frame's records, as in the ledger; outcomes and offers each come
in the order of the books. A payment that settles in one step is an offer and an outcome at once,
in the same step. A declined payment is an outcome for its debtor's bank alone.
"""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import Final

from payvand.core.engine import Engine
from payvand.core.errors import PayvandFault
from payvand.core.frame import Frame
from payvand.switch.translate import ReasonBook
from payvand.switch.wire.division import divide

__all__ = ["Divider", "Wakings", "follow"]

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
        return self._divide(frame).get(participant, b"")

    def parties(self, frame: Frame) -> Iterable[int]:
        """Return the numbers of the participants whom *frame* concerns."""
        return self._divide(frame)

    def _divide(self, frame: Frame) -> dict[int, bytes]:
        divided = self._divided.get(frame.sequence)
        if divided is None:
            divided = divide(frame, self._code)
            self._divided[frame.sequence] = divided
            self._kept_bytes += _size(divided)
            while self._kept_bytes > CACHE_BYTES_MAX:
                self._kept_bytes -= _size(self._divided.popitem(last=False)[1])
        return divided


def _size(divided: dict[int, bytes]) -> int:
    return 200 + sum(map(len, divided.values()))


class Wakings:
    """Wake the streams that a frame concerns, and let all others sleep.

    One task follows the journal for all streams that have caught up: with thousands of them, a
    frame costs as much as it has parties.
    """

    def __init__(self, engine: Engine, divider: Divider) -> None:
        """Watch *engine* from when a stream waits for the first time."""
        self.engine = engine
        self.divider = divider
        self._sequence = 0
        self._sleeping: defaultdict[int, list[asyncio.Future[int]]] = defaultdict(list)
        self._watching: asyncio.Task[None] | None = None

    async def concerned(self, participant: int, after: int) -> int:
        """Return a cursor behind which the next frame that concerns *participant* comes soon.

        Where the caller is behind what was watched, that is *after* itself. Also returns now and
        then in silence, and where the journal ends.
        """
        if self._watching is None:
            self._sequence = self.engine.sequence
            self._watching = asyncio.create_task(self._watch())
        if after < self._sequence or self._watching.done():
            return after
        waking: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._sleeping[participant].append(waking)
        try:
            return max(await waking, after)
        except asyncio.CancelledError:
            if waking in self._sleeping.get(participant, ()):
                self._sleeping[participant].remove(waking)
            raise

    async def _watch(self) -> None:
        try:
            async for frame in self.engine.follow(self._sequence):
                self._sequence = frame.sequence
                if frame.sequence % SILENT_FRAMES_MAX == 0:
                    self._wake_all(frame.sequence - 1)
                    continue
                for participant in self.divider.parties(frame):
                    if participant in self._sleeping:
                        for waking in self._sleeping.pop(participant):
                            _wake(waking, frame.sequence - 1)
        except PayvandFault:
            pass  # each stream meets it by itself
        finally:
            self._wake_all(self._sequence)

    def _wake_all(self, sequence: int) -> None:
        sleeping, self._sleeping = self._sleeping, defaultdict(list)
        for waking in (each for wakings in sleeping.values() for each in wakings):
            _wake(waking, sequence)


def _wake(waking: "asyncio.Future[int]", sequence: int) -> None:
    if not waking.done():
        waking.set_result(sequence)


async def follow(
    wakings: Wakings, participant: int, cursor: int
) -> AsyncIterator[tuple[int, bytes]]:
    """Yield (cursor, serialised `FollowResponse`) for all that concerns *participant*, for ever.

    Nothing is kept for a stream: one that isn't read from simply stays where it is in the journal.
    """
    engine, divider = wakings.engine, wakings.divider
    told = seen = cursor
    while True:
        frames = engine.follow(seen)
        try:
            async for frame in frames:
                seen = frame.sequence
                fields = divider.fields_for(participant, frame)
                if fields or seen - told >= SILENT_FRAMES_MAX:
                    told = seen
                    yield told, _CURSOR + varint(told) + fields
                elif seen < engine.sequence:
                    await asyncio.sleep(0)  # frames of the files come many at once
                if seen >= engine.sequence:
                    break
            else:
                return
        finally:
            if isinstance(frames, AsyncGenerator):
                await frames.aclose()
        seen = await wakings.concerned(participant, seen)
