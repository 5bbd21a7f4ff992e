"""What the ISO 20022 messages of this room have in common: parties, amounts, moments, elements.

Messages are made to be the same byte for byte whenever they are made again: every moment in them
is one of the journal, every number follows from the window, and nothing is read from a clock.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from lxml import etree

from payvand.settlement.errors import SettlementFault

__all__ = [
    "AmountTooLong",
    "Currency",
    "Message",
    "Party",
    "Terms",
    "agent",
    "amount_text",
    "date_text",
    "moment_text",
    "side_of",
]

DIGITS_MAX = 18
"""The most digits that an amount of ISO 20022 has, those after the point included."""

SECOND = 1_000_000_000


class AmountTooLong(SettlementFault):
    """An amount has more digits than the messages can carry."""


@dataclass(frozen=True, slots=True)
class Currency:
    """How a ledger's amounts are written."""

    code: str
    """Of ISO 4217."""
    exponent: int
    """How many decimal digits a minor unit is away from the unit."""


@dataclass(frozen=True, slots=True)
class Party:
    """A participant, or the switch itself with number 0, as messages name it."""

    number: int
    name: str
    """Its short name, for file names and ids: at most 32 of a-z, 0-9 and the hyphen."""
    display_name: str
    member: str
    """Its code in the clearing system."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the makers of messages have to know beside the books."""

    agent: Party
    """The switch, which is on the other side of every settlement."""
    clearing_system: str
    """The proprietary code of the system at whose bank windows settle, at most 35 characters."""
    parties: dict[int, Party]
    """By number."""
    currencies: dict[int, Currency]
    """By ledger."""
    zone: tzinfo = UTC
    """Where business days begin and end."""


def amount_text(amount: int, currency: Currency) -> str:
    """Return an amount as the decimal that messages carry, exactly."""
    if len(str(amount)) > DIGITS_MAX:
        raise AmountTooLong(
            f"{amount} has more than the {DIGITS_MAX} digits that ISO 20022 allows",
            hint="use the CSV file beside the message",
        )
    whole, minor = divmod(amount, 10**currency.exponent)
    return f"{whole}.{minor:0{currency.exponent}}" if currency.exponent else str(whole)


def moment_text(nanoseconds: int, zone: tzinfo) -> str:
    """Return a moment to the millisecond with its offset, without going through a float."""
    seconds, rest = divmod(nanoseconds, SECOND)
    local = datetime.fromtimestamp(seconds, zone)
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}{offset[:3]}:{offset[3:5]}"


def date_text(nanoseconds: int, zone: tzinfo) -> str:
    """Return the local business day of a moment."""
    return f"{datetime.fromtimestamp(nanoseconds // SECOND, zone):%Y-%m-%d}"


def side_of(signed: int) -> str:
    """Return the code of an amount's side: below zero is a debit."""
    return "DBIT" if signed < 0 else "CRDT"


class Message:
    """Makes the elements of one message, in its namespace."""

    def __init__(self, name: str) -> None:
        """Name the message, for example `pacs.009.001.08`."""
        self.namespace = f"urn:iso:std:iso:20022:tech:xsd:{name}"
        self.nsmap: dict[str | None, str] = {None: self.namespace}

    def element(
        self, tag: str, *content: "etree._Element | str", **attributes: str
    ) -> "etree._Element":
        """Return an element with its text or its children."""
        made = etree.Element(f"{{{self.namespace}}}{tag}", attributes, self.nsmap)
        for part in content:
            if isinstance(part, str):
                made.text = part
            else:
                made.append(part)
        return made

    def path(self, tags: str, text: str, **attributes: str) -> "etree._Element":
        """Return elements in each other, by tags with slashes between, around a text."""
        *outer, inner = tags.split("/")
        made = self.element(inner, text, **attributes)
        for tag in reversed(outer):
            made = self.element(tag, made)
        return made

    def amount(self, tag: str, amount: int, currency: Currency) -> "etree._Element":
        """Return an amount with its currency."""
        return self.element(tag, amount_text(amount, currency), Ccy=currency.code)


def agent(message: Message, tag: str, party: Party, clearing_system: str) -> "etree._Element":
    """Return a party as a financial institution."""
    member = message.element(
        "ClrSysMmbId",
        message.path("ClrSysId/Prtry", clearing_system),
        message.element("MmbId", party.member),
    )
    institution = message.element("FinInstnId", member, message.element("Nm", party.display_name))
    return message.element(tag, institution)
