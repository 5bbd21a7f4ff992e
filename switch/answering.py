"""Answering: a creditor bank's word on payments that were offered to it.

An answer is a transfer that posts or voids the payment's own, under the payment's id with the
topmost bit set: so there is one answer for each payment, and a repeated one finds the first.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from payvand.core.engine import Engine
from payvand.core.records import Records, TransferFlags
from payvand.core.statuses import TransferStatus
from payvand.switch.metrics import Metrics
from payvand.switch.routing import Route
from payvand.switch.standing import concerns, find, id_column, is_payment
from payvand.switch.translate import (
    COUNTED_CODES,
    CREATED,
    NO_REASON_CODE,
    OWN_BIT,
    STATE_OF_LEDGER,
    reason_code,
    reason_code_number,
    state_name,
)
from payvand.switch.wire.faults import RequestMalformed
from payvand.v1.payment_pb2 import PaymentState
from payvand.v1.payment_service_pb2 import PaymentAnswer

__all__ = ["answer"]

_CODE_FORM: Final = re.compile("[A-Z0-9]{4}")


async def answer(
    engine: Engine, metrics: Metrics, answers: Sequence[PaymentAnswer], creditor: Route
) -> list[int]:
    """Record the answers of *creditor* and return where each payment stands now.

    Raises:
        RequestMalformed: a reason code isn't one.
    """
    accepted = np.array([one.accept for one in answers], np.bool_)
    reasons = np.array([_reason_number(index, one) for index, one in enumerate(answers)], np.uint32)
    ids = id_column([one.id for one in answers])
    found, places = await find(engine, ids)
    mine = concerns(found["credit_account_id"], creditor) & is_payment(found)
    found, places = found[mine], places[mine]
    states = np.full(len(answers), PaymentState.PAYMENT_STATE_UNKNOWN, np.int64)
    waiting = found["flags"] & TransferFlags.PENDING != 0
    recall = ~waiting
    if waiting.any():
        statuses = np.zeros(len(found), np.uint32)
        verdicts = accepted[places[waiting]]
        events = _events(found[waiting], verdicts, reasons[places[waiting]])
        statuses[waiting] = (await engine.create_transfers(events)).results["status"]
        done = waiting & (statuses == CREATED)
        states[places[done]] = np.where(
            accepted[places[done]],
            PaymentState.PAYMENT_STATE_SETTLED,
            PaymentState.PAYMENT_STATE_REJECTED,
        )
        expired = waiting & (statuses == TransferStatus.PENDING_TRANSFER_EXPIRED)
        states[places[expired]] = PaymentState.PAYMENT_STATE_EXPIRED
        recall = ~done & ~expired
        _count(metrics, states[places[done]], reasons[places[done]])
    if recall.any():
        known = await engine.states(np.ascontiguousarray(found["id"][recall]))
        states[places[recall]] = np.array(STATE_OF_LEDGER)[known["state"]]
    as_list: list[int] = states.tolist()
    return as_list


def _events(
    pending: Records, accepted: npt.NDArray[np.bool_], reasons: npt.NDArray[np.uint32]
) -> Records:
    """Return the transfers that post or void *pending*, whole."""
    events = pending.copy()
    events["pending_id"] = pending["id"]
    events["id"]["hi"] |= OWN_BIT
    events["flags"] = np.where(
        accepted, TransferFlags.POST_PENDING_TRANSFER, TransferFlags.VOID_PENDING_TRANSFER
    )
    events["user_data_32"] = np.where(accepted, 0, reasons)
    events["timeout"] = 0
    events["timestamp"] = 0
    return events


def _reason_number(index: int, one: PaymentAnswer) -> int:
    code = one.reason_code or NO_REASON_CODE
    if one.accept:
        return 0
    if not _CODE_FORM.fullmatch(code):
        raise RequestMalformed(
            "reason.form",
            "write an ISO 20022 external status reason code, four capital letters or digits, "
            "for example AC04",
            field=f"answers[{index}].reason_code",
        )
    return reason_code_number(code)


def _count(
    metrics: Metrics, states: npt.NDArray[np.int64], reasons: npt.NDArray[np.uint32]
) -> None:
    for (state, reason), count in Counter(
        zip(states.tolist(), reasons.tolist(), strict=True)
    ).items():
        code = reason_code(reason)
        told = code if not code or code in COUNTED_CODES else "other"
        metrics.count_payments(state_name(state), count, reason=told)
