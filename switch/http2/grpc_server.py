"""A server of gRPC over HTTP/2 and TLS: connections, methods, and how it all ends.

It takes method handlers as `grpc.aio.Server` does. Each call is served by a task of its own, but
for gathered methods: their messages of one turn of the loop are served together.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from inspect import isasyncgen
from typing import Any, Final, Protocol, cast

import grpc
import grpc.aio
import structlog

from payvand.switch.http2.call import Call, Malformed, wire_metadata, wire_text
from payvand.switch.http2.gathered import Gathered, TurnGatherer
from payvand.switch.http2.session import Load, Session, Stream
from payvand.switch.refusing import Refusal

__all__ = [
    "CERTIFICATE_PROPERTY",
    "Authentication",
    "Connection",
    "Gathering",
    "GrpcServer",
    "status_on_wire",
]

CERTIFICATE_PROPERTY: Final = "x509_pem_cert"
"""Where `Call.auth_context` has the client's certificate, as gRPC has it."""

CONNECTIONS_MAX: Final = 8_192
CALLS_MAX: Final = 8_192
"""Calls and streams of all callers under way; more end with RESOURCE_EXHAUSTED."""
HANDSHAKE_S_MAX: Final = 10.0
CLOSE_S_MAX: Final = 2.0
TICK_S: Final = 1.0
BACKLOG: Final = 1_024
"""Connections that the kernel holds until they are accepted."""
READ_BYTES: Final = 256 * 1024
WRITE_BYTES_MAX: Final = 512 * 1024
"""Of a connection, handed to the transport and not taken by the client."""

Authentication = Mapping[str, tuple[bytes, ...]]
"""What is known of a client."""

Status = tuple[int, bytes, list[tuple[bytes, bytes]]]
"""What a stream ends with: `Stream.finish`."""

log = structlog.get_logger("payvand.switch")


class Gathering(Protocol):
    """What serves methods whose messages are served together."""

    @property
    def methods(self) -> Mapping[str, bool]:
        """The paths, and whether each is of streams either way; the others take one message."""

    def admit(
        self, stream: Stream, authentication: Authentication, path: str
    ) -> Callable[[], None]:
        """Let a call in, and return what is called when it is over; raises `Refusal`.

        It notes in `stream.session.caller` who that is.
        """

    def take(self, gathered: Gathered) -> None:
        """Serve the messages of one turn."""

    def refusal_of(self, fault: BaseException) -> Refusal:
        """Return with what status a message fails."""


class Connection(Session, asyncio.BufferedProtocol):
    """A client's connection."""

    transport: asyncio.Transport
    authentication: Authentication
    peer: str

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, once TLS is agreed on."""
        # That of uvloop's TLS is one in all but its class.
        self.transport = cast(asyncio.Transport, transport)
        self.front.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        """Let go of all calls."""
        self.abandon()
        self.front.remove(self)


class GrpcServer:
    """A server; `listen` once its methods are added."""

    def __init__(self, gathering: Gathering | None = None) -> None:
        """Serve no method yet but those of *gathering*."""
        self._gathering = gathering
        self._methods: dict[str, Any] = {}
        self._generic: list[grpc.GenericRpcHandler] = []
        self._connections: set[Connection] = set()
        self._calls: set[asyncio.Task[None]] = set()
        self._load = Load()
        self._buffer = bytearray(READ_BYTES)
        self._sockets: list[socket.socket] = []
        self._listening: list[asyncio.Server] = []
        self._ticking: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()

    # --- methods -----------------------------------------------------------------------------

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Add the methods of a service by their names."""
        self._methods |= {f"/{service}/{name}": handler for name, handler in handlers.items()}

    def add_generic_rpc_handlers(self, handlers: Iterable[Any]) -> None:
        """Add handlers that are asked for each method that isn't known by name."""
        self._generic.extend(handlers)

    def _find(self, path: str) -> Any:
        handler = self._methods.get(path)
        if handler is None:
            details = _Details(path)
            handler = next(filter(None, (each.service(details) for each in self._generic)), None)
        return handler

    # --- listening ---------------------------------------------------------------------------

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None) -> int:
        """Listen, in the clear where *tls* is None, and return the port; raises `OSError`."""
        listening = socket.create_server(
            (host, port),
            family=socket.AF_INET6 if ":" in host else socket.AF_INET,
            backlog=BACKLOG,
        )
        listening.setblocking(False)
        self._sockets.append(listening)
        await self._accept(listening, tls)
        if self._ticking is None:
            self._tick()
        return int(listening.getsockname()[1])

    async def _accept(self, listening: socket.socket, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        gathering = self._gathering
        gatherer = TurnGatherer(
            loop,
            {} if gathering is None else {k.encode(): v for k, v in gathering.methods.items()},
            None if gathering is None else gathering.take,
        )
        server = await loop.create_server(
            lambda: Connection(self, self._load, gatherer, loop, self._buffer),
            sock=listening.dup(),
            backlog=BACKLOG,
            ssl=tls,
            ssl_handshake_timeout=HANDSHAKE_S_MAX if tls else None,
            ssl_shutdown_timeout=CLOSE_S_MAX if tls else None,
        )
        self._listening.append(server)

    async def replace_tls(self, tls: ssl.SSLContext) -> None:
        """Let new connections go by another context; those there are stay as they are."""
        before, self._listening = self._listening, []
        for listening in self._sockets:
            await self._accept(listening, tls)
        for server in before:
            server.close()

    def refuse_more(self) -> None:
        """Take no more calls; a gathered stream ends once what it has sent is answered."""
        for server in self._listening:
            server.close()
        for listening in self._sockets:
            listening.close()
        for connection in tuple(self._connections):
            connection.stop()

    async def stop(self, grace_s: float) -> None:
        """Take no more calls, give those under way *grace_s* seconds, and end the others."""
        self.refuse_more()
        if self._connections:
            self._empty.clear()
            try:
                async with asyncio.timeout(grace_s):
                    await self._empty.wait()
            except TimeoutError:
                pass
        for connection in tuple(self._connections):
            connection.abandon()
            connection.transport.abort()
        if self._calls:
            await asyncio.gather(*self._calls, return_exceptions=True)
        if self._ticking is not None:
            self._ticking.cancel()

    def _tick(self) -> None:
        self._ticking = asyncio.get_running_loop().call_later(TICK_S, self._tick)
        for connection in tuple(self._connections):
            connection.tick()

    # --- what connections call ---------------------------------------------------------------

    def add(self, connection: Connection) -> None:
        """Let a connection begin."""
        transport = connection.transport
        tls = transport.get_extra_info("ssl_object")
        if len(self._connections) >= CONNECTIONS_MAX or (
            tls is not None and tls.selected_alpn_protocol() != "h2"
        ):
            transport.abort()
            return
        connection.authentication = {} if tls is None else _known_by(tls)
        connection.peer = _peer_text(transport.get_extra_info("peername"))
        transport.set_write_buffer_limits(WRITE_BYTES_MAX)
        self._connections.add(connection)
        connection.begin()

    def remove(self, connection: Connection) -> None:
        """Note that a connection has ended."""
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()

    def authentication_of(self, connection: Connection, _: Stream) -> Authentication:
        """Return what is known of who makes a call."""
        return connection.authentication

    def open(self, stream: Stream, gathered: bool) -> None:
        """Begin to serve a call whose head has come."""
        connection = stream.session
        assert isinstance(connection, Connection) and stream.path is not None
        path = stream.path.decode("ascii", "replace")
        if self._load.streams > CALLS_MAX:
            stream.finish(8, b"the switch has as many calls under way as it may: wait and retry")
            return
        authentication = self.authentication_of(connection, stream)
        if gathered:
            self._admit(stream, authentication, path)
            return
        handler = self._find(path)
        if handler is None:
            stream.finish(12, wire_text(f"there is no method {path}"))
            return
        try:
            call = Call(stream, authentication, connection.peer)
        except Malformed as fault:
            stream.finish(13, wire_text(str(fault)))
            return
        stream.call = call
        call.task = asyncio.get_running_loop().create_task(_serve(handler, call))
        self._calls.add(call.task)
        call.task.add_done_callback(self._calls.discard)

    def _admit(self, stream: Stream, authentication: Authentication, path: str) -> None:
        assert self._gathering is not None
        try:
            stream.admitted = self._gathering.admit(stream, authentication, path)
        except Refusal as refusal:
            stream.finish(*status_on_wire(refusal))

    def close(self, stream: Stream) -> None:
        """Note that a stream is over."""
        if stream.admitted is not None:
            stream.admitted()
            stream.admitted = None

    def status_of(self, fault: BaseException) -> Status:
        """Return the status of a gathered message that failed."""
        assert self._gathering is not None
        return status_on_wire(self._gathering.refusal_of(fault))

    def note_fault(self, connection: Connection, fault: BaseException | None, text: str) -> None:
        """Note what ends a connection: a mistake of ours, or what the client sent."""
        if fault is not None:
            log.error("a connection failed", peer=connection.peer, exc_info=fault)
        else:
            log.warning("a connection broke the protocol", peer=connection.peer, fault=text)


async def _serve(handler: Any, call: Call) -> None:
    """Run a call to its end, whatever that is."""
    try:
        await _run(handler, call)
    except grpc.aio.AbortError:
        call.finish()
    except asyncio.CancelledError:
        if call.late:
            call.finish(grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline of the call has passed")
        else:
            call.finish(grpc.StatusCode.CANCELLED, "the call was cancelled")
    except Exception as fault:
        log.error("a call failed", exc_info=fault)
        call.finish(grpc.StatusCode.UNKNOWN, f"{type(fault).__name__} in the server")
    else:
        call.finish()


async def _run(handler: Any, call: Call) -> None:
    call.read_message = handler.request_deserializer or bytes
    call.write_message = handler.response_serializer or bytes
    if handler.request_streaming:
        request: Any = call.messages()
        behaviour = handler.stream_stream if handler.response_streaming else handler.stream_unary
    else:
        request = await _only_message(call)
        behaviour = handler.unary_stream if handler.response_streaming else handler.unary_unary
    answer = behaviour(request, call)
    if isasyncgen(answer):
        async with aclosing(answer) as messages:
            async for message in messages:
                await call.write(message)
        return
    message = await answer
    if not handler.response_streaming:
        await call.write(message)


async def _only_message(call: Call) -> Any:
    message = await call.take()
    if message is None or await call.take() is not None:
        await call.abort(grpc.StatusCode.UNIMPLEMENTED, "the method takes one message")
    return await call.parsed(message)


def status_on_wire(refusal: Refusal) -> Status:
    """Return what `Stream.finish` takes for a refusal."""
    return refusal.code.value[0], wire_text(refusal.words), wire_metadata(refusal.metadata)


class _Details:
    """What a generic handler is asked by: `grpc.HandlerCallDetails`."""

    invocation_metadata: tuple[Any, ...] = ()

    def __init__(self, method: str) -> None:
        self.method = method


def _known_by(tls: ssl.SSLObject) -> Authentication:
    certificate = tls.getpeercert(binary_form=True)
    assert certificate is not None, "a handshake without a certificate fails"
    return {CERTIFICATE_PROPERTY: (ssl.DER_cert_to_PEM_cert(certificate).encode(),)}


def _peer_text(address: Any) -> str:
    if not isinstance(address, tuple):
        return "unknown"
    host, port = address[:2]
    return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"
