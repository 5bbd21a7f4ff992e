"""Payment ids: 16 bytes, the topmost bit clear, in the order of their making."""

import os
import time
from uuid import UUID

__all__ = ["new_payment_id", "parse_payment_id", "payment_id_text"]


def new_payment_id(*, now_ms: int | None = None, entropy: bytes | None = None) -> bytes:
    """Return a new payment id of the form UUIDv7 (RFC 9562): 48 bits of time, then 74 at random.

    Make it when the payment is made, keep it with the payment, and use it for every retry: the
    id is what makes a retry safe. The topmost bit stays clear until the year 6429.

    Args:
        now_ms: milliseconds since 1970; the clock's by default.
        entropy: 10 random bytes; the system's by default.
    """
    milliseconds = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    noise = os.urandom(10) if entropy is None else entropy
    return (
        milliseconds.to_bytes(6)
        + bytes((0x70 | noise[0] & 0x0F, noise[1], 0x80 | noise[2] & 0x3F))
        + noise[3:]
    )


def payment_id_text(payment_id: bytes) -> str:
    """Return *payment_id* for people, in the form of a UUID."""
    return str(UUID(bytes=payment_id))


def parse_payment_id(text: str) -> bytes:
    """Return the payment id that *text* holds, with or without hyphens.

    Raises:
        ValueError: *text* isn't 32 hexadecimal digits, is zero or has the topmost bit set.
    """
    try:
        parsed = UUID(text)
    except ValueError:
        raise ValueError(f"a payment id is 32 hexadecimal digits, not {text!r}") from None
    if not 0 < parsed.int < 1 << 127:
        raise ValueError(f"a payment id isn't zero and has its topmost bit clear, unlike {text!r}")
    return parsed.bytes
