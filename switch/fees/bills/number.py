"""A bill's number and the ids of its transfers: each can be read back from the other.

    number   agency, 4 digits | digest of its own reference, 24 | check digits, 2
    key      the first 28 digits as an integer, below 2**94
    id       1, the topmost bit | kind, 3 bits | key, 94 | act, 12 | attempt, 6 | place, 12

What happens to a bill are its *acts*, numbered from 1: a payment, an amendment, its end. Each is a
transfer under the id of its number, so taking the next number is a comparison and an exchange on
the bill: whoever acts has read all acts before, or finds the number taken. Two payers can't both
pay, nor can one pay what another amends, whatever retries or crashes lie between.

A bill issued again under the same reference has the same number. The check digits are those of our
own scheme (see `identifiers.treasury`), which says nothing about anybody else's thirty digits.
"""

from collections.abc import Sequence
from enum import IntEnum
from hashlib import blake2b
from typing import Final

import numpy as np

from payvand.core.records import U128, Records
from payvand.switch.identifiers import treasury
from payvand.switch.identifiers.identifier_error import IdentifierError

__all__ = [
    "ACTS_MAX",
    "ATTEMPTS_MAX",
    "PLACES_MAX",
    "SHARES_MAX",
    "TransferKind",
    "act_ids",
    "act_of",
    "agency_of",
    "bill_key",
    "bill_number",
    "parse_number",
    "transfer_id",
]

ACTS_MAX: Final = (1 << 12) - 1
"""Acts of one bill."""
PLACES_MAX: Final = (1 << 12) - 1
"""Transfers of one kind that belong to an act."""
SHARES_MAX: Final = 1_024
"""Shares of one payment of a bill."""
ATTEMPTS_MAX: Final = (1 << 6) - 1

_DIGEST_DIGITS: Final = 24
_KEY_DIGITS: Final = 28
_DIGITS: Final = treasury.TREASURY_LENGTH
_KEY_BITS: Final = 94
_ACT_SHIFT: Final = 18
_KEY_SHIFT: Final = 30
_KIND_SHIFT: Final = 124
_OWN_ID: Final = 1 << 127

assert 10**_KEY_DIGITS < 1 << _KEY_BITS


class TransferKind(IntEnum):
    """What a transfer is to its bill."""

    ACT = 0
    """The payment itself, or an act that moves nothing."""
    SHARE = 1
    """What a beneficiary gets of a payment."""
    RETURN = 2
    """What a beneficiary gives back."""
    REFUND = 3
    """The sum of that on its way to the payer."""
    CORRECTION = 4
    """What is charged on top of a bill's lines, or taken off, at the moment of payment."""
    CREDIT = 5
    """An excess that is used for another bill."""


def bill_key(agency: int, reference: str) -> int:
    """Return the key of the bill that the participant *agency* calls *reference*."""
    told = agency.to_bytes(4, "big") + reference.encode()
    digest = int.from_bytes(blake2b(told, digest_size=16, person=b"payvand.bill").digest(), "big")
    return agency * 10**_DIGEST_DIGITS + digest % 10**_DIGEST_DIGITS


def agency_of(key: int) -> int:
    """Return the number of the participant that issued a bill."""
    return key // 10**_DIGEST_DIGITS


def bill_number(key: int) -> str:
    """Return a bill's thirty digits."""
    return treasury.make(f"{key:0{_KEY_DIGITS}}").number


def parse_number(text: str) -> int:
    """Return the key of the bill of a number, or raise `IdentifierError`."""
    if len(text) == _DIGITS and text.isascii() and text.isdecimal() and text[:4] != "0000":
        digits = int(text)
        if digits % 97 == 1 and 2 <= digits % 100 <= 98:
            return digits // 100
    number = treasury.parse(text, scheme=treasury.OWN).number
    if number.startswith("0000"):
        raise IdentifierError("treasury.scheme", "no bill of this switch has such a number")
    return int(number[:_KEY_DIGITS])


def transfer_id(kind: TransferKind, key: int, act: int, place: int = 0, attempt: int = 0) -> int:
    """Return the id of a transfer of a bill."""
    assert 0 < act <= ACTS_MAX and place <= PLACES_MAX and attempt <= ATTEMPTS_MAX
    return (
        _OWN_ID
        | kind << _KIND_SHIFT
        | key << _KEY_SHIFT
        | act << _ACT_SHIFT
        | attempt << 12
        | place
    )


def act_of(identity: int) -> tuple[int, int]:
    """Return the key and the number of the act that a transfer's id says."""
    return identity >> _KEY_SHIFT & (1 << _KEY_BITS) - 1, identity >> _ACT_SHIFT & ACTS_MAX


def act_ids(keys: Sequence[int], acts: Sequence[int]) -> Records:
    """Return the ids of acts, U128[n], of bills by their keys."""
    column = np.empty(len(keys), U128)
    column["hi"] = [_OWN_ID >> 64 | key >> 64 - _KEY_SHIFT for key in keys]
    low = [
        (key << _KEY_SHIFT & 0xFFFF_FFFF_FFFF_FFFF) | act << _ACT_SHIFT
        for key, act in zip(keys, acts, strict=True)
    ]
    column["lo"] = low
    return column
