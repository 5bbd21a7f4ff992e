"""How a switch keeps its memory: what one batch has used is there for the next.

A batch takes some megabytes in a few pieces. By default the C library gives such pieces back to the
system at once, which clears every page of them anew for the next batch. And Python's collector
looks through all that lives, again and again, though what a switch is made of stays: modules,
descriptors, settings, routes.
"""

import ctypes
import gc
from typing import Final

__all__ = ["keep_memory"]

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
"""As mallopt(3) numbers them."""

KEPT_BYTES_MAX: Final = 512 << 20
"""Free memory that the process keeps for itself."""
PIECE_BYTES_MAX: Final = 32 << 20
"""Greater pieces go back at once; it is the most that the C library takes."""
YOUNG_OBJECTS: Final = 20_000
"""Objects made since the last collection that bring the next."""


def keep_memory() -> None:
    """Keep what is freed, and leave alone what there is; for a process that has started up."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 50, 50)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # Other C libraries than GNU's have none.
        mallopt(_MMAP_THRESHOLD, PIECE_BYTES_MAX)
        mallopt(_TRIM_THRESHOLD, KEPT_BYTES_MAX)
