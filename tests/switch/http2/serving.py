"""A server with a few methods of each kind, for tests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import grpc

from payvand.switch.http2.grpc_server import Authentication, GrpcServer
from payvand.switch.http2.session import Stream
from payvand.switch.refusing import Refusal
from payvand.switch.wire.requests import Requests

SERVICE = "tests.Echo"


async def once(request: bytes, _: Any) -> bytes:
    """Give a message back."""
    return request


async def each(requests: Any, _: Any) -> AsyncIterator[bytes]:
    """Give messages back as they come."""
    async for request in requests:
        yield request


async def many(request: bytes, _: Any) -> AsyncIterator[bytes]:
    """Send as many messages of 16 KiB as the request is long."""
    for _number in range(len(request)):
        yield bytes(16 * 1024)


async def count(requests: Any, _: Any) -> bytes:
    """Tell how many messages came."""
    return str(len([request async for request in requests])).encode()


async def refused(request: bytes, context: Any) -> bytes:
    """End as the request says."""
    await context.abort(
        grpc.StatusCode.NOT_FOUND, request.decode(), (("tests-bin", b"\x00\xff"), ("tests", "so"))
    )
    return b""


async def metadata(_: bytes, context: Any) -> bytes:
    """Tell the metadata of the call."""
    await context.send_initial_metadata((("first", "1"),))
    context.set_trailing_metadata((("last", "2"),))
    return repr(sorted(context.invocation_metadata())).encode()


async def mistaken(_: bytes, __: Any) -> bytes:
    """Fail."""
    raise ZeroDivisionError


class Waiting:
    """A method that waits, and notes how that ended."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, _: bytes, __: Any) -> bytes:
        self.begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return b""


class Gathering:
    """Gathers two methods and keeps what it was given, or gives it back at once."""

    methods: Mapping[str, bool] = {"/tests.Gathered/One": False, "/tests.Gathered/Many": True}

    def __init__(self, *, answers: bool = True) -> None:
        self.answers = answers
        self.turns: list[Requests] = []
        self.open = 0
        self._came = asyncio.Event()

    async def until(self, count: int) -> list[tuple[Requests, int]]:
        """Wait for so many messages; return them, each as its turn and its place in it."""
        while sum(turn.count for turn in self.turns) < count:
            self._came.clear()
            await self._came.wait()
        return [(turn, index) for turn in self.turns for index in range(turn.count)]

    def admit(
        self, stream: Stream, authentication: Authentication, path: str
    ) -> Callable[[], None]:
        """Let everybody in."""
        stream.session.caller = "somebody"
        self.open += 1
        return self.leave

    def leave(self) -> None:
        """Count a call that is over."""
        self.open -= 1

    def take(self, gathered: Requests) -> None:
        """Keep them; give each back where that is asked for."""
        self.turns.append(gathered)
        self._came.set()
        if self.answers:
            for index in range(gathered.count):
                gathered.answer(index, gathered.request(index))
            gathered.flush()

    def refusal_of(self, fault: BaseException) -> Refusal:
        """Tell the fault."""
        return Refusal(grpc.StatusCode.INVALID_ARGUMENT, "tests.fault", str(fault))


@asynccontextmanager
async def serving(
    gathering: Gathering | None = None, **methods: Any
) -> AsyncIterator[tuple[GrpcServer, int]]:
    """Serve in the clear; yield the server and its port."""
    server = GrpcServer(gathering)
    server.add_registered_method_handlers(
        SERVICE,
        {
            "Once": grpc.unary_unary_rpc_method_handler(once),
            "Each": grpc.stream_stream_rpc_method_handler(each),
            "Many": grpc.unary_stream_rpc_method_handler(many),
            "Count": grpc.stream_unary_rpc_method_handler(count),
            "Refused": grpc.unary_unary_rpc_method_handler(refused),
            "Metadata": grpc.unary_unary_rpc_method_handler(metadata),
            "Mistaken": grpc.unary_unary_rpc_method_handler(mistaken),
        }
        | {name: grpc.unary_unary_rpc_method_handler(method) for name, method in methods.items()},
    )
    port = await server.listen("127.0.0.1", 0, None)
    try:
        yield server, port
    finally:
        await server.stop(0.2)
