"""A participant: a bank, a government service, the central bank, or a person who operates."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from payvand.switch.identity import Role
from payvand.switch.units import UNITS
from payvand.v1.participant_service_pb2 import ParticipantRole

__all__ = ["ROLES", "ROLE_NUMBERS", "Certificate", "Contact", "Direction", "Participant"]

ROLES: Final[Mapping[ParticipantRole, Role]] = MappingProxyType(
    {
        ParticipantRole.PARTICIPANT_ROLE_BANK: Role.BANK,
        ParticipantRole.PARTICIPANT_ROLE_AGENCY: Role.AGENCY,
        ParticipantRole.PARTICIPANT_ROLE_CENTRAL_BANK: Role.CENTRAL_BANK,
        ParticipantRole.PARTICIPANT_ROLE_OPERATOR: Role.OPERATOR,
        ParticipantRole.PARTICIPANT_ROLE_AUDITOR: Role.AUDITOR,
        ParticipantRole.PARTICIPANT_ROLE_AGENCY_CLERK: Role.AGENCY_CLERK,
        ParticipantRole.PARTICIPANT_ROLE_AGENCY_APPROVER: Role.AGENCY_APPROVER,
        ParticipantRole.PARTICIPANT_ROLE_TREASURY: Role.TREASURY,
    }
)
"""What the holder of a participant's certificate is, by the contract's number."""
ROLE_NUMBERS: Final[Mapping[Role, ParticipantRole]] = MappingProxyType(
    {role: number for number, role in ROLES.items()}
)

_WITH_ACCOUNTS: Final = frozenset({Role.BANK, Role.AGENCY})


class Direction(StrEnum):
    """Whether payments may go one way."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody to call."""

    purpose: str
    name: str
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that identifies a participant."""

    fingerprint: str
    """SHA-256 of its DER form, in hexadecimal."""
    serial: str
    """In hexadecimal."""
    not_before: int
    """Nanoseconds since 1970, as the next one."""
    not_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """Somebody who takes part in this switch."""

    number: int
    """From 1; ledger accounts derive from it. 0 before the registry gave it one."""
    name: str
    """The short name, which its certificate carries."""
    role: ParticipantRole
    display_name: str
    """In English."""
    display_name_fa: str = ""
    """In Persian; empty where it has none."""
    bank_codes: tuple[str, ...] = ()
    ibans: tuple[str, ...] = ()
    net_debit_cap: int = 0
    """In minor units of the unit."""
    unit: str = ""
    """Empty where it has no accounts."""
    auto_accept: bool = False
    contacts: tuple[Contact, ...] = ()
    sending: Direction = Direction.ACTIVE
    receiving: Direction = Direction.ACTIVE
    certificates: tuple[Certificate, ...] = ()
    """Those that identify it; revoked ones are not among them."""
    signing_keys: tuple[str, ...] = ()
    """Ed25519 public keys in hexadecimal."""
    signature_required: bool = False
    payments_per_second: int = 0
    """How many it may submit; 0 for as many as there is room for."""

    @property
    def ledger(self) -> int:
        """The number of its unit's ledger."""
        return UNITS[self.unit].ledger

    @property
    def has_accounts(self) -> bool:
        """Whether the ledger keeps accounts of it: it sends or receives payments."""
        return ROLES[self.role] in _WITH_ACCOUNTS

    @property
    def is_closed(self) -> bool:
        """Whether it takes no part any more."""
        return self.sending is Direction.CLOSED
