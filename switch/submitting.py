"""Submitting: the payments of one request go into the books, and each gets its state.

    request ─► begin: decode, hand to the engine ─► Pending ─► finish: states ─► response

Both are bytes on the wire; no payment becomes an object of Python unless something is odd about it.

New payments are answered from the engine's results alone. What isn't new is looked up: a retry is
told the state that its original is in now, also where the switch would build its transfer in
another way today (another deadline, a bank that accepts by itself since, a bank that was merged),
or would not take it any more: the rules of routing change, what was recorded under them stands.
The original's content tells: its accounts, its amount and the digest of its message.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from payvand.core.commits import Committed
from payvand.core.engine import Engine
from payvand.core.records import Records
from payvand.core.statuses import TransferStatus
from payvand.switch.following import varint
from payvand.switch.metrics import Metrics
from payvand.switch.routing import Route, Routing
from payvand.switch.standing import same_content
from payvand.switch.translate import CREATED, STATE_OF_LEDGER, ReasonBook, rule_of, state_name
from payvand.switch.wire.faults import Rule, explain
from payvand.switch.wire.submission import Submission, decode
from payvand.v1.payment_pb2 import Declined, PaymentState, Refusal
from payvand.v1.payment_service_pb2 import SubmitResponse

__all__ = ["Pending", "Submitter"]

_RETRIES: Final = np.array(
    [TransferStatus.EXISTS, TransferStatus.ID_ALREADY_FAILED]
    + [status for status in TransferStatus if status.name.startswith("EXISTS_WITH")],
    np.uint32,
)
_OF_ROUTING: Final = np.array(
    [Rule.DEBTOR_UNKNOWN, Rule.NOT_YOURS, Rule.ROUTE_UNKNOWN, Rule.SAME_PARTICIPANT], np.uint32
)
"""Rules that a payment may have kept when it was sent first."""
_REFUSED: Final = int(PaymentState.PAYMENT_STATE_REFUSED)
_DECLINED: Final = int(PaymentState.PAYMENT_STATE_DECLINED)
_STATE_NAMES: Final = {number: state_name(number) for number in PaymentState.values()}
_SINGLE: Final = {number: b"\x0a\x01" + bytes([number]) for number in PaymentState.values()}
"""Responses to requests of one payment about which there is nothing else to say."""
_ID_REUSED: Final = (
    "id",
    "payment.id_reused",
    "another payment has this id: give each payment its own, and a retry the same content",
)


@dataclass(frozen=True, slots=True)
class Pending:
    """A request whose payments are on their way into the books."""

    submission: Submission
    parts: list[tuple[int, "asyncio.Future[Committed]"]]
    """Which record is the first of each submission to the engine, most often one, and its
    result."""
    debtor: Route
    routing: Routing
    """By which it was judged."""
    request: bytes
    """As it came, where a payment leads nowhere and may have led somewhere; else empty."""

    def cancel(self) -> None:
        """Let go of the results; what was handed over may have its effect."""
        for _, committed in self.parts:
            committed.cancel()


@dataclass(slots=True)
class _Judged:
    """What became of the payments of one request, in the words of the contract."""

    states: npt.NDArray[np.uint8]
    refusals: list[Refusal] = field(default_factory=list)
    declined: list[Declined] = field(default_factory=list)

    def refuse(self, place: int, name: str, rule: str, hint: str) -> None:
        self.states[place] = _REFUSED
        self.refusals.append(Refusal(index=place, field=name, rule=rule, hint=hint))


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

    def begin(self, request: bytes, *, debtor: Route, routing: Routing) -> Pending:
        """Judge the payments of a `SubmitRequest` and hand the good ones to the engine.

        Raises:
            RequestMalformed: the request as a whole breaks the contract.
        """
        begun = time.perf_counter()
        submission = decode(
            request, routing.table, position=debtor.position, timeout_s=self._timeout_s
        )
        parts = []
        for start, stop in submission.chunks():
            records, payloads, offsets = submission.chunk(start, stop)
            started = self._engine.start_transfers(records, payloads=payloads, offsets=offsets)
            parts.append((start, started))
        self._metrics.observe("decode", time.perf_counter() - begun, submission.count)
        is_misrouted = bool(np.isin(submission.faults["rule"], _OF_ROUTING).any())
        return Pending(submission, parts, debtor, routing, request if is_misrouted else b"")

    async def finish(self, pending: Pending) -> bytes:
        """Return the serialised `SubmitResponse`, once all is on stable storage."""
        submission = pending.submission
        judged = _Judged(submission.states())
        for start, started in pending.parts:
            committed = await started
            begun = time.perf_counter()
            if not submission.note_created(judged.states, start, committed.results):
                await self._judge(judged, submission, start, committed)
            self._metrics.observe("reply", time.perf_counter() - begun, len(committed.results))
        recorded = await self._recall_misrouted(judged, pending) if pending.request else set()
        for fault in submission.faults:
            place = int(fault["index"])
            if place not in recorded:
                judged.refuse(place, *explain(fault, pending.debtor, pending.routing))
        self._count(judged)
        return _response(judged)

    async def _judge(
        self, judged: _Judged, submission: Submission, start: int, committed: Committed
    ) -> None:
        """Fill in the states of the payments that didn't take effect."""
        statuses, decisions = committed.results["status"], committed.decisions
        stop = start + len(statuses)
        places, records = submission.places[start:stop], submission.records[start:stop]
        retried = np.isin(statuses, _RETRIES)
        for index in np.flatnonzero((statuses != CREATED) & ~retried).tolist():
            place, status = int(places[index]), int(statuses[index])
            if TransferStatus(status).transient:
                decision = int(decisions[index]) if len(decisions) else 0
                judged.states[place] = _DECLINED
                reason = self._reasons.reason(status, decision)
                judged.declined.append(Declined(index=place, reason=reason))
            else:
                judged.refuse(place, "amount", rule_of(status), "more than the books can hold")
        again = np.flatnonzero(retried)
        if len(again):
            await self._recall(judged, places[again], records[again])

    async def _recall_misrouted(self, judged: _Judged, pending: Pending) -> set[int]:
        """Answer payments that lead nowhere now and were recorded before; return their places."""
        anywhere = decode(
            pending.request,
            pending.routing.table,
            position=pending.debtor.position,
            timeout_s=self._timeout_s,
            anywhere=pending.debtor,
        )
        faults = pending.submission.faults
        misrouted = faults["index"][np.isin(faults["rule"], _OF_ROUTING)]
        asked = np.flatnonzero(np.isin(anywhere.places, misrouted))
        if not len(asked):
            return set()
        places, records = anywhere.places[asked], anywhere.records[asked]
        states = await self._engine.states(np.ascontiguousarray(records["id"]))
        seen = np.flatnonzero(states["state"])
        if len(seen):
            await self._recall(judged, places[seen], records[seen])
        return set(places[seen].tolist())

    async def _recall(
        self, judged: _Judged, places: npt.NDArray[np.uint32], records: Records
    ) -> None:
        """Answer payments whose ids had been used with the state of the first ones."""
        ids = np.ascontiguousarray(records["id"])
        found = await self._engine.lookup_transfers(ids)
        originals = {original["id"].tobytes(): original for original in found}
        states = await self._engine.states(ids)
        for place, record, state in zip(places.tolist(), records, states, strict=True):
            original = originals.get(record["id"].tobytes())
            if original is not None and not same_content(record, original):
                judged.refuse(place, *_ID_REUSED)
                continue
            judged.states[place] = STATE_OF_LEDGER[state["state"]]
            if judged.states[place] == _DECLINED:
                reason = self._reasons.reason(int(state["status"]), int(state["decision"]))
                judged.declined.append(Declined(index=place, reason=reason))

    def _count(self, judged: _Judged) -> None:
        """Count payments by state and, where they failed, by reason."""
        if len(judged.states) == 1:
            state = int(judged.states[0])
            if state not in (_REFUSED, _DECLINED):
                self._metrics.count_payments(_STATE_NAMES[state])
                return
        for state, count in enumerate(np.bincount(judged.states).tolist()):
            if count and state not in (_REFUSED, _DECLINED):
                self._metrics.count_payments(_STATE_NAMES[state], count)
        for rule, count in Counter(refusal.rule for refusal in judged.refusals).items():
            self._metrics.count_payments("refused", count, reason=rule)
        for code, count in Counter(one.reason.code for one in judged.declined).items():
            self._metrics.count_payments("declined", count, reason=code)


def _response(judged: _Judged) -> bytes:
    """Return the serialised `SubmitResponse`: states first, whose numbers take a byte each."""
    states = judged.states
    if not judged.refusals and not judged.declined:
        if len(states) == 1:
            return _SINGLE[int(states[0])]
        head = SubmitResponse()
    else:
        judged.refusals.sort(key=lambda refusal: refusal.index)
        judged.declined.sort(key=lambda declined: declined.index)
        head = SubmitResponse(refusals=judged.refusals, declined=judged.declined)
    if not len(states):
        return head.SerializeToString()
    return b"\x0a" + varint(len(states)) + states.tobytes() + head.SerializeToString()
