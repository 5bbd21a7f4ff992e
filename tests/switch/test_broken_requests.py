"""Whatever a caller sends: no crash, no hang, bounded memory, always a status; and sound books.

Every method of the contract gets messages with anything in them, and bytes that were such messages,
through a real client over real TLS, from a bank, an operator and an auditor. A million of them in
the long run.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import grpc.aio
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import Default

from payvand.client import Bank, Operator, new_payment_id, open_channel
from payvand.switch.certificates import issue
from payvand.switch.identifiers import iban
from payvand.switch.identity import METHOD_ROLES, Role
from payvand.switch.verifying import verify
from payvand.v1.payment_pb2 import Payment, PaymentState
from tests.support import progress
from tests.support.memory import resident_bytes
from tests.support.mutation import any_message, mutated
from tests.support.switch_process import SwitchProcess
from tests.support.town import PARTICIPANTS, issue_for, issue_people

REQUESTS = 1_000_000 if progress.SOAK else 1_500
CALLERS = {"melli": Role.BANK, "operator": Role.OPERATOR, "auditor": Role.AUDITOR}
LANES = 48
CALL_S_MAX = 60.0
STREAM_S_MAX = 0.2
"""A stream that goes on for ever is left after so long."""
STREAM_MESSAGES_MAX = 20
MEMORY_GROWTH_BYTES_MAX = 256 << 20
MISTAKES = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL}
WRITTEN_TOO_LATE = "Internal error from Core"
"""What the client itself says of a message to a call that has ended."""


def contract_methods() -> list[MethodDescriptor]:
    paths = [path[1:].split("/") for path in METHOD_ROLES if path.startswith("/payvand.")]
    return [Default().FindServiceByName(name).methods_by_name[method] for name, method in paths]


class Caller:
    """One connection that sends what it makes up."""

    def __init__(self, channel: grpc.aio.Channel, random: Random) -> None:
        self._channel = channel
        self._random = random
        self.statuses: Counter[grpc.StatusCode] = Counter()

    async def send(self, method: MethodDescriptor) -> None:
        path = f"/{method.containing_service.full_name}/{method.name}"
        count = self._random.randrange(1, STREAM_MESSAGES_MAX) if method.client_streaming else 1
        bodies = [self._body(method) for _ in range(count)]
        endless = method.server_streaming and not method.client_streaming
        within_s = STREAM_S_MAX if endless else CALL_S_MAX
        try:
            await self._carry(path, method, bodies, within_s)
        except grpc.aio.AioRpcError as error:
            code, words = error.code(), error.details() or ""
            if words == WRITTEN_TOO_LATE and method.client_streaming:
                return
            assert code not in MISTAKES, f"{path}: {code} {words} {bodies!r}"
            if code is grpc.StatusCode.DEADLINE_EXCEEDED:
                assert endless, f"{path} hangs on {bodies!r}"
            self.statuses[code] += count
        else:
            self.statuses[grpc.StatusCode.OK] += count

    async def _carry(
        self, path: str, method: MethodDescriptor, bodies: list[bytes], within_s: float
    ) -> None:
        if method.client_streaming:
            kind = "stream_stream" if method.server_streaming else "stream_unary"
            call: Any = getattr(self._channel, kind)(path)(timeout=within_s)
            # A call that has ended takes no more; how it ended is told below.
            with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError, grpc.aio.UsageError):
                for body in bodies:
                    await call.write(body)
                await call.done_writing()
        elif method.server_streaming:
            call = self._channel.unary_stream(path)(bodies[0], timeout=within_s)
        else:
            call = self._channel.unary_unary(path)(bodies[0], timeout=within_s)
        if not method.server_streaming:
            await call
            return
        async for _ in call:
            pass

    def _body(self, method: MethodDescriptor) -> bytes:
        if self._random.random() < 0.05:
            return self._random.randbytes(self._random.randrange(200))
        made = any_message(method.input_type, self._random)
        return mutated(made.SerializeToString(), self._random)


async def send_all(switch: SwitchProcess, certificates: Path, random: Random) -> None:
    methods = contract_methods()
    callers = [
        Caller(open_channel(switch.address, issue(certificates, name, role)), random)
        for name, role in CALLERS.items()
    ]
    sent = 0
    warm = 0

    async def lane(caller: Caller) -> None:
        nonlocal sent, warm
        while sent < REQUESTS:
            sent += 1
            await caller.send(random.choice(methods))
            progress.say(f"{sent:,} of {REQUESTS:,} requests")
            if sent >= REQUESTS // 10 and not warm:
                warm = resident_bytes(switch.pid)

    async with asyncio.TaskGroup() as lanes:
        for number in range(LANES):
            lanes.create_task(lane(callers[number % len(callers)]))
    assert resident_bytes(switch.pid) - warm < MEMORY_GROWTH_BYTES_MAX
    told = sum((caller.statuses for caller in callers), Counter())
    assert told[grpc.StatusCode.OK] and told[grpc.StatusCode.INVALID_ARGUMENT]
    assert told[grpc.StatusCode.PERMISSION_DENIED]


async def onboard(switch: SwitchProcess, certificates: Path) -> None:
    entries = [issue_for(certificates, one) for one in PARTICIPANTS]
    people = [issue(certificates, name, Role.OPERATOR) for name in ("operator", "navid")]
    async with (
        Operator.connect(switch.address, people[0]) as operator,
        Operator.connect(switch.address, people[1]) as second,
    ):
        await second.approve((await operator.put_participants(entries)).proposal)


async def still_pays(switch: SwitchProcess, certificates: Path) -> None:
    payment = Payment(
        id=new_payment_id(),
        kind=1,
        debtor_iban=iban.make("012", "1"),
        creditor_iban=iban.make("019", "1"),
        amount=1,
        unit="IRR",
    )
    folder = issue(certificates, "mellat", Role.BANK)
    async with Bank.connect(switch.address, folder) as bank:
        (state,) = (await bank.submit([payment])).states
    assert state == PaymentState.PAYMENT_STATE_RESERVED


@pytest.mark.timeout(14_400 if progress.SOAK else 300)
def test_whatever_is_sent_gets_a_status_and_harms_nothing(data: Path) -> None:
    async def run() -> None:
        switch = SwitchProcess(data)
        certificates = data / "certificates"
        issue_people(certificates)
        await switch.start()
        await onboard(switch, certificates)
        try:
            await send_all(switch, certificates, Random(1))
        except BaseException:
            log = (data / "log").read_text().splitlines()
            print("\n".join(line for line in log if '"level": "error"' in line))
            raise
        await still_pays(switch, certificates)
        await switch.stop()
        assert all(proof.holds for proof in await verify(data))

    asyncio.run(run())
