from collections.abc import Callable
from pathlib import Path

WRITE_BYTES_MAX: int
CONNECTING_S_MAX: float

class CallEnded(Exception):
    """A call ended with another status than OK, or its connection broke."""

class FastCall:
    """A call: messages go out and come in, until it ends."""

    def send(self, message: bytes) -> None:
        """Send a message."""
    def end(self) -> None:
        """Send no more."""
    def cancel(self) -> None:
        """Break it off."""

class FastChannel:
    """A connection to a gRPC server; from `connect`."""

    @staticmethod
    async def connect(
        address: str, certificates: Path, agent: str = "", *, tls: bool = True
    ) -> FastChannel:
        """Connect to *address*, `host:port`, with the files of a folder of certificates.

        Without TLS the caller is whom *agent* names.
        """
    def open(
        self,
        path: str,
        take: Callable[[bytes], object],
        end_with: Callable[[Exception | None], object],
    ) -> FastCall:
        """Begin a call of a method, `/service/method`.

        *take* gets each message; *end_with* gets None at the end, or what went wrong.
        """
    def call(
        self,
        path: str,
        message: bytes,
        take: Callable[[bytes], object],
        end_with: Callable[[Exception | None], object],
    ) -> FastCall:
        """Make a call of one message."""
    def close(self) -> None:
        """Close the connection."""
