"""Payments as bytes on the wire, made ahead: a batch goes out again and again under new ids.

A payment's id is its first field, and all payments of a template have one length, so new ids for a
batch are one write of numpy into its bytes: some nanoseconds a payment, where building the
messages anew would take a microsecond each and the generator would be what is measured.

    id = 6 bytes of the run │ 2 bytes of the lane │ 8 bytes: number of the payment, big-endian
"""

from collections.abc import Sequence

import numpy as np

from payvand.switch.identifiers import iban
from payvand.v1.payment_pb2 import Payment, PaymentKind
from payvand.v1.payment_service_pb2 import SubmitStreamRequest

__all__ = ["AMOUNT_MAX", "TEMPLATES", "Template", "number_of", "templates"]

AMOUNT_MIN = 1 << 21
AMOUNT_MAX = (1 << 28) - 1
"""Amounts between the two take four bytes on the wire."""

TEMPLATES = 16
"""Different batches of a lane; more accounts than rules on one account's pace count up to."""

_ID_OFFSET = 2
_NUMBER_OFFSET = 8


class Template:
    """One batch of payments, to be sent under new ids each time."""

    def __init__(self, payments: Sequence[Payment]) -> None:
        """Take payments that all serialise to the same length."""
        wire = SubmitStreamRequest(payments=payments).SerializeToString()
        self.count = len(payments)
        self.amount = sum(payment.amount for payment in payments)
        """The sum of the batch."""
        self._row_bytes = len(wire) // self.count
        self._head_bytes = self._row_bytes - payments[0].ByteSize()
        assert self._row_bytes * self.count == len(wire), "payments differ in length"
        self._rows = np.frombuffer(wire, np.uint8).reshape(self.count, self._row_bytes).copy()

    def wire(self, first: int) -> bytes:
        """Return the batch as a request whose payments are numbered from *first*."""
        start = self._head_bytes + _ID_OFFSET + _NUMBER_OFFSET
        numbers = np.arange(first, first + self.count, dtype=">u8")
        self._rows[:, start : start + 8] = numbers.view(np.uint8).reshape(self.count, 8)
        return self._rows.tobytes()


def number_of(payment_id: bytes) -> int:
    """Return the number of a payment from its id."""
    return int.from_bytes(payment_id[_NUMBER_OFFSET:])


def templates(
    batch: int, *, run: int, lane: int, debtor_code: str, creditor_code: str, count: int = TEMPLATES
) -> list[Template]:
    """Return *count* batches of credit transfers from one bank to another."""
    random = np.random.default_rng(lane + 1)
    total = batch * count
    accounts = random.integers(10**17, 10**18, (total, 2)).tolist()
    amounts = random.integers(AMOUNT_MIN, AMOUNT_MAX, total).tolist()
    head = run.to_bytes(6) + (0x7000 | lane).to_bytes(2)
    payments = [
        Payment(
            id=head + index.to_bytes(8),
            kind=PaymentKind.PAYMENT_KIND_CREDIT_TRANSFER,
            debtor_iban=iban.make(debtor_code, str(debtor)),
            creditor_iban=iban.make(creditor_code, str(creditor)),
            amount=amount,
            unit="IRR",
            end_to_end_id=f"E2E-{debtor % 10**12:012}",
            debtor_name="علی رضایی",
            creditor_name="مریم احمدی",
            remittance="بابت اجاره ماهانه",
        )
        for index, ((debtor, creditor), amount) in enumerate(zip(accounts, amounts, strict=True))
    ]
    return [Template(payments[start : start + batch]) for start in range(0, total, batch)]
