"""Packed payments: a batch as one array, without an object for each payment.

    records = packed_payments(8_000, debtor_iban=ours, creditor_iban=theirs, amount=amounts)
    reply = await bank.submit(PackedBatch(records))

A record is what `PackedPayment` of the contract says. Columns may be set as whole arrays; texts,
where there are any, are told by their lengths in the records and travel beside them.
"""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = [
    "PACKED_PAYMENT",
    "TEXT_FIELDS",
    "PackedBatch",
    "PackedPayments",
    "new_payment_ids",
    "pack_texts",
    "packed_payments",
]

PACKED_PAYMENT: Final = np.dtype(
    [
        ("id", "V16"),
        ("debtor_iban", "S26"),
        ("creditor_iban", "S26"),
        ("unit", "S3"),
        ("kind", "u1"),
        ("amount", "<u8"),
        ("end_to_end_id_bytes", "<u2"),
        ("debtor_name_bytes", "<u2"),
        ("creditor_name_bytes", "<u2"),
        ("remittance_bytes", "<u2"),
        ("bill_reference_bytes", "<u2"),
        ("reserved", "V6"),
    ]
)
"""96 bytes, as the contract lays them out."""

TEXT_FIELDS: Final = (
    "end_to_end_id",
    "debtor_name",
    "creditor_name",
    "remittance",
    "bill_reference",
)
"""The order in which the texts of one payment follow each other."""

PackedPayments = npt.NDArray[np.void]
"""An array of PACKED_PAYMENT."""


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """A batch of packed payments, which may be sent again like any other."""

    records: PackedPayments
    """PACKED_PAYMENT[n], n at most 8,190; not changed any more."""
    texts: bytes = b""
    """What `pack_texts` returned for them."""

    def __len__(self) -> int:
        """Return how many payments it holds."""
        return len(self.records)


def new_payment_ids(count: int) -> npt.NDArray[np.void]:
    """Return *count* new payment ids, V16[count], each like one of `new_payment_id`."""
    ids = np.frombuffer(os.urandom(16 * count), np.uint8).reshape(count, 16).copy()
    ids[:, :6] = np.frombuffer((time.time_ns() // 1_000_000).to_bytes(6), np.uint8)
    ids[:, 6] = ids[:, 6] & 0x0F | 0x70
    ids[:, 8] = ids[:, 8] & 0x3F | 0x80
    return ids.view("V16").reshape(count)


def packed_payments(count: int, **columns: Any) -> PackedPayments:
    """Return *count* credit transfers in IRR under new ids, with *columns* set.

    Args:
        count: how many.
        columns: by name of a field of PACKED_PAYMENT: one value for all, or an array of them. IBANs
            are ASCII, as bytes or as texts.

    Example:
        >>> records = packed_payments(2, amount=[5, 7], debtor_iban="IR060170000000000000000000")
        >>> records["amount"].tolist(), records["unit"].tolist()
        ([5, 7], [b'IRR', b'IRR'])
    """
    records = np.zeros(count, PACKED_PAYMENT)
    if "id" not in columns:
        records["id"] = new_payment_ids(count)
    records["unit"] = b"IRR"
    records["kind"] = 1
    for name, values in columns.items():
        records[name] = values
    return records


def pack_texts(records: PackedPayments, texts: Mapping[str, Sequence[str]]) -> bytes:
    """Enter the lengths of *texts* into *records* and return the bytes that go with them.

    Args:
        records: PACKED_PAYMENT[n], changed.
        texts: by name of a field of TEXT_FIELDS, n texts each; what isn't given is empty.

    Example:
        >>> records = packed_payments(2)
        >>> pack_texts(records, {"debtor_name": ["Sara", ""], "remittance": ["rent", "tax"]})
        b'Sararenttax'
    """
    columns = [
        [text.encode() for text in texts[name]] if name in texts else [b""] * len(records)
        for name in TEXT_FIELDS
    ]
    for name, column in zip(TEXT_FIELDS, columns, strict=True):
        records[f"{name}_bytes"] = [len(text) for text in column]
    return b"".join(text for row in zip(*columns, strict=True) for text in row)
