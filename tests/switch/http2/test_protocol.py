"""Frame by frame: what the protocol of gRPC over HTTP/2 asks for, and what no client may do."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from payvand.switch.http2.session import HEAD_BYTES_MAX, STREAMS_MAX, WINDOW_BYTES
from tests.support.http2_frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    HEADERS,
    NO_ERROR,
    PING,
    PREFACE,
    PRIORITY,
    PROTOCOL_ERROR,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    RawConnection,
    block,
    frame,
    message,
    request_head,
)
from tests.switch.http2.serving import SERVICE, Gathering, Waiting, serving

ONCE = f"/{SERVICE}/Once"
UNIMPLEMENTED, INTERNAL, RESOURCE_EXHAUSTED = 12, 13, 8


def with_connection(
    scene: Callable[[RawConnection], Awaitable[None]],
    gathering: Gathering | None = None,
    settings: bytes = b"",
    **methods: Any,
) -> None:
    """Run *scene* with a connection to a server."""

    async def run() -> None:
        async with serving(gathering, **methods) as (_, port):
            connection = await RawConnection.open(port, settings)
            try:
                await scene(connection)
            finally:
                connection.close()

    asyncio.run(run())


@pytest.mark.parametrize("cut", [1, 3, 7])
def test_bytes_may_come_in_any_pieces(cut: int) -> None:
    async def scene(connection: RawConnection) -> None:
        sent = frame(HEADERS, END_HEADERS, 1, block(request_head(ONCE)))
        sent += frame(DATA, END_STREAM, 1, message(b"hello"))
        for at in range(0, len(sent), cut):
            connection.send(sent[at : at + cut])
            await asyncio.sleep(0)
        answer = await connection.until_ended(1)
        assert (answer.status, answer.body) == (0, message(b"hello"))
        assert answer.headers[":status"] == "200"
        assert answer.headers["content-type"] == "application/grpc"

    with_connection(scene)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"content_type": "application/json"}, "415"),
        ({"content_type": "application/grpcx"}, "415"),
        ({"content_type": None}, "415"),
        ({"method": "GET"}, "405"),
    ],
)
def test_what_is_not_grpc_gets_a_status_of_http(changed: dict[str, str], status: str) -> None:
    async def scene(connection: RawConnection) -> None:
        connection.call(1, b"", request_head(ONCE, **changed))
        answer = await connection.until_ended(1)
        assert answer.headers[":status"] == status
        assert "grpc-status" not in answer.headers

    with_connection(scene)


@pytest.mark.parametrize(
    ("changed", "body", "status"),
    [
        ({"te": None}, message(b""), INTERNAL),
        ({"grpc_encoding": "gzip"}, message(b"", flag=1), UNIMPLEMENTED),
        ({}, message(b"", flag=1), INTERNAL),
        ({}, message(b"whole")[:-1], INTERNAL),
        ({}, b"\0", INTERNAL),
        ({}, b"", UNIMPLEMENTED),
        ({}, message(b"one") + message(b"two"), UNIMPLEMENTED),
        ({}, b"\0\xff\xff\xff\xff", RESOURCE_EXHAUSTED),
        ({"long": "x" * HEAD_BYTES_MAX}, message(b""), RESOURCE_EXHAUSTED),
    ],
)
@pytest.mark.parametrize("path", [ONCE, "/tests.Gathered/One"])
def test_a_broken_call_ends_with_a_status_and_the_connection_stays(
    changed: dict[str, str], body: bytes, status: int, path: str
) -> None:
    async def scene(connection: RawConnection) -> None:
        if len(changed.get("long") or "") > 1000:
            head = block(request_head(path, **changed))
            connection.send(frame(HEADERS, 0, 1, head[:16_000]))
            connection.send(frame(CONTINUATION, END_HEADERS, 1, head[16_000:]))
            connection.send(frame(DATA, END_STREAM, 1, body))
        else:
            connection.call(1, body, request_head(path, **changed))
        answer = await connection.until_ended(1)
        assert answer.status == status
        assert answer.headers["grpc-message"]
        if "grpc_encoding" in changed:
            assert answer.headers["grpc-accept-encoding"] == "identity"
        connection.call(3, message(b"again"), request_head(path))
        assert (await connection.until_ended(3)).body == message(b"again")

    with_connection(scene, Gathering())


@pytest.mark.parametrize("timeout", ["soon", "123456789S", "5", "-1S", ""])
def test_a_deadline_that_is_none_is_refused(timeout: str) -> None:
    async def scene(connection: RawConnection) -> None:
        connection.call(1, message(b""), request_head(ONCE, grpc_timeout=timeout))
        assert (await connection.until_ended(1)).status == INTERNAL

    with_connection(scene)


def test_a_call_that_is_refused_early_is_cut_off_without_an_error() -> None:
    async def scene(connection: RawConnection) -> None:
        connection.call(1, b"\0\xff\xff\xff\xff", request_head(ONCE), end=False)
        answer = await connection.until_ended(1)
        assert answer.status == RESOURCE_EXHAUSTED
        while answer.reset is None:
            await connection.read()
        assert answer.reset == NO_ERROR

    with_connection(scene)


def test_the_bounds_are_told_at_the_start() -> None:
    async def scene(connection: RawConnection) -> None:
        assert connection.settings[3] == STREAMS_MAX
        assert connection.settings[4] == WINDOW_BYTES
        assert connection.settings[6] == HEAD_BYTES_MAX

    with_connection(scene)


def test_a_client_that_does_not_read_a_stream_holds_up_that_one_alone() -> None:
    async def scene(connection: RawConnection) -> None:
        connection.send(frame(WINDOW_UPDATE, 0, 0, (1 << 30).to_bytes(4, "big")))
        connection.call(1, message(bytes(1000)), request_head(f"/{SERVICE}/Many"))
        async with asyncio.timeout(60):
            while len(connection.answer(1).body) < 65_535:
                await connection.read()
        for stream in range(3, 43, 2):
            connection.call(stream, message(b"x" * 1000), request_head(ONCE))
            assert (await connection.until_ended(stream)).status == 0
        assert len(connection.answer(1).body) == 65_535
        connection.send(frame(WINDOW_UPDATE, 0, 1, (1 << 30).to_bytes(4, "big")))
        answer = await connection.until_ended(1)
        assert len(answer.body) == 1000 * (16 * 1024 + 5)

    with_connection(scene)


def test_a_stream_that_is_not_answered_is_not_read_beyond_its_bound() -> None:
    gathering = Gathering(answers=False)

    async def scene(connection: RawConnection) -> None:
        many = frame(DATA, 0, 1, message(bytes(100)) * 100)
        connection.send(frame(HEADERS, END_HEADERS, 1, block(request_head("/tests.Gathered/Many"))))
        for _ in range(30):
            connection.send(many)
            await asyncio.sleep(0)
        connection.call(3, message(b"other"), request_head(ONCE))
        assert (await connection.until_ended(3)).status == 0
        assert sum(turn.count for turn in gathering.turns) == 1_024
        while gathering.turns:
            turn = gathering.turns.pop(0)
            for index in range(turn.count):
                turn.answer(index, b"")
            turn.flush()
            await asyncio.sleep(0.02)
        connection.send(frame(DATA, END_STREAM, 1))
        answer = await connection.until_ended(1)
        assert (answer.status, answer.body) == (0, message(b"") * 3_000)

    with_connection(scene, gathering)


FLOODS = {
    "resets": frame(HEADERS, END_HEADERS, 0, block(request_head(ONCE))),
    "pings": frame(PING, 0, 0, bytes(8)),
    "settings": frame(SETTINGS, 0, 0),
    "priorities": frame(PRIORITY, 0, 1, bytes(5)),
    "empty data": frame(DATA, 0, 1),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_of_frames_that_carry_nothing_ends_the_connection(kind: str) -> None:
    async def scene(connection: RawConnection) -> None:
        if kind == "empty data":
            connection.send(frame(HEADERS, END_HEADERS, 1, block(request_head(ONCE))))
        for number in range(3_000):
            if kind == "resets":
                stream = 2 * number + 1
                connection.send(frame(HEADERS, END_HEADERS, stream, block(request_head(ONCE))))
                connection.send(frame(RST_STREAM, 0, stream, (8).to_bytes(4, "big")))
            else:
                connection.send(FLOODS[kind])
        await connection.until_closed()
        assert connection.goaway in (None, ENHANCE_YOUR_CALM)

    with_connection(scene)


def test_headers_without_end_end_the_connection() -> None:
    async def scene(connection: RawConnection) -> None:
        connection.send(frame(HEADERS, 0, 1, block(request_head(ONCE))))
        for _ in range(100):
            connection.send(frame(CONTINUATION, 0, 1, block([("x", "y")])))
        await connection.until_closed()

    with_connection(scene)


def test_few_bytes_that_stand_for_many_headers_are_refused() -> None:
    async def scene(connection: RawConnection) -> None:
        head = block(request_head(ONCE)) + b"\x40" + block([("bomb", "x" * 3_000)])[1:]
        connection.send(frame(HEADERS, END_HEADERS, 1, head + b"\xbe" * 10_000))
        answer = await connection.until_ended(1)
        assert answer.reset is not None or answer.status == RESOURCE_EXHAUSTED
        connection.call(3, message(b"again"), request_head(ONCE))
        assert (await connection.until_ended(3)).body == message(b"again")

    with_connection(scene)


def test_a_client_that_opens_more_streams_than_told_is_thrown_out() -> None:
    waiting = Waiting()

    async def scene(connection: RawConnection) -> None:
        for number in range(STREAMS_MAX + 1):
            connection.call(2 * number + 1, message(b""), request_head(f"/{SERVICE}/Wait"))
        await connection.until_closed()
        assert connection.goaway == PROTOCOL_ERROR

    with_connection(scene, Wait=waiting)


def test_a_client_that_says_nothing_sensible_is_thrown_out() -> None:
    async def run() -> None:
        async with serving() as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: switch\r\n\r\n")
            async with asyncio.timeout(60):
                await reader.read()
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(PREFACE + frame(DATA, 0, 1, b"x"))
            async with asyncio.timeout(60):
                while await reader.read(1000):
                    pass
            writer.close()

    asyncio.run(run())


def test_a_stop_lets_calls_end_and_takes_no_more() -> None:
    async def run() -> None:
        gathering = Gathering(answers=False)
        async with serving(gathering) as (server, port):
            connection = await RawConnection.open(port)
            head = request_head("/tests.Gathered/Many")
            connection.call(1, message(b"before"), head, end=False)
            ((turn, _),) = await gathering.until(1)
            stopping = asyncio.create_task(server.stop(5))
            while connection.goaway is None:
                await connection.read()
            assert connection.goaway == NO_ERROR
            connection.call(3, message(b"behind"), head)
            turn.answer(0, b"answer")
            turn.flush()
            answer = await connection.until_ended(1)
            assert (answer.status, answer.body) == (0, message(b"answer"))
            await connection.until_closed()
            await stopping
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)

    asyncio.run(run())


def test_a_ping_is_answered() -> None:
    async def scene(connection: RawConnection) -> None:
        connection.send(frame(PING, 0, 0, b"12345678"))
        async with asyncio.timeout(60):
            while not connection.pongs:
                await connection.read()
        connection.send(frame(PING, ACK, 0, b"12345678"))

    with_connection(scene)
