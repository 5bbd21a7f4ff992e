"""The states of payments by the names that people, files and reports use."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from payvand.v1.payment_pb2 import PaymentState

__all__ = ["FINAL_STATES", "STATE_NAMES"]

STATE_NAMES: Final[Mapping[PaymentState, str]] = MappingProxyType(
    {
        PaymentState.PAYMENT_STATE_UNSPECIFIED: "unspecified",
        PaymentState.PAYMENT_STATE_UNKNOWN: "unknown",
        PaymentState.PAYMENT_STATE_REFUSED: "refused",
        PaymentState.PAYMENT_STATE_DECLINED: "declined",
        PaymentState.PAYMENT_STATE_RESERVED: "reserved",
        PaymentState.PAYMENT_STATE_SETTLED: "settled",
        PaymentState.PAYMENT_STATE_REJECTED: "rejected",
        PaymentState.PAYMENT_STATE_EXPIRED: "expired",
    }
)
"""The name of each state, for example `settled`."""

FINAL_STATES: Final = frozenset({"refused", "declined", "settled", "rejected", "expired"})
"""The states that no payment leaves."""
