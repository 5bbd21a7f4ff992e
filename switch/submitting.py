"""Submitting: the payments of one request go into the books, and each gets its state.

New payments are answered from the engine's results alone. What isn't new is looked up: a retry is
told the state that its original is in now, also where the switch would build its transfer in
another way today (another deadline, a bank that accepts by itself since, a bank that was merged).
The original's content tells: its accounts, its amount and the digest of its message.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from payvand.core.engine import Engine
from payvand.core.records import Records
from payvand.core.statuses import TransferStatus
from payvand.switch.decoding import Decoded, decode
from payvand.switch.metrics import Metrics
from payvand.switch.routing import Route, Routing
from payvand.switch.translate import CREATED, STATE_OF_LEDGER, ReasonBook, rule_of, state_name
from payvand.v1.payment_pb2 import Declined, Payment, PaymentState, Refusal

__all__ = ["Judged", "Submitter"]

DECODE_TURN: Final = 1_000
"""Payments decoded at a time; some 10 ms."""

_RETRIES: Final = np.array(
    [TransferStatus.EXISTS, TransferStatus.ID_ALREADY_FAILED]
    + [status for status in TransferStatus if status.name.startswith("EXISTS_WITH")],
    np.uint32,
)
_REFUSED: Final = int(PaymentState.PAYMENT_STATE_REFUSED)
_DECLINED: Final = int(PaymentState.PAYMENT_STATE_DECLINED)
_RESERVED: Final = int(PaymentState.PAYMENT_STATE_RESERVED)
_SETTLED: Final = int(PaymentState.PAYMENT_STATE_SETTLED)
_ID_REUSED: Final = (
    "id",
    "payment.id_reused",
    "another payment has this id: give each payment its own, and a retry the same content",
)


@dataclass(slots=True)
class Judged:
    """What became of the payments of one request, in the words of the contract."""

    states: npt.NDArray[np.int64]
    refusals: list[Refusal]
    declined: list[Declined]


class Submitter:
    """Carry requests' payments into the engine."""

    def __init__(
        self, engine: Engine, metrics: Metrics, reasons: ReasonBook, *, timeout_s: int
    ) -> None:
        """Reserve in *engine* for *timeout_s* seconds where a bank's answer is waited for."""
        self._engine = engine
        self._metrics = metrics
        self._reasons = reasons
        self._timeout_s = timeout_s

    async def submit(
        self, payments: Sequence[Payment], *, debtor: Route, routing: Routing
    ) -> Judged:
        """Judge and record *payments* of the participant *debtor*; all is on stable storage."""
        decoded = await self._decode(payments, debtor, routing)
        judged = Judged(np.full(decoded.count, _REFUSED, np.int64), decoded.refusals, [])
        for chunk in decoded.chunks():
            committed = await self._engine.create_transfers(
                chunk.records, payloads=chunk.payloads, offsets=chunk.offsets
            )
            begun = time.perf_counter()
            stop = chunk.start + len(chunk.records)
            await self._judge(
                judged,
                decoded.places[chunk.start : stop],
                chunk.records,
                committed.results["status"],
                committed.decisions,
            )
            self._metrics.observe("reply", time.perf_counter() - begun, len(chunk.records))
        self._count(decoded, judged)
        judged.refusals.sort(key=lambda refusal: refusal.index)
        return judged

    async def _decode(
        self, payments: Sequence[Payment], debtor: Route, routing: Routing
    ) -> Decoded:
        """Decode in turns, so that a great batch doesn't hold up everybody else."""
        spent = 0.0
        parts = []
        for start in range(0, len(payments), DECODE_TURN):
            if start:
                await asyncio.sleep(0)
            begun = time.perf_counter()
            part = payments[start : start + DECODE_TURN]
            parts.append(
                decode(part, debtor=debtor, routing=routing, timeout_s=self._timeout_s, start=start)
            )
            spent += time.perf_counter() - begun
        self._metrics.observe("decode", spent, len(payments))
        return Decoded.joined(parts)

    async def _judge(
        self,
        judged: Judged,
        places: npt.NDArray[np.intp],
        records: Records,
        statuses: npt.NDArray[np.uint32],
        decisions: npt.NDArray[np.uint32],
    ) -> None:
        """Fill in the states of the payments at *places*, whose records had *statuses*."""
        created = statuses == CREATED
        judged.states[places] = np.where(records["timeout"] != 0, _RESERVED, _SETTLED)
        if created.all():
            return
        retried = np.isin(statuses, _RETRIES)
        for index in np.flatnonzero(~created & ~retried).tolist():
            place, status = int(places[index]), int(statuses[index])
            if TransferStatus(status).transient:
                decision = int(decisions[index]) if len(decisions) else 0
                judged.states[place] = _DECLINED
                judged.declined.append(
                    Declined(index=place, reason=self._reasons.reason(status, decision))
                )
            else:
                _refuse(judged, place, "amount", rule_of(status), "more than the books can hold")
        again = np.flatnonzero(retried)
        if len(again):
            await self._recall(judged, places[again], records[again])
        judged.declined.sort(key=lambda declined: declined.index)

    async def _recall(self, judged: Judged, places: npt.NDArray[np.intp], records: Records) -> None:
        """Answer payments whose ids had been used with the state of the first ones."""
        ids = np.ascontiguousarray(records["id"])
        found = await self._engine.lookup_transfers(ids)
        originals = {original["id"].tobytes(): original for original in found}
        states = await self._engine.states(ids)
        for place, record, state in zip(places.tolist(), records, states, strict=True):
            original = originals.get(record["id"].tobytes())
            if original is not None and not _same_content(record, original):
                _refuse(judged, place, *_ID_REUSED)
                continue
            judged.states[place] = STATE_OF_LEDGER[state["state"]]
            if judged.states[place] == _DECLINED:
                reason = self._reasons.reason(int(state["status"]), int(state["decision"]))
                judged.declined.append(Declined(index=place, reason=reason))

    def _count(self, decoded: Decoded, judged: Judged) -> None:
        """Count payments by state and, where they failed, by reason."""
        good, counts = np.unique(judged.states, return_counts=True)
        for state, count in zip(good.tolist(), counts.tolist(), strict=True):
            if state not in (_REFUSED, _DECLINED):
                self._metrics.count_payments(state_name(state), count)
        for rule, count in Counter(refusal.rule for refusal in judged.refusals).items():
            self._metrics.count_payments("refused", count, reason=rule)
        for code, count in Counter(one.reason.code for one in judged.declined).items():
            self._metrics.count_payments("declined", count, reason=code)


def _same_content(record: Records, original: Records) -> bool:
    """Tell whether a payment is the one that was recorded under its id."""
    return all(
        record[name] == original[name]
        for name in (
            "debit_account_id",
            "amount",
            "user_data_128",
            "user_data_64",
            "ledger",
            "code",
        )
    )


def _refuse(judged: Judged, place: int, field: str, rule: str, hint: str) -> None:
    judged.states[place] = _REFUSED
    judged.refusals.append(Refusal(index=place, field=field, rule=rule, hint=hint))
