"""A payment file on disk, whatever its form: inspected first, then given out in batches."""

import codecs
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from payvand.switch.files import csv_file, pain001
from payvand.switch.files.instruction import FileError, Instruction, LineError
from payvand.switch.files.summary import FileSummary

__all__ = ["BATCH_SIZE_MAX", "FILE_BYTES_MAX", "PaymentFile", "open_payment_file"]

BATCH_SIZE_MAX = 8190
"""As many payments as one request of the contract carries."""
FILE_BYTES_MAX = 4 << 30
"""A greater file is refused: some five million instructions of pain.001."""

_HEAD_BYTES = 4096
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_Identity = tuple[int, int, int, int]


def open_payment_file(path: str | Path) -> "PaymentFile":
    """Return the payment file at *path*, its form told by its content.

    Raises `FileError` where it is neither pain.001 nor CSV with our header, and `OSError` where it
    cannot be opened.
    """
    path = Path(path)
    with path.open("rb") as source:
        size = os.fstat(source.fileno()).st_size
        head = source.read(_HEAD_BYTES)
    if size > FILE_BYTES_MAX:
        raise FileError("file.size", f"a file has at most {FILE_BYTES_MAX} bytes; split it")
    if not head.strip():
        raise FileError("file.empty", "the file has no content")
    for mark in _BYTE_ORDER_MARKS:
        head = head.removeprefix(mark)
    # A NUL beside each character is UTF-16; the XML parser reads that, whatever its order.
    head = head.replace(b"\0", b"").lstrip()
    if head.startswith(b"<"):
        return PaymentFile(path, "pain.001")
    header = head.split(b"\n", 1)[0]
    if b"debtor_iban" in header or b"creditor_iban" in header:
        return PaymentFile(path, "csv")
    raise FileError("file.form", "send ISO 20022 pain.001, or CSV with a header row", line=1)


class PaymentFile:
    """A payment file of a known form. It holds no handle open between calls."""

    def __init__(self, path: Path, form: str) -> None:
        self.path = path
        self.form = form
        self._inspected: tuple[_Identity, FileSummary] | None = None

    def inspect(self) -> FileSummary:
        """Read the file once, prove its totals and return what it holds, or raise `FileError`."""
        with self.path.open("rb") as source:
            identity = _identity(source)
            if self._inspected is None or self._inspected[0] != identity:
                if self.form == "csv":
                    summary = csv_file.inspect(source, name=self.path.name)
                else:
                    summary = pain001.inspect(source)
                self._inspected = identity, summary
        return self._inspected[1]

    def read(self) -> Iterator[Instruction | LineError]:
        """Yield the instructions in their order, after an inspection of the whole file.

        Raises `FileError`; `file.changed` where somebody writes to the file meanwhile.
        """
        self.inspect()
        with self.path.open("rb") as source:
            if self._inspected is None or self._inspected[0] != _identity(source):
                raise FileError("file.changed", "the file was changed while it was read")
            if self.form == "csv":
                yield from csv_file.read(source, name=self.path.name)
            else:
                yield from pain001.read(source)

    def batches(self, *, size: int = BATCH_SIZE_MAX) -> Iterator[list[Instruction | LineError]]:
        """Yield the instructions as `read` does, up to *size* (1 to `BATCH_SIZE_MAX`) at a time."""
        if not 1 <= size <= BATCH_SIZE_MAX:
            raise ValueError(f"size is 1 to {BATCH_SIZE_MAX}, not {size}")
        instructions = self.read()
        while batch := list(islice(instructions, size)):
            yield batch


def _identity(source: BinaryIO) -> _Identity:
    status = os.fstat(source.fileno())
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
