"""Steps of a followed stream as arrays: a bank at full speed makes no object for each payment.

The bench's own payments all have one length, and so have the outcomes of a kind; fields of one
length, one behind the other, are rows. Whatever doesn't come so is read by the protobuf library.
"""

import numpy as np
import numpy.typing as npt

from payvand.v1.payment_service_pb2 import FollowResponse

__all__ = ["offered_ids", "outcomes_of"]

_OUTCOME = np.dtype(
    [
        ("head", "V4"),  # tag and length of the outcome, tag and length of its id
        ("run", ">u8"),  # six bytes of the run, two of the lane
        ("number", ">u8"),
        ("state_tag", "u1"),
        ("state", "u1"),
        ("timestamp", "V10"),
    ]
)
_OUTCOME_HEAD = b"\x1a\x1e\x0a\x10"
_OFFER_TAG = 0x12
_TOLD = np.dtype([("run", np.int64), ("number", np.int64), ("state", np.int64)])


def _body(step: bytes) -> tuple[int, int]:
    """Return the cursor of a step, and where its other fields begin."""
    cursor = shift = 0
    for place in range(1, len(step)):
        cursor |= (step[place] & 0x7F) << shift
        shift += 7
        if step[place] < 0x80:
            return cursor, place + 1
    raise AssertionError("a step begins with its cursor")


def outcomes_of(step: bytes) -> tuple[int, npt.NDArray[np.void]]:
    """Return the cursor of a serialised `FollowResponse`, and run, number and state of each end."""
    cursor, start = _body(step)
    size = len(step) - start
    if size and size % _OUTCOME.itemsize == 0:
        rows = np.frombuffer(step, _OUTCOME, offset=start)
        if (rows["head"] == np.void(_OUTCOME_HEAD)).all():
            told = np.empty(len(rows), _TOLD)
            told["run"] = rows["run"] >> np.uint64(16)
            told["number"], told["state"] = rows["number"], rows["state"]
            return cursor, told
    outcomes = FollowResponse.FromString(step).outcomes
    told = np.empty(len(outcomes), _TOLD)
    for row, outcome in zip(told, outcomes, strict=True):
        row["run"], row["number"] = int.from_bytes(outcome.id[:6]), int.from_bytes(outcome.id[8:])
        row["state"] = outcome.state
    return cursor, told


def offered_ids(step: bytes) -> npt.NDArray[np.uint8]:
    """Return the ids that a serialised `FollowResponse` offers, u1[n, 16]."""
    _, start = _body(step)
    if start < len(step) and step[start] != _OFFER_TAG:
        return np.empty((0, 16), np.uint8)
    if start + 3 < len(step):
        length_bytes = 1 if step[start + 1] < 0x80 else 2
        length = step[start + 1] & 0x7F | (step[start + 2] << 7 if length_bytes == 2 else 0)
        head = step[start : start + 1 + length_bytes + 2]
        row_bytes = 1 + length_bytes + length
        count = (len(step) - start) // row_bytes
        rows = np.frombuffer(step, np.uint8, count * row_bytes, start).reshape(count, row_bytes)
        alike = (rows[:, : len(head)] == np.frombuffer(head, np.uint8)).all(axis=1)
        offers = count if alike.all() else int(np.argmin(alike))
        stop = start + offers * row_bytes
        if stop == len(step) or step[stop] != _OFFER_TAG:
            return rows[:offers, len(head) : len(head) + 16]
    ids = [offer.id for offer in FollowResponse.FromString(step).offers]
    return np.frombuffer(b"".join(ids), np.uint8).reshape(len(ids), 16)
