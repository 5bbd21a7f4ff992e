"""Webhooks: events sent by POST to agencies without gRPC, signed, and again until they are taken.

    journal ─► events behind the cursor ─► POST, signed ─► 2xx: the cursor moves, in the database
                         ▲                     │ anything else, or nothing within the time
                         └── later and later ──┘ a week long, then it is given up and says so

A request is signed with the key of business days, over its moment, a dot and its body, so that the
receiver can tell it from anybody else's and an old one from a new one. What comes twice has the
same cursor and the same events.
"""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from payvand.core.engine import Engine
from payvand.settlement.database import Executor, Pool
from payvand.switch.fees.bills.accounts import ACT_CODE
from payvand.switch.fees.bills.bill import BillRefused
from payvand.switch.fees.bills.number import bill_number
from payvand.switch.fees.events.reading import Event, follow_events

__all__ = ["EVENTS_MAX", "GIVEN_UP_NS", "RETRY_NS_MAX", "Post", "Webhook", "Webhooks", "post"]

NS: Final = 1_000_000_000
EVENTS_MAX: Final = 500
"""Events of one request."""
TIMEOUT_S: Final = 10.0
RETRY_NS: Final = 1 * NS
RETRY_NS_MAX: Final = 3_600 * NS
"""Between two tries at most; each waits twice as long as the one before."""
GIVEN_UP_NS: Final = 7 * 86_400 * NS
"""Without success for so long it is given up."""
LOOK_S: Final = 1.0
URL_LENGTH_MAX: Final = 400
ERROR_LENGTH_MAX: Final = 200

Post = Callable[[str, bytes, dict[str, str]], Awaitable[str]]
"""Sends a body with headers to a URL; returns why it wasn't taken, empty where it was."""

log = structlog.get_logger("payvand.switch")


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where an agency's events go, and how far they were taken."""

    agency: int
    url: str
    cursor: int
    failures: int
    failing_since: int
    """In nanoseconds since 1970; 0 where the last request was taken."""
    next_try_at: int
    last_error: str

    def is_given_up(self, now: int) -> bool:
        """Tell whether it failed for too long."""
        return bool(self.failing_since) and now - self.failing_since >= GIVEN_UP_NS


async def post(url: str, body: bytes, headers: dict[str, str]) -> str:
    """Send a request, in a thread of its own; redirections are not followed."""
    return await asyncio.to_thread(_post, url, body, headers)


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nobody's word to another place."""


_OPENER: Final = urllib.request.build_opener(_NoRedirection())


def _post(url: str, body: bytes, headers: dict[str, str]) -> str:
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - see checked_url
    try:
        with _OPENER.open(request, timeout=TIMEOUT_S) as reply:
            return "" if 200 <= reply.status < 300 else f"status {reply.status}"
    except urllib.error.HTTPError as error:
        return f"status {error.code}"
    except (OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"[:ERROR_LENGTH_MAX]


def checked_url(url: str) -> str:
    """Return *url* where events may be sent to it; raises `BillRefused`."""
    parts = urlsplit(url)
    within = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if (
        len(url) > URL_LENGTH_MAX
        or not parts.hostname
        or not (parts.scheme == "https" or (parts.scheme == "http" and within))
        or parts.username is not None
        or not url.isascii()
        or not url.isprintable()
    ):
        hint = f"an https URL of at most {URL_LENGTH_MAX} characters, without a name in it"
        raise BillRefused("url", "webhook.url", hint)
    return url


class Webhooks:
    """The webhooks of all agencies. One for each process; `run` it beside the engine."""

    def __init__(
        self,
        engine: Engine,
        pool: Pool,
        key: Ed25519PrivateKey,
        *,
        clock: Callable[[], int],
        post: Post = post,
    ) -> None:
        """Send what *engine*'s journal tells, signed with *key*, by *post*."""
        self._engine = engine
        self._pool = pool
        self._key = key
        self._clock = clock
        self._post = post
        self._turn = asyncio.Lock()

    @property
    def public_key(self) -> str:
        """The key that receivers check by, in hexadecimal."""
        return self._key.public_key().public_bytes_raw().hex()

    async def put(self, agency: int, url: str) -> Webhook:
        """Send an agency's events to *url* from now on, or from where it stopped."""
        async with self._pool.acquire() as connection:
            await connection.execute(
                "INSERT INTO fees.webhook (agency, url, cursor) VALUES ($1, $2, $3) "
                "ON CONFLICT (agency) DO UPDATE SET url = $2, failures = 0, failing_since = 0, "
                "next_try_at = 0, last_error = ''",
                *(agency, checked_url(url), self._engine.sequence),
            )
        found = await self.get(agency)
        assert found is not None, "it was just put"
        return found

    async def get(self, agency: int) -> Webhook | None:
        """Return an agency's webhook, or None."""
        async with self._pool.acquire() as connection:
            found = await _read(connection, agency)
        return found[0] if found else None

    async def remove(self, agency: int) -> None:
        """Send an agency no more events."""
        async with self._pool.acquire() as connection:
            await connection.execute("DELETE FROM fees.webhook WHERE agency = $1", agency)

    async def run(self) -> None:
        """Send what is due, over and over, until cancelled."""
        while True:
            try:
                await self.send_due()
            except (OSError, TimeoutError) as fault:
                log.warning("webhooks can't be looked after now", fault=str(fault))
            await asyncio.sleep(LOOK_S)

    async def send_due(self) -> None:
        """Send every agency what it hasn't taken yet, where that is due; all agencies at once."""
        async with self._turn:
            now = self._clock()
            async with self._pool.acquire() as connection:
                webhooks = await _read(connection)
            due = [one for one in webhooks if one.next_try_at <= now and not one.is_given_up(now)]
            await asyncio.gather(*(self._send(webhook) for webhook in due))

    async def _send(self, webhook: Webhook) -> None:
        """Send one request after the other until the journal's end or the first that fails."""
        while webhook.cursor < self._engine.sequence:
            cursor, events = await self._gathered(webhook)
            if events:
                error = await self._post(*self._request(webhook.url, cursor, events))
                if error:
                    await self._note_failure(webhook, error)
                    return
            await self._note_taken(webhook, cursor)
            found = await self.get(webhook.agency)
            if found is None or found.url != webhook.url or found.cursor <= webhook.cursor:
                return
            webhook = found

    async def _gathered(self, webhook: Webhook) -> tuple[int, list[Event]]:
        """Return the events of the next frames, a request full, and the cursor behind them."""
        last, cursor = self._engine.sequence, webhook.cursor
        gathered: list[Event] = []
        following = follow_events(
            self._engine, self._pool, webhook.agency, webhook.cursor, last=last
        )
        async for step, events in following:
            cursor = step
            gathered += events
            if len(gathered) >= EVENTS_MAX:
                break
        return cursor, gathered

    def _request(
        self, url: str, cursor: int, events: list[Event]
    ) -> tuple[str, bytes, dict[str, str]]:
        body = json.dumps(
            {"cursor": str(cursor), "events": [_json_of(event) for event in events]},
            separators=(",", ":"),
        ).encode()
        moment = str(self._clock() // NS)
        signature = self._key.sign(moment.encode() + b"." + body).hex()
        headers = {
            "Content-Type": "application/json",
            "Payvand-Timestamp": moment,
            "Payvand-Signature": f"ed25519={signature}",
        }
        return url, body, headers

    async def _note_taken(self, webhook: Webhook, cursor: int) -> None:
        async with self._pool.acquire() as connection:
            await connection.execute(
                "UPDATE fees.webhook SET cursor = $3, failures = 0, failing_since = 0, "
                "next_try_at = 0, last_error = '' WHERE agency = $1 AND url = $2",
                *(webhook.agency, webhook.url, cursor),
            )

    async def _note_failure(self, webhook: Webhook, error: str) -> None:
        now = self._clock()
        wait = min(RETRY_NS << min(webhook.failures, 32), RETRY_NS_MAX)
        async with self._pool.acquire() as connection:
            await connection.execute(
                "UPDATE fees.webhook SET failures = failures + 1, last_error = $3, "
                "next_try_at = $4, failing_since = CASE failing_since WHEN 0 THEN $5 "
                "ELSE failing_since END WHERE agency = $1 AND url = $2",
                *(webhook.agency, webhook.url, error, now + wait, now),
            )


async def _read(connection: Executor, agency: int = 0) -> list[Webhook]:
    rows = await connection.fetch(
        "SELECT agency, url, cursor, failures, failing_since, next_try_at, last_error "
        "FROM fees.webhook WHERE $1 IN (0, agency) ORDER BY agency",
        agency,
    )
    return [Webhook(**dict(row)) for row in rows]


def _json_of(event: Event) -> dict[str, str]:
    told = {"bill": bill_number(event.key), "act": str(event.act), "at": str(event.at)}
    if event.what is not None:
        return told | {"event": str(event.what)}
    return told | {
        "event": "paid" if event.code == ACT_CODE else "refunded",
        "amount": str(event.amount),
    }
