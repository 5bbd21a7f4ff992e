import asyncio
from collections.abc import Callable, Mapping

from payvand.switch.http2.session import Gatherer
from payvand.switch.wire.requests import Requests

class TurnGatherer(Gatherer):
    """Gather what comes in one turn of the loop, and hand it on at its end."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        methods: Mapping[bytes, bool],
        hand_on: Callable[[Gathered], None] | None,
    ) -> None:
        """Gather for *hand_on* the messages of *methods*: path → whether it is a stream."""
    def hand_over(self) -> None:
        """Let what has come be served."""

class Gathered(Requests):
    """Requests that came in one turn; `debtors` holds callers until `lead` has their routes."""
