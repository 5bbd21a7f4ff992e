import numpy as np
import numpy.typing as npt

from payvand.core.records import Records

def decode_answers(
    request: bytes,
) -> tuple[Records, npt.NDArray[np.bool_], npt.NDArray[np.uint32]]:
    """Return ids U128[n], accepted bool[n] and reason codes u4[n] of an `AnswerRequest`.

    An id that isn't 16 bytes is 0, which nothing has. The reason code is as a voiding transfer
    carries it, `MS03` for a rejection that gives none, 0 for an acceptance.

    Raises:
        RequestMalformed: it isn't such a message, holds too many answers, or a rejection's reason
            code isn't one; none has any effect.
    """
