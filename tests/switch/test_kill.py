"""SIGKILL at random moments under load: every acknowledged payment is there once, nothing else is.

The switch and its PostgreSQL are real processes; three banks submit, follow and answer over TLS
all the while, and mend their connections by themselves. Afterwards what they were told is held
against the journal, the ledger, the database and their own inbound streams.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from payvand.client import Bank, Operator, new_payment_id
from payvand.core.records import TransferFlags, u128_list
from payvand.core.segments import read_frames
from payvand.settlement.database import connect
from payvand.settlement.postgres import EmbeddedPostgres
from payvand.settlement.proofs import prove_all
from payvand.switch.certificates import issue
from payvand.switch.identifiers import iban
from payvand.switch.identity import Role
from payvand.switch.onboarding import issue_all
from payvand.v1.payment_pb2 import Payment, PaymentState
from payvand.v1.payment_service_pb2 import PaymentAnswer
from tests.support.switch_process import SwitchProcess
from tests.support.town import CODES, bank_entry, issue_for

RESERVED = PaymentState.PAYMENT_STATE_RESERVED
SETTLED = PaymentState.PAYMENT_STATE_SETTLED
REJECTED = PaymentState.PAYMENT_STATE_REJECTED
EXPIRED = PaymentState.PAYMENT_STATE_EXPIRED
DECLINED = PaymentState.PAYMENT_STATE_DECLINED
FINAL = {SETTLED, REJECTED, EXPIRED, DECLINED}
AFTER = {RESERVED: {RESERVED} | FINAL - {DECLINED}} | {state: {state} for state in FINAL}
"""What may become of a payment once its bank was told a state."""

SOAK = os.environ.get("PAYVAND_SOAK") == "1"
KILLS = 60 if SOAK else 4
CAP = 2_000_000
BATCH_MAX = 150
PATIENCE_S = 60.0


@dataclass
class LoadedBank:
    """A bank that submits, follows and answers, and remembers all it said and was told."""

    name: str
    connection: Bank
    random: Random
    submitted: dict[bytes, Payment] = field(default_factory=dict)
    told: dict[bytes, int] = field(default_factory=dict)
    offered: dict[bytes, Payment] = field(default_factory=dict)
    answered: dict[bytes, int] = field(default_factory=dict)
    outcomes: Counter[tuple[bytes, int]] = field(default_factory=Counter)
    cursors: list[int] = field(default_factory=list)

    def batch(self) -> list[Payment]:
        others = [name for name in CODES if name != self.name]
        batch = [
            Payment(
                id=new_payment_id(),
                kind=1,
                debtor_iban=iban.make(CODES[self.name], str(self.random.randrange(500))),
                creditor_iban=iban.make(CODES[self.random.choice(others)], "1"),
                amount=self.random.randrange(1, 2_000) if self.random.randrange(40) else CAP + 1,
                unit="IRR",
                end_to_end_id=f"E-{self.random.random()}",
            )
            for _ in range(self.random.randrange(1, BATCH_MAX))
        ]
        self.submitted |= {payment.id: payment for payment in batch}
        if self.random.randrange(4) == 0 and self.told:  # one that was sent before
            batch.append(self.submitted[self.random.choice(list(self.told))])
        return batch

    async def submit_until(self, end: asyncio.Event) -> None:
        def batches() -> Iterator[list[Payment]]:
            while not end.is_set():
                yield self.batch()

        async for batch, reply in self.connection.submit_stream(batches(), window=4):
            for payment, state in zip(batch, reply.states, strict=True):
                before = self.told.get(payment.id)
                assert before is None or state in AFTER[before]
                self.told.setdefault(payment.id, state)

    async def follow(self) -> None:
        async for step in self.connection.follow():
            self.cursors.append(step.cursor)
            self.outcomes.update((one.id, one.state) for one in step.outcomes)
            fresh = [one for one in step.offers if self.random.randrange(10)]  # or never answered
            for one in step.offers:
                assert one.id not in self.offered, "an offer came twice over a mended stream"
                self.offered[one.id] = one
            verdicts = [
                PaymentAnswer(id=one.id, accept=True)
                if self.random.randrange(5)
                else PaymentAnswer(id=one.id, reason_code="AC04")
                for one in fresh
            ]
            if verdicts:
                states = await self.connection.answer(verdicts)
                for verdict, state in zip(verdicts, states, strict=True):
                    assert state in (SETTLED if verdict.accept else REJECTED, EXPIRED)
                    self.answered[verdict.id] = state


async def _everything_told(banks: list[LoadedBank]) -> None:
    """Wait until both banks of every payment were told how it ended."""
    by_code = {CODES[bank.name]: bank for bank in banks}
    while True:
        waiting = 0
        for bank in banks:
            ended = dict(bank.outcomes.keys())
            for identity, payment in bank.submitted.items():
                state = ended.get(identity)
                creditor = by_code[payment.creditor_iban[4:7]]
                waiting += state is None or not (
                    state == DECLINED or creditor.outcomes[identity, state]
                )
        if not waiting:
            return
        await asyncio.sleep(0.1)


async def _run(data: Path, seed: int) -> list[LoadedBank]:
    random = Random(seed)
    switch = SwitchProcess(data, acceptance_deadline_s=2)
    certificates = data / "certificates"
    issue_all(certificates, [])
    await switch.start()
    operator = Operator.connect(
        switch.address, issue(certificates, "operator", Role.OPERATOR), patience_s=PATIENCE_S
    )
    second = Operator.connect(
        switch.address,
        issue(certificates, "second-operator", Role.OPERATOR),
        patience_s=PATIENCE_S,
    )
    entries = [issue_for(certificates, bank_entry(one, CODES[one], cap=CAP)) for one in BANKS]
    await second.approve((await operator.put_participants(entries)).proposal)
    await second.close()
    banks = [
        LoadedBank(
            name,
            Bank.connect(
                switch.address, issue(certificates, name, Role.BANK), patience_s=PATIENCE_S
            ),
            Random(f"{seed} {name}"),
        )
        for name in BANKS
    ]
    end = asyncio.Event()
    followers = [asyncio.create_task(bank.follow()) for bank in banks]
    submitters = [asyncio.create_task(bank.submit_until(end)) for bank in banks]
    try:
        for _ in range(KILLS):
            await asyncio.sleep(random.uniform(0.05, 0.8))
            await switch.kill()
            await switch.start()
        end.set()
        await asyncio.gather(*submitters)
        waiting = asyncio.create_task(_everything_told(banks))
        await asyncio.wait([waiting, *followers], return_when=asyncio.FIRST_COMPLETED)
        for follower in followers:
            assert not follower.done() or follower.result() is None
        await _compare_states(banks)
    finally:
        for task in (*followers, *submitters):
            task.cancel()
        await asyncio.gather(*followers, *submitters, return_exceptions=True)
        for connection in (operator, *(bank.connection for bank in banks)):
            await connection.close()
        await switch.stop()
    return banks


BANKS = ("melli", "mellat", "saderat")


async def _compare_states(banks: list[LoadedBank]) -> None:
    """Hold what the ledger says now against what each bank was told on the way."""
    by_code = {CODES[bank.name]: bank for bank in banks}
    for bank in banks:
        assert bank.told.keys() == bank.submitted.keys(), "each batch was answered in the end"
        ids = list(bank.told)
        for start in range(0, len(ids), 8_000):
            chunk = ids[start : start + 8_000]
            for identity, status in zip(chunk, await bank.connection.status(chunk), strict=True):
                told = bank.told[identity]
                assert status.state in AFTER[told] & FINAL
                assert bank.outcomes[identity, status.state] == 1
                creditor = by_code[bank.submitted[identity].creditor_iban[4:7]]
                assert creditor.outcomes[identity, status.state] == (status.state != DECLINED)
                assert creditor.answered.get(identity, status.state) == status.state
        assert sum(bank.outcomes.values()) == len({identity for identity, _ in bank.outcomes})
        assert bank.cursors == sorted(set(bank.cursors))


def _compare_journal(journal: Path, banks: list[LoadedBank]) -> Counter[int]:
    """Hold the journal's transfers against what the banks said; return how payments ended."""
    submitted = {int.from_bytes(i, "big"): p for bank in banks for i, p in bank.submitted.items()}
    offered = {int.from_bytes(i, "big") for bank in banks for i in bank.offered}
    seen: Counter[int] = Counter()
    ended: Counter[int] = Counter()
    states: Counter[int] = Counter()
    for frame in read_frames(journal, 0):
        ended.update(u128_list(frame.expired["id"]))
        states[EXPIRED] += len(frame.expired)
        if frame.records.dtype.names is None or "pending_id" not in frame.records.dtype.names:
            continue
        created = frame.records[frame.statuses == 0xFFFF_FFFF]
        answers = created["flags"] & 12 != 0
        seen.update(u128_list(created["id"][~answers]))
        ended.update(u128_list(created["pending_id"][answers]))
        posted = created["flags"] & int(TransferFlags.POST_PENDING_TRANSFER) != 0
        states[SETTLED] += int(posted.sum())
        states[REJECTED] += int((answers & ~posted).sum())
        for identity, amount in zip(
            u128_list(created["id"][~answers]),
            created["amount"]["lo"][~answers].tolist(),
            strict=True,
        ):
            assert submitted[identity].amount == amount
    assert set(seen.values()) == {1}, "a payment was recorded twice"
    assert set(ended.values()) == {1}, "a payment ended twice"
    assert seen.keys() == ended.keys() == offered
    recorded = {
        int.from_bytes(identity, "big")
        for bank in banks
        for identity, state in bank.told.items()
        if state != DECLINED
    }
    assert recorded == seen.keys(), "all that was acknowledged, and nothing else"
    return states


@pytest.mark.timeout(1_800 if SOAK else 180)
def test_a_killed_switch_keeps_what_it_acknowledged_and_nothing_else(data: Path) -> None:
    banks = asyncio.run(_run(data, seed=1))
    states = _compare_journal(data / "journal", banks)
    assert all(states[state] for state in (SETTLED, REJECTED, EXPIRED)), states
    assert any(DECLINED in bank.told.values() for bank in banks)

    async def prove() -> None:
        with EmbeddedPostgres(data / "database") as postgres:
            pool = await connect(postgres)
            wrong = [one for one in await prove_all(data / "journal", pool) if not one.holds]
            await pool.close()
        assert not wrong, wrong

    asyncio.run(prove())
