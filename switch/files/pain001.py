"""ISO 20022 pain.001 (CustomerCreditTransferInitiation): its totals and its instructions.

Versions 02 to 12 are read, also under the namespaces that national bodies gave them: the elements
used here have kept their names and places since version 03, and version 02 differs in four,
which are read too. Only what the contract carries is looked at; the requested execution date is
not, since the switch pays when it is told to.

Ids. The parts (see `instruction.py`) under the BLAKE2b personalisation `payvand.pain001` are: the
initiating party's name, its first identifier, `MsgId`, the debtor's account, `PmtInfId`,
`EndToEndId`, `InstrId`, and the instruction's position in the file as decimal digits. What
is missing counts as empty. A `UETR` does not enter: one rule for all files.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import BinaryIO

from lxml import etree

from payvand.switch.files.instruction import (
    END_TO_END_ID_LENGTH_MAX,
    ID_BYTES,
    KIND_CREDIT_TRANSFER,
    KIND_FEE,
    FileError,
    Instruction,
    LineError,
    Unreadable,
    compose,
    id_from_digest,
    length_prefixed,
)
from payvand.switch.files.normalise import normalise_amount, normalise_identifier
from payvand.switch.files.summary import DecimalTextError, FileSummary, decimal_text, scaled
from payvand.switch.files.xml_stream import Names, PaymentXml
from payvand.switch.identifiers import iban
from payvand.v1.payment_pb2 import PaymentKind

__all__ = ["PERSONALISATION", "inspect", "read"]

PERSONALISATION = b"payvand.pain001"
STATED_NUMBER_LENGTH_MAX = 15  # Max15NumericText

_FEE_PURPOSES = frozenset({"TAXS", "GOVT"})
_TRANSFER_METHODS = frozenset({"TRF", "TRA", ""})

# Where a field of an instruction stands, below the payment information.
_IN_INFORMATION = {
    "method": "PmtMtd",
    "debtor_iban": "DbtrAcct/Id/IBAN",
    "debtor_account": "DbtrAcct/Id",
    "debtor_name": "Dbtr/Nm",
}
# Where a field of an instruction stands, below the instruction.
_IN_INSTRUCTION = {
    "amount": "Amt/InstdAmt",
    "equivalent_amount": "Amt/EqvtAmt",
    "unit": "Amt/InstdAmt/@Ccy",
    "creditor_iban": "CdtrAcct/Id/IBAN",
    "creditor_account": "CdtrAcct/Id",
    "creditor_name": "Cdtr/Nm",
    "end_to_end_id": "PmtId/EndToEndId",
    "remittance": "RmtInf/Ustrd",
    "bill_reference": "RmtInf/Strd/CdtrRefInf/Ref",
}


def inspect(source: BinaryIO) -> FileSummary:
    """Read *source* to its end and return what it holds, or raise `FileError`.

    The numbers of transactions and the control sums of the group header and of each payment
    information must agree with what is there. Where one does not, nothing of the file may be
    submitted: it is not the file that its sender meant.
    """
    xml = PaymentXml(source)
    names = xml.names
    group = _GroupHeader(names, None)
    everything, information = _Totals(), _Totals()
    header: _Information | None = None
    batches = 0
    for element in xml.walk():
        if element.tag == names.CdtTrfTxInf:
            if header is None:
                header = _Information(names, element.getparent(), group)
            information.add(element, names)
        elif element.tag == names.PmtInf:
            header = header or _Information(names, element, group)
            information.check(header.number_stated, header.sum_stated, header.line)
            everything.include(information)
            header, information = None, _Totals()
            batches += 1
        else:
            group = _GroupHeader(names, element)
    if not group.message_id:
        raise FileError("file.message_id", "give the message a MsgId in its group header")
    everything.check(group.number_stated, group.sum_stated, group.line)
    if not everything.instructions:
        raise FileError("file.empty", "the file has no instruction")
    return FileSummary(
        form=xml.form,
        message_id=group.message_id,
        initiating_party=group.initiating_name or group.initiating_id,
        batches=batches,
        instructions=everything.instructions,
        control_sum=decimal_text(everything.sum),
    )


def read(source: BinaryIO) -> Iterator[Instruction | LineError]:
    """Yield each instruction of *source* in its order, or why it cannot be read.

    Totals are not checked here: `inspect` the file first. Raises `FileError` where the file as a
    whole cannot be read on.
    """
    xml = PaymentXml(source)
    names = xml.names
    group = _GroupHeader(names, None)
    information: _Information | None = None
    number = position = 0
    for element in xml.walk():
        if element.tag == names.CdtTrfTxInf:
            if information is None:
                information = _Information(names, element.getparent(), group)
                number += 1
                first = position
            position += 1
            try:
                yield _instruction(element, names, information, position)
            except Unreadable as error:
                place = f"{xml.message}/PmtInf[{number}]/"
                if error.field in _IN_INFORMATION:
                    path = place + _IN_INFORMATION[error.field]
                else:
                    place += f"CdtTrfTxInf[{position - first}]/"
                    path = place + _IN_INSTRUCTION[error.field]
                reference = element.findtext(f"{names.PmtId}/{names.EndToEndId}") or ""
                reference = reference.strip()[:END_TO_END_ID_LENGTH_MAX]
                yield LineError(
                    element.sourceline or 0, position, path, error.rule, error.hint, reference
                )
        elif element.tag == names.PmtInf:
            number += information is None
            information = None
        else:
            group = _GroupHeader(names, element)


def _instruction(
    element: etree._Element, names: Names, information: "_Information", position: int
) -> Instruction:
    """Return what one `CdtTrfTxInf` says, or raise `Unreadable`.

    A plain walk over the children: several times as fast as asking for each path.
    """
    if information.fault is not None:
        raise Unreadable(*information.fault.args)
    line = element.sourceline or 0
    kind = information.kind
    end_to_end_id = instruction_id = amount = unit = ""
    creditor_name = creditor_iban = remittance = bill_reference = ""
    for child in element:
        tag = child.tag
        if tag == names.PmtId:
            for leaf in child:
                if leaf.tag == names.EndToEndId:
                    end_to_end_id = leaf.text or ""
                elif leaf.tag == names.InstrId:
                    instruction_id = leaf.text or ""
        elif tag == names.Amt:
            for leaf in child:
                if leaf.tag == names.InstdAmt:
                    amount = leaf.text or ""
                    unit = leaf.get("Ccy", "")
                elif leaf.tag == names.EqvtAmt:
                    hint = "instruct the amount that is to be paid, as InstdAmt"
                    raise Unreadable("equivalent_amount", "amount.equivalent", hint)
        elif tag == names.Cdtr:
            creditor_name = _name(child, names)
        elif tag == names.CdtrAcct:
            creditor_iban = _account(child, names, "creditor_account")
        elif tag == names.RmtInf:
            remittance, bill_reference = _remittance(child, names)
        elif tag == names.PmtTpInf:
            kind = _kind(child, names) or kind
    digest = information.digest.copy()
    digest.update(length_prefixed(end_to_end_id, instruction_id, str(position)))
    return compose(
        id=id_from_digest(digest.digest()),
        kind=kind,
        debtor_iban=information.debtor_iban,
        creditor_iban=creditor_iban,
        amount=amount,
        unit=unit,
        end_to_end_id=end_to_end_id,
        debtor_name=information.debtor_name,
        creditor_name=creditor_name,
        remittance=remittance,
        bill_reference=bill_reference,
        line=line,
        position=position,
    )


class _GroupHeader:
    """The group header of the file; all empty until it was read."""

    def __init__(self, names: Names, element: etree._Element | None) -> None:
        self.line = 0
        self.message_id = self.initiating_name = self.initiating_id = ""
        self.number_stated = self.sum_stated = ""
        if element is None:
            return
        self.line = element.sourceline or 0
        self.message_id = (element.findtext(names.MsgId) or "").strip()
        self.number_stated = (element.findtext(names.NbOfTxs) or "").strip()
        self.sum_stated = (element.findtext(names.CtrlSum) or "").strip()
        party = element.find(names.InitgPty)
        if party is not None:
            self.initiating_name = (party.findtext(names.Nm) or "").strip()
            identifier = party.find(names.Id)
            texts = [] if identifier is None else [text.strip() for text in identifier.itertext()]
            self.initiating_id = next(filter(None, texts), "")


class _Information:
    """What one payment information says of all its instructions, read before the first of them.

    The standard puts all of it before the instructions.
    """

    def __init__(self, names: Names, element: etree._Element | None, group: _GroupHeader) -> None:
        assert element is not None  # the walk gives out no instruction outside of a PmtInf
        self.line = element.sourceline or 0
        self.kind: PaymentKind = KIND_CREDIT_TRANSFER
        self.debtor_iban = self.debtor_name = self.number_stated = self.sum_stated = ""
        self.fault: Unreadable | None = None
        identifier = method = ""
        for child in element:
            tag = child.tag
            if tag == names.PmtInfId:
                identifier = (child.text or "").strip()
            elif tag == names.PmtMtd:
                method = (child.text or "").strip()
            elif tag == names.NbOfTxs:
                self.number_stated = (child.text or "").strip()
            elif tag == names.CtrlSum:
                self.sum_stated = (child.text or "").strip()
            elif tag == names.PmtTpInf:
                self.kind = _kind(child, names) or self.kind
            elif tag == names.Dbtr:
                self.debtor_name = _name(child, names)
            elif tag == names.DbtrAcct:
                try:
                    self.debtor_iban = normalise_identifier(
                        _account(child, names, "debtor_account")
                    )
                except Unreadable as error:
                    self.fault = error
            elif tag == names.CdtTrfTxInf:
                break
        if method not in _TRANSFER_METHODS:
            self.fault = Unreadable("method", "payment_method", "only TRF can be paid here")
        self.digest = blake2b(digest_size=ID_BYTES, person=PERSONALISATION)
        self.digest.update(
            length_prefixed(
                group.initiating_name,
                group.initiating_id,
                group.message_id,
                self.debtor_iban,
                identifier,
            )
        )


class _Totals:
    """Number and sum of instructions, to be held against what the file states."""

    def __init__(self) -> None:
        self.instructions = 0
        self.sum = 0
        self.illegible_line: int | None = None

    def add(self, element: etree._Element, names: Names) -> None:
        """Count one `CdtTrfTxInf`."""
        self.instructions += 1
        try:
            self.sum += scaled(normalise_amount(_amount_text(element, names)))
        except DecimalTextError:
            if self.illegible_line is None:
                self.illegible_line = element.sourceline or 0

    def include(self, other: "_Totals") -> None:
        """Count what *other* counted."""
        self.instructions += other.instructions
        self.sum += other.sum
        if self.illegible_line is None:
            self.illegible_line = other.illegible_line

    def check(self, number_stated: str, sum_stated: str, line: int) -> None:
        """Raise `FileError` where a stated total is not the one that was counted."""
        if number_stated:
            plain = number_stated.isascii() and number_stated.isdigit()
            short = len(number_stated) <= STATED_NUMBER_LENGTH_MAX
            if not (plain and short) or int(number_stated) != self.instructions:
                hint = f"NbOfTxs is not the {self.instructions} instructions that are there"
                raise FileError("file.number_of_transactions", hint, line=line)
        if not sum_stated:
            return
        if self.illegible_line is not None:
            hint = "an amount is not a number, so CtrlSum cannot be proved"
            raise FileError("file.control_sum", hint, line=self.illegible_line)
        try:
            right = scaled(sum_stated) == self.sum
        except DecimalTextError:
            right = False
        if not right:
            hint = f"CtrlSum is not {decimal_text(self.sum)}, the sum of the amounts"
            raise FileError("file.control_sum", hint, line=line)


def _amount_text(element: etree._Element, names: Names) -> str:
    for child in element:
        if child.tag == names.Amt:
            for leaf in child:
                if leaf.tag == names.InstdAmt:
                    return leaf.text or ""
                if leaf.tag == names.EqvtAmt:
                    return leaf.findtext(names.Amt) or ""
    return ""


def _name(party: etree._Element, names: Names) -> str:
    for leaf in party:
        if leaf.tag == names.Nm:
            return leaf.text or ""
    return ""


def _account(account: etree._Element, names: Names, field: str) -> str:
    """Return the IBAN of an account, empty where it has no identification at all.

    Some programs put an IBAN among the other identifications; it is taken where it is one of ours.
    """
    for identification in account:
        if identification.tag != names.Id:
            continue
        for leaf in identification:
            if leaf.tag == names.IBAN:
                return leaf.text or ""
            if leaf.tag in (names.Othr, names.PrtryAcct, names.BBAN, names.UPIC):
                other = normalise_identifier(leaf.findtext(names.Id) or leaf.text or "")
                if iban.is_valid(other):
                    return other
                hint = "give the account's IBAN instead of its number"
                raise Unreadable(field, "account.not_iban", hint)
    return ""


def _kind(payment_type: etree._Element, names: Names) -> PaymentKind | None:
    """Return the kind that a category purpose makes, or None where there is no purpose."""
    purpose = payment_type.find(names.CtgyPurp)
    if purpose is None:
        return None
    code = purpose.findtext(names.Cd) or purpose.text or ""  # version 02 has no Cd
    return KIND_FEE if code.strip() in _FEE_PURPOSES else KIND_CREDIT_TRANSFER


def _remittance(information: etree._Element, names: Names) -> tuple[str, str]:
    """Return the unstructured texts, joined by spaces, and the creditor's reference."""
    texts = []
    references = []
    for leaf in information:
        if leaf.tag == names.Ustrd:
            texts.append(leaf.text or "")
        elif leaf.tag == names.Strd:
            creditor = leaf.find(names.CdtrRefInf)
            if creditor is not None:
                # Version 02 called the reference CdtrRef.
                reference = creditor.findtext(names.Ref) or creditor.findtext(names.CdtrRef)
                references += [reference] if reference else []
    if len(references) > 1:
        hint = "one instruction settles one bill; split it"
        raise Unreadable("bill_reference", "bill_reference.several", hint)
    return " ".join(texts), references[0] if references else ""
