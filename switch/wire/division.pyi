from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from payvand.core.frame import Frame

TRANSIENT: npt.NDArray[np.uint8]
"""Whether a failure with this status is recorded for good, by its number."""

def divide(frame: Frame, reason_code: Callable[[int, int], str]) -> dict[int, bytes]:
    """Return the wire fields that each participant gets of *frame*, by its number.

    Args:
        frame: of the journal.
        reason_code: the reason code of a payment that was declined, four ASCII characters, by its
            status and decision.
    """
