"""A restart under load: whoever makes a call again with the same ids sees it done, and never fails.

The switch is a process of its own, with its PostgreSQL and real TLS. Banks submit one by one, in
batches on a stream, answer and ask; operators propose and approve. It is stopped in order and
started again while all of that goes on, and nobody is told anything but answers.
"""

import asyncio
from itertools import count
from pathlib import Path

from payvand.client import Bank, Operator, new_payment_id
from payvand.switch.identifiers import iban
from payvand.switch.onboarding import OPERATOR, SECOND_OPERATOR, issue_all
from payvand.v1.approval_service_pb2 import ProposalState
from payvand.v1.payment_pb2 import Payment, PaymentState
from payvand.v1.payment_service_pb2 import PaymentAnswer
from tests.support.switch_process import SwitchProcess
from tests.support.town import CODES, bank_entry, issue_for

RESTARTS = 3
PATIENCE_S = 60.0
CAP = 10**12
RESERVED = PaymentState.PAYMENT_STATE_RESERVED
SETTLED = PaymentState.PAYMENT_STATE_SETTLED
ENDED = {SETTLED, PaymentState.PAYMENT_STATE_EXPIRED}


ACCOUNTS = count(1)
"""A fast machine makes more payments than the rules of velocity let one account make."""


def payment(debtor: str, creditor: str) -> Payment:
    return Payment(
        id=new_payment_id(),
        kind=1,
        debtor_iban=iban.make(CODES[debtor], str(next(ACCOUNTS))),
        creditor_iban=iban.make(CODES[creditor], "1"),
        amount=1,
        unit="IRR",
    )


async def _scene(folder: Path, database: str) -> dict[str, int]:
    certificates = folder / "certificates"
    issue_all(certificates, [])
    switch = SwitchProcess(folder, database, acceptance_deadline_s=30)
    await switch.start()
    operator, second = (
        Operator.connect(switch.address, certificates / name, patience_s=PATIENCE_S)
        for name in (OPERATOR, SECOND_OPERATOR)
    )
    entries = [
        issue_for(certificates, bank_entry(name, CODES[name], cap=CAP))
        for name in ("melli", "mellat")
    ]
    await second.approve((await operator.put_participants(entries)).proposal)
    melli, mellat = (
        Bank.connect(switch.address, certificates / name, patience_s=PATIENCE_S)
        for name in ("melli", "mellat")
    )
    end = asyncio.Event()
    done = {"single": 0, "batched": 0, "answered": 0, "asked": 0, "funded": 0}
    sent: list[bytes] = []

    async def single() -> None:
        while not end.is_set():
            one = payment("melli", "mellat")
            for _ in range(2):  # The second is a retry.
                reply = await melli.submit([one])
                assert reply.states[0] in {RESERVED, SETTLED}
            sent.append(one.id)
            done["single"] += 1

    async def batched() -> None:
        def batches() -> object:
            while not end.is_set():
                yield [payment("mellat", "melli") for _ in range(20)]

        async for batch, reply in mellat.submit_stream(batches(), window=4):  # type: ignore[arg-type]
            assert set(reply.states) <= {RESERVED, SETTLED}
            sent.extend(one.id for one in batch)
            done["batched"] += len(batch)

    async def answering(bank: Bank) -> None:
        async for step in bank.follow():
            if step.offers:
                answers = [PaymentAnswer(id=one.id, accept=True) for one in step.offers]
                for _ in range(2):
                    assert set(await bank.answer(answers)) <= ENDED
                done["answered"] += len(answers)

    async def asking() -> None:
        while not end.is_set():
            if sent:
                assert (await melli.status(sent[-1:]))[0].state
            await asyncio.sleep(0.02)
            done["asked"] += 1

    async def funding() -> None:
        while not end.is_set():
            identity = new_payment_id()
            for _ in range(2):
                reply = await operator.fund("melli", 1, funding_id=identity)
                approved = await second.approvals.approve(identity, digest=reply.proposal.digest)
                assert approved.state == ProposalState.PROPOSAL_STATE_CARRIED_OUT
            done["funded"] += 1

    async with asyncio.TaskGroup() as tasks:
        followers = [tasks.create_task(answering(bank)) for bank in (melli, mellat)]
        working = [tasks.create_task(work()) for work in (single, batched, asking, funding)]
        for _ in range(RESTARTS):
            await asyncio.sleep(1.0)
            await switch.stop()
            await switch.start()
        await asyncio.sleep(1.0)
        end.set()
        await asyncio.gather(*working)
        async with asyncio.timeout(60):
            while done["answered"] < len(sent):
                await melli.status(sent[-1:])
        for follower in followers:
            follower.cancel()
    (position,) = await melli.participants()
    assert position.settlement_balance == done["funded"], "each funding counted once"
    states = {one.state for one in await melli.status(sent[-1_000:])}
    assert states == {SETTLED}
    for connection in (operator, second, melli, mellat):
        await connection.close()
    await switch.stop()
    return done


def test_no_call_that_is_made_again_fails_over_restarts(tmp_path: Path, database: str) -> None:
    done = asyncio.run(_scene(tmp_path, database))
    assert min(done.values()) > 0, done
