"""The accounts and codes by which fees stand in the books.

A payment of bills is one linked chain; `C` is the switch's collection account, `F` an agency's fees
account, and positions are participants':

    payer bank's position ─► C      code 2, a fee: the debit, under the bank's own payment id
    C ─► F of the agency            code 12, an act of the bill, under the id of its number
    F ─► beneficiary's position     code 13, a share; the account's key in the upper user data
    …                               the next bill

A refund goes the same way back, from those who have the shares:

    beneficiary's position ─► F     code 16: what it gives back
    F ─► C                          code 14, an act of the bill
    C ─► payer bank's position      code 3, a return, which the bank is offered as any payment

Both C and F are zero behind every chain, so that positions add up to zero as they do without fees.
What F was credited with in all is what the agency collected.
"""

from hashlib import blake2b
from typing import Final

from payvand.settlement.netting import position_account

__all__ = [
    "ACT_CODE",
    "COLLECTION_ACCOUNT",
    "COLLECTION_ACCOUNT_CODE",
    "FEES_ACCOUNT_CODE",
    "FEE_CODE",
    "NOTICE_CODE",
    "REFUND_CODE",
    "RETURN_CODE",
    "RETURN_SHARE_CODE",
    "SHARE_CODE",
    "SWEEP_CODE",
    "account_key",
    "fees_account",
]

COLLECTION_ACCOUNT: Final = 2
"""The switch's own; the central bank's is 1."""
COLLECTION_ACCOUNT_CODE: Final = 4
FEES_ACCOUNT_CODE: Final = 5

FEE_CODE: Final = 2
"""Of the debit, as `PaymentKind` has it."""
ACT_CODE: Final = 12
"""A payment of a bill."""
SHARE_CODE: Final = 13
"""What a beneficiary gets."""
REFUND_CODE: Final = 14
"""An act by which money of a bill goes back to the payer."""
RETURN_SHARE_CODE: Final = 16
"""What a beneficiary gives back."""
RETURN_CODE: Final = 3
"""Of what goes back to the payer's bank, as `PaymentKind` has it."""
SWEEP_CODE: Final = 17
"""What leaves a settlement account for the treasury."""
NOTICE_CODE: Final = 15
"""An act that moves nothing: an amendment, a waiver, a cancellation, the end of a bill's time."""

_FEES: Final = 2
"""An agency's fees account stands so far behind its position."""


def fees_account(participant: int) -> int:
    """Return the id of an agency's fees account."""
    return position_account(participant) + _FEES


def account_key(iban: str) -> int:
    """Return the number that stands for an account in a transfer's user data."""
    digest = blake2b(iban.encode(), digest_size=8, person=b"payvand.account").digest()
    return int.from_bytes(digest)
