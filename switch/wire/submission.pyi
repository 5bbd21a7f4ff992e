from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from payvand.core.records import Records
from payvand.switch.wire.route_table import RouteTable, _Route

class Submission:
    """The payments of one request, as the books take them; from `decode`."""

    count: int
    """How many there were."""
    records: Records
    """TRANSFER[n], those that keep the rules."""
    places: npt.NDArray[np.uint32]
    """For each record, which payment of the request it is."""
    payloads: npt.NDArray[np.uint8]
    """The serialised `Payment` of each record, one behind the other."""
    offsets: npt.NDArray[np.uint32]
    """u4[n + 1], where each one's payload begins."""
    faults: Records
    """FAULT[k], of those that don't, in the order of the request."""

    def chunks(self, bytes_max: int = ...) -> Iterator[tuple[int, int]]:
        """Yield (start, stop) of records whose payloads fit one batch; most often it is one."""
    def chunk(
        self, start: int, stop: int
    ) -> tuple[Records, npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
        """Return records, payloads and offsets of the records from *start* to *stop*."""
    def states(self) -> npt.NDArray[np.uint8]:
        """Return the states of the payments, u1[count], as long as all are refused."""
    def note_created(self, states: npt.NDArray[np.uint8], start: int, results: Records) -> bool:
        """Enter the states of the records from *start* on that took effect, by RESULT[k].

        Returns whether all of them did.
        """

def decode(
    request: bytes,
    table: RouteTable,
    *,
    position: int,
    timeout_s: int,
    anywhere: _Route | None = None,
) -> Submission:
    """Judge the payments of a serialised `SubmitRequest` or `SubmitStreamRequest`.

    Runs without the GIL; the work of a payment is some hundred nanoseconds.

    Args:
        request: at most 8,190 payments, either as messages or packed.
        table: where accounts lead.
        position: the debtor's position account, the only one that it can debit.
        timeout_s: how long a creditor's bank that doesn't auto-accept has for its answer.
        anywhere: where every account leads, whatever *table* says; for payments that may have been
            recorded when it said otherwise.

    Raises:
        RequestMalformed: it isn't such a message, or holds too many; none has any effect.
    """

def too_many(field: str, count: int) -> Exception:
    """Return the fault of a request that holds more than one batch in *field*."""
