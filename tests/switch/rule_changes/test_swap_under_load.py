"""Holidays and a bank's succession are swapped again and again while banks pay: nothing fails.

The switch is a process of its own with its own PostgreSQL; two banks keep a stream of batches each
under way over mutual TLS all the while, and never open another one.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from payvand.client import Bank, Operator, new_payment_id
from payvand.core.records import u128_list
from payvand.core.segments import read_frames
from payvand.settlement.database import connect
from payvand.settlement.netting import position_account
from payvand.settlement.postgres import EmbeddedPostgres
from payvand.settlement.proofs import prove_all
from payvand.switch.certificates import issue
from payvand.switch.identifiers import iban
from payvand.switch.identity import Role
from payvand.switch.rules.rulebook import shipped_text
from payvand.v1.approval_service_pb2 import ProposalState
from payvand.v1.payment_pb2 import Payment, PaymentKind, PaymentState
from tests.support.switch_process import SwitchProcess
from tests.support.town import bank_entry, issue_for

SETTLED = PaymentState.PAYMENT_STATE_SETTLED
CARRIED_OUT = ProposalState.PROPOSAL_STATE_CARRIED_OUT
SWAPS = 60 if os.environ.get("PAYVAND_SOAK") == "1" else 6
BATCH = 100
CAP = 10**15
MELLI, SADERAT = 1, 3
"""The numbers of those to which the code 062 leads by turns."""

BANKS = shipped_text("banks")
HOLIDAYS = shipped_text("holidays")
SUCCESSION = 'until = "1404-08-02"\nsuccessor = "017"\n'
assert BANKS.count(SUCCESSION) == 1


@dataclass
class PayingBank:
    """A bank that pays to accounts of the merged bank and of others, without a pause."""

    code: str
    other: str
    connection: Bank
    accounts: Iterator[int] = field(default_factory=count)
    states: Counter[int] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    def batches(self, end: asyncio.Event) -> Iterator[list[Payment]]:
        while not end.is_set():
            yield [
                self.payment(("062", "012" if self.code == "015" else "015")[i % 2])
                for i in range(BATCH)
            ]

    def payment(self, code: str) -> Payment:
        """Return a payment between accounts that no other one is between: scoring lets it pass."""
        account = str(next(self.accounts))
        return Payment(
            id=new_payment_id(),
            kind=PaymentKind.PAYMENT_KIND_CREDIT_TRANSFER,
            debtor_iban=iban.make(self.code, account),
            creditor_iban=iban.make(code, account),
            amount=1,
            unit="IRR",
        )

    async def pay_until(self, end: asyncio.Event) -> None:
        async for _, reply in self.connection.submit_stream(self.batches(end), window=4):
            self.states.update(reply.states)
            self.failed += [one.rule for one in reply.refusals]
            self.failed += [one.reason.detail for one in reply.declined]


async def _swap(first: Operator, second: Operator, table: str, text: str) -> None:
    reply = await first.rule_tables.take(table, text, reason="a circular")
    proposal = reply.version.proposal
    done = await second.approvals.approve(proposal.id, digest=proposal.digest)
    assert done.state == CARRIED_OUT


async def _run(data: Path) -> tuple[list[PayingBank], list[tuple[bytes, int]]]:
    """Pay and swap; return the banks, and payments with the holder that each must have gone to."""
    switch = SwitchProcess(data)
    await switch.start()

    def connected(kind: type[Bank] | type[Operator], name: str, role: Role) -> "Bank | Operator":
        return kind.connect(switch.address, issue(data / "certificates", name, role))

    operators = [connected(Operator, name, Role.OPERATOR) for name in ("operator", "navid")]
    first, second = operators
    assert isinstance(first, Operator)
    assert isinstance(second, Operator)
    entries = [
        issue_for(data / "certificates", bank_entry(name, code, cap=CAP, auto_accept=True))
        for name, code in (
            ("melli", "017"),
            ("mellat", "012"),
            ("saderat", "019"),
            ("sepah", "015"),
        )
    ]
    await second.approve((await first.put_participants(entries)).proposal)
    banks = []
    for name, code, other in (("mellat", "012", "015"), ("sepah", "015", "012")):
        connection = connected(Bank, name, Role.BANK)
        assert isinstance(connection, Bank)
        banks.append(PayingBank(code, other, connection))
    end = asyncio.Event()
    paying = [asyncio.create_task(bank.pay_until(end)) for bank in banks]
    probes: list[tuple[bytes, int]] = []
    try:
        for turn in range(SWAPS):
            holder, code = ((SADERAT, "019"), (MELLI, "017"))[turn % 2]
            closure = f'days = [["1404-11-{turn + 1:02}", "Closure {turn}", "تعطیلی"],'
            await _swap(first, second, "holidays", HOLIDAYS.replace("days = [", closure))
            succession = SUCCESSION.replace("017", code)
            text = f"# turn {turn}\n" + BANKS.replace(SUCCESSION, succession)
            await _swap(first, second, "banks", text)
            probe = banks[0].payment("062")
            reply = await banks[0].connection.submit([probe])
            assert list(reply.states) == [SETTLED]
            probes.append((probe.id, holder))
            assert not any(task.done() for task in paying)
        end.set()
        await asyncio.gather(*paying)
    finally:
        for task in paying:
            task.cancel()
        await asyncio.gather(*paying, return_exceptions=True)
        for one in (*operators, *(bank.connection for bank in banks)):
            await one.close()
        await switch.stop()
    return banks, probes


@pytest.mark.timeout(600)
def test_no_payment_fails_while_holidays_and_a_succession_are_swapped(data: Path) -> None:
    banks, probes = asyncio.run(_run(data))
    for bank in banks:
        assert bank.failed == []
        assert set(bank.states) == {SETTLED}
        assert bank.states[SETTLED] >= SWAPS * BATCH
    holders = {
        identity: account
        for frame in read_frames(data / "journal", 0)
        if len(frame.payload_offsets)
        for identity, account in zip(
            u128_list(frame.records["id"]),
            u128_list(frame.records["credit_account_id"]),
            strict=True,
        )
    }
    for identity, holder in probes:
        assert holders[int.from_bytes(identity, "big")] == position_account(holder)

    async def prove() -> None:
        with EmbeddedPostgres(data / "database") as postgres:
            pool = await connect(postgres)
            wrong = [one for one in await prove_all(data / "journal", pool) if not one.holds]
            await pool.close()
        assert not wrong, wrong

    asyncio.run(prove())
