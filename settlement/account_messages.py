"""What a participant is told of its accounts: camt.053, a statement, and camt.054, a notice.

The statement is of its position: every payment of a window, from what was carried into it to what
is carried on. It is written entry by entry, since a window may have millions. The notice is of
its settlement account: the one movement by which a window was settled.
"""

from collections.abc import AsyncIterable
from typing import BinaryIO

from lxml import etree

from payvand.settlement.instructions import Instruction
from payvand.settlement.iso20022 import (
    Currency,
    Message,
    Party,
    Terms,
    agent,
    amount_text,
    date_text,
    moment_text,
    side_of,
)
from payvand.settlement.netting import (
    SETTLEMENT_CODE,
    participant_of,
    position_account,
    settlement_account,
)
from payvand.settlement.statements import Reference, Statement, StatementEntry
from payvand.settlement.windows import ClosedWindow

__all__ = ["render_camt054", "write_camt053"]

CAMT053, CAMT054 = "camt.053.001.08", "camt.054.001.08"

REFERENCE_LENGTH_MAX = 35
NO_REFERENCE = "NOTPROVIDED"


async def write_camt053(
    file: BinaryIO,
    closed: ClosedWindow,
    statement: Statement,
    entries: AsyncIterable[StatementEntry],
    *,
    opened: int,
    reference: Reference,
    terms: Terms,
) -> int:
    """Write the statement of a position in a window; return how many entries it has.

    Args:
        file: Where to.
        closed: The window.
        statement: Its totals.
        entries: All of them, in order.
        opened: When the window opened, in nanoseconds since 1970.
        reference: Finds in an entry the payer's reference, at most 35 characters.
        terms: Names and currencies.
    """
    party = terms.parties[participant_of(statement.account)]
    currency = _currency(closed, party, terms)
    message = Message(CAMT053)
    count = 0
    with etree.xmlfile(file, encoding="UTF-8") as out:
        out.write_declaration()
        tags = [f"{{{message.namespace}}}{tag}" for tag in ("Document", "BkToCstmrStmt", "Stmt")]
        with out.element(tags[0], nsmap=message.nsmap), out.element(tags[1]):
            identity = f"STMT-{closed.number}-{party.number}"
            out.write(_header(message, identity, closed, terms))
            with out.element(tags[2]):
                for part in _beginning(message, identity, closed, statement, opened, terms):
                    out.write(part)
                async for entry in entries:
                    out.write(_entry(message, entry, party, currency, reference, terms))
                    count += 1
    return count


def render_camt054(closed: ClosedWindow, instruction: Instruction, terms: Terms) -> bytes:
    """Return the notice that a window moved a participant's settlement account."""
    party = terms.parties[instruction.participant]
    currency = terms.currencies[instruction.ledger]
    message = Message(CAMT054)
    identity = f"NTFY-{closed.number}-{party.number}"
    signed = -instruction.amount if instruction.pays else instruction.amount
    entry = StatementEntry(
        instruction.id,
        position_account(party.number),
        instruction.amount,
        signed < 0,
        SETTLEMENT_CODE,
        closed.sequence,
        closed.timestamp,
        b"",
    )
    account = settlement_account(party.number)
    notice = message.element(
        "Ntfctn",
        message.element("Id", identity),
        message.element("ElctrncSeqNb", str(closed.number)),
        message.element("CreDtTm", moment_text(closed.timestamp, terms.zone)),
        _account(message, account, party, currency, terms),
        _entry(message, entry, party, currency, lambda _: f"WINDOW-{closed.number}", terms),
    )
    document = message.element(
        "Document",
        message.element("BkToCstmrDbtCdtNtfctn", _header(message, identity, closed, terms), notice),
    )
    return etree.tostring(document, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _currency(closed: ClosedWindow, party: Party, terms: Terms) -> Currency:
    (ledger,) = [p.ledger for p in closed.positions if p.participant == party.number]
    return terms.currencies[ledger]


def _header(
    message: Message, identity: str, closed: ClosedWindow, terms: Terms
) -> "etree._Element":
    created = moment_text(closed.timestamp, terms.zone)
    return message.element(
        "GrpHdr", message.element("MsgId", identity), message.element("CreDtTm", created)
    )


def _beginning(
    message: Message,
    identity: str,
    closed: ClosedWindow,
    statement: Statement,
    opened: int,
    terms: Terms,
) -> list["etree._Element"]:
    """Return all of a statement that stands before its entries."""
    party = terms.parties[participant_of(statement.account)]
    currency = _currency(closed, party, terms)
    closing = moment_text(closed.timestamp, terms.zone)
    return [
        message.element("Id", identity),
        message.element("ElctrncSeqNb", str(closed.number)),
        message.element("CreDtTm", closing),
        message.element(
            "FrToDt",
            message.element("FrDtTm", moment_text(opened, terms.zone)),
            message.element("ToDtTm", closing),
        ),
        _account(message, statement.account, party, currency, terms),
        _balance(message, "OPBD", statement.opening, currency, date_text(opened, terms.zone)),
        _balance(
            message,
            "CLBD",
            statement.closing,
            currency,
            date_text(closed.timestamp, terms.zone),
        ),
        _summary(message, statement, currency),
    ]


def _account(
    message: Message, account: int, party: Party, currency: Currency, terms: Terms
) -> "etree._Element":
    return message.element(
        "Acct",
        message.path("Id/Othr/Id", str(account)),
        message.element("Ccy", currency.code),
        message.path("Ownr/Nm", party.display_name),
        agent(message, "Svcr", terms.agent, terms.clearing_system),
    )


def _balance(
    message: Message, kind: str, signed: int, currency: Currency, day: str
) -> "etree._Element":
    return message.element(
        "Bal",
        message.path("Tp/CdOrPrtry/Cd", kind),
        message.amount("Amt", abs(signed), currency),
        message.element("CdtDbtInd", side_of(signed)),
        message.path("Dt/Dt", day),
    )


def _summary(message: Message, statement: Statement, currency: Currency) -> "etree._Element":
    net = statement.credits - statement.debits
    return message.element(
        "TxsSummry",
        message.element(
            "TtlNtries",
            message.element("NbOfNtries", str(statement.entries_total)),
            message.element("Sum", amount_text(statement.credits + statement.debits, currency)),
            message.element(
                "TtlNetNtry",
                message.element("Amt", amount_text(abs(net), currency)),
                message.element("CdtDbtInd", side_of(net)),
            ),
        ),
        message.path("TtlCdtNtries/Sum", amount_text(statement.credits, currency)),
        message.path("TtlDbtNtries/Sum", amount_text(statement.debits, currency)),
    )


def _entry(
    message: Message,
    entry: StatementEntry,
    party: Party,
    currency: Currency,
    reference: Reference,
    terms: Terms,
) -> "etree._Element":
    identity = f"{entry.id:032x}"
    other = terms.parties.get(participant_of(entry.counterparty), terms.agent)
    if other.number == party.number:
        other = terms.agent  # a settlement is between two accounts of one participant
    payer, payee = (party, other) if entry.debit else (other, party)
    amount = message.amount("Amt", entry.amount, currency)
    side = side_of(-1 if entry.debit else 1)
    details = message.element(
        "TxDtls",
        message.element(
            "Refs",
            message.element("EndToEndId", reference(entry)[:REFERENCE_LENGTH_MAX] or NO_REFERENCE),
            message.element("TxId", identity),
        ),
        message.amount("Amt", entry.amount, currency),
        message.element("CdtDbtInd", side),
        message.element(
            "RltdAgts",
            agent(message, "DbtrAgt", payer, terms.clearing_system),
            agent(message, "CdtrAgt", payee, terms.clearing_system),
        ),
    )
    return message.element(
        "Ntry",
        message.element("NtryRef", str(entry.timestamp)),
        amount,
        message.element("CdtDbtInd", side),
        message.path("Sts/Cd", "BOOK"),
        message.path("BookgDt/DtTm", moment_text(entry.timestamp, terms.zone)),
        message.path("ValDt/Dt", date_text(entry.timestamp, terms.zone)),
        message.element("AcctSvcrRef", identity),
        message.element(
            "BkTxCd",
            message.element(
                "Prtry", message.element("Cd", str(entry.code)), message.element("Issr", "PAYVAND")
            ),
        ),
        message.element("NtryDtls", details),
    )
