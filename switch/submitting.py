"""Submitting: the payments of requests go into the books, and each gets its state.

    requests of one turn ─► take: decode ─► engine, one batch ─► answers
                                                       └─► odd ones, each by itself

Both ends are bytes on the wire; no payment becomes an object of Python unless something is odd
about it, and no request becomes a task.

New payments are answered from the engine's results alone. What isn't new is looked up: a retry is
told the state that its original is in now, also where the switch would build its transfer in
another way today (another deadline, a bank that accepts by itself since, a bank that was merged),
or would not take it any more: the rules of routing change, what was recorded under them stands.
The original's content tells: its accounts, its amount and the digest of its message.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, cast

import numpy as np
import numpy.typing as npt

from payvand.core.commits import Committed
from payvand.core.engine import Engine
from payvand.core.records import RESOLVED, RESULT, Records
from payvand.core.statuses import TransferStatus
from payvand.switch.charging import start_charged
from payvand.switch.following import varint
from payvand.switch.metrics import Metrics
from payvand.switch.rates import Rates
from payvand.switch.routing import Route, Routing
from payvand.switch.standing import same_content
from payvand.switch.translate import CREATED, STATE_OF_LEDGER, ReasonBook, rule_of, state_name
from payvand.switch.wire.charging import ChargeTable
from payvand.switch.wire.faults import Rule, explain
from payvand.switch.wire.requests import Requests
from payvand.switch.wire.submission import Submission, decode, decode_all
from payvand.v1.payment_pb2 import Declined, PaymentState, Refusal
from payvand.v1.payment_service_pb2 import SubmitResponse

__all__ = ["Submitter"]

_RETRIES: Final = np.array(
    [TransferStatus.EXISTS, TransferStatus.ID_ALREADY_FAILED]
    + [status for status in TransferStatus if status.name.startswith("EXISTS_WITH")],
    np.uint32,
)
_OF_ROUTING: Final = np.array(
    [
        *(Rule.DEBTOR_UNKNOWN, Rule.NOT_YOURS, Rule.ROUTE_UNKNOWN, Rule.SAME_PARTICIPANT),
        *(Rule.DEBTOR_SUSPENDED, Rule.CREDITOR_SUSPENDED),
    ],
    np.uint32,
)
"""Rules that a payment may have kept when it was sent first."""
_REFUSED: Final = int(PaymentState.PAYMENT_STATE_REFUSED)
_DECLINED: Final = int(PaymentState.PAYMENT_STATE_DECLINED)
_STATE_NAMES: Final = {number: state_name(number) for number in PaymentState.values()}
_RESERVED: Final = int(PaymentState.PAYMENT_STATE_RESERVED)
_SETTLED: Final = int(PaymentState.PAYMENT_STATE_SETTLED)
_NOTHING: Final = Committed(
    0, 0, np.empty(0, RESULT), np.empty(0, np.uint32), np.empty(0, RESOLVED)
)
_ID_REUSED: Final = (
    "id",
    "payment.id_reused",
    "another payment has this id: give each payment its own, and a retry the same content",
)


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
        self.rates = Rates()
        """How much of what participants may submit is left."""
        self._odd: set[asyncio.Task[None]] = set()
        """Requests that are being answered by themselves."""

    def take(self, requests: Requests) -> None:
        """Judge the payments of *requests* and hand the good ones to the engine.

        Returns at once and raises nothing: every request is answered, or fails, in its own time,
        the malformed ones before this returns.
        """
        begun = time.perf_counter()
        submissions = decode_all(requests, timeout_s=self._timeout_s)
        payments = sum(submission.count for submission in submissions)
        self._metrics.observe("decode", time.perf_counter() - begun, payments)
        for submission in submissions:
            if requests.routing.is_rated:
                for index, count in enumerate(np.diff(submission.starts).tolist()):
                    self.rates.spend(requests.debtor(submission.first + index), count)
            for index, fault in submission.malformed.items():
                requests.fail(submission.first + index, fault)
            if len(submission.records):
                started = self._start(submission, requests.routing.charges)
                started.add_done_callback(partial(self._answer, requests, submission))
            else:
                self._answer_from(requests, submission, _NOTHING)

    async def submit(self, request: bytes, *, debtor: Route, routing: Routing) -> bytes:
        """Take one request alone; return the serialised `SubmitResponse`.

        Raises:
            RequestMalformed: the request as a whole breaks the contract.
        """
        requests = Requests.of([(request, debtor)], routing)
        flushed = asyncio.Event()
        requests.when_flushed = flushed.set
        self.take(requests)
        while requests.responses[0] is None:
            flushed.clear()
            await flushed.wait()
        (response,) = requests.responses
        if isinstance(response, BaseException):
            raise response
        return cast(bytes, response)

    def _start(
        self, submission: Submission, charges: ChargeTable | None
    ) -> "asyncio.Future[Committed]":
        """Hand a submission to the engine, with what its payments cost."""
        chunks = [submission.chunk(start, stop) for start, stop in submission.chunks()]
        started = [
            self._engine.start_transfers(records, payloads=payloads, offsets=offsets)
            if charges is None
            else start_charged(self._engine, charges, records, payloads, offsets)
            for records, payloads, offsets in chunks
        ]
        return started[0] if len(started) == 1 else asyncio.ensure_future(_joined(started))

    def _answer(
        self,
        requests: Requests,
        submission: Submission,
        started: "asyncio.Future[Committed]",
    ) -> None:
        """Answer what was waiting for the disk."""
        fault = asyncio.CancelledError() if started.cancelled() else started.exception()
        if fault is None:
            self._answer_from(requests, submission, started.result())
            return
        for index in range(submission.requests_count):
            if index not in submission.malformed:
                requests.fail(submission.first + index, fault)
        requests.flush()

    def _answer_from(
        self, requests: Requests, submission: Submission, committed: Committed
    ) -> None:
        begun = time.perf_counter()
        left, reserved, settled = submission.answer_plain(requests, committed.results)
        for state, count in ((_RESERVED, reserved), (_SETTLED, settled)):
            if count:
                self._metrics.count_payments(_STATE_NAMES[state], count)
        for index in left:
            task = asyncio.create_task(self._answer_odd(requests, submission, committed, index))
            self._odd.add(task)
            task.add_done_callback(self._odd.discard)
        self._metrics.observe("reply", time.perf_counter() - begun, submission.count)
        requests.flush()

    async def _answer_odd(
        self, requests: Requests, submission: Submission, committed: Committed, index: int
    ) -> None:
        """Answer a request of which not every payment took effect."""
        own, part = submission.of_request(index)
        place = submission.first + index
        try:
            judged = _Judged(own.states())
            own.note_created(judged.states, committed.results[part])
            await self._judge(judged, own, committed.results[part], committed.decisions[part])
            recorded: set[int] = set()
            if bool(np.isin(own.faults["rule"], _OF_ROUTING).any()):
                recorded = await self._recall_misrouted(judged, own, requests, place)
            for fault in own.faults:
                if (at := int(fault["index"])) not in recorded:
                    debtor, routing = requests.debtor(place), requests.routing
                    judged.refuse(at, *explain(fault, debtor, routing))
            self._count(judged)
            requests.answer(place, _response(judged))
        except Exception as fault:
            requests.fail(place, fault)
        requests.flush()

    async def _judge(
        self,
        judged: _Judged,
        submission: Submission,
        results: Records,
        decisions: npt.NDArray[np.uint32],
    ) -> None:
        """Fill in the states of the payments that didn't take effect."""
        statuses, places = results["status"], submission.places
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
            await self._recall(judged, places[again], submission.records[again])

    async def _recall_misrouted(
        self, judged: _Judged, submission: Submission, requests: Requests, place: int
    ) -> set[int]:
        """Answer payments that lead nowhere now and were recorded before; return their places."""
        debtor = requests.debtor(place)
        anywhere = decode(
            requests.request(place),
            requests.routing.table,
            position=debtor.position,
            timeout_s=self._timeout_s,
            anywhere=debtor,
        )
        faults = submission.faults
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
        for state, count in enumerate(np.bincount(judged.states).tolist()):
            if count and state not in (_REFUSED, _DECLINED):
                self._metrics.count_payments(_STATE_NAMES[state], count)
        for rule, count in Counter(refusal.rule for refusal in judged.refusals).items():
            self._metrics.count_payments("refused", count, reason=rule)
        for code, count in Counter(one.reason.code for one in judged.declined).items():
            self._metrics.count_payments("declined", count, reason=code)


async def _joined(started: Sequence["asyncio.Future[Committed]"]) -> Committed:
    """Return the results of one submission that was more than a batch of the books."""
    parts = [await part for part in started]
    return replace(
        parts[-1],
        results=np.concatenate([part.results for part in parts]),
        decisions=np.concatenate([part.decisions for part in parts]),
    )


def _response(judged: _Judged) -> bytes:
    """Return the serialised `SubmitResponse`: states first, whose numbers take a byte each."""
    judged.refusals.sort(key=lambda refusal: refusal.index)
    judged.declined.sort(key=lambda declined: declined.index)
    head = SubmitResponse(refusals=judged.refusals, declined=judged.declined)
    states = judged.states
    return b"\x0a" + varint(len(states)) + states.tobytes() + head.SerializeToString()
