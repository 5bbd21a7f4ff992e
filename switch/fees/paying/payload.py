"""What the books keep of a payment of bills beside its record: the payment, as any other's."""

from payvand.switch.fees.paying.cart import Cart
from payvand.switch.fees.paying.dividing import Collector
from payvand.v1.payment_pb2 import Payment, PaymentKind

__all__ = ["payload_of"]


def payload_of(cart: Cart, collector: Collector, unit: str) -> bytes:
    """Return a cart as the bytes of a `Payment` to *collector*, the agency of its first bill."""
    asked = cart.asked
    return Payment(
        id=asked.id,
        kind=PaymentKind.PAYMENT_KIND_FEE,
        debtor_iban=asked.debtor_iban,
        creditor_iban=collector.ibans[0],
        amount=cart.amount,
        unit=unit,
        end_to_end_id=asked.end_to_end_id,
        debtor_name=asked.debtor_name,
        creditor_name=collector.display_name,
        bill_reference=asked.bills[0].number,
    ).SerializeToString(deterministic=True)
