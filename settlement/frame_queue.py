"""The queue between who reads frames and who projects them, bounded by frames and by bytes.

At low load frames hold one record each and many of them make a batch; at high load a single frame
has megabytes. So both are bounded, and a batch is taken by how many records it has.
"""

import asyncio
from collections import deque

from payvand.core.frame import Frame

__all__ = ["BYTES_MAX", "FRAMES_MAX", "FrameQueue"]

FRAMES_MAX = 8_192
"""How many frames wait at most."""

BYTES_MAX = 32 << 20
"""How many bytes the waiting frames have, about: the last one let in may go beyond."""


class FrameQueue:
    """Frames in order, from one task to another."""

    def __init__(self, *, frames_max: int = FRAMES_MAX, bytes_max: int = BYTES_MAX) -> None:
        """Begin empty."""
        self._frames_max = frames_max
        self._bytes_max = bytes_max
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._ended = False
        self._changed = asyncio.Condition()

    async def put(self, frame: Frame) -> None:
        """Add a frame once there is room."""
        async with self._changed:
            await self._changed.wait_for(self._has_room)
            self._frames.append(frame)
            self._bytes += len(frame.raw)
            self._changed.notify_all()

    async def end(self) -> None:
        """Say that no frame comes any more."""
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def take(self, rows_max: int) -> list[Frame]:
        """Wait for a frame, then take what waits: frames of up to *rows_max* records, or one.

        Empty once the frames have ended.
        """
        taken: list[Frame] = []
        async with self._changed:
            await self._changed.wait_for(lambda: self._frames or self._ended)
            rows = 0
            while self._frames:
                rows += 1 + len(self._frames[0].statuses) + len(self._frames[0].expired)
                if taken and rows > rows_max:
                    break
                taken.append(self._frames.popleft())
                self._bytes -= len(taken[-1].raw)
            self._changed.notify_all()
        return taken

    def _has_room(self) -> bool:
        return len(self._frames) < self._frames_max and self._bytes < self._bytes_max
