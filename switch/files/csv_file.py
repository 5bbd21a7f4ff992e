"""CSV with a header row: the form for those who have no ISO 20022.

UTF-8 with or without a byte order mark, commas, double quotes. The columns may stand in any order;
one that is not known is refused, for a misspelt optional column would be lost in silence. Every
line ends in a line break, the last one too: otherwise a file cut off inside its last field
could not be told from a whole one.

Ids. The parts (see `instruction.py`) under the BLAKE2b personalisation `payvand.csv` are: the
debtor's account, the batch reference, `end_to_end_id`, and the row's number, from 1 below the
header, as decimal digits. The batch reference is the column `batch_reference`, the same
in every row, or the file's name where there is no such column: whoever sends the
same rows every month must name the file anew. A cell in the column `id` overrides all that.
"""

import codecs
import csv
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import BinaryIO

from payvand.switch.files.instruction import (
    END_TO_END_ID_LENGTH_MAX,
    ID_BYTES,
    KIND_CREDIT_TRANSFER,
    KINDS,
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
from payvand.v1.payment_pb2 import PaymentKind

__all__ = ["COLUMNS", "OPTIONAL_COLUMNS", "PERSONALISATION", "inspect", "read"]

PERSONALISATION = b"payvand.csv"
COLUMNS = ("end_to_end_id", "debtor_iban", "creditor_iban", "amount", "unit")
"""The columns that every file has."""
OPTIONAL_COLUMNS = (
    "kind",
    "debtor_name",
    "creditor_name",
    "remittance",
    "bill_reference",
    "id",
    "batch_reference",
)
"""The columns that may be missing or hold empty cells; the kind is `credit_transfer` then."""

LINE_BYTES_MAX = 256 << 10
"""The longest row, over all its lines; the csv module bounds a field by 128 KiB besides."""

_ORDER = COLUMNS + OPTIONAL_COLUMNS
_AMOUNT = _ORDER.index("amount")
_BATCH_REFERENCE = _ORDER.index("batch_reference")
_ID_DIGITS = 2 * ID_BYTES
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")

_Cells = tuple[str, ...]


def inspect(source: BinaryIO, *, name: str) -> FileSummary:
    """Read *source* to its end and return what it holds, or raise `FileError`.

    *name* is the file's name without its folder, the batch reference where no column gives one.
    """
    rows = _Rows(source)
    instructions = total = 0
    reference: str | None = None
    for cells in rows:
        instructions += 1
        if isinstance(cells, LineError):
            continue
        if reference is None:
            reference = cells[_BATCH_REFERENCE]
        elif cells[_BATCH_REFERENCE] != reference:
            hint = "batch_reference must be the same in every row"
            raise FileError("file.batch_reference", hint, line=rows.line)
        try:
            total += scaled(normalise_amount(cells[_AMOUNT]))
        except DecimalTextError:
            continue  # its row becomes a LineError
    if not instructions:
        raise FileError("file.empty", "the file has no row below its header")
    return FileSummary(
        form="csv",
        message_id=(reference or "").strip() or name,
        initiating_party="",
        batches=1,
        instructions=instructions,
        control_sum=decimal_text(total),
    )


def read(source: BinaryIO, *, name: str) -> Iterator[Instruction | LineError]:
    """Yield each row of *source* in its order, or why it cannot be read.

    *name* is the file's name without its folder. Raises `FileError` where the file as a whole
    cannot be read on.
    """
    rows = _Rows(source)
    blank = blake2b(digest_size=ID_BYTES, person=PERSONALISATION)
    position = 0
    for cells in rows:
        position += 1
        if isinstance(cells, LineError):
            yield cells
            continue
        (
            end_to_end_id,
            debtor_iban,
            creditor_iban,
            amount,
            unit,
            kind,
            debtor_name,
            creditor_name,
            remittance,
            bill_reference,
            id_text,
            batch_reference,
        ) = cells
        try:
            if id_text:
                id = _stated_id(id_text)
            else:
                debtor_iban = normalise_identifier(debtor_iban)
                batch = batch_reference.strip() or name
                digest = blank.copy()
                digest.update(
                    length_prefixed(debtor_iban, batch, end_to_end_id.strip(), str(position))
                )
                id = id_from_digest(digest.digest())
            yield compose(
                id=id,
                kind=KINDS[kind] if kind in KINDS else _kind(kind),
                debtor_iban=debtor_iban,
                creditor_iban=creditor_iban,
                amount=amount,
                unit=unit,
                end_to_end_id=end_to_end_id,
                debtor_name=debtor_name,
                creditor_name=creditor_name,
                remittance=remittance,
                bill_reference=bill_reference,
                line=rows.line,
                position=position,
            )
        except Unreadable as error:
            reference = end_to_end_id.strip()[:END_TO_END_ID_LENGTH_MAX]
            yield LineError(rows.line, position, error.field, error.rule, error.hint, reference)


class _Rows:
    """The rows below the header: their cells in the order of `_ORDER`, or what is wrong with one.

    `line` is where the row last given starts.
    """

    def __init__(self, source: BinaryIO) -> None:
        self.line = 1
        self._source = source
        self._row_bytes = 0

    def __iter__(self) -> Iterator[_Cells | LineError]:
        rows = csv.reader(self._lines(), strict=True)
        try:
            header = next(rows, [])
            order = _order_of([name.strip() for name in header])
            position = 0
            line = rows.line_num + 1
            for row in rows:
                self.line = line
                line = rows.line_num + 1
                self._row_bytes = 0
                if not row:
                    continue  # a blank line
                position += 1
                if len(row) != len(header):
                    hint = f"the row has {len(row)} cells and the header {len(header)}"
                    yield LineError(self.line, position, "", "row.columns", hint)
                else:
                    row.append("")  # the cell of every column that is missing
                    yield order(row)
        except csv.Error as error:
            raise FileError("file.csv", str(error), line=rows.line_num) from None

    def _lines(self) -> Iterator[str]:
        number = 0
        while raw := self._source.readline(LINE_BYTES_MAX + 1):
            number += 1
            self._row_bytes += len(raw)
            if self._row_bytes > LINE_BYTES_MAX:
                hint = f"a row has at most {LINE_BYTES_MAX} bytes; is a quotation mark missing?"
                raise FileError("file.line_too_long", hint, line=number)
            if number == 1:
                raw = raw.removeprefix(codecs.BOM_UTF8)
            try:
                text = raw.decode()
            except UnicodeDecodeError:
                raise FileError("file.encoding", "save the file as UTF-8", line=number) from None
            if not text.endswith("\n"):
                hint = "the last line has no line break, so the file may be cut off; send it again"
                raise FileError("file.truncated", hint, line=number)
            yield text


def _order_of(header: Sequence[str]) -> Callable[[Sequence[str]], _Cells]:
    """Return what puts a row's cells into `_ORDER`; a column that is missing takes the last."""
    for name in header:
        if name not in _ORDER:
            hint = f"unknown column {name[:40]!r}; the columns are " + ", ".join(_ORDER)
            raise FileError("file.columns", hint, line=1)
    if len(set(header)) != len(header):
        raise FileError("file.columns", "a column is there twice", line=1)
    for name in COLUMNS:
        if name not in header:
            raise FileError("file.columns", f"the column {name} is missing", line=1)
    return itemgetter(*(header.index(name) if name in header else -1 for name in _ORDER))


def _stated_id(text: str) -> bytes:
    text = text.strip()
    if len(text) != _ID_DIGITS or not _HEXADECIMAL.issuperset(text):
        raise Unreadable("id", "id.form", f"an id has {_ID_DIGITS} hexadecimal digits")
    id = bytes.fromhex(text)
    if id[0] & 0x80 or not any(id):
        hint = "an id is not zero and its topmost bit is clear"
        raise Unreadable("id", "id.range", hint)
    return id


def _kind(text: str) -> PaymentKind:
    text = text.strip()
    if not text:
        return KIND_CREDIT_TRANSFER
    if text not in KINDS:
        raise Unreadable("kind", "kind.unknown", "the kinds are " + ", ".join(KINDS))
    return KINDS[text]
