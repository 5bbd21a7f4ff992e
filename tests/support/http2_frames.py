"""HTTP/2 frame by frame: what a client library would never send, and what comes back.

Headers are written as literals, which any peer takes; those that come are read by nghttp2's own
decoder, which the server is linked with.
"""

import asyncio
import ctypes
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE = range(9)
CONTINUATION: Final = 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
NO_ERROR, PROTOCOL_ERROR, ENHANCE_YOUR_CALM = 0, 1, 11
SUBMIT: Final = "/payvand.v1.PaymentService/Submit"

Pairs = Iterable[tuple[str, str]]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return one frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def block(pairs: Pairs) -> bytes:
    """Return headers as literals that nothing remembers."""
    return b"".join(b"\x10" + _text(name) + _text(value) for name, value in pairs)


def _text(text: str) -> bytes:
    raw = text.encode("latin-1")
    if len(raw) < 127:
        return bytes([len(raw)]) + raw
    out, left = bytearray([127]), len(raw) - 127
    while left > 127:
        out.append(left & 127 | 128)
        left >>= 7
    out.append(left)
    return bytes(out) + raw


def request_head(path: str = SUBMIT, *more: tuple[str, str], **changed: str | None) -> Pairs:
    """Return the head of a call; *changed* replaces headers, written with underscores, or drops."""
    usual = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "switch",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    for name, value in changed.items():
        key = ":method" if name == "method" else name.replace("_", "-")
        if value is None:
            del usual[key]
        else:
            usual[key] = value
    return [*usual.items(), *more]


def message(body: bytes, *, flag: int = 0) -> bytes:
    """Return a message of gRPC."""
    return struct.pack(">BI", flag, len(body)) + body


@dataclass
class Answer:
    """What came back on a stream."""

    headers: dict[str, str] = field(default_factory=dict)
    """Head and trailers together."""
    body: bytes = b""
    ended: bool = False
    reset: int | None = None

    @property
    def status(self) -> int:
        """The status of gRPC."""
        return int(self.headers["grpc-status"])


class RawConnection:
    """A client's end of a connection, in the clear."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold both directions."""
        self.reader, self.writer = reader, writer
        self.answers: dict[int, Answer] = {}
        self.goaway: int | None = None
        self.pongs = 0
        self.settings: dict[int, int] = {}
        self._inflater = _Inflater()

    @classmethod
    async def open(cls, port: int, settings: bytes = b"") -> "RawConnection":
        """Connect and take the bounds that the server tells."""
        connection = cls(*await asyncio.open_connection("127.0.0.1", port))
        connection.send(PREFACE + frame(SETTINGS, 0, 0, settings))
        while not connection.settings:
            await connection.read()
        return connection

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)

    def call(
        self, stream: int, body: bytes, head: Pairs | None = None, *, end: bool = True
    ) -> None:
        """Send the head of a call and bytes of its body."""
        head = request_head() if head is None else head
        self.send(frame(HEADERS, END_HEADERS, stream, block(head)))
        self.send(frame(DATA, END_STREAM if end else 0, stream, body))

    def answer(self, stream: int) -> Answer:
        """Return what came on a stream so far."""
        return self.answers.setdefault(stream, Answer())

    async def read(self) -> int | None:
        """Take one frame; return its kind, or None where the connection has ended."""
        try:
            head = await self.reader.readexactly(9)
            size = int.from_bytes(head[:3], "big")
            payload = await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        self._take(kind, flags, stream, payload)
        return int(kind)

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == HEADERS:
            self.answer(stream).headers |= self._inflater.read(payload)
        elif kind == DATA:
            self.answer(stream).body += payload
        elif kind == RST_STREAM:
            self.answer(stream).reset = int.from_bytes(payload, "big")
        elif kind == GOAWAY:
            self.goaway = int.from_bytes(payload[4:8], "big")
        elif kind == PING and flags & ACK:
            self.pongs += 1
        elif kind == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                key, value = struct.unpack(">HI", payload[at : at + 6])
                self.settings[key] = value
            self.send(frame(SETTINGS, ACK, 0))
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            self.answer(stream).ended = True

    async def until_ended(self, stream: int, timeout_s: float = 60) -> Answer:
        """Read until a stream has ended."""
        async with asyncio.timeout(timeout_s):
            while not (self.answer(stream).ended or self.answer(stream).reset is not None):
                if await self.read() is None:
                    raise ConnectionError("the connection ended before the stream")
        return self.answer(stream)

    async def until_closed(self, timeout_s: float = 60) -> None:
        """Read until the other end closes."""
        async with asyncio.timeout(timeout_s):
            while await self.read() is not None:
                pass

    def close(self) -> None:
        """Break off."""
        self.writer.close()


class _Pair(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("value", ctypes.c_void_p),
        ("namelen", ctypes.c_size_t),
        ("valuelen", ctypes.c_size_t),
        ("flags", ctypes.c_uint8),
    )


class _Inflater:
    """nghttp2's decoder of headers."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libnghttp2.so.14")
        self._library.nghttp2_hd_inflate_hd2.restype = ctypes.c_ssize_t
        self._inflater = ctypes.c_void_p()
        assert self._library.nghttp2_hd_inflate_new(ctypes.byref(self._inflater)) == 0

    def read(self, data: bytes) -> dict[str, str]:
        """Return the headers of one block."""
        found, at = {}, 0
        pair, flags = _Pair(), ctypes.c_int()
        while True:
            taken = self._library.nghttp2_hd_inflate_hd2(
                self._inflater,
                ctypes.byref(pair),
                ctypes.byref(flags),
                data[at:],
                ctypes.c_size_t(len(data) - at),
                1,
            )
            assert taken >= 0
            at += taken
            if flags.value & 2:
                name = ctypes.string_at(pair.name, pair.namelen).decode()
                found[name] = ctypes.string_at(pair.value, pair.valuelen).decode()
            if flags.value & 1:
                self._library.nghttp2_hd_inflate_end_headers(self._inflater)
                return found
            assert taken or flags.value & 2
