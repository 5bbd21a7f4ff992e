"""A switch of a benchmark's own: started, onboarded, loaded, stopped and proved.

Two banks take part, one that pays and one that is paid. The echo that measures the wire runs
beside the switch under the same certificate, and is loaded in turns with it by the same generator.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from payvand.bench.generator import GeneratorSpec, Tally
from payvand.bench.in_the_clear import PORT_FILE
from payvand.bench.processes import Part
from payvand.bench.workbench import Workbench
from payvand.client import Operator, SwitchUnreachable
from payvand.switch.directory_file import ParticipantEntry
from payvand.switch.identity import Role
from payvand.switch.onboarding import OPERATOR, SECOND_OPERATOR, issue_all, put
from payvand.switch.verifying import verify
from payvand.v1.book_service_pb2 import GetTotalsResponse

__all__ = ["Running", "open_switch"]

DEBTOR, CREDITOR = "bench-debtor", "bench-creditor"
DEBTOR_CODE, CREDITOR_CODE = "012", "017"
"""Participants onboarded in one call."""
CAP = 10**18
"""Of the debtor's position: no run comes near it."""


@dataclass(slots=True)
class Running:
    """A switch under way, and what was sent to it."""

    folder: Path
    address: str
    echo_address: str
    operator: Operator
    part: Part
    tls: bool
    runs: int = 0
    cursor: int = 0
    """How far the debtor's stream was followed."""
    payments: int = 0
    amount: int = 0
    """The sum of the payments that were sent."""
    states: dict[str, int] = field(default_factory=dict)

    async def load(self, **chosen: Any) -> Tally:
        """Send what is chosen of a `GeneratorSpec` to the switch, and remember it."""
        self.runs += 1
        spec = self._spec(self.address, cursor=self.cursor, **chosen)
        tally = await self._generate(spec)
        self.cursor = max(self.cursor, tally.cursor)
        self.payments += tally.payments
        self.amount += tally.amount
        for state, count in tally.states.items():
            self.states[state] = self.states.get(state, 0) + count
        return tally

    async def load_echo(self, **chosen: Any) -> Tally:
        """Send the same to the bare echo."""
        return await self._generate(self._spec(self.echo_address, echo=True, **chosen))

    def _spec(self, address: str, **chosen: Any) -> GeneratorSpec:
        return GeneratorSpec(
            address=address,
            certificates=str(self.folder / "certificates" / DEBTOR),
            run=self.runs,
            debtor_code=DEBTOR_CODE,
            creditor_code=CREDITOR_CODE,
            tls=self.tls,
            **chosen,
        )

    async def _generate(self, spec: GeneratorSpec) -> Tally:
        generator = await Part.start(
            "bench.generator", json.dumps(asdict(spec)), log=self.folder / "generator.log"
        )
        try:
            await generator.line()
            generator.say()
            return Tally(**json.loads(await generator.line()))
        finally:
            await generator.stop()

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[Part]:
        """Let the creditor's bank accept what it is offered, while the body runs."""
        spec = {
            "address": self.address,
            "certificates": str(self.folder / "certificates" / CREDITOR),
            "cursor": 0,
            "tls": self.tls,
        }
        answerer = await Part.start(
            "bench.answerer", json.dumps(spec), log=self.folder / "answerer.log"
        )
        try:
            await answerer.line()
            yield answerer
        finally:
            await answerer.stop()


@asynccontextmanager
async def open_switch(
    bench: Workbench,
    name: str,
    folder: Path,
    *,
    auto_accept: bool,
    services: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Running]:
    """Run a switch and an echo for the body; afterwards stop both and prove the books.

    *services* are government services that take part too, by name with their IBANs.
    """
    bench.tell(f"{name}: starting the switch")
    # So that PostgreSQL's own user reaches its part.
    await asyncio.to_thread(folder.chmod, 0o755)
    certificates = folder / "certificates"
    holders = [(DEBTOR, Role.BANK), (CREDITOR, Role.BANK)]
    issue_all(certificates, [*holders, *((each, Role.AGENCY) for each in services)])
    async with AsyncExitStack() as stack:
        part = await Part.start(
            "switch.sandbox.tether" if bench.tls else "bench.in_the_clear",
            *("serve", "--data", str(folder), "--listen", "127.0.0.1:0", "--json"),
            log=folder / "switch.log",
        )
        stack.push_async_callback(part.stop)
        address = json.loads(await part.line())["address"]
        echo = await Part.start("bench.echo", str(certificates / "switch"), log=folder / "echo.log")
        stack.push_async_callback(echo.stop)
        operator = await stack.enter_async_context(
            Operator.connect(address, certificates / OPERATOR)
        )
        second = await stack.enter_async_context(
            Operator.connect(address, certificates / SECOND_OPERATOR)
        )
        entries = [*_directory(auto_accept), *_services(services)]
        await put(operator, second, entries, certificates)
        echo_addresses = json.loads(await echo.line())
        running = Running(
            folder,
            address if bench.tls else (folder / PORT_FILE).read_text(),
            echo_addresses[0 if bench.tls else 1],
            operator,
            part,
            bench.tls,
        )
        yield running
        bench.tell(f"{name}: proving the books")
        _prove_totals(bench, name, running, await _caught_up(operator))
    for proof in await verify(folder):
        bench.prove(f"{name}: {proof.name}", proof.holds)


async def _caught_up(operator: Operator) -> GetTotalsResponse:
    """Return the totals once the database has taken in what the load left it."""
    while True:
        try:
            return await operator.totals()
        except SwitchUnreachable:
            continue


def _prove_totals(bench: Workbench, name: str, running: Running, totals: GetTotalsResponse) -> None:
    """Hold what the books count against what was sent and what the banks were told."""
    ledger, database = totals.ledger, totals.database
    held = {each.state: each.count for each in database.payments if each.count}
    bench.prove(f"{name}: every payment settled", running.states == {"settled": running.payments})
    bench.prove(f"{name}: the books hold what the banks were told", held == running.states)
    bench.prove(f"{name}: debits equal credits", ledger.debits_posted == ledger.credits_posted)
    bench.prove(f"{name}: every amount moved once", int(ledger.debits_posted) == running.amount)
    bench.prove(
        f"{name}: nothing is left reserved",
        ledger.debits_pending == ledger.credits_pending == "0",
    )


def _directory(auto_accept: bool) -> list[ParticipantEntry]:
    return [
        ParticipantEntry(
            name=name,
            role="bank",
            display_name=name,
            display_name_fa="",
            bank_codes=(code,),
            ibans=(),
            net_debit_cap=CAP,
            prefunding=0,
            unit="IRR",
            auto_accept=auto_accept,
        )
        for name, code in ((DEBTOR, DEBTOR_CODE), (CREDITOR, CREDITOR_CODE))
    ]


def _services(services: Mapping[str, str]) -> list[ParticipantEntry]:
    return [
        ParticipantEntry(
            name=name,
            role="agency",
            display_name=name,
            display_name_fa="",
            bank_codes=(),
            ibans=(account,),
            net_debit_cap=0,
            prefunding=0,
            unit="IRR",
            auto_accept=True,
        )
        for name, account in services.items()
    ]
