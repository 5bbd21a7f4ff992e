"""Settlement instructions: what a closed window asks of the bank where participants settle.

The message is pacs.009, a credit transfer between financial institutions, one for each currency.
The switch is on the other side of every transaction: a net debtor pays it, it pays a net creditor.
A transaction's id is that of the transfer that settled the participant in the ledger, so that the
settlement bank's confirmation leads back to it.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from payvand.settlement.iso20022 import (
    Currency,
    Message,
    Party,
    Terms,
    agent,
    amount_text,
    date_text,
    moment_text,
)
from payvand.settlement.netting import NetPosition
from payvand.settlement.windows import ClosedWindow

__all__ = [
    "Instruction",
    "instructions",
    "render_instructions_csv",
    "render_pacs009",
    "render_positions_csv",
]

PACS009 = "pacs.009.001.08"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One movement between a participant's account and the switch's at the settlement bank."""

    id: int
    """Of the transfer that settled it in the ledger."""
    participant: int
    ledger: int
    amount: int
    pays: bool
    """True where the participant pays, False where it is paid."""


def instructions(closed: ClosedWindow, transfer_ids: dict[int, int]) -> list[Instruction]:
    """Return what a window asks for, by participant; *transfer_ids* are those of its chain."""
    return [
        Instruction(
            transfer_ids[position.participant],
            position.participant,
            position.ledger,
            abs(position.settled),
            position.settled < 0,
        )
        for position in closed.positions
        if position.settled
    ]


def render_pacs009(
    closed: ClosedWindow, ledger: int, wanted: list[Instruction], terms: Terms
) -> bytes:
    """Return the message that asks for all of a window's movements in one currency."""
    message, currency = Message(PACS009), terms.currencies[ledger]
    chosen = [instruction for instruction in wanted if instruction.ledger == ledger]
    created = moment_text(closed.timestamp, terms.zone)
    day = date_text(closed.timestamp, terms.zone)
    total = sum(instruction.amount for instruction in chosen)
    settlement = message.element(
        "SttlmInf",
        message.element("SttlmMtd", "CLRG"),
        message.path("ClrSys/Prtry", terms.clearing_system),
    )
    header = message.element(
        "GrpHdr",
        message.element("MsgId", f"SETTLE-{closed.number}-{currency.code}"),
        message.element("CreDtTm", created),
        message.element("NbOfTxs", str(len(chosen))),
        message.element("CtrlSum", amount_text(total, currency)),
        message.amount("TtlIntrBkSttlmAmt", total, currency),
        message.element("IntrBkSttlmDt", day),
        settlement,
    )
    transactions = [
        _transaction(message, closed.number, instruction, currency, day, terms)
        for instruction in chosen
    ]
    document = message.element("Document", message.element("FICdtTrf", header, *transactions))
    return etree.tostring(document, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _transaction(
    message: Message,
    window: int,
    instruction: Instruction,
    currency: Currency,
    day: str,
    terms: Terms,
) -> "etree._Element":
    party = terms.parties[instruction.participant]
    debtor, creditor = (party, terms.agent) if instruction.pays else (terms.agent, party)
    identity = f"{instruction.id:032x}"
    return message.element(
        "CdtTrfTxInf",
        message.element(
            "PmtId",
            message.element("InstrId", identity),
            message.element("EndToEndId", f"WINDOW-{window}-{instruction.participant}"),
            message.element("TxId", identity),
        ),
        message.amount("IntrBkSttlmAmt", instruction.amount, currency),
        message.element("IntrBkSttlmDt", day),
        agent(message, "Dbtr", debtor, terms.clearing_system),
        agent(message, "Cdtr", creditor, terms.clearing_system),
    )


def render_instructions_csv(closed: ClosedWindow, wanted: list[Instruction], terms: Terms) -> bytes:
    """Return the same movements as CSV, amounts in minor units."""
    rows = []
    for instruction in wanted:
        party = terms.parties[instruction.participant]
        currency = terms.currencies[instruction.ledger]
        debtor, creditor = (party, terms.agent) if instruction.pays else (terms.agent, party)
        rows.append(
            (
                closed.number,
                f"{instruction.id:032x}",
                debtor.name,
                creditor.name,
                currency.code,
                instruction.amount,
            )
        )
    return _csv(("window", "id", "debtor", "creditor", "currency", "amount_minor"), rows)


def render_positions_csv(closed: ClosedWindow, terms: Terms) -> bytes:
    """Return every participant's position in the window as CSV, amounts in minor units."""
    heading = ("window", "participant", "name", "currency", "opening", "debits", "credits", "net")
    rows = [
        (
            closed.number,
            position.participant,
            _party(terms, position).name,
            terms.currencies[position.ledger].code,
            position.opening,
            position.debits,
            position.credits,
            position.net,
            position.settled,
            position.carried,
        )
        for position in closed.positions
    ]
    return _csv((*heading, "settled", "carried"), rows)


def _party(terms: Terms, position: NetPosition) -> Party:
    return terms.parties[position.participant]


def _csv(heading: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heading)
    writer.writerows(rows)
    return text.getvalue().encode()
