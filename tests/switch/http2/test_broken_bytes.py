"""Bytes that went wrong: no crash, no hang, nothing left behind, and the server goes on."""

import asyncio
import os
import random
from contextlib import suppress

import pytest

from tests.support.http2_frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    RawConnection,
    block,
    frame,
    message,
    request_head,
)
from tests.switch.http2.serving import SERVICE, Gathering, serving

ROUNDS = 20_000 if os.environ.get("PAYVAND_SOAK") else 400
PATHS = [f"/{SERVICE}/{name}" for name in ("Once", "Each", "Many", "Count", "Refused")]
PATHS += ["/tests.Gathered/One", "/tests.Gathered/Many", "/nothing"]


def conversation(chance: random.Random) -> bytearray:
    """Return the bytes of a client that makes some calls, most of them well."""
    sent = bytearray(PREFACE + frame(SETTINGS, 0, 0) + frame(SETTINGS, 1, 0))
    for number in range(chance.randrange(1, 8)):
        stream = 2 * number + 1
        sent += frame(HEADERS, END_HEADERS, stream, block(request_head(chance.choice(PATHS))))
        for _ in range(chance.randrange(4)):
            body = message(chance.randbytes(chance.choice((0, 1, 40, 3_000))))
            sent += frame(DATA, 0, stream, body[: chance.choice((len(body), 3, 7))])
        sent += chance.choice(
            (
                frame(DATA, END_STREAM, stream),
                frame(DATA, END_STREAM, stream, message(b"last")),
                frame(RST_STREAM, 0, stream, (8).to_bytes(4, "big")),
                frame(WINDOW_UPDATE, 0, stream, (1_000).to_bytes(4, "big")),
                frame(PING, 0, 0, bytes(8)),
                b"",
            )
        )
    return sent


def broken(sent: bytearray, chance: random.Random) -> bytearray:
    """Return bytes with some changed, cut out, doubled or put in."""
    for _ in range(chance.choice((0, 1, 1, 2, 5, 20))):
        at = chance.randrange(len(sent))
        match chance.randrange(5):
            case 0:
                sent[at] ^= 1 << chance.randrange(8)
            case 1:
                sent[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
            case 2:
                del sent[at : at + chance.randrange(1, 30)]
            case 3:
                sent[at:at] = sent[at : at + chance.randrange(1, 60)]
            case _:
                sent[at:at] = chance.randbytes(chance.randrange(1, 12))
        if not sent:
            break
    return sent


@pytest.mark.timeout(3_600)
def test_the_server_outlives_whatever_a_client_sends() -> None:
    async def run() -> None:
        gathering = Gathering()
        async with serving(gathering) as (server, port):
            for seed in range(ROUNDS):
                chance = random.Random(seed)
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                sent = broken(conversation(chance), chance)
                while sent:
                    part = chance.choice((len(sent), 1 + chance.randrange(200)))
                    writer.write(bytes(sent[:part]))
                    del sent[:part]
                    await asyncio.sleep(0)
                if chance.randrange(4):
                    async with asyncio.timeout(60):
                        with suppress(OSError):  # The server may have been quicker.
                            writer.write_eof()
                            while await reader.read(65_536):
                                pass
                else:
                    writer.transport.abort()
                writer.close()
                gathering.turns.clear()
            connection = await RawConnection.open(port)
            connection.call(1, message(b"well"), request_head(PATHS[0]))
            assert (await connection.until_ended(1)).body == message(b"well")
            connection.close()
        # All connections are closed now.
        assert gathering.open == 0
        assert (server._load.held_bytes, server._load.streams) == (0, 0)

    asyncio.run(run())
