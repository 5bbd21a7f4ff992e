"""Whose the money of a payment is: the shares of a bill's lines on the day it is paid."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Final

from payvand.switch.fees.assessment.sharing import Shares
from payvand.switch.fees.bills.accounts import account_key
from payvand.switch.fees.bills.bill import BillRefused
from payvand.switch.fees.bills.number import SHARES_MAX
from payvand.switch.fees.bills.state import Standing
from payvand.switch.fees.bills.tariff import Tariff, TariffOf
from payvand.switch.participant import Participant
from payvand.switch.routing import Routing

__all__ = ["CREDIT_LINE", "Collector", "Divider", "Share", "Tree"]

CREDIT_LINE: Final = 0xFFFF_FFFF
"""In place of a line: what was paid beyond all of them."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a beneficiary gets of a payment of a bill."""

    position: int
    """The account in the ledger, of the participant that holds the beneficiary's."""
    key: int
    """Of the beneficiary's own account."""
    amount: int
    line: int
    """The place of the bill's line, or `CREDIT_LINE`."""


@dataclass(frozen=True, slots=True)
class Collector:
    """The agency that a bill is of."""

    number: int
    name: str
    display_name: str
    ibans: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """A share tree with the accounts that it leads to."""

    shares: Shares
    accounts: tuple[tuple[int, int], ...]
    """Position and key of each beneficiary."""


class Divider:
    """Divide payments by the tariffs, the day and the routing of one moment; make one for each."""

    def __init__(
        self,
        tariff_of: TariffOf,
        participants: tuple[Participant, ...],
        routing: Routing,
        day: date,
    ) -> None:
        """Take the participants and where accounts lead as they are now."""
        self._tariff_of = tariff_of
        self._collectors = {
            one.number: Collector(one.number, one.name, one.display_name, one.ibans)
            for one in participants
        }
        self._routing = routing
        self.day = day
        """By Tehran's clock."""
        self._tariffs: dict[int, Tariff | None] = {}
        self._trees: dict[tuple[int, str, str, str], Tree] = {}

    def collector(self, agency: int) -> Collector:
        """Return the agency of a number."""
        collector = self._collectors.get(agency)
        if collector is None or not collector.ibans:
            raise BillRefused("number", "agency.accounts", "the agency has no account here")
        return collector

    def shares(self, standing: Standing, amount: int) -> list[Share]:
        """Return the shares of a payment of *amount*; they sum to it. Raises `BillRefused`."""
        bill = standing.bill
        shares = []
        for place, part in standing.apportion(amount):
            if place < 0:
                own = self.collector(bill.agency).ibans[0]
                shares.append(Share(*self._account(own), part, CREDIT_LINE))
                continue
            code = standing.lines[place].share_tree
            tree = self.tree(bill.agency, bill.service, code, bill.facts)
            parts = tree.shares.divide(part)
            for (position, key), share in zip(tree.accounts, parts, strict=True):
                if share:
                    shares.append(Share(position, key, share, place))
        assert sum(share.amount for share in shares) == amount, "shares sum to the amount"
        if len(shares) > SHARES_MAX:
            raise BillRefused("number", "bill.shares", f"more than {SHARES_MAX} shares")
        return shares

    def tree(self, agency: int, service: str, code: str, facts: str) -> Tree:
        """Return whose the money of a line is; raises `BillRefused` where nobody can say."""
        asked = agency, service, code, facts
        tree = self._trees.get(asked)
        if tree is None:
            shares = self._tariff(agency).shares(service, code, json.loads(facts or "{}"), self.day)
            accounts = tuple(self._account(one.iban) for one in shares.beneficiaries)
            tree = self._trees[asked] = Tree(shares, accounts)
        return tree

    def _tariff(self, agency: int) -> Tariff:
        if agency not in self._tariffs:
            self._tariffs[agency] = self._tariff_of(self.collector(agency).name)
        tariff = self._tariffs[agency]
        if tariff is None:
            raise BillRefused("number", "schedule.missing", "the agency has no schedule in force")
        return tariff

    def _account(self, iban: str) -> tuple[int, int]:
        route = self._routing.route(iban)
        if route is None:
            raise BillRefused(
                "number",
                "beneficiary.route",
                "a beneficiary's account is at no participant of this switch: an operator can put "
                "it to one",
            )
        if not route.receives:
            hint = "a beneficiary of the bill may receive nothing at present"
            raise BillRefused("number", "participant.suspended", hint)
        return route.position, account_key(iban)
