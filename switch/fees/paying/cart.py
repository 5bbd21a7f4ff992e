"""A cart: what one payment settles, as its bank asks for it."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

from payvand.switch.fees.bills.accounts import account_key
from payvand.switch.fees.bills.bill import BillRefused
from payvand.switch.fees.bills.number import parse_number
from payvand.switch.identifiers import iban
from payvand.switch.identifiers.identifier_error import IdentifierError
from payvand.switch.routing import Route, Routing
from payvand.v1.fee_payment_service_pb2 import FeePayment

__all__ = ["BILLS_MAX", "Cart", "Part", "cart_of"]

BILLS_MAX: Final = 64
"""Bills of one payment."""
NAME_LENGTH_MAX: Final = 140
REFERENCE_LENGTH_MAX: Final = 35
ID_BYTES: Final = 16


class Part(NamedTuple):
    """What of a payment is for one bill. A tuple, as `Cart` is: both are made for each payment."""

    key: int
    amount: int
    """0 for all that is outstanding."""
    beyond: bool


class Cart(NamedTuple):
    """A payment that is well formed; whether it can be paid, the bills say."""

    id: int
    amount: int
    parts: Sequence[Part]
    digest: int
    """64 bits of its content: what tells a retry from another payment under the same id."""
    asked: FeePayment
    debtor_key: int
    """Of the account debited."""
    attempt: int = 0
    """Raised where the ids of shares are spent."""


def cart_of(asked: FeePayment, debtor: Route, routing: Routing, accounts: dict[str, int]) -> Cart:
    """Return the cart that a bank asks to be paid; raises `BillRefused`.

    *accounts* keeps the accounts that were looked at before, with their keys.
    """
    identity, amount, bills = asked.id, asked.amount, asked.bills
    if len(identity) != ID_BYTES or not any(identity) or identity[0] >= 0x80:
        raise BillRefused("id", "id.form", "16 bytes, not all zero, the topmost bit clear")
    debtor_iban = asked.debtor_iban
    debtor_key = accounts.get(debtor_iban)
    if debtor_key is None:
        debtor_key = accounts[debtor_iban] = _account(debtor_iban, debtor, routing)
    _check_text("debtor_name", asked.debtor_name, NAME_LENGTH_MAX)
    _check_text("end_to_end_id", asked.end_to_end_id, REFERENCE_LENGTH_MAX)
    if not amount:
        raise BillRefused("amount", "amount.zero", "say what the payer agreed to in all")
    if not 0 < len(bills) <= BILLS_MAX:
        raise BillRefused("bills", "cart.bills", f"a payment is of 1 to {BILLS_MAX} bills")
    parts = []
    for place, part in enumerate(bills):
        try:
            key = parse_number(part.number)
        except IdentifierError as error:
            raise BillRefused(f"bills[{place}].number", error.rule, error.hint) from error
        parts.append(Part(key, part.amount, part.beyond))
    if len(parts) > 1 and len({part.key for part in parts}) < len(parts):
        raise BillRefused("bills", "cart.twice", "a bill stands in it twice")
    content = asked.SerializeToString(deterministic=True)
    return Cart(
        id=int.from_bytes(identity, "big"),
        amount=amount,
        parts=parts,
        digest=int.from_bytes(blake2b(content, digest_size=8, person=b"payvand.fees").digest()),
        asked=asked,
        debtor_key=debtor_key,
    )


def _account(text: str, debtor: Route, routing: Routing) -> int:
    """Return the key of an account of the bank itself; raises `BillRefused`."""
    try:
        iban.parse(text)
    except IdentifierError as error:
        raise BillRefused("debtor_iban", error.rule, error.hint) from error
    route = routing.route(text)
    if route is None or route.position != debtor.position:
        raise BillRefused("debtor_iban", "iban.yours", "the account isn't at your bank")
    if not debtor.sends:
        hint = "your bank may send no new payments at present"
        raise BillRefused("debtor_iban", "participant.suspended", hint)
    return account_key(text)


def _check_text(field: str, text: str, length_max: int) -> None:
    if text and (len(text) > length_max or any(ord(one) < 32 for one in text)):
        raise BillRefused(field, "text.form", f"at most {length_max} characters, none that control")
