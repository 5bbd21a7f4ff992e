"""Answering: a creditor bank's word on payments that were offered to it.

An answer is a transfer that posts or voids the payment's own, under the payment's id with the
topmost bit set: so there is one answer for each payment, and a repeated one finds the first.
"""

import numpy as np
import numpy.typing as npt

from payvand.core.engine import Engine
from payvand.core.records import Records, TransferFlags
from payvand.core.statuses import TransferStatus
from payvand.switch.charging import commit_ends
from payvand.switch.following import varint
from payvand.switch.metrics import Metrics
from payvand.switch.routing import Route
from payvand.switch.standing import concerns, find, is_payment
from payvand.switch.translate import (
    COUNTED_CODES,
    CREATED,
    OWN_BIT,
    STATE_OF_LEDGER,
    reason_code,
    state_name,
)
from payvand.switch.wire.answers import decode_answers
from payvand.v1.payment_pb2 import PaymentState

__all__ = ["answer"]


async def answer(engine: Engine, metrics: Metrics, request: bytes, creditor: Route) -> bytes:
    """Record the answers of *creditor*, an `AnswerRequest`; return the `AnswerResponse`.

    Raises:
        RequestMalformed: the request as a whole breaks the contract; nothing was recorded.
    """
    ids, accepted, reasons = decode_answers(request)
    found, places = await find(engine, ids)
    mine = concerns(found["credit_account_id"], creditor) & is_payment(found)
    found, places = found[mine], places[mine]
    states = np.full(len(ids), PaymentState.PAYMENT_STATE_UNKNOWN, np.uint8)
    waiting = found["flags"] & TransferFlags.PENDING != 0
    recall = ~waiting
    if waiting.any():
        statuses = np.zeros(len(found), np.uint32)
        verdicts = accepted[places[waiting]]
        events = _events(found[waiting], verdicts, reasons[places[waiting]])
        statuses[waiting] = await commit_ends(engine, found[waiting], events)
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
    # Numbers of states take a byte each.
    return b"\x0a" + varint(len(states)) + states.tobytes() if len(states) else b""


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


def _count(
    metrics: Metrics, states: npt.NDArray[np.uint8], reasons: npt.NDArray[np.uint32]
) -> None:
    kinds, counts = np.unique(
        states.astype(np.uint64) << np.uint64(32) | reasons, return_counts=True
    )
    for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True):
        code = reason_code(kind & 0xFFFF_FFFF)
        told = code if not code or code in COUNTED_CODES else "other"
        metrics.count_payments(state_name(kind >> 32), count, reason=told)
