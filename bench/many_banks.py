"""Whether banks that don't take what they are sent hold up the others.

Two thousand government services follow their streams, each over a connection of its own, while a
bank pays them in turn at a set rate. First all of them read; then one in ten stands still, its
process stopped with its connections open, as a machine that hangs looks from outside. What counts
is how long outcomes take from the books into the others' hands.
"""

import json
import signal
from dataclasses import asdict
from typing import Any

import uvloop

from payvand.bench.followers import FollowersSpec
from payvand.bench.processes import Part
from payvand.bench.result import Result
from payvand.bench.switch_run import Running, open_switch
from payvand.bench.workbench import Workbench
from payvand.switch.identifiers import iban

__all__ = ["many_banks"]

BANKS = 2_000
BANKS_QUICK = 40
SICK_SHARE = 10
"""One in so many."""
RATE = 20.0
"""Messages a second."""
BATCH = 50
LANES = 4
PHASE_S = 15.0
PHASE_QUICK_S = 2.0


def many_banks(bench: Workbench, name: str) -> Result:
    """Measure the others' p99 with one bank in ten standing still, by that with none."""
    return uvloop.run(_measure(bench, name))


async def _measure(bench: Workbench, name: str) -> Result:
    count = BANKS_QUICK if bench.quick else BANKS
    services = {
        f"bench-service-{number:04}": iban.make("010", str(10**18 + number))
        for number in range(count)
    }
    names = list(services)
    sick = names[::SICK_SHARE]
    well = [each for each in names if each not in set(sick)]
    with bench.scratch(name) as folder:
        async with open_switch(bench, name, folder, auto_accept=True, services=services) as running:
            bench.tell(f"{name}: connecting {count:,} banks")
            others = await _start(running, well)
            hanging = await _start(running, sick)
            try:
                bench.tell(f"{name}: all of them read")
                before = await _phase(bench, running, others, list(services.values()))
                bench.tell(f"{name}: one in {SICK_SHARE} stands still")
                hanging.signal(signal.SIGSTOP)
                after = await _phase(bench, running, others, list(services.values()))
                hanging.signal(signal.SIGCONT)
            finally:
                hanging.signal(signal.SIGCONT)
                await hanging.stop()
                await others.stop()
    return Result(
        name,
        after["latency_us"]["p99"] / before["latency_us"]["p99"],
        "of the p99 with none",
        "all banks reading",
        1.0,
        {
            "mutual_tls": bench.tls,
            "banks": count,
            "standing_still": len(sick),
            "payments_per_second": round(RATE * BATCH),
            "outcomes": [before["count"], after["count"]],
            "latency_ms": {
                phase: {key: round(us / 1000, 2) for key, us in told["latency_us"].items()}
                for phase, told in (("all_reading", before), ("one_in_ten_still", after))
            },
        },
    )


async def _start(running: Running, names: list[str]) -> Part:
    spec = FollowersSpec(
        running.address, str(running.folder / "certificates"), names, running.cursor, running.tls
    )
    part = await Part.start(
        "bench.followers", json.dumps(asdict(spec)), log=running.folder / "followers.log"
    )
    await part.line()
    return part


async def _phase(
    bench: Workbench, running: Running, others: Part, creditors: list[str]
) -> dict[str, Any]:
    """Pay for a while and return what the others were told meanwhile."""
    others.say()
    await others.line()
    await running.load(
        method="SubmitStream",
        messages=int(RATE * (PHASE_QUICK_S if bench.quick else PHASE_S)),
        batch=BATCH,
        lanes=LANES,
        window=1,
        rate=RATE,
        creditors=creditors,
    )
    others.say()
    told: dict[str, Any] = json.loads(await others.line())
    return told
