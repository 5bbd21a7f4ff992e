"""Bills: the bill id, the payment id and the barcode of both, by the scheme of 1385 (2006).

    bill id     file code, up to 8 digits | company, 3 | service, 1 | check, 1
    payment id  amount in 1,000 rial, up to 8 digits | year, 1 | period, 2 | check 1 | check 2

Both have 6 to 13 digits; zeros on the left are padding and don't count. The barcode is the bill id
and then the payment id, each padded with zeros to 13.

A check digit is made of weights 2, 3, 4, 5, 6, 7, 2, … from the rightmost digit on; with r the
remainder of the weighted sum by 11 it is 0 where r is 0 or 1, and 11 - r elsewhere. Check 1
covers the payment id before it. Check 2 covers the bill id, without padding, followed by the
payment id before it, also without padding: it ties the two together.

What a service digit and a company code mean is data (`service_names`), and does not bear on whether
a bill is well formed: the readings of 7, 8 and 9 differ.

Rules in their order of precedence: `bill_id.length`, `bill_id.characters`, `bill_id.check_digit`;
`payment_id.length`, `payment_id.characters`, `payment_id.check_digit_1`,
`payment_id.check_digit_2`; `barcode.length`, `barcode.characters`; for what is made also
`bill_id.parts`, `payment_id.amount` and `payment_id.parts`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from payvand.switch.identifiers import check_digits
from payvand.switch.identifiers.digits import digits_of, require_digits
from payvand.switch.identifiers.identifier_error import IdentifierError

__all__ = [
    "AMOUNT_MAX",
    "AMOUNT_STEP",
    "BARCODE_LENGTH",
    "Bill",
    "BillId",
    "PaymentId",
    "are_valid",
    "are_valid_pairs",
    "is_valid",
    "is_valid_pair",
    "make",
    "make_payment",
    "parse",
    "parse_barcode",
    "parse_pair",
    "parse_payment",
]

LENGTH_MIN = 6
LENGTH_MAX = 13
BARCODE_LENGTH = 2 * LENGTH_MAX
AMOUNT_STEP = 1000
"""A bill is a multiple of so many rial."""
AMOUNT_MAX = 99_999_999 * AMOUNT_STEP

FILE_CODE_LENGTH_MAX = 8
PERIOD_MAX = 99


@dataclass(frozen=True, slots=True)
class BillId:
    """A well-formed bill id: whose meter, telephone, car or house it is."""

    number: str
    """All digits, without padding."""

    @property
    def file_code(self) -> str:
        """The subscriber's number with the company."""
        return self.number[:-5]

    @property
    def company_code(self) -> str:
        """Three digits."""
        return self.number[-5:-2]

    @property
    def service_digit(self) -> int:
        """The kind of service, 0 to 9."""
        return int(self.number[-2])

    def __str__(self) -> str:
        """Return all digits, without padding."""
        return self.number


@dataclass(frozen=True, slots=True)
class PaymentId:
    """A payment id of the right form; whether it belongs to a bill, check 2 says."""

    number: str
    """All digits, without padding."""

    @property
    def amount(self) -> int:
        """What is to be paid, in rial."""
        return int(self.number[:-5]) * AMOUNT_STEP

    @property
    def year_digit(self) -> int:
        """The last digit of the Solar Hijri year."""
        return int(self.number[-5])

    @property
    def period(self) -> int:
        """The period within the year, 0 to 99, as the company counts them."""
        return int(self.number[-4:-2])

    def __str__(self) -> str:
        """Return all digits, without padding."""
        return self.number


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill id and a payment id that belong together."""

    bill_id: BillId
    payment_id: PaymentId

    @property
    def barcode(self) -> str:
        """Return the 26 digits that are printed as bars."""
        return str(self.bill_id).rjust(LENGTH_MAX, "0") + str(self.payment_id).rjust(
            LENGTH_MAX, "0"
        )


def parse(text: str) -> BillId:
    """Return the bill id that *text* is, or raise `IdentifierError`."""
    number = _unpadded("bill_id", text)
    if int(number[-1]) != _check_digit(number[:-1]):
        hint = "the check digit does not fit; look for a typing slip"
        raise IdentifierError("bill_id.check_digit", hint)
    return BillId(number)


def parse_payment(text: str) -> PaymentId:
    """Return the payment id that *text* is, or raise `IdentifierError`.

    Its second check digit needs the bill id: `parse_pair`.
    """
    number = _unpadded("payment_id", text)
    if int(number[-2]) != _check_digit(number[:-2]):
        hint = "the first check digit does not fit; look for a typing slip"
        raise IdentifierError("payment_id.check_digit_1", hint)
    return PaymentId(number)


def parse_pair(bill_id: str, payment_id: str) -> Bill:
    """Return the bill that both texts make together, or raise `IdentifierError`."""
    bill = Bill(parse(bill_id), parse_payment(payment_id))
    body, check = bill.payment_id.number[:-1], bill.payment_id.number[-1]
    if int(check) != _check_digit(bill.bill_id.number + body):
        hint = "the payment id does not belong to this bill id"
        raise IdentifierError("payment_id.check_digit_2", hint)
    return bill


def parse_barcode(text: str) -> Bill:
    """Return the bill that the 26 digits of a barcode say, or raise `IdentifierError`."""
    require_digits("barcode", text, BARCODE_LENGTH, BARCODE_LENGTH)
    return parse_pair(text[:LENGTH_MAX], text[LENGTH_MAX:])


def is_valid(text: str) -> bool:
    """Tell whether *text* is a well-formed bill id."""
    try:
        parse(text)
    except IdentifierError:
        return False
    return True


def is_valid_pair(bill_id: str, payment_id: str) -> bool:
    """Tell whether both texts are well formed and belong together."""
    try:
        parse_pair(bill_id, payment_id)
    except IdentifierError:
        return False
    return True


def are_valid(bill_ids: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]:
    """Tell for each of *bill_ids* whether it is well formed."""
    return check_digits.are_bill_ids(bill_ids)


def are_valid_pairs(
    bill_ids: npt.NDArray[np.bytes_], payment_ids: npt.NDArray[np.bytes_]
) -> npt.NDArray[np.bool_]:
    """Tell for each pair, one text of each array, whether both belong together."""
    return check_digits.are_bills(bill_ids, payment_ids)


def make(file_code: str, company_code: str, service_digit: int) -> BillId:
    """Return the bill id of a subscriber, with its check digit.

    Raises `IdentifierError` where *file_code* is not 1 to 8 digits that don't begin with 0,
    *company_code* not 3 digits or *service_digit* not 0 to 9.
    """
    body = f"{file_code}{company_code}{service_digit}"
    if (
        not 1 <= len(file_code) <= FILE_CODE_LENGTH_MAX
        or file_code.startswith("0")
        or len(company_code) != 3
        or not 0 <= service_digit <= 9
        or not (body.isascii() and body.isdigit())
    ):
        hint = "a file code of 1 to 8 digits, a company code of 3 and a service digit are needed"
        raise IdentifierError("bill_id.parts", hint)
    return BillId(f"{body}{_check_digit(body)}")


def make_payment(bill_id: BillId, amount: int, year_digit: int, period: int) -> Bill:
    """Return the bill that asks *amount* rial of *bill_id*, with both check digits.

    Raises `IdentifierError` where *amount* is not a multiple of 1,000 up to 99,999,999,000, or
    *year_digit* not 0 to 9, or *period* not 0 to 99.
    """
    thousands, rest = divmod(amount, AMOUNT_STEP)
    if rest or not 0 < amount <= AMOUNT_MAX:
        hint = f"a bill is a multiple of {AMOUNT_STEP} rial up to {AMOUNT_MAX}"
        raise IdentifierError("payment_id.amount", hint)
    if not (0 <= year_digit <= 9 and 0 <= period <= PERIOD_MAX):
        hint = "a year has one digit and a period two"
        raise IdentifierError("payment_id.parts", hint)
    body = f"{thousands}{year_digit}{period:02}"
    body += str(_check_digit(body))
    return Bill(bill_id, PaymentId(f"{body}{_check_digit(bill_id.number + body)}"))


def _unpadded(kind: str, text: str) -> str:
    """Return *text* without padding, where it is so many digits with and without."""
    require_digits(kind, text, LENGTH_MIN, LENGTH_MAX)
    number = text.lstrip("0")
    if len(number) < LENGTH_MIN:
        hint = f"at least {LENGTH_MIN} digits are needed beside the zeros on the left"
        raise IdentifierError(f"{kind}.length", hint)
    return number


def _check_digit(body: str) -> int:
    remainder = (
        sum(digit * (2 + place % 6) for place, digit in enumerate(reversed(digits_of(body)))) % 11
    )
    return 0 if remainder < 2 else 11 - remainder
