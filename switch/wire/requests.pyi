from collections.abc import Callable, Iterable
from typing import Any, Protocol, Self

class _Debtor(Protocol):
    """Who sends a request: a route of the switch."""

    @property
    def position(self) -> int:
        """Its position account."""

class Requests:
    """Requests in the order in which they came."""

    count: int
    routing: Any
    """By which their debtors were found."""
    debtors: list[Any]
    responses: list[Any]
    """Answers so far, where nothing else was made of them: bytes, a fault, or None."""
    when_flushed: Callable[[], None] | None

    @classmethod
    def of(cls, requests: Iterable[tuple[bytes, Any]], routing: object = None) -> Self:
        """Gather (serialised request, debtor's route) pairs, judged by *routing*.

        Without it they are (serialised request, caller) pairs, and `lead` finds the routes.
        """
    def lead(self, routing: object, found: list[_Debtor | BaseException]) -> None:
        """Enter for each of `debtors` its route, or fail its requests by what is there instead."""
    def debtor(self, index: int) -> Any:
        """Return the route of a request's debtor."""
    def request(self, index: int) -> bytes:
        """Return a request as it came."""
    def answer(self, index: int, response: bytes) -> None:
        """Answer a request with a serialised `SubmitResponse`."""
    def fail(self, index: int, fault: BaseException) -> None:
        """End the call of a request with the status of *fault*."""
    def flush(self) -> None:
        """Let what was answered go out."""
