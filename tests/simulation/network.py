"""A network between banks and the switch that delays, loses, doubles and cuts, as a seed says.

It carries the messages that gRPC would carry, byte for byte, from the SDK's own stubs to the
switch's own handlers, behind the switch's own check of the caller. `Network.channel` stands in for
`grpc.aio.Channel`.
"""

import asyncio
import inspect
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import grpc
import grpc.aio

from payvand.switch.identity import CERTIFICATE_PROPERTY, Caller, GuardedServer, Role

UNAVAILABLE: Final = grpc.StatusCode.UNAVAILABLE
STREAM_MESSAGES_MAX: Final = 4
"""Messages of a stream that are under way; then the sender waits, as HTTP/2 makes it."""


@dataclass(frozen=True)
class Weather:
    """How bad a network is: each a chance for a message, in thousandths."""

    request_lost: int
    reply_lost: int
    request_doubled: int
    stream_cut: int
    slow: int
    """Messages that take up to a second and so overtake each other."""


FAIR: Final = Weather(0, 0, 0, 0, 0)


class Context:
    """What a servicer sees of a call."""

    def __init__(self, urn: str) -> None:
        """Come from the holder of the certificate that says *urn*."""
        self._urn = urn
        self.code = grpc.StatusCode.OK
        self.details = ""
        self.trailing: tuple[Any, ...] = ()

    def auth_context(self) -> dict[str, tuple[bytes, ...]]:
        """Return what TLS knows of the caller."""
        return {CERTIFICATE_PROPERTY: (pem_of(self._urn),)}

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing: Any = ()) -> None:
        """End the call."""
        self.code, self.details, self.trailing = code, details, tuple(trailing)
        raise grpc.aio.AbortError(details)

    def fault(self) -> grpc.aio.AioRpcError:
        """Return what the caller gets for a call that was ended."""
        return _fault(self.code, self.details, self.trailing)


def _fault(code: grpc.StatusCode, details: str, trailing: Any = ()) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailing), details)


def pem_of(urn: str) -> bytes:
    """Return what stands for the certificate that says *urn*, in PEM form."""
    return ssl.DER_cert_to_PEM_cert(urn.encode()).encode()


class Owners:
    """Knows every certificate: in this network it says whose it is."""

    def identify(self, certificate: bytes) -> Caller:
        """Return who holds a certificate."""
        _, _, role, name = certificate.decode().split(":")
        return Caller(Role(role), name)

    def watch(self, listener: Callable[[], None]) -> None:
        """Never call: nothing is revoked here."""


class Network:
    """Carries calls to the switch, while there is one."""

    def __init__(self, random: Random, weather: Weather) -> None:
        """Be as bad as *weather*, drawn from *random*."""
        self.weather = weather
        self.mistakes: list[BaseException] = []
        """What servicers raised that is no answer: there must be none."""
        self._random = random
        self._methods: dict[str, Any] = {}
        self._calls: set[asyncio.Task[Any]] = set()
        self._down = asyncio.Event()
        self._down.set()

    def serve(self, service: str, methods: Mapping[str, Any]) -> None:
        """Lead the calls of a service to *methods* from now on, behind the check of the caller."""
        guarded: Any = GuardedServer(self, Owners())
        guarded.add_registered_method_handlers(service, methods)
        self._down = asyncio.Event()

    def add_registered_method_handlers(self, service: str, methods: Mapping[str, Any]) -> None:
        """Take guarded methods, as a server of grpc.aio does."""
        self._methods |= {f"/{service}/{name}": method for name, method in methods.items()}

    async def cut_off(self) -> None:
        """End every call: the switch is gone."""
        self._methods = {}
        self._down.set()
        calls = sorted(self._calls, key=lambda call: call.get_name())
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    def channel(self, urn: str) -> "SimulatedChannel":
        """Return a connection of the holder of a certificate that says *urn*."""
        return SimulatedChannel(self, urn)

    # --- what channels use -------------------------------------------------------------------

    def happens(self, thousandths: int) -> bool:
        """Draw whether something with this chance happens now."""
        return self._random.randrange(1000) < thousandths

    async def travel(self) -> None:
        """Let a message be on its way."""
        longest = 1.0 if self.happens(self.weather.slow) else 0.01
        await asyncio.sleep(self._random.uniform(0.000_1, longest))

    def method(self, path: str) -> Any:
        """Return the handler of a method; raises while nobody listens."""
        if self._down.is_set():
            raise _fault(UNAVAILABLE, "nobody listens")
        return self._methods[path]

    def spawn(self, work: Any) -> "asyncio.Task[Any]":
        """Run a part of a call that ends with the switch."""
        call = asyncio.get_running_loop().create_task(work, name=f"call-{self._random.random()}")
        self._calls.add(call)
        call.add_done_callback(self._ended)
        return call

    def _ended(self, call: "asyncio.Task[Any]") -> None:
        self._calls.discard(call)
        if not call.cancelled():
            call.exception()  # The caller may have let go of it.

    async def answered(self, call: "asyncio.Task[Any]", context: Context) -> Any:
        """Return what a call came to; raises what the caller gets instead."""
        await asyncio.wait([call])
        if call.cancelled():
            raise _fault(UNAVAILABLE, "the connection broke")
        fault = call.exception()
        if fault is None:
            return call.result()
        if isinstance(fault, grpc.aio.AbortError):
            if context.code is grpc.StatusCode.INTERNAL:
                self.mistakes.append(fault)
            raise context.fault()
        if not isinstance(fault, grpc.aio.AioRpcError):
            self.mistakes.append(fault)
        raise fault


class SimulatedChannel:
    """The part of `grpc.aio.Channel` that the SDK's stubs use."""

    def __init__(self, network: Network, urn: str) -> None:
        """Belong to one caller."""
        self._network = network
        self._urn = urn

    async def close(self) -> None:
        """Close; nothing is held."""

    def unary_unary(
        self, method: str, request_serializer: Any, response_deserializer: Any, **_: Any
    ) -> Callable[..., Awaitable[Any]]:
        """Return a call of one message either way."""
        network = self._network

        async def once(data: bytes) -> Any:
            context = Context(self._urn)
            handler = network.method(method)

            async def serve() -> bytes:
                reply = await handler.unary_unary(_read(handler, data), context)
                return _written(handler, reply)

            return await network.answered(network.spawn(serve()), context)

        async def call(request: Any, timeout: float | None = None) -> Any:  # noqa: ASYNC109
            data = request_serializer(request)
            await network.travel()
            if network.happens(network.weather.request_lost):
                raise _fault(UNAVAILABLE, "the request was lost")
            if network.happens(network.weather.request_doubled):
                network.spawn(_later(network, once(data)))
            try:
                reply = await asyncio.wait_for(once(data), timeout)
            except TimeoutError:
                raise _fault(grpc.StatusCode.DEADLINE_EXCEEDED, "too late") from None
            if network.happens(network.weather.reply_lost):
                raise _fault(UNAVAILABLE, "the reply was lost")
            await network.travel()
            return response_deserializer(reply)

        return call

    def unary_stream(
        self, method: str, request_serializer: Any, response_deserializer: Any, **_: Any
    ) -> Callable[..., "_Stream"]:
        """Return a call that answers with a stream."""

        def call(request: Any, timeout: float | None = None) -> _Stream:
            stream = _Stream(self._network, self._urn, method, response_deserializer)
            stream.begin_with(request_serializer(request))
            return stream

        return call

    def stream_stream(
        self, method: str, request_serializer: Any, response_deserializer: Any, **_: Any
    ) -> Callable[..., "_Stream"]:
        """Return a call of a stream either way."""

        def call(timeout: float | None = None) -> _Stream:
            stream = _Stream(self._network, self._urn, method, response_deserializer)
            stream.begin(request_serializer)
            return stream

        return call

    def stream_unary(self, *_: Any, **__: Any) -> None:
        """No method of the contract is of this kind; stubs of others may ask all the same."""


async def _later(network: Network, call: Awaitable[Any]) -> None:
    await network.travel()
    with suppress(grpc.aio.AioRpcError):  # Nobody waits for the answer to a doubled request.
        await call


def _read(handler: Any, data: bytes) -> Any:
    return handler.request_deserializer(data) if handler.request_deserializer else data


def _written(handler: Any, message: Any) -> bytes:
    return handler.response_serializer(message) if handler.response_serializer else message  # type: ignore[no-any-return]


class _Stream:
    """A call with a stream: messages keep their order, and are cut off together."""

    def __init__(
        self, network: Network, urn: str, method: str, deserialise: Callable[[bytes], Any]
    ) -> None:
        self._network = network
        self._context = StreamContext(urn, self)
        self._method = method
        self._deserialise = deserialise
        self._in: asyncio.Queue[bytes | None] = asyncio.Queue(STREAM_MESSAGES_MAX)
        self._out: asyncio.Queue[Any] = asyncio.Queue(STREAM_MESSAGES_MAX)
        self._serialise: Callable[[Any], bytes] = bytes
        self._carrier: asyncio.Task[None]
        self._ended = False

    def begin_with(self, request: bytes) -> None:
        """Send the one request of a call that answers with a stream."""
        self._in.put_nowait(request)
        self._carrier = asyncio.get_running_loop().create_task(self._carry(single=True))

    def begin(self, serialise: Callable[[Any], bytes]) -> None:
        """Open a stream either way."""
        self._serialise = serialise
        self._carrier = asyncio.get_running_loop().create_task(self._carry(single=False))

    async def write(self, message: Any) -> None:
        """Send a message; waits while too many are under way."""
        if self._carrier.done():
            raise asyncio.InvalidStateError("the call has ended")
        put = asyncio.ensure_future(self._in.put(self._serialise(message)))
        await asyncio.wait([put, self._carrier], return_when=asyncio.FIRST_COMPLETED)
        if not put.done():
            put.cancel()
            raise asyncio.InvalidStateError("the call has ended")

    async def done_writing(self) -> None:
        """Send no more."""
        put = asyncio.ensure_future(self._in.put(None))
        await asyncio.wait([put, self._carrier], return_when=asyncio.FIRST_COMPLETED)
        put.cancel()

    async def read(self) -> Any:
        """Return the next message, or EOF; raises what ended the call."""
        if self._ended:
            return grpc.aio.EOF
        message = await self._out.get()
        if isinstance(message, BaseException):
            self._ended = True
            raise message
        if message is grpc.aio.EOF:
            self._ended = True
        return message

    async def __aiter__(self) -> AsyncIterator[Any]:
        """Iterate over the messages."""
        while (message := await self.read()) is not grpc.aio.EOF:
            yield message

    def cancel(self) -> bool:
        """Let go of the call."""
        return self._carrier.cancel()

    async def _carry(self, *, single: bool) -> None:
        network = self._network
        try:
            await network.travel()
            handler = network.method(self._method)
            call = network.spawn(self._serve(handler, single))
            try:
                await network.answered(call, self._context)
            finally:
                call.cancel()
            await self._out.put(grpc.aio.EOF)
        except grpc.aio.AioRpcError as fault:
            await self._out.put(fault)

    async def _serve(self, handler: Any, single: bool) -> None:
        self._handler = handler
        behaviour = handler.unary_stream if single else handler.stream_stream
        first = _read(handler, await self._in.get()) if single else None
        served = behaviour(first, self._context)
        if inspect.isawaitable(served):
            await served
            return
        async with aclosing(served) as answers:
            async for answer in answers:
                await self.send(answer)

    async def send(self, answer: Any) -> None:
        """Carry an answer to the caller, or cut the stream."""
        if self._network.happens(self._network.weather.stream_cut):
            call = asyncio.current_task()
            assert call is not None
            call.cancel()  # What grpc does to a servicer whose caller is gone.
        await self._network.travel()
        await self._out.put(self._deserialise(_written(self._handler, answer)))

    async def receive(self) -> Any:
        """Return the caller's next message."""
        data = await self._in.get()
        if data is None:
            return grpc.aio.EOF
        await self._network.travel()
        return _read(self._handler, data)


class StreamContext(Context):
    """What a servicer sees of a stream."""

    def __init__(self, urn: str, stream: _Stream) -> None:
        """Belong to *stream*."""
        super().__init__(urn)
        self._stream = stream

    async def read(self) -> Any:
        """Return the caller's next message, or EOF."""
        return await self._stream.receive()

    async def write(self, answer: Any) -> None:
        """Answer."""
        await self._stream.send(answer)
