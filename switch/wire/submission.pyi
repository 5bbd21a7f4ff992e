from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from payvand.core.records import Records
from payvand.switch.wire.faults import RequestMalformed
from payvand.switch.wire.requests import Requests
from payvand.switch.wire.route_table import RouteTable, _Route

class Submission:
    """The payments of one request, or of several that go into the books as one batch."""

    first: int
    """Which of the `Requests` is the first here; below, requests are counted from it."""
    requests_count: int
    count: int
    """How many payments there were."""
    records: Records
    """TRANSFER[n], those that keep the rules."""
    places: npt.NDArray[np.uint32]
    """For each record, which of the payments it is."""
    payloads: npt.NDArray[np.uint8]
    """The serialised `Payment` of each record, one behind the other."""
    offsets: npt.NDArray[np.uint32]
    """u4[n + 1], where each one's payload begins."""
    faults: Records
    """FAULT[k], of those that don't, in the order of the payments."""
    starts: npt.NDArray[np.uint32]
    """u4[requests_count + 1], which payment is the first of each request."""
    malformed: dict[int, RequestMalformed]
    """What is wrong with requests of which nothing was taken."""

    def chunks(self, bytes_max: int = ...) -> Iterator[tuple[int, int]]:
        """Yield (start, stop) of records whose payloads fit one batch; most often it is one."""
    def chunk(
        self, start: int, stop: int
    ) -> tuple[Records, npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
        """Return records, payloads and offsets of the records from *start* to *stop*."""
    def of_request(self, index: int) -> tuple[Submission, slice]:
        """Return the payments of one request, numbered from its own first, and where their records
        stand in those of all. Payloads are left out."""
    def states(self) -> npt.NDArray[np.uint8]:
        """Return the states of the payments, u1[count], as long as all are refused."""
    def note_created(self, states: npt.NDArray[np.uint8], results: Records) -> None:
        """Enter the states of the payments that took effect, by RESULT[n] of the records."""
    def answer_plain(self, requests: Requests, results: Records) -> tuple[list[int], int, int]:
        """Answer the requests all of whose payments took effect, by RESULT[n] of the records.

        Returns which requests are left, malformed ones not among them, and how many payments of
        those that were answered are reserved and how many settled.
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

def decode_all(requests: Requests, *, timeout_s: int) -> list[Submission]:
    """Judge the payments of requests that came together, each by its debtor's position.

    Returns them in their order, as many requests in a submission as fit one batch of the books: at
    least one, whose payloads alone may be more than that. Malformed requests are told in it.
    """
