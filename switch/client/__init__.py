"""The SDK: what a bank or a government service uses to reach the switch."""

if __name__ != "payvand.client":
    raise ImportError("import payvand.client, not " + __name__)

from payvand.client.bank import CALL_PAYMENTS_MAX, Bank
from payvand.client.bills import Bills, payment_of
from payvand.client.connection import open_channel
from payvand.client.devices import Devices, sign_charges
from payvand.client.directory import Directory
from payvand.client.directory_copy import Difference, DirectoryCopy
from payvand.client.faults import (
    CallFailed,
    CertificatesMissing,
    ClientFault,
    NotPermitted,
    Refusal,
    SwitchUnreachable,
)
from payvand.client.fees import FeeOffice
from payvand.client.operator import Operator
from payvand.client.packing import (
    PACKED_PAYMENT,
    PackedBatch,
    new_payment_ids,
    pack_texts,
    packed_payments,
)
from payvand.client.payment_id import new_payment_id, parse_payment_id, payment_id_text
from payvand.client.payment_state import FINAL_STATES, STATE_NAMES
from payvand.client.refunds import Refunds
from payvand.client.treasury import Treasury

__all__ = [
    "CALL_PAYMENTS_MAX",
    "FINAL_STATES",
    "PACKED_PAYMENT",
    "STATE_NAMES",
    "Bank",
    "Bills",
    "CallFailed",
    "CertificatesMissing",
    "ClientFault",
    "Devices",
    "Difference",
    "Directory",
    "DirectoryCopy",
    "FeeOffice",
    "NotPermitted",
    "Operator",
    "PackedBatch",
    "Refunds",
    "Refusal",
    "SwitchUnreachable",
    "Treasury",
    "new_payment_id",
    "new_payment_ids",
    "open_channel",
    "pack_texts",
    "packed_payments",
    "parse_payment_id",
    "payment_id_text",
    "payment_of",
    "sign_charges",
]
