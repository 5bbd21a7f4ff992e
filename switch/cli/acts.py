"""What commands share that propose something to a second operator."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, Final

import click

from payvand.client import Operator
from payvand.switch.cli.options import PATIENCE_S, Door
from payvand.switch.cli.version_texts import NOW, due
from payvand.v1.approval_service_pb2 import Proposal

__all__ = ["TIME_HELP", "Proposing", "proposing_options"]

TIME_HELP: Final = "1404-02-31 13:44, 2025-05-21T13:44, or now: as soon as it is approved."


@dataclass(frozen=True, slots=True)
class Proposing:
    """Why and when, and who approves where that is at hand too."""

    reason: str
    due_at: int
    """In nanoseconds since 1970; 0 for as soon as it is approved."""
    second: str | None

    async def finish(self, door: Door, proposal: Proposal) -> Proposal:
        """Let the second operator approve, where one was named; return the proposal."""
        if self.second is None:
            return proposal
        folder = door.certificates.parent / self.second
        async with Operator.connect(door.address, folder, patience_s=PATIENCE_S) as second:
            return await second.approve(proposal)


def proposing_options(*, reason: str = "") -> Callable[[Callable[..., Any]], Any]:
    """Return --reason, --at and --approve-as; the command gets them as one `proposing`.

    Without a *reason* of its own the command asks for one.
    """
    options = [
        click.option("--reason", required=not reason, default=reason or None, help="Why."),
        click.option("--at", metavar="TIME", default=NOW, show_default=True, help=TIME_HELP),
        click.option(
            "--approve-as",
            "second",
            metavar="NAME",
            help="Approve it at once as this other operator, where both certificates are at hand.",
        ),
    ]

    def wrap(command: Callable[..., Any]) -> Any:
        def propose(reason: str, at: str, second: str | None, **rest: Any) -> Any:
            return command(proposing=Proposing(reason, due(at), second), **rest)

        update_wrapper(propose, command)  # With it goes what click was told of before.
        wrapped: Callable[..., Any] = propose
        for option in reversed(options):
            wrapped = option(wrapped)
        return wrapped

    return wrap
