"""The books' words in the contract's: one table for states, one for reasons.

Reasons follow the external status reason codes of ISO 20022; `detail` is our own stable word for
the same, the ledger's status or the scoring stage's rule.
"""

from typing import Final

import numpy as np

from payvand.core.statuses import TransferStatus
from payvand.risk.reasons import Reasons
from payvand.v1.payment_pb2 import PaymentState, Reason

__all__ = [
    "COUNTED_CODES",
    "CREATED",
    "NO_REASON_CODE",
    "OWN_BIT",
    "STATE_OF_LEDGER",
    "TIMED_OUT",
    "ReasonBook",
    "reason_code",
    "reason_code_number",
    "rule_of",
    "state_name",
]

CREATED: Final = int(TransferStatus.CREATED)

STATE_OF_LEDGER: Final = (
    PaymentState.PAYMENT_STATE_UNKNOWN,
    PaymentState.PAYMENT_STATE_SETTLED,  # a single transfer
    PaymentState.PAYMENT_STATE_RESERVED,  # pending
    PaymentState.PAYMENT_STATE_SETTLED,  # posted
    PaymentState.PAYMENT_STATE_REJECTED,  # voided
    PaymentState.PAYMENT_STATE_EXPIRED,
    PaymentState.PAYMENT_STATE_DECLINED,  # failed, and its id is burnt
)
"""By the number of the ledger's state."""

OWN_BIT: Final = np.uint64(1 << 63)
"""In the high word of an id: set in those that the switch makes itself."""

NO_REASON_CODE: Final = "MS03"
"""NotSpecifiedReasonAgentGenerated: a rejection that gave no reason."""

COUNTED_CODES: Final = frozenset(
    {
        *("AC01", "AC03", "AC04", "AC06", "AC07", "AC14", "AG01", "AG03", "AM02", "AM04", "AM05"),
        *(
            "AM09",
            "AM12",
            "AM13",
            "AM14",
            "AM23",
            "BE01",
            "BE06",
            "BE08",
            "BE23",
            "CNOR",
            "CURR",
            "DUPL",
        ),
        *("FOCR", "FR01", "FRAD", "MD07", "MS02", "MS03", "NARR", "NOAS", "RC01", "RC04"),
        "RR04",
    }
)
"""Reason codes that metrics tell apart; banks may give any other, so the rest are one."""

TIMED_OUT: Final = Reason(code="AB05", detail="pending_transfer_expired")
"""TimeoutCreditorAgent."""

_CODES: Final = {
    TransferStatus.EXCEEDS_CREDITS: "AM23",  # AmountExceedsSettlementLimit: the net debit cap
    TransferStatus.EXCEEDS_DEBITS: "AM23",
    TransferStatus.EXCEEDS_TRANSFER_QUOTA: "AM02",  # NotAllowedAmount: one payment is too much
    TransferStatus.EXCEEDS_PERIOD_QUOTA: "AM13",  # AmountExceedsClearingSystemLimit: of a day
    TransferStatus.EXCEEDS_BILATERAL_QUOTA: "AM14",  # AmountExceedsAgreedLimit: between two banks
    TransferStatus.DEBIT_ACCOUNT_ALREADY_CLOSED: "AG10",  # AgentSuspended
    TransferStatus.CREDIT_ACCOUNT_ALREADY_CLOSED: "AG11",  # CreditorAgentSuspended
    TransferStatus.DEBIT_ACCOUNT_NOT_FOUND: "RC01",  # BankIdentifierIncorrect
    TransferStatus.CREDIT_ACCOUNT_NOT_FOUND: "RC01",
}


class ReasonBook:
    """Why payments were declined: by a limit of the ledger or by a rule of scoring."""

    def __init__(self, scoring: Reasons) -> None:
        """Explain what the scoring stage declined by *scoring*."""
        self._scoring = scoring

    def reason(self, status: int, decision: int) -> Reason:
        """Return why the books failed a transfer for good."""
        named = TransferStatus(status)
        if named is TransferStatus.DECLINED:
            explained = self._scoring.explain(decision)
            return Reason(code=explained.reason, detail=explained.rule_id)
        return Reason(code=_CODES.get(named, "NARR"), detail=named.name.lower())


def rule_of(status: int) -> str:
    """Return the rule that a transfer broke which the ledger refused without recording it."""
    return f"ledger.{TransferStatus(status).name.lower()}"


def reason_code_number(code: str) -> int:
    """Return the four ASCII characters of a reason code as a voiding transfer carries them."""
    return int.from_bytes(code.encode("ascii"), "big")


def reason_code(number: int) -> str:
    """Return the reason code that a voiding transfer carries; empty for none."""
    return number.to_bytes(4, "big").decode("ascii") if number else ""


def state_name(state: int) -> str:
    """Return the short name of a state, for example `settled`."""
    return PaymentState.Name(state).removeprefix("PAYMENT_STATE_").lower()
