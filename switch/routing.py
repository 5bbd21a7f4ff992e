"""Routing: which participant an IBAN leads to; replaced whole when the directory changes.

A participant is reached by the very IBAN (government services, whose accounts are all at the
central bank) or else by the bank code in it. Old bank codes of merged banks lead to the successor,
since the directory gives it those codes too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from payvand.settlement.netting import position_account
from payvand.switch.identity import Role
from payvand.switch.participant import Participant
from payvand.v1.participant_service_pb2 import ParticipantRole

__all__ = ["ROLES", "Route", "Routing"]

ROLES: Final[Mapping[int, Role]] = {
    ParticipantRole.PARTICIPANT_ROLE_BANK: Role.BANK,
    ParticipantRole.PARTICIPANT_ROLE_AGENCY: Role.AGENCY,
}
"""What the holder of a participant's certificate is, by the contract's number."""


@dataclass(frozen=True, slots=True)
class Route:
    """What the payment path needs to know of a participant."""

    number: int
    name: str
    role: Role
    position: int
    """Its position account in the ledger."""
    ledger: int
    unit: str
    auto_accept: bool


class Routing:
    """The routes of one state of the directory. Immutable: a change makes another."""

    def __init__(self, participants: Iterable[Participant] = ()) -> None:
        """Lead to *participants*."""
        self.by_iban: dict[str, Route] = {}
        """By the very IBAN, 26 characters."""
        self.by_bank_code: dict[str, Route] = {}
        """By the three digits after the check digits."""
        self.by_name: dict[str, Route] = {}
        """By the short name that the participant's certificate carries."""
        self.names: dict[int, str] = {}
        """Short names by number."""
        for participant in participants:
            route = Route(
                participant.number,
                participant.name,
                ROLES[participant.role],
                position_account(participant.number),
                participant.ledger,
                participant.unit,
                participant.auto_accept,
            )
            self.by_iban |= dict.fromkeys(participant.ibans, route)
            self.by_bank_code |= dict.fromkeys(participant.bank_codes, route)
            self.by_name[participant.name] = route
            self.names[participant.number] = participant.name

    def route(self, iban: str) -> Route | None:
        """Return where a well-formed *iban* leads, or None where to no participant."""
        return self.by_iban.get(iban) or self.by_bank_code.get(iban[4:7])
