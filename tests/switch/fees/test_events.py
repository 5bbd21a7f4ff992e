"""An agency is told of everything that happens to its bills, over a stream or by a webhook."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from payvand.client import CallFailed
from payvand.switch.fees.events.webhooks import GIVEN_UP_NS, NS, RETRY_NS_MAX
from payvand.v1.bill_service_pb2 import BillChange
from payvand.v1.fee_event_service_pb2 import BillEvent
from tests.support.fee_town import FeeTown, Play


@dataclass
class Receiver:
    """A receiver of webhooks that answers as told: a real HTTP server on this machine."""

    url: str = ""
    status: int = 200
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    tries: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")[1:]
        headers = dict(line.split(": ", 1) for line in lines if line)
        body = await reader.readexactly(int(headers["Content-Length"]))
        self.tries += 1
        if self.status == 200:
            self.taken.append(({name.lower(): value for name, value in headers.items()}, body))
        writer.write(f"HTTP/1.1 {self.status} x\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    @property
    def events(self) -> list[dict[str, str]]:
        return [event for _, body in self.taken for event in json.loads(body)["events"]]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/bills"
    async with server:
        yield receiver


async def happen(town: FeeTown) -> tuple[str, list[tuple[str, str]]]:
    """Let a payment, a change and a refund happen; return the bill and what is told of it."""
    (number,) = await town.issue(town.new_bill(1_000))
    await town.pay(town.cart(await town.bill(number)))
    await town.bills("tax").amend(
        number, BillChange.BILL_CHANGE_WAIVED, lines={0: 990}, reason="a rounding"
    )
    await town.refund(number, 5)
    return number, [("paid", "1"), ("waived", "2"), ("refunded", "3")]


def test_a_stream_tells_all_from_any_cursor(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        number, _ = await happen(town)
        await town.issue(town.new_bill(5), agency="police")

        async def events(cursor: int, count: int) -> list[tuple[int, BillEvent]]:
            found: list[tuple[int, BillEvent]] = []
            async for step in town.bills("tax").follow(cursor):
                found += [(step.cursor, event) for event in step.events]
                if len(found) >= count:
                    break
            return found

        told = await events(0, 3)
        assert [event.number for _, event in told] == [number] * 3
        assert [event.WhichOneof("what") for _, event in told] == ["paid", "changed", "refunded"]
        assert (told[0][1].paid, told[2][1].refunded) == (1_000, 5)
        assert told[1][1].changed == BillChange.BILL_CHANGE_WAIVED
        assert await events(told[0][0], 2) == told[1:]

    play(scene)


def test_a_webhook_takes_each_event_signed(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        webhooks = town.town.switch.fees.webhooks
        async with receiving() as receiver:
            put = await town.bills("tax").put_webhook(receiver.url)
            number, told = await happen(town)
            await webhooks.send_due()
            events = receiver.events
            assert [(event["event"], event["act"]) for event in events] == told
            assert {event["bill"] for event in events} == {number}
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(put.public_key))
            for headers, body in receiver.taken:
                moment = headers["payvand-timestamp"].encode()
                signature = headers["payvand-signature"].removeprefix("ed25519=")
                key.verify(bytes.fromhex(signature), moment + b"." + body)
            await webhooks.send_due()
            assert receiver.events == events

    play(scene)


def test_a_webhook_that_fails_is_tried_later_and_later_and_given_up_after_a_week(
    play: Play,
) -> None:
    async def scene(town: FeeTown) -> None:
        webhooks, clock = town.town.switch.fees.webhooks, town.town.clock
        async with receiving() as receiver:
            receiver.status = 503
            await town.bills("tax").put_webhook(receiver.url)
            _, told = await happen(town)
            begun, gaps, last = clock.now, [], 0
            while clock.now - begun < 2 * GIVEN_UP_NS:
                before = receiver.tries
                await webhooks.send_due()
                if receiver.tries > before:
                    gaps.append(clock.now - last)
                    last = clock.now
                hook = await town.bills("tax").webhook()
                assert hook is not None and hook.last_error == "status 503"
                if hook.given_up:
                    break
                clock.now = max(hook.next_try_at, clock.now + NS)
            assert gaps[1:6] == [1 * NS, 2 * NS, 4 * NS, 8 * NS, 16 * NS]
            assert max(gaps[1:]) == RETRY_NS_MAX
            assert GIVEN_UP_NS <= clock.now - begun <= GIVEN_UP_NS + RETRY_NS_MAX
            receiver.status = 200
            await webhooks.send_due()
            assert receiver.events == []
            await town.bills("tax").put_webhook(receiver.url)
            await webhooks.send_due()
            assert [(event["event"], event["act"]) for event in receiver.events] == told

    play(scene)


@pytest.mark.parametrize(
    "url", ["http://example.com/a", "https://user@example.com/", "ftp://example.com/", "x", ""]
)
def test_a_webhook_is_https_or_within_the_machine(play: Play, url: str) -> None:
    async def scene(town: FeeTown) -> None:
        with pytest.raises(CallFailed) as caught:
            await town.bills("tax").put_webhook(url)
        assert caught.value.refusal.rule == "webhook.url"

    play(scene)
