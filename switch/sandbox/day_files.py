"""The day's files, written as banks write them: pain.001.001.09 and CSV, both as streams."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Final

from lxml import etree

from payvand.switch.files.csv_file import COLUMNS
from payvand.switch.files.summary import decimal_text, scaled
from payvand.switch.sandbox.day import Line, PlannedFile

__all__ = ["write_file"]

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
CSV_COLUMNS: Final = (
    *COLUMNS,
    *("kind", "debtor_name", "creditor_name", "remittance", "bill_reference", "id"),
)


def write_file(file: PlannedFile, path: Path, *, on: date) -> None:
    """Write *file*, a file of the day *on*, to *path*."""
    if file.form == "csv":
        _write_csv(file, path)
    else:
        _write_pain001(file, path, on)


def _write_csv(file: PlannedFile, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        writer.writerows([getattr(line, column) for column in CSV_COLUMNS] for line in file.lines)


def _write_pain001(file: PlannedFile, path: Path, on: date) -> None:
    # The elements carry no namespace of their own: they are in the root's, and a subtree that is
    # written by itself would declare it again.
    message_id = Path(file.name).stem
    with (
        etree.xmlfile(str(path), encoding="UTF-8") as xml,
        xml.element("Document", {"xmlns": NAMESPACE}),
        xml.element("CstmrCdtTrfInitn"),
    ):
        xml.write("\n")
        xml.write(_group_header(file, message_id, on), pretty_print=True)
        for place, lines in enumerate(_groups(file.lines), 1):
            with xml.element("PmtInf"):
                xml.write("\n")
                for child in _information(f"{message_id}-{place}", lines, on):
                    xml.write(child, pretty_print=True)
                for line in lines:
                    xml.write(_instruction(line), pretty_print=True)
            xml.write("\n")


def _group_header(file: PlannedFile, message_id: str, on: date) -> etree._Element:
    header = etree.Element("GrpHdr")
    _leaf(header, "MsgId", message_id)
    _leaf(header, "CreDtTm", f"{on:%Y-%m-%d}T08:00:00+03:30")
    _leaf(header, "NbOfTxs", str(len(file.lines)))
    _leaf(header, "CtrlSum", _control_sum(file.lines))
    _leaf(header, "InitgPty/Nm", file.bank)
    return header


def _information(identifier: str, lines: Sequence[Line], on: date) -> Iterator[etree._Element]:
    """Yield what stands before the instructions of one debtor."""
    first = lines[0]
    information = etree.Element("PmtInf")
    _leaf(information, "PmtInfId", identifier)
    _leaf(information, "PmtMtd", "TRF")
    _leaf(information, "NbOfTxs", str(len(lines)))
    _leaf(information, "CtrlSum", _control_sum(lines))
    if first.kind == "fee":
        _leaf(information, "PmtTpInf/CtgyPurp/Cd", "GOVT")
    _leaf(information, "ReqdExctnDt/Dt", on.isoformat())
    _leaf(information, "Dbtr/Nm", first.debtor_name)
    _leaf(information, "DbtrAcct/Id/IBAN", first.debtor_iban)
    _leaf(information, "DbtrAgt/FinInstnId/ClrSysMmbId/MmbId", first.debtor_iban[4:7])
    _leaf(information, "ChrgBr", "SLEV")
    yield from information


def _instruction(line: Line) -> etree._Element:
    instruction = etree.Element("CdtTrfTxInf")
    _leaf(instruction, "PmtId/EndToEndId", line.end_to_end_id)
    _leaf(instruction, "Amt/InstdAmt", line.amount).set("Ccy", line.unit)
    _leaf(instruction, "Cdtr/Nm", line.creditor_name)
    if line.creditor_iban:
        _leaf(instruction, "CdtrAcct/Id/IBAN", line.creditor_iban)
    if line.remittance:
        _leaf(instruction, "RmtInf/Ustrd", line.remittance)
    if line.bill_reference:
        _leaf(instruction, "RmtInf/Strd/CdtrRefInf/Ref", line.bill_reference)
    return instruction


def _leaf(parent: etree._Element, path: str, text: str) -> etree._Element:
    """Append the elements of *path* with *text* in the last one, and return that."""
    for tag in path.split("/"):
        parent = etree.SubElement(parent, tag)
    parent.text = text
    return parent


def _groups(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Yield lines in a row that have one debtor and are of one kind."""
    for _, group in groupby(lines, key=lambda line: (line.debtor_iban, line.kind)):
        yield list(group)


def _control_sum(lines: Iterable[Line]) -> str:
    return decimal_text(sum(scaled(line.amount) for line in lines))
