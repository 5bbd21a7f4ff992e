"""Following: durable frames from a cursor on, from the files first and then as they come.

The last frames are kept in memory while somebody follows, up to `TAIL_BYTES_MAX`; who falls behind
that reads the files, and comes back to the memory when it has caught up.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice
from pathlib import Path

from payvand.core.frame import Frame
from payvand.core.limits import TAIL_BYTES_MAX
from payvand.core.segments import JournalReader

__all__ = ["Tail"]

READ_FRAMES = 64
"""Frames read from the files at a time, off the loop."""


class Tail:
    """The end of a journal, as those who follow it see it."""

    def __init__(self, folder: Path, sequence: int) -> None:
        """Begin behind the frame *sequence*, the last in *folder*."""
        self.sequence = sequence
        """The last frame that followers may see."""
        self.kept_bytes = 0
        """Bytes of frames in memory."""
        self._folder = folder
        self._kept: deque[Frame] = deque()
        self._followers = 0
        self._moved: asyncio.Future[None] | None = None
        self._stopped = False
        self._fault: Exception | None = None

    def advance(self, sequence: int, frame: Callable[[], Frame]) -> None:
        """Show the next frame; *frame* makes it, where somebody wants it."""
        self.sequence = sequence
        if self._followers:
            kept = frame()
            self._kept.append(kept)
            self.kept_bytes += len(kept.raw)
            while self.kept_bytes > TAIL_BYTES_MAX:
                self.kept_bytes -= len(self._kept.popleft().raw)
        elif self._kept:
            self._kept.clear()
            self.kept_bytes = 0
        self._wake()

    def stop(self, fault: Exception | None) -> None:
        """End every follower's iteration, or raise *fault* in it."""
        self._stopped, self._fault = True, fault
        self._wake()

    async def follow(self, after: int) -> AsyncIterator[Frame]:
        """Iterate over the frames after the sequence *after*, and over those to come."""
        self._followers += 1
        files: Iterator[Frame] | None = None
        try:
            while True:
                if after < self.sequence:
                    if self._kept and self._kept[0].sequence <= after + 1:
                        files = None
                        for frame in self._kept_after(after):
                            yield frame
                            after = frame.sequence
                    else:
                        opened = files is None
                        files = files or iter(JournalReader(self._folder, after=after))
                        frames = await asyncio.to_thread(_read, files, self.sequence - after)
                        for frame in frames:
                            yield frame
                            after = frame.sequence
                        if not frames:  # segments have begun since these were listed
                            assert not opened, "a durable frame is in the files"
                            files = None
                elif self._stopped:
                    if self._fault is not None:
                        raise self._fault
                    return
                else:
                    files = None
                    await self._next_move()
        finally:
            self._followers -= 1

    def _kept_after(self, after: int) -> list[Frame]:
        skip = after + 1 - self._kept[0].sequence
        # By index: near its ends a deque finds a place at once, and iterating walks up to there.
        stop = min(skip + READ_FRAMES, len(self._kept))
        return [self._kept[place] for place in range(skip, stop)]

    async def _next_move(self) -> None:
        if self._moved is None:
            self._moved = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._moved)

    def _wake(self) -> None:
        moved, self._moved = self._moved, None
        if moved is not None and not moved.done():
            moved.set_result(None)


def _read(frames: Iterator[Frame], count: int) -> list[Frame]:
    """Read up to *count* durable frames, and none that may be half written."""
    return list(islice(frames, min(count, READ_FRAMES)))
