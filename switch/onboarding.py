"""From a directory file to participants that can pay: certificates, onboarding, prefunding.

Every step may be repeated at will; what is so already is left alone.
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
from payvand.v1.participant_service_pb2 import Participant, ParticipantRole

__all__ = ["OPERATOR", "ROLE_NAMES", "funding_id", "issue_all", "prefund", "put"]

OPERATOR: Final = "operator"
"""The name of the operator's certificate in a data folder."""

_ROLES: Final = {
    "bank": ParticipantRole.PARTICIPANT_ROLE_BANK,
    "agency": ParticipantRole.PARTICIPANT_ROLE_AGENCY,
}
ROLE_NAMES: Final[Mapping[ParticipantRole, str]] = MappingProxyType(
    {role: name for name, role in _ROLES.items()}
)


def issue_all(folder: Path, holders: Iterable[tuple[str, Role]]) -> None:
    """Issue certificates to the switch, to an operator and to *holders*, where none holds yet."""
    make_authority(folder)
    for name, role in [("switch", Role.SWITCH), (OPERATOR, Role.OPERATOR), *holders]:
        issue(folder, name, role)


async def put(operator: Operator, entries: Sequence[ParticipantEntry]) -> list[Participant]:
    """Onboard *entries* and return the participants with their numbers."""
    return await operator.put_participants(
        [
            Participant(
                name=entry.name,
                role=_ROLES[entry.role],
                display_name=entry.display_name,
                display_name_fa=entry.display_name_fa,
                bank_codes=entry.bank_codes,
                ibans=entry.ibans,
                net_debit_cap=entry.net_debit_cap,
                unit=entry.unit,
                auto_accept=entry.auto_accept,
            )
            for entry in entries
        ]
    )


async def prefund(operator: Operator, entry: ParticipantEntry) -> int:
    """Pay in a participant's prefunding, once however often it is called; return its balance."""
    return await operator.fund(
        entry.name, entry.prefunding, funding_id=funding_id(entry.name, "prefunding")
    )


def funding_id(participant: str, reference: str) -> bytes:
    """Return the id that makes a paying in happen once: of who paid and its reference."""
    digest = blake2b(
        f"{participant}\0{reference}".encode(), digest_size=16, person=b"payvand.funding"
    ).digest()
    return bytes((digest[0] & 0x7F,)) + digest[1:]
