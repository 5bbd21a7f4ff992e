"""How available each participant is: the worst of what is said of it and what is seen of it.

    said by the bank itself, said by operators ──┐
    no stream of it follows                      ├─► up, degraded, draining, down ─► who watches
    offers that ran out unanswered               ┘        └─► routing: signed off

What is said is an act in the journal, so it holds over a restart. What is seen is of this process
alone: after a start everybody has a grace in which to connect. Nothing is refused for what is only
seen; a payment to a bank that is silent is reserved, and waits for its answer until the deadline.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import numpy as np

from payvand.core.frame import Frame
from payvand.settlement.netting import participant_of
from payvand.settlement.operator_acts import OperatorAct
from payvand.switch.approvals.act_journal import ActJournal
from payvand.switch.participant import Participant
from payvand.switch.participants import Registry

__all__ = ["SAID", "Availability", "Level", "Standing"]

SAID: Final = "availability.said"
"""The act by which somebody says how available a participant is."""
PARTICIPANT, OPERATOR = "participant", "operator"

NS: Final = 1_000_000_000
GRACE_S: Final = 5.0
"""How long a participant that nobody connects for isn't down yet: streams break and are mended."""
WINDOW_S: Final = 60.0
TIME_OUTS_MIN: Final = 3
TIME_OUTS_SHARE: Final = 0.05
"""Offers of a minute that run out make a participant degraded: so many, and this share at least."""
LOOK_S: Final = 1.0


class Level(IntEnum):
    """From best to worst, with the contract's numbers."""

    UP = 1
    DEGRADED = 2
    DRAINING = 3
    DOWN = 4


@dataclass(frozen=True, slots=True)
class Standing:
    """How available one participant is."""

    participant: str
    level: Level
    since: int
    """Nanoseconds since 1970."""
    said_by_participant: Level | None
    said_by_operator: Level | None
    followers: int
    time_outs: int
    """Offers that ran out within the last minute."""
    remark: str

    @property
    def is_signed_off(self) -> bool:
        """Whether somebody says that nothing new is to go to it."""
        said = (self.said_by_participant, self.said_by_operator)
        return max((each for each in said if each), default=Level.UP) >= Level.DRAINING


class Availability:
    """The availability of all participants. One for each process; `run` it beside the engine."""

    def __init__(
        self,
        journal: ActJournal,
        registry: Registry,
        *,
        clock: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Follow the acts in *journal*, and let *registry* route by them."""
        self._journal = journal
        self._registry = registry
        self._clock = clock
        self._monotonic = monotonic
        self._said: dict[tuple[str, str], tuple[Level, str]] = {}
        self._followers: Counter[str] = Counter()
        self._left: dict[str, float] = {}
        self._ends: dict[str, deque[tuple[float, int, int]]] = {}
        self._standings: dict[str, Standing] = {}
        self._watchers: set[asyncio.Queue[None]] = set()
        self._started = monotonic()
        journal.watch(self._apply)

    @property
    def signed_off(self) -> frozenset[str]:
        """Those to whom nothing new is to go."""
        return frozenset(
            name for (name, _), (level, _) in self._said.items() if level >= Level.DRAINING
        )

    def standings(self) -> list[Standing]:
        """Return how available everybody is, by number."""
        return [self._look(one) for one in self._registry.participants if not one.is_closed]

    async def say(
        self, participant: str, level: Level, *, caller: str, is_operator: bool, remark: str
    ) -> Standing:
        """Write down what *caller* says of a participant, where it is new."""
        side = OPERATOR if is_operator else PARTICIPANT
        said, _ = self._said.get((participant, side), (Level.UP, ""))
        if said != level:
            await self._journal.record(
                SAID,
                operator=caller,
                participant=participant,
                side=side,
                level=level.name.lower(),
                remark=remark,
            )
            self._registry.reroute()
            self._tell()
        (found,) = (one for one in self._registry.participants if one.name == participant)
        return self._look(found)

    # --- what is seen ------------------------------------------------------------------------

    @contextmanager
    def following(self, participant: str) -> Iterator[None]:
        """Count a stream of a participant that follows, for the time of the body."""
        self._followers[participant] += 1
        self._tell()
        try:
            yield
        finally:
            self._followers[participant] -= 1
            self._left[participant] = self._monotonic()
            self._tell()

    def note_answers(self, participant: str, count: int) -> None:
        """Note that a participant answered *count* offers in time."""
        self._note(participant, count, 0)

    def see_frame(self, frame: Frame) -> None:
        """Note whose offers ran out before a frame."""
        names = self._registry.routing.names
        accounts, counts = np.unique(frame.expired["credit_account_id"]["lo"], return_counts=True)
        for account, count in zip(accounts.tolist(), counts.tolist(), strict=True):
            name = names.get(participant_of(account))
            if name is not None:
                self._note(name, 0, count)

    def _note(self, participant: str, answers: int, time_outs: int) -> None:
        now = self._monotonic()
        ends = self._ends.setdefault(participant, deque())
        if ends and now - ends[-1][0] < LOOK_S:
            at, before, late = ends.pop()
            ends.append((at, before + answers, late + time_outs))
        else:
            ends.append((now, answers, time_outs))

    # --- who watches -------------------------------------------------------------------------

    async def watch(self) -> AsyncGenerator[list[Standing]]:
        """Yield how available everybody is, then those that change, for ever."""
        changed: asyncio.Queue[None] = asyncio.Queue(1)
        self._watchers.add(changed)
        try:
            told: dict[str, Standing] = {}
            while True:
                fresh = [one for one in self.standings() if told.get(one.participant) != one]
                if fresh or not told:
                    told |= {one.participant: one for one in fresh}
                    yield fresh
                await changed.get()
        finally:
            self._watchers.discard(changed)

    async def run(self) -> None:
        """Tell of what changes by the passing of time alone, until cancelled."""
        before: list[Standing] = []
        while True:
            if (now := self.standings()) != before:
                before = now
                self._tell()
            await asyncio.sleep(LOOK_S)

    def _tell(self) -> None:
        for changed in self._watchers:
            if changed.empty():
                changed.put_nowait(None)

    def _apply(self, act: OperatorAct) -> None:
        if act.act != SAID:
            return
        key = (act.details["participant"], act.details["side"])
        level = Level[act.details["level"].upper()]
        if level is Level.UP:
            self._said.pop(key, None)
        else:
            self._said[key] = (level, act.details["remark"])

    # --- how it stands -----------------------------------------------------------------------

    def _look(self, one: Participant) -> Standing:
        """Return how a participant stands, with the moment since when it is at its level."""
        said = {side: self._said.get((one.name, side)) for side in (PARTICIPANT, OPERATOR)}
        time_outs, is_degraded = self._time_outs(one.name)
        seen = Level.UP
        if is_degraded:
            seen = Level.DEGRADED
        if not one.auto_accept and self._is_gone(one.name):
            seen = Level.DOWN
        level, remark = max(
            [(seen, ""), *(each for each in said.values() if each)], key=lambda each: each[0]
        )
        words = {side: each[0] if each else None for side, each in said.items()}
        standing = Standing(
            one.name,
            level,
            self._clock(),
            words[PARTICIPANT],
            words[OPERATOR],
            self._followers[one.name],
            time_outs,
            remark,
        )
        before = self._standings.get(one.name)
        if before is not None and before.level is level:
            standing = replace(standing, since=before.since)
        self._standings[one.name] = standing
        return standing

    def _is_gone(self, name: str) -> bool:
        left = self._left.get(name, self._started)
        return not self._followers[name] and self._monotonic() - left >= GRACE_S

    def _time_outs(self, name: str) -> tuple[int, bool]:
        """Return a minute's time-outs, and whether they are too many."""
        ends = self._ends.get(name)
        if ends is None:
            return 0, False
        while ends and self._monotonic() - ends[0][0] > WINDOW_S:
            ends.popleft()
        answers, late = sum(each[1] for each in ends), sum(each[2] for each in ends)
        return late, late >= TIME_OUTS_MIN and late >= TIME_OUTS_SHARE * (answers + late)
