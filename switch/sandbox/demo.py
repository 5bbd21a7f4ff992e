"""A demo: a switch, its banks and its government services as processes, and a day between them.

    certificates ─► switch ─► onboarding, funding ─► the day's files ─► banks and services
        ─► every payment at its end ─► window closed, statements ─► all stopped ─► proofs

Whatever interrupts it, the data folder can be carried on from: the switch recovers from its
journal, each bank from its book, and the day from its folder (see `days`).
"""

import asyncio
import json
import signal
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from payvand.client import Operator
from payvand.core.errors import PayvandFault
from payvand.settlement.proof import Proof
from payvand.switch.directory_file import ParticipantEntry
from payvand.switch.identity import Role
from payvand.switch.onboarding import OPERATOR, SECOND_OPERATOR, issue_all, prefund, put
from payvand.switch.sandbox.children import Child
from payvand.switch.sandbox.day import day_date
from payvand.switch.sandbox.days import Day, next_day
from payvand.switch.sandbox.participant import Standing
from payvand.switch.sandbox.reckoning import (
    Reckoning,
    Span,
    book_of,
    compare_with_switch,
    prove_day,
    prove_statements,
    prove_window,
    reckon,
)
from payvand.switch.sandbox.rules import write_rules
from payvand.switch.sandbox.statement_files import Summary, write_statements
from payvand.v1.settlement_service_pb2 import SettlementWindow

__all__ = ["Played", "Watcher", "play", "stay"]

LOGS: Final = "logs"
ANY_PORT: Final = "127.0.0.1:0"
START_S_MAX: Final = 600.0
"""How long the switch may take to listen, with the recovery of its journal."""
STALL_S_MAX: Final = 120.0
"""Where nothing at all moves for so long beyond a deadline, the day has come to a halt."""


class DayStalled(PayvandFault):
    """Nothing moves any more, and yet not every payment has its end."""


@dataclass(frozen=True, slots=True)
class Played:
    """A day that was played to its end."""

    day: Day
    reckoning: Reckoning
    window: SettlementWindow
    statements: Sequence[Summary]
    proofs: Sequence[Proof]

    @property
    def holds(self) -> bool:
        """Tell whether every proof holds."""
        return all(proof.holds for proof in self.proofs)


class Watcher(Protocol):
    """Who is shown how a demo goes on."""

    def phase(self, words: str) -> None:
        """See what is being done now."""

    def standings(self, standings: Mapping[str, Standing], sendings: int) -> None:
        """See how the participants stand; *sendings* instructions are to be sent in all."""


async def play(
    data: Path,
    directory: Sequence[ParticipantEntry],
    *,
    instructions: int,
    seed: int,
    deadline_s: int,
    watcher: Watcher,
) -> Played:
    """Play the day of *data* that isn't over, or the next, and prove what came of it.

    Args:
        data: the data folder, made where there is none.
        directory: who takes part.
        instructions: how many a new day has, about.
        seed: what a new day's payments are drawn from.
        deadline_s: how long the switch lets a creditor's bank think.
        watcher: is shown how it goes.

    Raises:
        ChildEnded: a process ended before it was asked to.
        ClientFault, PayvandFault: the switch or the folder can't be used.
    """
    watcher.phase("writing the day's files")
    day = await asyncio.to_thread(
        next_day,
        data,
        directory,
        instructions=instructions,
        seed=seed,
        tell=lambda name: watcher.phase(f"writing {name}"),
    )
    watcher.phase("starting the switch and its PostgreSQL")
    issue_all(data / "certificates", [(entry.name, Role(entry.role)) for entry in directory])
    async with AsyncExitStack() as stack:
        rules = await asyncio.to_thread(write_rules, directory, data / "rules.toml")
        _, address = await _start_switch(stack, data, rules, deadline_s)
        operator = await stack.enter_async_context(
            Operator.connect(address, data / "certificates" / OPERATOR)
        )
        second = await stack.enter_async_context(
            Operator.connect(address, data / "certificates" / SECOND_OPERATOR)
        )
        watcher.phase("onboarding and funding the participants")
        await put(operator, second, directory, data / "certificates")
        for entry in directory:
            if entry.prefunding:
                await prefund(operator, second, entry)
        standings = await _play_files(
            data, directory, day, stall_s=STALL_S_MAX + deadline_s, watcher=watcher
        )
        watcher.phase("closing the settlement window and the business day")
        window, span = await _close(operator, day)
        await operator.close_day(day_date(day.number))
        watcher.phase("writing the statements")
        statements, entries = await write_statements(
            operator, directory, window.number, day.folder / "statements"
        )
        books = {
            entry.name: await asyncio.to_thread(book_of, data, entry.name) for entry in directory
        }
        watcher.phase("asking the ledger for every payment in the banks' books")
        asked = await compare_with_switch(books, data, address)
    watcher.phase("proving journal, ledger, windows, database and books")
    proofs = [
        asked,
        prove_statements(books, entries, span),
        prove_window(books, window, span),
        *await prove_day(data, books),
    ]
    reckoning = reckon(books, standings, day, span)
    played = Played(day, reckoning, window, statements, proofs)
    day.complete(
        {
            "payments": reckoning.states,
            "sent_again_so_far": reckoning.sent_again_so_far,
            "proofs": {proof.name: proof.holds for proof in proofs},
            "window": window.number,
        }
    )
    return played


async def stay(
    data: Path,
    directory: Sequence[ParticipantEntry],
    *,
    listen: str,
    deadline_s: int,
    watcher: Watcher,
) -> None:
    """Run the switch at *listen* and all participants, which answer and send nothing, for ever.

    Raises:
        ChildEnded: a process ended before it was asked to.
    """
    watcher.phase("starting the switch and everybody again, to stay")
    async with AsyncExitStack() as stack:
        rules = await asyncio.to_thread(write_rules, directory, data / "rules.toml")
        switch, address = await _start_switch(stack, data, rules, deadline_s, listen=listen)
        async with asyncio.TaskGroup() as watching:
            for child in [switch, *await _start_participants(stack, data, directory, {})]:
                watching.create_task(_until_ended(child))
            watcher.phase(f"everybody is there, the switch at {address}; Ctrl-C ends it")


async def _until_ended(child: Child) -> None:
    async for _ in child.lines():
        pass
    raise await child.ended()


async def _start_switch(
    stack: AsyncExitStack, data: Path, rules: Path, deadline_s: int, *, listen: str = ANY_PORT
) -> tuple[Child, str]:
    """Start the switch and return it, once it listens, with its address."""
    arguments = ["serve", "--data", str(data), "--listen", listen, "--metrics-port", "0"]
    arguments += ["--acceptance-deadline", str(deadline_s), "--rules", str(rules), "--json"]
    child = await Child.start("the switch", arguments, log=data / LOGS / "switch.log")
    stack.push_async_callback(child.stop)
    async with asyncio.timeout(START_S_MAX):
        ready = await anext(child.lines(), None)
    if ready is None:
        raise await child.ended()
    return child, str(json.loads(ready)["address"])


async def _start_participants(
    stack: AsyncExitStack,
    data: Path,
    directory: Sequence[ParticipantEntry],
    files: Mapping[str, Sequence[Path]],
) -> list[Child]:
    """Start every participant; none sends its *files* before it is told to."""
    children = []
    for entry in directory:
        arguments = ["sandbox-bank", "--as", entry.name, "--data", str(data), "--json", "--hold"]
        if entry.role == "agency":
            arguments.append("--agency")
        for file in files.get(entry.name, []):
            arguments += ["--submit", str(file)]
        child = await Child.start(entry.name, arguments, log=data / LOGS / f"{entry.name}.log")
        stack.push_async_callback(child.stop)
        children.append(child)
    return children


async def _play_files(
    data: Path,
    directory: Sequence[ParticipantEntry],
    day: Day,
    *,
    stall_s: float,
    watcher: Watcher,
) -> dict[str, Standing]:
    """Start every participant, and stop them when every payment has its end in every book."""
    watcher.phase("the banks and services connect")
    standings: dict[str, Standing] = {}
    started, over, moved = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def listen(child: Child) -> None:
        async for line in child.lines():
            standing = Standing.from_json(json.loads(line))
            standings[standing.name] = standing
            if not started.is_set() and len(standings) == len(directory):
                started.set()
            watcher.standings(standings, day.sendings)
            if _is_over(standings, directory):
                over.set()
            moved.set()
        if not over.is_set():
            raise await child.ended()

    async def wait_for(event: asyncio.Event) -> None:
        while not event.is_set():
            moved.clear()
            try:
                async with asyncio.timeout(stall_s):
                    await moved.wait()
            except TimeoutError:
                raise DayStalled(
                    f"nothing has moved for {stall_s:g} s",
                    hint=f"see the logs in {data / LOGS}; run the demo again to carry on",
                ) from None

    async with AsyncExitStack() as stack, asyncio.TaskGroup() as listening:
        children = await _start_participants(stack, data, directory, day.files)
        for child in children:
            listening.create_task(listen(child))
        await wait_for(started)
        watcher.phase("the banks send their files, answer and settle")
        for child in children:
            child.signal(signal.SIGUSR1)
        await wait_for(over)
        await stack.aclose()
    return standings


def _is_over(standings: Mapping[str, Standing], directory: Sequence[ParticipantEntry]) -> bool:
    """Tell whether all was sent, and every payment has one and the same end on both its sides."""
    if len(standings) < len(directory):
        return False
    if not all(one.finished and not one.strangers for one in standings.values()):
        return False
    return all(
        sum(one.sent.get(state, (0, ""))[0] for one in standings.values())
        == sum(one.received.get(state, (0, ""))[0] for one in standings.values())
        for state in ("reserved", "settled", "rejected", "expired")
    )


async def _close(operator: Operator, day: Day) -> tuple[SettlementWindow, Span]:
    """Close the day's window, the same one however often that is tried; return it and its time."""
    if not day.window:
        newest = next(iter(await operator.windows(1)))
        day.choose_window(newest.number if not newest.closed_sequence else newest.number + 1)
    window = await operator.close_window(day.window)
    before = await operator.windows(1, before=window.number)
    return window, Span(before[0].closed_at if before else 0, window.closed_at)
