"""A town with agencies that charge: a schedule, bills, and banks that pay them."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

from payvand.client import Bank, Bills, payment_of
from payvand.switch.fees.bills.tariff import Tariff
from payvand.switch.fees.catalogue.condition import ALWAYS
from payvand.switch.fees.catalogue.schedule import (
    FIXED,
    Beneficiary,
    BillTerms,
    Fee,
    Late,
    Rebate,
    Schedule,
    Service,
    Share,
    ShareTree,
)
from payvand.switch.identity import Role
from payvand.switch.rules.validity import Validity
from payvand.v1.bill_pb2 import Bill, BillLine, BillLineKind, NewBill
from payvand.v1.fee_payment_service_pb2 import FeePayment, FeePaymentResult
from payvand.v1.refund_service_pb2 import Refund
from tests.support.town import TAX_IBAN, Town, agency_entry, bank_entry, open_town

Play = Callable[..., None]
"""Runs a scene in a town: the fixture `play`."""

TOWNS_IBAN = "IR170104001000000000000102"
POLICE_IBAN = "IR090104002000000000000201"
FUND_IBAN = "IR710104003000000000000301"
CAP, MELLAT_CAP = 10**12, 10**7
AGENCY_CAP = 10**9
"""As much an agency may give back of what was paid out to it."""
PAYER, OTHER_PAYER = "0012345679", "10100002445"

PARTICIPANTS = (
    bank_entry("melli", "017", "062", cap=CAP),
    bank_entry("mellat", "012", cap=MELLAT_CAP),
    agency_entry("tax", TAX_IBAN, TOWNS_IBAN, cap=AGENCY_CAP),
    agency_entry("police", POLICE_IBAN, cap=AGENCY_CAP),
    agency_entry("fund", FUND_IBAN, cap=AGENCY_CAP),
)


def branch(parts: int, beneficiary: str = "", *shares: Share) -> Share:
    """Return a node of a share tree."""
    return Share(parts=parts, condition=ALWAYS, beneficiary=beneficiary, shares=shares)


FINE_SHARES = branch(
    0,
    "",
    branch(60, "", branch(70, "roads"), branch(30, "towns")),
    branch(15, "police"),
    branch(25, "fund"),
)
"""Article 23: sixty percent to roads and towns, the police and the fund of bodily injuries."""


def schedule_of(
    agency: str,
    *,
    partial: bool = False,
    instalments: int = 1,
    lates: tuple[Late, ...] = (),
    rebates: tuple[Rebate, ...] = (),
) -> Schedule:
    """Return a schedule with a service of two fees: one that four share, and one of the agency."""
    row = {"validity": Validity(), "legal_basis": "article 23"}
    accounts = {
        "roads": TAX_IBAN,
        "towns": TOWNS_IBAN,
        "police": POLICE_IBAN,
        "fund": FUND_IBAN,
        "own": {"tax": TAX_IBAN, "police": POLICE_IBAN}[agency],
    }
    trees = {"article_23": FINE_SHARES, "own": branch(0, "own")}

    def fee(code: str, amount: int, tree: str) -> Fee:
        empty = {"units_free": 0, "per_million": 0, "amount_min": 0, "amount_max": 10**18}
        return Fee(
            **(row | empty),
            code=code,
            title_en=code,
            title_fa=code,
            kind=FIXED,
            of="",
            amount=amount,
            bands=(),
            rounding="half_up",
            round_to=1,
            condition=ALWAYS,
            share_tree=tree,
            value_added=None,
        )

    service = Service(
        code="fine",
        title_en="Fine",
        title_fa="جریمه",
        legal_basis="article 23",
        terms=BillTerms(
            due_days=60, objection_days=60, instalments_max=instalments, allows_partial=partial
        ),
        facts={},
        fees=(fee("fine", 1_000_000, "article_23"), fee("service", 75_000, "own")),
        reductions=(),
        lates=lates,
        rebates=rebates,
    )
    return Schedule(
        agency=agency,
        sector="police",
        title_en=agency,
        title_fa=agency,
        edition="1",
        unit="IRR",
        company_code="412",
        service_digit="9",
        beneficiaries={
            code: Beneficiary(code=code, title_en=code, title_fa=code, kind="agency", iban=iban)
            for code, iban in accounts.items()
        },
        share_trees={
            code: (ShareTree(**row, code=code, title_en=code, title_fa=code, root=root),)
            for code, root in trees.items()
        },
        payer_classes={},
        services={"fine": service},
        number=1,
    )


@dataclass
class FeeTown:
    """The town, and who issues and pays bills in it."""

    town: Town
    references: Any

    def bills(self, name: str) -> Bills:
        """Return the bills of a participant's connection."""
        return self.town.bank(name).bills

    def new_bill(self, amount: int = 1_000_000, *, fee: str = "fine", **fields: Any) -> NewBill:
        """Return a bill of one line, with the next reference."""
        lines = [BillLine(fee=fee, kind=BillLineKind.BILL_LINE_KIND_FEE, amount=amount)]
        given = {"reference": f"r-{next(self.references)}", "service": "fine", "payer_id": PAYER}
        return NewBill(**{"lines": lines, **given, **fields})

    async def issue(self, *bills: NewBill, agency: str = "tax") -> list[str]:
        """Issue bills, none of which is refused, and return their numbers."""
        (reply,) = [reply async for reply in self.bills(agency).issue([bills])]
        assert not reply.refusals
        return [bill.number for bill in reply.bills]

    async def bill(self, number: str, *, asker: str = "melli") -> Bill:
        """Return a bill as it stands."""
        found = await self.bills(asker).find(number)
        assert found is not None
        return found

    def cart(self, *bills: Bill, bank: str = "melli", **fields: Any) -> FeePayment:
        """Return a payment of all that is outstanding of bills."""
        return payment_of(
            bills,
            self.town.account(bank),
            payment_id=next(self.town.numbers).to_bytes(16, "big"),
            **fields,
        )

    @property
    def clerk(self) -> Bank:
        """Who asks for refunds."""
        return self.town.person("sara@tax", Role.AGENCY_CLERK)

    @property
    def approver(self) -> Bank:
        """Who approves them."""
        return self.town.person("reza@tax", Role.AGENCY_APPROVER)

    async def refund(self, number: str, amount: int, **fields: Any) -> Refund:
        """Give back money of a bill, as one person asks and another approves."""
        asked = await self.clerk.refunds.request(
            number, amount, **{"act": 1, "reason": "paid twice"} | fields
        )
        return await self.approver.refunds.approve(asked)

    async def credits(self) -> dict[str, int]:
        """Return what each participant was credited with in this window, less its debits."""
        return {
            one.participant.name: one.credits_posted - one.debits_posted
            for one in await self.town.operator.participants()
        }

    async def pay(self, payment: FeePayment, *, bank: str = "melli") -> FeePaymentResult:
        """Pay one cart."""
        (result,) = await self.bills(bank).pay([payment])
        return result


@asynccontextmanager
async def open_fee_town(
    folder: Path,
    database: str,
    *,
    terms: Mapping[str, Any] = MappingProxyType({}),
    **settings: Any,
) -> AsyncIterator[FeeTown]:
    """Open a town whose agencies `tax` and `police` charge."""
    async with open_town(folder, database, participants=PARTICIPANTS, **settings) as town:
        tariffs = {agency: Tariff(schedule_of(agency, **terms)) for agency in ("tax", "police")}
        town.switch.tariff_of = tariffs.get
        yield FeeTown(town, count(1))
