"""A switch in this process with banks connected to it: real TLS, a real database, a real journal.

    async with open_town(tmp_path, database) as town:
        await town.bank("melli").submit([town.pay("melli", "mellat", 1_000)])

Time is virtual: what the books go by moves when a test says so.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from payvand.client import Bank, FeeOffice, Operator
from payvand.switch.app import Switch, open_switch
from payvand.switch.certificates import CertificateFault, issue
from payvand.switch.config import Settings
from payvand.switch.identifiers import iban
from payvand.switch.identity import Role
from payvand.switch.onboarding import certificates_in
from payvand.switch.participant import ROLES
from payvand.v1.approval_service_pb2 import Proposal
from payvand.v1.participant_service_pb2 import (
    Participant,
    ParticipantRole,
    PutParticipantsResponse,
)
from payvand.v1.payment_pb2 import Payment, PaymentKind
from payvand.v1.payment_service_pb2 import FollowResponse, PaymentAnswer
from tests.support.traffic import SECOND, Clock

CAP = 1_000_000
DEADLINE_S = 10
TAX_IBAN = "IR440104001000000000000101"


def bank_entry(name: str, *codes: str, cap: int = CAP, auto_accept: bool = False) -> Participant:
    """Return a bank as an operator puts it."""
    return Participant(
        name=name,
        role=ParticipantRole.PARTICIPANT_ROLE_BANK,
        display_name=f"Bank {name}",
        bank_codes=codes,
        net_debit_cap=cap,
        unit="IRR",
        auto_accept=auto_accept,
    )


def agency_entry(name: str, *ibans: str, cap: int = 0) -> Participant:
    """Return a government service as an operator puts it."""
    return Participant(
        name=name,
        role=ParticipantRole.PARTICIPANT_ROLE_AGENCY,
        display_name=name,
        ibans=ibans,
        net_debit_cap=cap,
        unit="IRR",
        auto_accept=True,
    )


PARTICIPANTS = (
    bank_entry("melli", "017", "062"),
    bank_entry("mellat", "012"),
    bank_entry("saderat", "019"),
    agency_entry("tax", TAX_IBAN),
)
CODES = {"melli": "017", "mellat": "012", "saderat": "019"}


PEOPLE = {
    "operator": Role.OPERATOR,
    "navid": Role.OPERATOR,
    "omid": Role.OPERATOR,
    "auditor": Role.AUDITOR,
    "cbi": Role.CENTRAL_BANK,
    "maryam@judiciary": Role.AGENCY_CLERK,
    "reza@judiciary": Role.AGENCY_APPROVER,
    "sara@tax": Role.AGENCY_CLERK,
    "reza@tax": Role.AGENCY_APPROVER,
    "ali@tax": Role.AGENCY_CLERK,
    "omid@tax": Role.AGENCY_APPROVER,
    "maryam@roads": Role.AGENCY_CLERK,
    "reza@roads": Role.AGENCY_APPROVER,
    "sara": Role.TREASURY,
}
"""Who is there from the start; navid approves what the operator proposes."""


@dataclass
class Town:
    """The switch and who is connected to it."""

    switch: Switch
    clock: Clock
    certificates: Path
    connections: dict[str, Any] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: count(1))

    @property
    def operator(self) -> Operator:
        """The operator's connection."""
        return self._connect(Operator, "operator", Role.OPERATOR)

    @property
    def second(self) -> Operator:
        """The connection of the operator who approves."""
        return self.operator_named("navid")

    async def put(self, participants: Sequence[Participant]) -> list[Participant]:
        """Onboard participants, with their certificates, or bring them up to date; numbered."""
        reply = await self.propose(participants)
        if reply.HasField("proposal"):
            await self.second.approve(reply.proposal)
        return list(reply.participants)

    async def propose(self, participants: Sequence[Participant]) -> PutParticipantsResponse:
        """Propose to put participants, with their certificates."""
        wanted = [issue_for(self.certificates, one) for one in participants]
        return await self.operator.put_participants(wanted)

    async def change(self, name: str, **traits: Any) -> Proposal:
        """Change traits of a participant."""
        proposal = await self.operator.change_participant(name, traits, reason="a test")
        return await self.second.approve(proposal)

    async def fund(self, name: str, amount: int, *, funding_id: bytes | None = None) -> int:
        """Pay in at the central bank; return the balance of the settlement account."""
        reply = await self.operator.fund(name, amount, funding_id=funding_id)
        await self.second.approve(reply.proposal)
        return next(
            one.settlement_balance
            for one in await self.operator.participants()
            if one.participant.name == name
        )

    def operator_named(self, name: str) -> Operator:
        """Return another operator's connection."""
        return self._connect(Operator, name, Role.OPERATOR)

    @property
    def auditor(self) -> Operator:
        """An auditor's connection, which has an operator's words and not the rights."""
        return self._connect(Operator, "auditor", Role.AUDITOR)

    def person(self, name: str, role: Role) -> Bank:
        """Return the connection of a person of an agency, or of the treasury."""
        return self._connect(Bank, name, role)

    def bank(self, name: str) -> Bank:
        """Return a bank's or an agency's connection."""
        role = Role.BANK if name in CODES else Role.AGENCY
        return self._connect(Bank, name, role)

    def office(self, name: str, role: Role) -> FeeOffice:
        """Return the connection of somebody who deals with fees."""
        return self._connect(FeeOffice, name, role)

    def _connect(self, kind: Any, name: str, role: Role) -> Any:
        key = f"{kind.__name__} {name}"
        if key not in self.connections:
            folder = issue(self.certificates, name, role)
            self.connections[key] = kind.connect(self.switch.address.address, folder, patience_s=0)
        return self.connections[key]

    def account(self, name: str, number: int = 1) -> str:
        """Return an account at a participant."""
        return TAX_IBAN if name == "tax" else iban.make(CODES[name], str(number))

    def pay(self, debtor: str, creditor: str, amount: int, **fields: Any) -> Payment:
        """Return a payment between accounts of two participants, with the next id."""
        given = {
            "id": next(self.numbers).to_bytes(16, "big"),
            "kind": PaymentKind.PAYMENT_KIND_CREDIT_TRANSFER,
            "debtor_iban": self.account(debtor),
            "creditor_iban": self.account(creditor),
            "amount": amount,
            "unit": "IRR",
        }
        return Payment(**given | fields)

    async def steps(self, name: str, count: int, cursor: int = 0) -> list[FollowResponse]:
        """Return the first *count* steps that concern a participant."""
        steps = []
        async for step in self.bank(name).follow(cursor):
            steps.append(step)
            if len(steps) == count:
                break
        return steps

    async def answer(self, name: str, *ids: bytes, reject: str = "") -> list[int]:
        """Accept payments, or reject them with a reason."""
        return await self.bank(name).answer(
            [PaymentAnswer(id=one, accept=not reject, reason_code=reject) for one in ids]
        )

    async def let_time_pass(self, seconds: int) -> None:
        """Move the clock, and let a frame come by that shows it to the books."""
        self.clock.now += seconds * SECOND
        await self.fund("tax", 1)


def issue_people(certificates: Path) -> None:
    """Issue their certificates to those who are there from the start."""
    for name, role in PEOPLE.items():
        issue(certificates, name, role)


def issue_for(certificates: Path, participant: Participant) -> Participant:
    """Issue a certificate to a participant; return it with that to be registered."""
    wanted = Participant()
    wanted.CopyFrom(participant)
    try:
        issue(certificates, participant.name, ROLES[participant.role])
    except (CertificateFault, KeyError):
        return wanted  # Its name or its role is what a test is about.
    if not wanted.certificates:
        wanted.certificates.extend(certificates_in(certificates, participant.name))
    return wanted


@asynccontextmanager
async def open_town(
    folder: Path,
    database: str,
    *,
    participants: Iterable[Participant] = PARTICIPANTS,
    clock: Clock | None = None,
    **settings: Any,
) -> AsyncIterator[Town]:
    """Open a switch on *folder* and *database*, onboard *participants*, and close it all again."""
    clock = clock or Clock()
    issue_people(folder / "certificates")
    chosen = {
        "data": folder,
        "listen": "127.0.0.1:0",
        "database": database,
        "acceptance_deadline_s": DEADLINE_S,
        "stop_grace_s": 5.0,
    }
    async with open_switch(Settings(**chosen | settings), clock=clock) as switch:
        town = Town(switch, clock, folder / "certificates")
        try:
            if wanted := list(participants):
                await town.put(wanted)
            yield town
        finally:
            for connection in town.connections.values():
                await connection.close()
