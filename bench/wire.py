"""Payments as bytes on the wire, made ahead: a batch goes out again and again under new ids.

A payment's id is its first field, and all payments of a template have one length, so new ids for a
batch are one write of numpy into its bytes: some nanoseconds a payment, where building the
messages anew would take a microsecond each and the generator would be what is measured.

    id = 6 bytes of the run │ 2 bytes of the lane │ 8 bytes: number of the payment, big-endian

A packed batch is the same with records of a fixed size behind one tag and one length.
"""

from collections.abc import Sequence

import numpy as np

from payvand.client import PACKED_PAYMENT, packed_payments
from payvand.client.packing import PackedPayments
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

    def __init__(self, payments: Sequence[Payment], *, packed: bool = False) -> None:
        """Take payments that all serialise to the same length; *packed* ones go without texts."""
        self.count = len(payments)
        self.amount = sum(payment.amount for payment in payments)
        """The sum of the batch."""
        request = (
            SubmitStreamRequest(packed=_packed(payments).tobytes())
            if packed
            else SubmitStreamRequest(payments=payments)
        )
        wire = request.SerializeToString()
        if packed:
            self._head, self._row_bytes = wire[: -PACKED_PAYMENT.itemsize * self.count], 96
            self._number_offset = _NUMBER_OFFSET
        else:
            self._head, self._row_bytes = b"", len(wire) // self.count
            message_head = self._row_bytes - payments[0].ByteSize()
            self._number_offset = message_head + _ID_OFFSET + _NUMBER_OFFSET
        assert len(self._head) + self._row_bytes * self.count == len(wire), "lengths differ"
        rows = np.frombuffer(wire, np.uint8, offset=len(self._head))
        self._rows = rows.reshape(self.count, self._row_bytes).copy()
        number = len(self._head) + self._number_offset
        self._before, self._behind = wire[:number], wire[number + 8 :]

    def wire(self, first: int) -> bytes:
        """Return the batch as a request whose payments are numbered from *first*."""
        if self.count == 1:
            return self._before + first.to_bytes(8) + self._behind
        numbers = np.arange(first, first + self.count, dtype=">u8")
        self._rows[:, self._number_offset : self._number_offset + 8] = numbers.view(
            np.uint8
        ).reshape(self.count, 8)
        return self._head + self._rows.tobytes()


def _packed(payments: Sequence[Payment]) -> PackedPayments:
    records = packed_payments(len(payments))
    records["id"] = np.frombuffer(b"".join(payment.id for payment in payments), "V16")
    for name in ("debtor_iban", "creditor_iban", "amount"):
        records[name] = [getattr(payment, name) for payment in payments]
    return records


def number_of(payment_id: bytes) -> int:
    """Return the number of a payment from its id."""
    return int.from_bytes(payment_id[_NUMBER_OFFSET:])


def templates(
    batch: int,
    *,
    run: int,
    lane: int,
    debtor_code: str,
    creditor_code: str,
    count: int = TEMPLATES,
    packed: bool = False,
    creditors: Sequence[str] = (),
) -> list[Template]:
    """Return *count* batches of credit transfers from one bank to another, or to *creditors*."""
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
            creditor_iban=creditors[(index + lane * total) % len(creditors)]
            if creditors
            else iban.make(creditor_code, str(creditor)),
            amount=amount,
            unit="IRR",
            end_to_end_id=f"E2E-{debtor % 10**12:012}",
            debtor_name="علی رضایی",
            creditor_name="مریم احمدی",
            remittance="بابت اجاره ماهانه",
        )
        for index, ((debtor, creditor), amount) in enumerate(zip(accounts, amounts, strict=True))
    ]
    return [
        Template(payments[start : start + batch], packed=packed) for start in range(0, total, batch)
    ]
