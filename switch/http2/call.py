"""A call that is served by a task of its own, and what its servicer sees of it.

The surface is that of a servicer context of grpc.aio, so that servicers of other packages (health,
reflection) and the simulation's network go with it as they are.
"""

import asyncio
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, Final, NoReturn
from urllib.parse import quote

import grpc
import grpc.aio

from payvand.switch.http2.session import Stream
from payvand.switch.refusing import refuse

__all__ = ["Call", "Malformed", "wire_metadata", "wire_text"]

QUEUED_MAX: Final = 4
"""Messages of a stream that its servicer hasn't read; then the stream's window closes."""

_UNITS_S: Final = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_PLAIN: Final = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")

Metadata = Iterable[tuple[str, str | bytes]]


class Malformed(Exception):
    """The head of a call breaks the protocol."""


class Call:
    """A call: its head, the messages that come, the answers and the status."""

    def __init__(
        self, stream: Stream, authentication: Mapping[str, Iterable[bytes]], peer: str
    ) -> None:
        """Serve *stream*, of whose client *authentication* is known.

        Raises:
            Malformed: the deadline isn't one.
        """
        self._stream = stream
        self._authentication = authentication
        self._peer = peer
        self._queued: deque[bytes] = deque()
        self._more: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._ended = False
        self._gone = False
        self._code = grpc.StatusCode.OK
        self._details = ""
        self._trailing: Metadata = ()
        self._done: list[Callable[[Any], None]] = []
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.late = False
        self.task: asyncio.Task[None]
        self.read_message: Callable[[bytes], Any] = bytes
        self.write_message: Callable[[Any], bytes] = bytes
        if stream.timeout is not None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.time() + _seconds(stream.timeout)
            self._timer = loop.call_at(self._deadline, self._run_out)

    # --- what the stream calls ---------------------------------------------------------------

    def receive(self, message: bytes) -> None:
        """Take a message that came."""
        self._queued.append(message)
        if len(self._queued) >= QUEUED_MAX:
            self._stream.paused = True
        self._wake()

    def end(self) -> None:
        """Note that the client sends no more."""
        self._ended = True
        self._wake()

    def drained(self) -> None:
        """Note that more may be sent."""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def close(self) -> None:
        """Note that the stream is over: whatever is still served is of no use."""
        self._gone = True
        if self._timer is not None:
            self._timer.cancel()
        self.task.cancel()

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    def _run_out(self) -> None:
        self.late = True
        self.task.cancel()

    # --- what a servicer calls ---------------------------------------------------------------

    async def read(self) -> Any:
        """Return the next message, or `grpc.aio.EOF`."""
        message = await self.take()
        return grpc.aio.EOF if message is None else await self.parsed(message)

    async def take(self) -> bytes | None:
        """Return the next message as it came, or None where none follows."""
        while not self._queued:
            if self._ended:
                return None
            self._more = asyncio.get_running_loop().create_future()
            await self._more
        message = self._queued.popleft()
        if self._stream.paused:
            self._stream.take_more()
        return message

    async def messages(self) -> AsyncIterator[Any]:
        """Iterate over the messages that come."""
        while (message := await self.take()) is not None:
            yield await self.parsed(message)

    async def parsed(self, message: bytes) -> Any:
        """Return what a message says, or end the call where it isn't one of the method's."""
        try:
            return self.read_message(message)
        except Exception:
            await refuse(
                self,
                grpc.StatusCode.INVALID_ARGUMENT,
                "request.malformed",
                "the message isn't one of the method's",
            )

    async def write(self, message: Any) -> None:
        """Send a message; wait while the client doesn't take what was sent before."""
        if not self._stream.send(self.write_message(message)):
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    async def send_initial_metadata(self, metadata: Metadata) -> None:
        """Send the head of the response before its first message."""
        self._stream.send_head(wire_metadata(metadata))

    async def abort(
        self, code: grpc.StatusCode, details: str = "", trailing_metadata: Metadata = ()
    ) -> NoReturn:
        """End the call with a status that isn't OK; raises `grpc.aio.AbortError`."""
        self._code, self._details = code, details
        self._trailing = (*self._trailing, *trailing_metadata)
        raise grpc.aio.AbortError(details)

    def set_code(self, code: grpc.StatusCode) -> None:
        """Set the status with which the call ends where nothing else ends it."""
        self._code = code

    def set_details(self, details: str) -> None:
        """Set the text of the status."""
        self._details = details

    def set_trailing_metadata(self, metadata: Metadata) -> None:
        """Set what goes with the status."""
        self._trailing = tuple(metadata)

    def code(self) -> grpc.StatusCode:
        """Return the status as it is set."""
        return self._code

    def details(self) -> str:
        """Return the text of the status."""
        return self._details

    def trailing_metadata(self) -> Metadata:
        """Return what goes with the status."""
        return self._trailing

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """Return the metadata of the request; values of keys in `-bin` are bytes."""
        return tuple(_entry(name, value) for name, value in self._stream.headers())

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        """Return what is known of the client, under the keys that gRPC has for it."""
        return self._authentication

    def peer(self) -> str:
        """Return the client's address."""
        return self._peer

    def time_remaining(self) -> float | None:
        """Return the seconds that the client still waits, where it said so."""
        if self._deadline is None:
            return None
        return max(self._deadline - asyncio.get_running_loop().time(), 0.0)

    def cancelled(self) -> bool:
        """Tell whether the client has let go of the call."""
        return self._gone and not self._stream.finished

    def done(self) -> bool:
        """Tell whether the call is over."""
        return self._gone or self._stream.finished

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Call *callback* with this context once the call is over."""
        self._done.append(callback)

    # --- how it ends -------------------------------------------------------------------------

    def finish(self, code: grpc.StatusCode | None = None, details: str = "") -> None:
        """Settle the status, the one that was set or another, and tell who waits for the end."""
        if code is None:
            code, details = self._code, self._details
        if self._timer is not None:
            self._timer.cancel()
        self._stream.finish(code.value[0], wire_text(details), wire_metadata(self._trailing))
        for callback in self._done:
            callback(self)


def wire_text(text: str) -> bytes:
    """Return a text as `grpc-message` has it: bytes beyond printable ASCII as %XX."""
    return quote(text, safe=_PLAIN).encode()


def wire_metadata(metadata: Metadata) -> list[tuple[bytes, bytes]]:
    """Return metadata as headers: values of keys in `-bin` in base 64."""
    return [
        (key.encode(), b64encode(raw).rstrip(b"=") if key.endswith("-bin") else raw)
        for key, value in metadata
        for raw in [value.encode() if isinstance(value, str) else value]
    ]


def _entry(name: bytes, value: bytes) -> tuple[str, str | bytes]:
    key = name.decode("ascii", "replace")
    if not key.endswith("-bin"):
        return key, value.decode("ascii", "replace")
    try:
        return key, b64decode(value + b"=" * (-len(value) % 4))
    except ValueError:
        return key, b""


def _seconds(timeout: bytes) -> float:
    """Return the seconds of a `grpc-timeout`: at most eight digits and a unit."""
    digits, unit = timeout[:-1], timeout[-1:].decode("ascii", "replace")
    if not (digits.isdigit() and len(digits) <= 8 and unit in _UNITS_S):
        raise Malformed("grpc-timeout must be at most eight digits and one of H M S m u n")
    return int(digits) * _UNITS_S[unit]
