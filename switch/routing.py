"""Routing: which participant an IBAN leads to; replaced whole when the directory or a rule changes.

A participant is reached by the very IBAN (government services, whose accounts are all at the
central bank) or else by the bank code in it. Who holds a code on a day is what the table of banks
says: codes of merged and dissolved banks lead to the successor, and codes that are retired or not
issued yet lead nowhere, whatever the directory has. A code that the table doesn't know leads where
the directory says.

All of it is worked out when a routing is made, for every code there is: a payment costs a look-up.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from payvand.settlement.netting import position_account
from payvand.switch.charging import charge_table
from payvand.switch.identifiers.identifier_error import IdentifierError
from payvand.switch.identity import Role
from payvand.switch.participant import ROLES, Direction, Participant
from payvand.switch.rules.banks import Banks
from payvand.switch.rules.tariffs import Tariffs
from payvand.switch.units import UNITS
from payvand.switch.wire.route_table import RouteTable

__all__ = ["Route", "Routing"]


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
    sends: bool = True
    """False where it may send no new payments."""
    receives: bool = True
    """False where no new payments may go to it."""
    must_sign: bool = False
    """True where it would send, but for a signature."""
    signed_off: bool = False
    """True where it would receive, but said that it takes nothing new now."""
    payments_per_second: int = 0
    """How many it may submit; 0 for as many as there is room for."""


class Routing:
    """The routes of one state of the directory and one day. Immutable: a change makes another."""

    def __init__(
        self,
        participants: Iterable[Participant] = (),
        *,
        banks: Banks | None = None,
        tariffs: Tariffs | None = None,
        day: date = date.min,
        is_signed: bool = False,
        signed_off: frozenset[str] = frozenset(),
    ) -> None:
        """Lead to *participants*, by who holds which code on *day* as *banks* has it.

        What payments cost on that day, *tariffs* tells. Payments that are not signed, as
        *is_signed* tells, are refused to who must sign them; nothing new goes to those whose names
        are in *signed_off*.
        """
        participants = tuple(participants)
        self.by_iban: dict[str, Route] = {}
        """By the very IBAN, 26 characters."""
        self.by_bank_code: dict[str, Route] = {}
        """By the three digits after the check digits."""
        self.by_name: dict[str, Route] = {}
        """By the short name that the participant's certificate carries."""
        self.names: dict[int, str] = {}
        """Short names by number, also of who is closed."""
        for participant in participants:
            self.names[participant.number] = participant.name
            if participant.is_closed:
                continue
            must_sign = participant.signature_required and not is_signed
            active = participant.sending is Direction.ACTIVE
            route = Route(
                participant.number,
                participant.name,
                ROLES[participant.role],
                position_account(participant.number),
                participant.ledger,
                participant.unit,
                participant.auto_accept,
                active and not must_sign,
                participant.receiving is Direction.ACTIVE and participant.name not in signed_off,
                active and must_sign,
                participant.name in signed_off,
                participant.payments_per_second,
            )
            self.by_iban |= dict.fromkeys(participant.ibans, route)
            self.by_bank_code |= dict.fromkeys(participant.bank_codes, route)
            self.by_name[participant.name] = route
        self._refusals: dict[str, IdentifierError] = {}
        self._known: frozenset[str] | None = None
        if banks is not None:
            self._follow_successions(banks, day)
        self.table: Final = RouteTable(self.by_bank_code, self.by_iban, tuple(UNITS))
        """The same by bank code and IBAN, for the decoder."""
        self.charges: Final = charge_table(tariffs, participants, day) if tariffs else None
        """What payments cost; None where nothing is charged."""
        self.is_rated: Final = any(route.payments_per_second for route in self.by_name.values())
        """Whether anybody may submit so many payments a second only."""
        self.signed: Final[Routing] = (
            Routing(
                participants,
                banks=banks,
                tariffs=tariffs,
                day=day,
                is_signed=True,
                signed_off=signed_off,
            )
            if any(one.signature_required for one in participants) and not is_signed
            else self
        )
        """The same for payments that are signed."""

    def _follow_successions(self, banks: Banks, day: date) -> None:
        """Lead each code of the table to the participant that holds it on *day*."""
        own = dict(self.by_bank_code)
        for code in banks.banks:
            self.by_bank_code.pop(code, None)
            try:
                holding = banks.holder(code, day)
            except IdentifierError as refusal:
                self._refusals[code] = refusal
                continue
            if route := own.get(holding.bank.code) or own.get(code):
                self.by_bank_code[code] = route
        self._known = frozenset(banks.banks)

    def route(self, iban: str) -> Route | None:
        """Return where a well-formed *iban* leads, or None where to no participant."""
        return self.by_iban.get(iban) or self.by_bank_code.get(iban[4:7])

    def refusal(self, iban: str) -> IdentifierError:
        """Return why a well-formed *iban* leads nowhere; only where `route` returns None."""
        return self.refusal_of_code(iban[4:7])

    def refusal_of_code(self, code: str) -> IdentifierError:
        """Return why a bank *code*, three digits, leads nowhere."""
        if code in self._refusals:
            return self._refusals[code]
        if self._known is not None and code not in self._known:
            return IdentifierError("bank_code.unknown", "no bank of the country has this code")
        return IdentifierError("route.unknown", "no participant of this switch holds the account")
