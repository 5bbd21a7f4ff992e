"""Logging: structured lines on standard error, with account numbers masked on the way out.

Whatever reaches a line passes `mask` last, just before it is rendered: events of ours, those of
grpc and asyncio, tracebacks, nested values. Masked is anything that could be

* an IBAN, of Iran or of another country, grouped or not,
* a card number (PAN), grouped or not,
* a national id, and any other run of ten digits or more, in whatever script.

Masking too much is right here: a line is for finding a fault, and a payment is found by its id,
which is left alone where it has the form of a UUID (see `payvand.client.payment_id_text`).
"""

import logging
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TextIO
from uuid import UUID

import structlog
from structlog.typing import EventDict, WrappedLogger

__all__ = ["LogFormat", "configure", "mask", "mask_text"]

LogFormat = Literal["json", "console"]

DEPTH_MAX: Final = 8
"""Values nested deeper are logged as their masked text."""
DIGITS_MIN: Final = 10
"""A national id has ten digits, a card number sixteen, the shortest IBAN fifteen characters."""
INTEGER_MIN: Final = 10**7
"""A national id that lost its leading zeros by being made an integer still has eight digits."""
COUNTED_SUFFIXES: Final = ("_ns", "_minor", "_bytes", "count", "sequence", "cursor")
"""Integers under keys that end so are times, amounts and counts, never account numbers."""

_UUID: Final = r"(?<![0-9A-Za-z-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9A-Za-z-])"
_GAP: Final = r"[ ._/\-\u00a0\u2009\u200c]"
_IBAN: Final = (
    r"(?<![0-9A-Za-z])[A-Za-z]{2}\d{2}(?:[A-Za-z\d]{11,30}"
    rf"|(?:{_GAP}[A-Za-z\d]{{4}}){{2,7}}(?:{_GAP}[A-Za-z\d]{{1,3}})?)(?![0-9A-Za-z])"
)
_GROUPED: Final = rf"\d{{2,4}}(?:{_GAP}\d{{4}}){{2,}}(?:{_GAP}?\d+)*|\d{{3}}{_GAP}\d{{6}}{_GAP}\d+"
_RUN: Final = rf"\d{{{DIGITS_MIN},}}"
_SECRET: Final = re.compile(f"(?P<id>{_UUID})|{_IBAN}|{_GROUPED}|{_RUN}")
_IDS_BYTES: Final = 16


def mask_text(text: str) -> str:
    """Return *text* with everything that could be an account number replaced by `***`."""
    return _SECRET.sub(lambda found: found["id"] or "***", text)


def mask(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask every key and value of an event: the processor that runs last before rendering."""
    return {_mask_key(key): _mask_value(value, str(key), 0) for key, value in event.items()}


def _mask_key(key: object) -> str:
    return mask_text(str(key))


def _mask_value(value: Any, key: str, depth: int) -> Any:
    match value:
        case None | bool():
            return value
        case int() | float():
            return value if key.endswith(COUNTED_SUFFIXES) else _mask_number(value)
        case str():
            return mask_text(value)
        case bytes() | bytearray() | memoryview():
            return _mask_bytes(bytes(value))
        case Mapping() if depth < DEPTH_MAX:
            return {
                _mask_key(inner): _mask_value(item, str(inner), depth + 1)
                for inner, item in value.items()
            }
        case list() | tuple() | set() | frozenset() if depth < DEPTH_MAX:
            return [_mask_value(item, key, depth + 1) for item in _steady(value)]
        case _:
            return mask_text(repr(value))


def _steady(values: Iterable[Any]) -> Iterable[Any]:
    """Give the items of a set in an order that doesn't change from run to run."""
    return sorted(values, key=repr) if isinstance(values, set | frozenset) else values


def _mask_number(value: float) -> float | str:
    return value if abs(value) < INTEGER_MIN else "***"


def _mask_bytes(value: bytes) -> str:
    """Return *value* as masked text; 16 bytes that aren't text are an id, shown as a UUID."""
    if len(value) == _IDS_BYTES and not value.isascii():
        return str(UUID(bytes=value))
    return mask_text(value.decode("utf-8", "backslashreplace"))


def configure(
    log_format: LogFormat = "json", *, level: int = logging.INFO, stream: TextIO | None = None
) -> None:
    """Send the logs of this process, ours and the libraries', to *stream* in one form.

    Call it once, first thing. `structlog.get_logger()` and `logging.getLogger()` then lead to
    the same place.

    Args:
        log_format: `json` for a JSON object a line, `console` for people.
        level: the least level that is written.
        stream: standard error by default.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=(stream or sys.stderr).isatty())
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.StackInfoRenderer(),
                mask,
                renderer,
            ],
        )
    )
    logging.captureWarnings(True)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
