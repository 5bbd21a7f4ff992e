"""Accounts at the sandbox banks: derived numbers that belong to nobody, and what they stand for.

The last three digits of an account say how its bank answers a payment to it, so that a day of
payments can be planned and a restarted bank answers as before:

    000 to 899   accepted                   904   rejected, AC04: the account is closed
    900          never answered             906   rejected, AC06: the account is blocked
    901          rejected, AC01: no such    914   rejected, AG01: not allowed on such an account
    902          accepted, too late         905   accepted, then answered again and otherwise
    903          rejected, CURR: kept in    909   the bank's connection breaks first, then it is
                 another currency                 accepted

Anybody may use these endings by hand to try a bank that rejects or stays silent.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from payvand.switch.identifiers import iban

__all__ = [
    "ACCEPTED",
    "DISCONNECTING",
    "DUPLICATE",
    "LATE",
    "REJECTION_CODES",
    "SILENT",
    "SILENT_ENDING",
    "account_iban",
    "blocked_iban",
    "verdict",
]

ACCEPTED: Final = ""
SILENT: Final = "silent"
LATE: Final = "late"
DUPLICATE: Final = "duplicate"
DISCONNECTING: Final = "disconnecting"
SILENT_ENDING: Final = 900
REJECTION_CODES: Final[Mapping[int, str]] = MappingProxyType(
    {901: "AC01", 903: "CURR", 904: "AC04", 906: "AC06", 914: "AG01"}
)
"""The ISO 20022 reason codes by the ending of the account that draws them."""

ORDINARY_ENDINGS: Final = 900
SERIALS_FIRST: Final = 40_000_000
BLOCKED_SERIAL: Final = 9_999_999

_VERDICTS: Final = {
    str(SILENT_ENDING): SILENT,
    "902": LATE,
    "905": DUPLICATE,
    "909": DISCONNECTING,
    **{str(ending): code for ending, code in REJECTION_CODES.items()},
}


@lru_cache(maxsize=65_536)
def account_iban(bank_code: str, serial: int, ending: int | None = None) -> str:
    """Return the IBAN of the account *serial* at a bank, with an ordinary ending or the one given.

    The same arguments give the same account, with right check digits.
    """
    if ending is None:
        ending = serial * 7 % ORDINARY_ENDINGS
    return iban.make(bank_code, f"{SERIALS_FIRST + serial}{ending:03}")


def blocked_iban(bank_code: str) -> str:
    """Return the IBAN of a bank's account that is on the block list of the sandbox's rules."""
    return account_iban(bank_code, BLOCKED_SERIAL)


def verdict(creditor_iban: str) -> str:
    """Return how the bank answers: `ACCEPTED`, a failure by name, or a rejection's reason code."""
    return _VERDICTS.get(creditor_iban[-3:], ACCEPTED)
