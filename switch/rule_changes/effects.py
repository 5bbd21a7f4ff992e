"""What a change of a table would do to live traffic, told before anybody approves it.

Three things are looked at, each under the rules in force and under the rules as they would be:

* where each bank code leads, at the moment of the change;
* the last payments of the journal, as if they came in then: to which participant each would go,
  and which rail would carry it;
* when the open settlement window is due, where the clock closes windows, and what the rails have
  planned for the days after it: the moves that `calendar.replan` makes.

Nothing is changed by looking. How many payments are looked at is bounded, and told.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from payvand.core.engine import Engine
from payvand.core.frame import Frame
from payvand.core.records import Operation
from payvand.core.segments import read_frames
from payvand.switch.participant import Participant
from payvand.switch.routing import Routing
from payvand.switch.rules.calendar import Move, Planned, replan
from payvand.switch.rules.choosing import Order, choose
from payvand.switch.rules.rails import INSTANT, REMOTE
from payvand.switch.rules.rulebook import Rulebook
from payvand.switch.rules.solar_hijri import local
from payvand.switch.settlement_cycles import SettlementCycles, calendar_of
from payvand.switch.standing import id_column
from payvand.switch.translate import STATE_OF_LEDGER
from payvand.v1.payment_pb2 import Payment, PaymentState

__all__ = ["Effects", "PlanMoves", "RouteChange", "SettlementMove", "Shift", "effects_of"]

PAYMENTS_MAX: Final = 20_000
"""The last payments that are looked at."""
CHOICES_MAX: Final = 2_000
"""Of these, the last ones whose rail is asked for."""
FRAMES_FIRST: Final = 16
FRAMES_MAX: Final = 16_384
"""Frames read for them: twice as many each time, from the end."""
STATES_CHUNK: Final = 8_000
PLAN_DAYS: Final = 30
"""The days behind the change whose plans are looked at."""
NO_RAIL: Final = "no rail"


@dataclass(frozen=True, slots=True)
class RouteChange:
    """A bank code that would lead elsewhere."""

    bank_code: str
    before: str
    """The participant's short name, or the rule by which it leads nowhere."""
    after: str


@dataclass(frozen=True, slots=True)
class Shift:
    """Payments of the last ones that would have gone another way."""

    what: str
    """`participant` or `rail`."""
    before: str
    after: str
    payments: int
    amount: int
    open_payments: int
    """Of these, payments under way: they end with the participant that has been asked."""


@dataclass(frozen=True, slots=True)
class PlanMoves:
    """What a rail has planned that would move; what isn't among them keeps its time."""

    rail: str
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class SettlementMove:
    """When the open settlement window is due, and when it would be."""

    window: int
    rail: str
    amount: int
    """What its payments amount to by now."""
    before: datetime | None
    after: datetime | None


@dataclass(frozen=True, slots=True)
class Effects:
    """What a change would do."""

    at: datetime
    """The moment that it is told for."""
    routes: tuple[RouteChange, ...]
    payments_seen: int
    open_payments_seen: int
    shifts: tuple[Shift, ...]
    plans: tuple[PlanMoves, ...]
    settlement: SettlementMove | None
    """None where operators alone close windows."""


async def effects_of(
    before: Rulebook,
    after: Rulebook,
    *,
    at: datetime,
    participants: Sequence[Participant],
    engine: Engine,
    journal: Path,
    cycles: SettlementCycles | None = None,
) -> Effects:
    """Return what *after* in place of *before* would do at the moment *at*.

    Args:
        before: the rules in force.
        after: the rules as they would be.
        at: when they would begin.
        participants: who takes part.
        engine: where payments under way stand; it writes *journal*.
        journal: the folder of the journal.
        cycles: what closes settlement windows by the clock.
    """
    settlement = None if cycles is None else await _settlement_move(after, at, cycles)
    payments = await asyncio.to_thread(_last_payments, journal, engine.sequence)
    is_open = await _are_open(engine, payments)
    return await asyncio.to_thread(
        _effects, before, after, at, participants, payments, is_open, settlement
    )


async def _settlement_move(
    after: Rulebook, at: datetime, cycles: SettlementCycles
) -> SettlementMove:
    due = await cycles.due_window()
    return SettlementMove(
        due.number,
        cycles.rail,
        await cycles.open_amount(),
        due.at,
        due.at_with(calendar_of(after, cycles.rail), at),
    )


def _effects(
    before: Rulebook,
    after: Rulebook,
    at: datetime,
    participants: Sequence[Participant],
    payments: Sequence[Payment],
    is_open: Sequence[bool],
    settlement: SettlementMove | None,
) -> Effects:
    day = local(at).date()
    old, new = (Routing(participants, banks=book.banks, day=day) for book in (before, after))
    shifts = _Shifts()
    for payment, waits in zip(payments, is_open, strict=True):
        was, becomes = (_leads(routing, payment.creditor_iban) for routing in (old, new))
        shifts.add("participant", was, becomes, payment, waits=waits)
    for payment, waits in zip(payments[-CHOICES_MAX:], is_open[-CHOICES_MAX:], strict=True):
        was, becomes = (_rail(book, payment, at) for book in (before, after))
        shifts.add("rail", was, becomes, payment, waits=waits)
    return Effects(
        at,
        tuple(_route_changes(before, after, old, new)),
        len(payments),
        sum(is_open),
        tuple(shifts.counted()),
        tuple(_plan_moves(before, after, at)),
        settlement,
    )


class _Shifts:
    """Payments that would go another way, counted by ways."""

    def __init__(self) -> None:
        self._payments: Counter[tuple[str, str, str]] = Counter()
        self._amounts: Counter[tuple[str, str, str]] = Counter()
        self._open: Counter[tuple[str, str, str]] = Counter()

    def add(self, what: str, before: str, after: str, payment: Payment, *, waits: bool) -> None:
        if before == after:
            return
        way = (what, before, after)
        self._payments[way] += 1
        self._amounts[way] += payment.amount
        self._open[way] += waits

    def counted(self) -> Iterator[Shift]:
        for way, count in self._payments.most_common():
            yield Shift(*way, count, self._amounts[way], self._open[way])


def _leads(routing: Routing, iban: str) -> str:
    route = routing.route(iban)
    return route.name if route is not None else routing.refusal(iban).rule


def _rail(rulebook: Rulebook, payment: Payment, at: datetime) -> str:
    order = Order(
        amount=payment.amount,
        debtor_bank=payment.debtor_iban[4:7],
        creditor_bank=payment.creditor_iban[4:7],
    )
    choice = choose(rulebook, order, at)
    return choice.rail.name if choice.rail is not None else NO_RAIL


def _route_changes(
    before: Rulebook, after: Rulebook, old: Routing, new: Routing
) -> Iterator[RouteChange]:
    codes = {*before.banks.banks, *after.banks.banks, *old.by_bank_code, *new.by_bank_code}
    for code in sorted(codes):
        was, becomes = (_leads(routing, f"IR00{code}") for routing in (old, new))
        if was != becomes:
            yield RouteChange(code, was, becomes)


def _plan_moves(before: Rulebook, after: Rulebook, at: datetime) -> Iterator[PlanMoves]:
    """Plan an order for each time at which a rail carries any, and see which of them move."""
    for name, rail in before.rails.rails.items():
        if rail.kind == INSTANT or name not in after.rails.rails:
            continue
        calendar = before.calendar(name)
        planned, moment = [], at
        while (time := calendar.next_start(moment)) and time <= at + timedelta(days=PLAN_DAYS):
            planned.append(Planned(b"", REMOTE, time))
            moment = time
        if moves := replan(after.calendar(name), planned):
            yield PlanMoves(name, moves)


def _last_payments(journal: Path, through: int) -> list[Payment]:
    """Return the last payments that are in the journal up to a frame, in its order."""
    frames_count = FRAMES_FIRST
    while True:
        after = max(through - frames_count, 0)
        payloads: list[bytes] = []
        for frame in read_frames(journal, after=after):
            if frame.sequence > through:
                break
            payloads += _payloads(frame)
        if len(payloads) >= PAYMENTS_MAX or after == 0 or frames_count >= FRAMES_MAX:
            return [Payment.FromString(payload) for payload in payloads[-PAYMENTS_MAX:]]
        frames_count *= 2


def _payloads(frame: Frame) -> Iterator[bytes]:
    if frame.operation is not Operation.CREATE_TRANSFERS or not len(frame.payload_offsets):
        return
    for index in range(len(frame.records)):
        if payload := frame.payload(index):
            yield payload


async def _are_open(engine: Engine, payments: Sequence[Payment]) -> list[bool]:
    """Tell of each payment whether it is under way."""
    found: list[bool] = []
    for start in range(0, len(payments), STATES_CHUNK):
        ids = id_column([payment.id for payment in payments[start : start + STATES_CHUNK]])
        states = await engine.states(ids)
        found += [
            STATE_OF_LEDGER[state] == PaymentState.PAYMENT_STATE_RESERVED
            for state in states["state"].tolist()
        ]
    return found
