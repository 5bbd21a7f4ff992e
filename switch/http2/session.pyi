import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

MESSAGE_BYTES_MAX: int
"""Both ways, as in the client."""
HEAD_BYTES_MAX: int
"""Of a call's metadata, as HTTP/2 counts them."""
STREAMS_MAX: int
"""Of a connection."""
WINDOW_BYTES: int
"""What a client may send on a stream before the switch takes it."""
CONNECTION_HELD_MAX: int
"""Bytes of requests of one connection in memory."""
HELD_MAX: int
"""The same of all connections."""
UNDER_WAY_MESSAGES_MAX: int
"""Gathered messages of a stream that aren't answered; then the switch stops reading it."""
UNDER_WAY_BYTES_MAX: int
"""The same in bytes; a longer message goes alone."""

class Load:
    """What all connections together hold."""

    held_bytes: int
    """Of requests."""
    streams: int

class Gatherer:
    """Takes the messages of some methods together, whichever connections they come by."""

    methods: dict[bytes, bool]

class Stream:
    """A call as HTTP/2 sees it."""

    session: Session
    id: int
    call: Any
    """What serves it, where it is served by itself: it has receive, end, drained and close."""
    paused: bool
    """Whether no message is wanted now; `take_more` goes on."""
    ended: bool
    """Whether nothing more comes."""
    closed: bool
    finished: bool
    """Whether its status is settled."""
    admitted: Any
    path: bytes | None
    timeout: bytes | None
    """The value of `grpc-timeout`."""

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the head but for what the protocol itself reads: [(name, value)], bytes."""
    def answer_http(self, status: bytes) -> None:
        """Answer with a status of HTTP alone: the request isn't gRPC."""
    def take_more(self) -> None:
        """Go on with messages after a pause."""
    def send_head(self, metadata: Iterable[tuple[bytes, bytes]]) -> None:
        """Send the head of the response, where it has none yet: [(name, value)], bytes."""
    def send(self, message: bytes) -> bool:
        """Send a message; return whether more may follow at once, or `Call.drained` comes first."""
    def finish(
        self, code: int, message: bytes = b"", metadata: Iterable[tuple[bytes, bytes]] = ()
    ) -> None:
        """Settle the status: it goes out behind what was sent. What the client sends is dropped."""
    def reset(self, code: int) -> None:
        """Cut the stream off with an error of HTTP/2."""
    def end_gathered(self) -> None:
        """Take no more of a gathered stream; it ends once what it sent is answered."""

class Session:
    """A connection."""

    front: Any
    """The server: it has open, close, status_of and note_fault."""
    caller: Any
    """Who it is, once that is known."""
    transport: Any
    streams: Mapping[int, Stream]
    held_bytes: int
    begun: bool
    stopping: bool
    closed: bool

    def __init__(
        self,
        front: Any,
        load: Load,
        gatherer: Gatherer,
        loop: asyncio.AbstractEventLoop,
        buffer: bytearray,
    ) -> None:
        """Say nothing yet. *buffer* is where all connections' bytes come in."""
    def begin(self) -> None:
        """Tell the client the bounds of the connection."""
    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where bytes may come in."""
    def buffer_updated(self, size: int) -> None:
        """Take bytes that have come in."""
    def pause_writing(self) -> None:
        """Send nothing more for now: the client takes it slowly."""
    def resume_writing(self) -> None:
        """Send again."""
    def flush(self) -> None:
        """Send what is ready to go, in as few writes as may be."""
    def tick(self) -> None:
        """Look after the connection, once a second."""
    def stop(self) -> None:
        """Take no more calls; the connection ends with the last of those under way."""
    def calm(self) -> None:
        """End the connection, which asks for more than it may."""
    def abandon(self) -> None:
        """Let go of all streams: the connection is gone."""
    def fail(self, code: int) -> None:
        """End the connection at a fault."""
