"""What ordinary clients of gRPC rely on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import pytest

from payvand.switch.http2.session import MESSAGE_BYTES_MAX
from tests.switch.http2.serving import SERVICE, Gathering, Waiting, each, once, serving

BIG = (
    ("grpc.max_send_message_length", 2 * MESSAGE_BYTES_MAX),
    ("grpc.max_receive_message_length", 2 * MESSAGE_BYTES_MAX),
)


def with_channel(
    scene: Callable[[Any], Awaitable[None]], gathering: Gathering | None = None, **methods: Any
) -> None:
    """Run *scene* with a channel to a server."""

    async def run() -> None:
        async with (
            serving(gathering, **methods) as (_, port),
            grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=BIG) as channel,
        ):
            await scene(channel)

    asyncio.run(run())


@pytest.mark.parametrize("size", [0, 1, 5, 16_379, 1_000_000, MESSAGE_BYTES_MAX])
def test_a_message_of_any_size_comes_back_as_it_was(size: int) -> None:
    async def scene(channel: Any) -> None:
        body = bytes(index % 251 for index in range(1000)) * (size // 1000 + 1)
        assert await channel.unary_unary(f"/{SERVICE}/Once")(body[:size]) == body[:size]

    with_channel(scene)


def test_a_message_that_is_too_long_is_refused_and_the_connection_stays() -> None:
    async def scene(channel: Any) -> None:
        call = channel.unary_unary(f"/{SERVICE}/Once")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(bytes(MESSAGE_BYTES_MAX + 1))
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert await call(b"still here") == b"still here"

    with_channel(scene)


def test_all_four_kinds_of_methods_are_served() -> None:
    async def scene(channel: Any) -> None:
        each = channel.stream_stream(f"/{SERVICE}/Each")()
        for number in range(20):
            await each.write(b"%d" % number)
            assert await each.read() == b"%d" % number
        await each.done_writing()
        assert await each.read() is grpc.aio.EOF
        many = channel.unary_stream(f"/{SERVICE}/Many")(bytes(100))
        assert [len(message) async for message in many] == [16 * 1024] * 100
        counted = channel.stream_unary(f"/{SERVICE}/Count")(iter([b"x"] * 500))
        assert await counted == b"500"

    with_channel(scene)


def test_a_thousand_calls_at_once_are_all_answered() -> None:
    async def scene(channel: Any) -> None:
        call = channel.unary_unary(f"/{SERVICE}/Once")
        bodies = [b"%d" % number for number in range(1000)]
        assert await asyncio.gather(*map(call, bodies)) == bodies

    with_channel(scene)


def test_a_client_without_an_event_loop_is_served_too() -> None:
    async def run() -> None:
        def client(port: int) -> list[bytes]:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                answers = channel.stream_stream(f"/{SERVICE}/Each")(iter([b"1", b"2", b"3"]))
                return [channel.unary_unary(f"/{SERVICE}/Once")(b"0"), *answers]

        async with serving() as (_, port):
            assert await asyncio.to_thread(client, port) == [b"0", b"1", b"2", b"3"]

    asyncio.run(run())


def test_a_refusal_carries_its_text_in_any_script_and_its_metadata() -> None:
    async def scene(channel: Any) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary(f"/{SERVICE}/Refused")("پرداخت 100%\n".encode())
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND
        assert refused.value.details() == "پرداخت 100%\n"
        trailing = dict(refused.value.trailing_metadata())
        assert (trailing["tests-bin"], trailing["tests"]) == (b"\x00\xff", "so")

    with_channel(scene)


def test_metadata_goes_both_ways() -> None:
    async def scene(channel: Any) -> None:
        call = channel.unary_unary(f"/{SERVICE}/Metadata")(
            b"", metadata=(("tests-bin", b"\x00\xff\xfe"), ("tests", "so"))
        )
        told = (await call).decode()
        assert "('tests', 'so')" in told
        assert r"('tests-bin', b'\x00\xff\xfe')" in told
        assert dict(await call.initial_metadata())["first"] == "1"
        assert dict(await call.trailing_metadata())["last"] == "2"

    with_channel(scene)


def test_a_mistake_ends_the_call_and_not_the_connection() -> None:
    async def scene(channel: Any) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await channel.unary_unary(f"/{SERVICE}/Mistaken")(b"")
        assert failed.value.code() is grpc.StatusCode.UNKNOWN
        assert await channel.unary_unary(f"/{SERVICE}/Once")(b"still here") == b"still here"

    with_channel(scene)


def test_an_unknown_method_is_unimplemented() -> None:
    async def scene(channel: Any) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await channel.unary_unary(f"/{SERVICE}/Nothing")(b"")
        assert failed.value.code() is grpc.StatusCode.UNIMPLEMENTED

    with_channel(scene)


@pytest.mark.parametrize("ends", ["deadline", "cancelled", "disconnected"])
def test_a_servicer_is_cancelled_once_its_caller_is_gone(ends: str) -> None:
    waiting = Waiting()

    async def scene(channel: Any) -> None:
        timeout = 0.2 if ends == "deadline" else None
        call = channel.unary_unary(f"/{SERVICE}/Wait")(b"", timeout=timeout)
        task = asyncio.ensure_future(call.code())
        await waiting.begun.wait()
        if ends == "cancelled":
            call.cancel()
        elif ends == "disconnected":
            await channel.close()
        else:
            assert await task is grpc.StatusCode.DEADLINE_EXCEEDED
        async with asyncio.timeout(60):
            await waiting.cancelled.wait()

    with_channel(scene, Wait=waiting)


def test_messages_that_are_gathered_are_answered_in_the_order_of_their_stream() -> None:
    gathering = Gathering(answers=False)

    async def scene(channel: Any) -> None:
        stream = channel.stream_stream("/tests.Gathered/Many")()
        for number in range(5):
            await stream.write(b"%d" % number)
        sent = await gathering.until(5)
        for turn, index in reversed(sent):
            turn.answer(index, turn.request(index))
            turn.flush()
        assert [await stream.read() for _ in range(5)] == [b"%d" % number for number in range(5)]
        await stream.done_writing()
        assert await stream.read() is grpc.aio.EOF
        await stream.code()
        assert gathering.open == 0

    with_channel(scene, gathering)


def test_a_message_that_fails_ends_its_stream_behind_the_answers_to_those_before() -> None:
    gathering = Gathering(answers=False)

    async def scene(channel: Any) -> None:
        stream = channel.stream_stream("/tests.Gathered/Many")()
        for number in range(3):
            await stream.write(b"%d" % number)
        sent = await gathering.until(3)
        for (turn, index), answer in zip(
            reversed(sent), (b"2", ValueError("no"), b"0"), strict=True
        ):
            if isinstance(answer, bytes):
                turn.answer(index, answer)
            else:
                turn.fail(index, answer)
            turn.flush()
        assert await stream.read() == b"0"
        with pytest.raises(grpc.aio.AioRpcError, match="no"):
            await stream.read()

    with_channel(scene, gathering)


def test_calls_that_come_together_are_taken_together() -> None:
    gathering = Gathering()

    async def scene(channel: Any) -> None:
        call = channel.unary_unary("/tests.Gathered/One")
        bodies = [b"%d" % number for number in range(200)]
        assert await asyncio.gather(*map(call, bodies)) == bodies
        assert len(gathering.turns) < 200
        assert gathering.open == 0

    with_channel(scene, gathering)


def test_a_message_that_cannot_be_read_is_the_clients_fault() -> None:
    async def run() -> None:
        async with serving() as (server, port):
            handlers = {
                "One": grpc.unary_unary_rpc_method_handler(once, request_deserializer=int),
                "Many": grpc.stream_stream_rpc_method_handler(each, request_deserializer=int),
            }
            server.add_registered_method_handlers("tests.Numbers", handlers)
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                with pytest.raises(grpc.aio.AioRpcError, match=r"request\.malformed") as refused:
                    await channel.unary_unary("/tests.Numbers/One")(b"x")
                assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
                stream = channel.stream_stream("/tests.Numbers/Many")()
                await stream.write(b"x")
                assert await stream.code() is grpc.StatusCode.INVALID_ARGUMENT

    asyncio.run(run())
