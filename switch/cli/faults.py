"""What went wrong, told to people: the message, the hint, and the exit code."""

from typing import Final

from rich.console import Console
from rich.text import Text

from payvand.switch.cli.display import said, told

__all__ = ["ANSWER_IS_NO", "FAULT", "exit_code_of", "tell_fault"]

ANSWER_IS_NO: Final = 1
"""A proof failed, an instruction was refused, a file can't be used."""
USAGE: Final = 2
"""What was asked makes no sense, and nothing was done."""
FAULT: Final = 3
"""The switch, the disk or the database does not do its work."""


def exit_code_of(fault: BaseException) -> int | None:
    """Tell people of *fault* and return the exit code; None for a defect of this program."""
    # The rooms' faults are imported here: a command that meets none need not load them all.
    from payvand.client import ClientFault
    from payvand.core.errors import PayvandFault
    from payvand.switch.certificates import CertificateFault
    from payvand.switch.config import SettingsError
    from payvand.switch.directory_file import DirectoryFileError
    from payvand.switch.files import FileError
    from payvand.switch.rules.table_row import RulesError

    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    match fault:
        case ClientFault() | PayvandFault():
            tell_fault(str(fault.args[0]), fault.hint)
            return FAULT
        case FileError() | DirectoryFileError() | RulesError():
            tell_fault(str(fault), "")
            return ANSWER_IS_NO
        case CertificateFault():
            tell_fault(str(fault), "")
            return FAULT
        case SettingsError():
            tell_fault(str(fault), "see `payvand serve --help`")
            return USAGE
        case OSError() if fault.filename is not None:
            tell_fault(
                f"{fault.filename}: {fault.strerror}", "see that it is there and may be used"
            )
            return FAULT
        case _:
            return None


def tell_fault(message: str, hint: str) -> None:
    """Write *message* and *hint* to standard error."""
    console = Console(stderr=True, highlight=False)
    console.print(Text(f"{said('error')}: ", style="bold red") + Text(told(message)))
    if hint:
        console.print(Text(f"{said('hint')}:  ", style="bold") + Text(told(hint)))
