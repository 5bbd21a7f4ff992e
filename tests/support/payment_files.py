"""Write payment files as a bank's own program would: pain.001 of any version, and CSV.

Only what a test says is written; the totals are counted unless a test states wrong ones.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from payvand.switch.identifiers import iban

__all__ = [
    "CREDITOR",
    "DEBTOR",
    "Batch",
    "Order",
    "csv_text",
    "pain001_text",
]

DEBTOR = iban.make("017", "1234567890")
CREDITOR = iban.make("012", "9876543210")


@dataclass
class Order:
    """One credit transfer of a file."""

    end_to_end_id: str = "E1"
    amount: str = "1000"
    creditor_iban: str = CREDITOR
    creditor_name: str = "Payee"
    remittance: str = ""
    reference: str = ""
    unit: str = "IRR"
    instruction_id: str = ""
    purpose: str = ""
    account: str | None = None
    """The whole creditor account, where it is not an IBAN."""
    amount_element: str | None = None
    """The whole amount, where it is not an instructed one."""

    def xml(self, version: int) -> str:
        purpose = escape(self.purpose)
        code = purpose if version == 2 else f"<Cd>{purpose}</Cd>"
        reference = "CdtrRef" if version == 2 else "Ref"
        remittance = f"<Ustrd>{escape(self.remittance)}</Ustrd>" * bool(self.remittance)
        if self.reference:
            remittance += (
                f"<Strd><CdtrRefInf><{reference}>{escape(self.reference)}</{reference}>"
                "</CdtrRefInf></Strd>"
            )
        amount = self.amount_element
        if amount is None:
            amount = f"<InstdAmt Ccy={quoteattr(self.unit)}>{escape(self.amount)}</InstdAmt>"
        instruction = f"<InstrId>{escape(self.instruction_id)}</InstrId>"
        account = iban_element(self.creditor_iban) if self.account is None else self.account
        return (
            "<CdtTrfTxInf>"
            f"<PmtId>{instruction * bool(self.instruction_id)}"
            f"<EndToEndId>{escape(self.end_to_end_id)}</EndToEndId></PmtId>"
            + f"<PmtTpInf><CtgyPurp>{code}</CtgyPurp></PmtTpInf>"
            * bool(self.purpose)
            + f"<Amt>{amount}</Amt>"
            f"<Cdtr><Nm>{escape(self.creditor_name)}</Nm></Cdtr>"
            f"<CdtrAcct><Id>{account}</Id></CdtrAcct>"
            + f"<RmtInf>{remittance}</RmtInf>" * bool(remittance)
            + "</CdtTrfTxInf>"
        )


@dataclass
class Batch:
    """One payment information: a debtor and what he pays."""

    orders: Sequence[Order] = field(default_factory=lambda: [Order()])
    id: str = "B1"
    method: str = "TRF"
    purpose: str = ""
    account: str = field(default_factory=lambda: iban_element(DEBTOR))
    number: str | None = None
    control_sum: str | None = None

    def xml(self, version: int) -> str:
        code = self.purpose if version == 2 else f"<Cd>{self.purpose}</Cd>"
        date = "2026-01-01" if version < 8 else "<Dt>2026-01-01</Dt>"
        return (
            f"<PmtInf><PmtInfId>{escape(self.id)}</PmtInfId><PmtMtd>{self.method}</PmtMtd>"
            + (f"<NbOfTxs>{self.number}</NbOfTxs>" if self.number is not None else "")
            + (f"<CtrlSum>{self.control_sum}</CtrlSum>" if self.control_sum is not None else "")
            + f"<PmtTpInf><CtgyPurp>{code}</CtgyPurp></PmtTpInf>" * bool(self.purpose)
            + f"<ReqdExctnDt>{date}</ReqdExctnDt><Dbtr><Nm>Payer</Nm></Dbtr>"
            f"<DbtrAcct><Id>{self.account}</Id></DbtrAcct>\n"
            + "\n".join(order.xml(version) for order in self.orders)
            + "\n</PmtInf>\n"
        )


def iban_element(number: str) -> str:
    """Return the identification of an account by its IBAN."""
    return f"<IBAN>{escape(number)}</IBAN>"


def pain001_text(
    *batches: Batch,
    version: int = 9,
    namespace: str | None = None,
    message_id: str = "M1",
    number: str | None = None,
    control_sum: str | None = None,
    initiating_party: str = "<Nm>Sender</Nm>",
    declaration: str = '<?xml version="1.0" encoding="UTF-8"?>\n',
) -> str:
    """Return a whole file of *batches*. Line 1 is the declaration, line 2 the document."""
    message = "pain.001.001.02" if version == 2 else "CstmrCdtTrfInitn"
    namespace = namespace or f"urn:iso:std:iso:20022:tech:xsd:pain.001.001.{version:02}"
    if number is None:
        number = str(sum(len(batch.orders) for batch in batches))
    return (
        f"{declaration}<Document xmlns={quoteattr(namespace)}>"
        f"<{message}>\n<GrpHdr><MsgId>{escape(message_id)}</MsgId>"
        f"<CreDtTm>2026-01-01T00:00:00</CreDtTm><NbOfTxs>{number}</NbOfTxs>"
        + (f"<CtrlSum>{control_sum}</CtrlSum>" if control_sum is not None else "")
        + f"<InitgPty>{initiating_party}</InitgPty></GrpHdr>\n"
        + "".join(batch.xml(version) for batch in batches)
        + f"</{message}></Document>\n"
    )


def csv_text(*rows: dict[str, str], columns: Sequence[str] = ()) -> str:
    """Return a file of *rows*; its columns are those of the first row unless they are given."""
    columns = columns or list(rows[0])
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
