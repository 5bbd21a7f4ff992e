"""Payment files as banks send them: ISO 20022 pain.001 and CSV.

`open_payment_file` tells the form by the content. A file is inspected as a whole before any of its
instructions is given out; then each instruction is an `Instruction` or a `LineError`, and one bad
instruction harms none. A file that is wrong as a whole raises `FileError`.
"""

if __name__ != "payvand.switch.files":
    raise ImportError("import payvand.switch.files, not " + __name__)

from payvand.switch.files.instruction import FileError, Instruction, LineError, to_payment
from payvand.switch.files.payment_file import (
    BATCH_SIZE_MAX,
    FILE_BYTES_MAX,
    PaymentFile,
    open_payment_file,
)
from payvand.switch.files.sending import Part, send
from payvand.switch.files.summary import FileSummary

__all__ = [
    "BATCH_SIZE_MAX",
    "FILE_BYTES_MAX",
    "FileError",
    "FileSummary",
    "Instruction",
    "LineError",
    "Part",
    "PaymentFile",
    "open_payment_file",
    "send",
    "to_payment",
]
