"""From a directory file to participants that can pay: certificates, onboarding, prefunding.

Two operators do it: one proposes, the other approves. Every step may be repeated at will; what is
so already is left alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Final

from payvand.client import Operator
from payvand.switch.certificates import issue, make_authority
from payvand.switch.directory_file import ParticipantEntry
from payvand.switch.identity import Role
from payvand.switch.participant import ROLE_NUMBERS, ROLES
from payvand.v1.participant_service_pb2 import (
    Participant,
    ParticipantCertificate,
    ParticipantRole,
    PutParticipantsResponse,
)

__all__ = [
    "OPERATOR",
    "ROLE_NAMES",
    "SECOND_OPERATOR",
    "certificates_in",
    "funding_id",
    "issue_all",
    "prefund",
    "propose",
    "put",
]

OPERATOR: Final = "operator"
"""The name of an operator's certificate in a data folder."""
SECOND_OPERATOR: Final = "second-operator"
"""Who approves what that operator proposes."""

REQUEST_PARTICIPANTS_MAX: Final = 500
"""Of one proposal, whose content is bounded; onboarding of more takes several."""

ROLE_NAMES: Final[Mapping[ParticipantRole, str]] = MappingProxyType(
    {number: role.value for number, role in ROLES.items()}
)


def issue_all(folder: Path, holders: Iterable[tuple[str, Role]]) -> None:
    """Issue certificates to the switch, two operators and *holders*, where none holds yet."""
    make_authority(folder)
    operators = ((name, Role.OPERATOR) for name in (OPERATOR, SECOND_OPERATOR))
    for name, role in [("switch", Role.SWITCH), *operators, *holders]:
        issue(folder, name, role)


def certificates_in(folder: Path, name: str) -> list[ParticipantCertificate]:
    """Return the certificate of *name* in a folder of certificates; none where there is none."""
    path = folder / name / "certificate.pem"
    return [ParticipantCertificate(pem=path.read_text("ascii"))] if path.exists() else []


async def propose(
    operator: Operator,
    entries: Sequence[ParticipantEntry],
    certificates: Path,
    *,
    reason: str = "onboarding",
    due_at: int = 0,
) -> list[PutParticipantsResponse]:
    """Propose to onboard *entries*, with their certificates in the folder *certificates*.

    Returns a reply for each 500 of them.
    """
    wanted = [
        Participant(
            name=entry.name,
            role=ROLE_NUMBERS[Role(entry.role)],
            display_name=entry.display_name,
            display_name_fa=entry.display_name_fa,
            bank_codes=entry.bank_codes,
            ibans=entry.ibans,
            net_debit_cap=entry.net_debit_cap,
            unit=entry.unit,
            auto_accept=entry.auto_accept,
            certificates=certificates_in(certificates, entry.name),
        )
        for entry in entries
    ]
    return [
        await operator.put_participants(
            wanted[start : start + REQUEST_PARTICIPANTS_MAX], reason=reason, due_at=due_at
        )
        for start in range(0, len(wanted), REQUEST_PARTICIPANTS_MAX)
    ]


async def put(
    operator: Operator,
    second: Operator,
    entries: Sequence[ParticipantEntry],
    certificates: Path,
) -> list[Participant]:
    """Onboard *entries* and return the participants with their numbers."""
    participants: list[Participant] = []
    for start in range(0, len(entries), REQUEST_PARTICIPANTS_MAX):
        part = entries[start : start + REQUEST_PARTICIPANTS_MAX]
        (reply,) = await propose(operator, part, certificates)
        if reply.HasField("proposal"):
            await second.approve(reply.proposal)
        participants += reply.participants
    return participants


async def prefund(operator: Operator, second: Operator, entry: ParticipantEntry) -> int:
    """Pay in a participant's prefunding, once however often it is called; return its balance."""
    identity = funding_id(entry.name, "prefunding")
    for _ in range(2):  # The second time it is in the books, and the balance says so.
        reply = await operator.fund(entry.name, entry.prefunding, funding_id=identity)
        await second.approve(reply.proposal)
    return reply.settlement_balance


def funding_id(participant: str, reference: str) -> bytes:
    """Return the id that makes a paying in happen once: of who paid and its reference."""
    digest = blake2b(
        f"{participant}\0{reference}".encode(), digest_size=16, person=b"payvand.funding"
    ).digest()
    return bytes((digest[0] & 0x7F,)) + digest[1:]
