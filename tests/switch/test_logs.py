"""No account number reaches a log line in clear, whatever it hides in."""

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from payvand.client import new_payment_id, payment_id_text
from payvand.switch.logs import configure, mask_text

PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
LATIN = str.maketrans("۰۱۲۳۴۵۶۷۸۹", "0123456789")
GAPS = " -.\u00a0\u200c"


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


def grouped(text: str, gap: str) -> str:
    return gap.join(text[start : start + 4] for start in range(0, len(text), 4))


IRANIAN = digits(24).map("IR".__add__)
FOREIGN = st.from_regex(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", fullmatch=True)
NUMBERS = st.one_of(IRANIAN, digits(16), digits(10))
SECRETS = st.one_of(NUMBERS, FOREIGN)
FORMS = st.one_of(
    st.just(lambda text: text),
    st.just(str.lower),
    st.sampled_from(GAPS).map(lambda gap: lambda text: grouped(text, gap)),
)


@st.composite
def hidden(draw: st.DrawFn) -> tuple[str, str]:
    """A secret, and a text that holds it in some form between other words."""
    secret = draw(SECRETS)
    form = draw(FORMS) if len(secret) != 10 else (lambda text: text)
    before, after = draw(st.text(max_size=20)), draw(st.text(max_size=20))
    if not (secret.isdigit() or secret.startswith("IR")):
        before, after = before + " ", "," + after  # With letters inside, it must be a word.
    text = form(secret)
    return secret, before + (text.translate(PERSIAN) if draw(st.booleans()) else text) + after


def bare(text: str) -> str:
    """Return *text* in capitals and Latin digits without gaps, as a reader would see through it."""
    return re.sub(f"[{re.escape(GAPS)}]", "", text.translate(LATIN)).upper()


def nested(value: Any) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.just(value),
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=2),
            st.tuples(inner),
            st.dictionaries(st.text(max_size=4), inner, min_size=1, max_size=2),
            inner.map(repr),
            inner.map(ValueError),
        ),
        max_leaves=4,
    )


@pytest.fixture(autouse=True, scope="module")
def logging_restored() -> Iterator[None]:
    """Leave the logging of the process as it was."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def log_lines() -> io.StringIO:
    """Log to the string returned."""
    stream = io.StringIO()
    configure("json", stream=stream)
    return stream


@given(hidden())
def test_no_account_number_survives_in_a_text(case: tuple[str, str]) -> None:
    secret, text = case
    assert secret not in bare(mask_text(text))


@given(st.data())
def test_no_account_number_survives_in_any_value_of_an_event(data: st.DataObject) -> None:
    secret, text = data.draw(hidden())
    encoded = data.draw(st.sampled_from([text, text.encode("utf-8", "replace")]))
    value = data.draw(nested(encoded))
    lines = log_lines()
    structlog.get_logger("switch").info(text, value=value, **{"by " + text: 1})
    structlog.get_logger("switch").info("set", value={text}, number=int(digits_of(secret)))
    written = lines.getvalue()
    assert written.count("\n") == 2
    assert secret not in bare(written)
    assert digits_of(secret).lstrip("0") not in written or len(digits_of(secret).lstrip("0")) < 8


def digits_of(secret: str) -> str:
    return re.sub(r"\D", "", secret)


@given(NUMBERS)
def test_a_number_survives_no_library_and_no_traceback(secret: str) -> None:
    stream = log_lines()
    logging.getLogger("grpc").warning("peer sent %s", secret)
    try:
        raise ValueError(secret)
    except ValueError:
        logging.getLogger("asyncio").exception("task failed")
        structlog.get_logger("switch").exception("batch failed", stack_info=True)
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["peer sent ***", "task failed", "batch failed"]
    assert "ValueError: ***" in events[1]["exception"]
    assert secret not in stream.getvalue()


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_a_payment_id_stays_readable_in_either_form(now_ms: int, entropy: bytes) -> None:
    stream = log_lines()
    payment = new_payment_id(now_ms=now_ms, entropy=entropy)
    structlog.get_logger("switch").info("payment", id=payment, text=payment_id_text(payment))
    event = json.loads(stream.getvalue())
    assert event["id"] == event["text"] == payment_id_text(payment)


def test_times_amounts_and_counts_stay_readable() -> None:
    lines = log_lines()
    structlog.get_logger("switch").info(
        "closed at 2025-11-24T03:04:05.123456Z on 127.0.0.1:7420",
        timestamp_ns=1_763_950_000_000_000_000,
        amount_minor=50_000_000_000,
        sequence=12_345_678_901,
        port=7420,
    )
    event = json.loads(lines.getvalue())
    assert event["event"] == "closed at 2025-11-24T03:04:05.123456Z on 127.0.0.1:7420"
    assert event["timestamp_ns"] == 1_763_950_000_000_000_000
    assert (event["amount_minor"], event["sequence"]) == (50_000_000_000, 12_345_678_901)
    assert event["port"] == 7420


def test_the_console_form_masks_as_well() -> None:
    stream = io.StringIO()
    configure("console", stream=stream)
    structlog.get_logger("switch").info("debit", account="IR062960000000100324200001")
    assert "***" in stream.getvalue()
    assert "2960" not in stream.getvalue()
