"""Alerts: a limit has filled beyond a threshold.

Each limit is armed for its thresholds. Where what is used reaches one, an alert of the highest one
reached is written to the journal, for the bank and for operators, and the limit is disarmed up to
there. It is armed again for a threshold once 5 percent points less than that are used, and for all
of them when the limit itself moves: what is full under a new limit is told anew.

What is used is looked at every second, where the journal has grown. So a peak that comes and goes
within a second is not told; that it crossed no limit, the ledger sees to. Alerts are acts of the
journal: none is lost, and each has a sequence from which a stream goes on.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Final

import structlog

from payvand.core.engine import Engine
from payvand.core.ledger import Ledger
from payvand.core.records import Records, u128_array, u128_list, u128_of
from payvand.settlement.netting import position_account
from payvand.settlement.operator_acts import OperatorAct
from payvand.switch.approvals.act_journal import ActJournal
from payvand.switch.limits.limit import IN_LEDGER, Kind
from payvand.switch.limits.limits_in_force import LimitsInForce
from payvand.switch.limits.positions import CAP, READ_MAX, LimitUse, Positions, limit_use
from payvand.switch.participants import Registry

__all__ = ["ALERTED", "Alert", "AlertBook", "Alerting"]

ALERTED: Final = "limit.alert"
"""The act by which alerts are told; it stands in the journal for ever."""
LOOK_S: Final = 1.0
REARM_PERCENT: Final = 5
ALERTS_KEPT: Final = 100_000
"""In memory, the last ones; a cursor before them gets them all the same, from the first kept on."""
ACT_ALERTS_MAX: Final = 1_000
"""Alerts of one act; the rest go with the next."""
SWITCH: Final = ""

log = structlog.get_logger("payvand.switch")


@dataclass(frozen=True, slots=True)
class Alert:
    """A limit that has filled."""

    sequence: int
    timestamp: int
    participant: str
    limit: str
    percent: int
    used: int
    maximum: int


class AlertBook:
    """The alerts that the acts tell of, and which thresholds are armed since."""

    def __init__(self) -> None:
        """Begin before the first act."""
        self.alerts: list[Alert] = []
        """The last ones, in the order of the journal."""
        self._armed: dict[tuple[str, str], tuple[int, int]] = {}  # maximum, disarmed up to

    def apply(self, act: OperatorAct) -> None:
        """Follow an act; those that are of no alert are passed."""
        if act.act != ALERTED:
            return
        for told in act.details["alerts"]:
            alert = Alert(
                act.sequence,
                act.timestamp,
                told["participant"],
                told["limit"],
                told["percent"],
                int(told["used"]),
                int(told["maximum"]),
            )
            self.alerts.append(alert)
            self._armed[alert.participant, alert.limit] = (alert.maximum, alert.percent)
        del self.alerts[:-ALERTS_KEPT]

    def after(self, sequence: int, participant: str = "") -> list[Alert]:
        """Return the alerts behind a sequence, of one participant or of all."""
        found: list[Alert] = []
        for alert in reversed(self.alerts):
            if alert.sequence <= sequence:
                break
            if participant in ("", alert.participant):
                found.append(alert)
        return found[::-1]

    def judge(self, participant: str, use: LimitUse, percents: tuple[int, ...]) -> int:
        """Return the threshold to be told of, 0 for none; arm what is to be armed again."""
        if use.used is None or not percents:
            return 0
        maximum, disarmed = self._armed.get((participant, use.limit), (use.maximum, 0))
        if maximum != use.maximum:
            disarmed = 0
        filled = 100 * use.used
        disarmed = max(
            (
                one
                for one in percents
                if one <= disarmed and filled >= (one - REARM_PERCENT) * use.maximum
            ),
            default=0,
        )
        self._armed[participant, use.limit] = (use.maximum, disarmed)
        reached = max(
            (one for one in percents if use.used and filled >= one * use.maximum), default=0
        )
        return reached if reached > disarmed else 0


class Alerting:
    """Alerts of one switch. One for each process; `run` it beside the engine."""

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        limits: LimitsInForce,
        positions: Positions,
        journal: ActJournal,
        book: AlertBook,
    ) -> None:
        """Watch the limits of *registry*'s participants; write to *journal*, which tells *book*."""
        self.book = book
        self._engine = engine
        self._registry = registry
        self._limits = limits
        self._positions = positions
        self._journal = journal
        self._sequence = -1
        self.told = asyncio.Event()
        """Set once there are alerts that weren't there when it was taken; then replaced."""

    async def run(self) -> None:
        """Look at what is used, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self._engine.sequence != self._sequence:
                await self.look()

    async def look(self) -> None:
        """Tell of the limits that have filled since this looked last."""
        self._sequence = self._engine.sequence
        due: list[dict[str, Any]] = []
        async for participant, use in self._uses():
            percent = self.book.judge(participant, use, self._limits.book.percents(participant))
            if percent:
                due.append(
                    {
                        "participant": participant,
                        "limit": use.limit,
                        "percent": percent,
                        "used": str(use.used),
                        "maximum": str(use.maximum),
                    }
                )
        for first in range(0, len(due), ACT_ALERTS_MAX):
            part = due[first : first + ACT_ALERTS_MAX]
            await self._journal.record(ALERTED, operator=SWITCH, alerts=part)
        if due:
            for one in due:
                log.warning("a limit has filled", **one)
            by_name = self._registry.routing.by_name
            self._positions.wake({by_name[one["participant"]].number for one in due})
            told, self.told = self.told, asyncio.Event()
            told.set()

    async def _uses(self) -> AsyncIterator[tuple[str, LimitUse]]:
        """Iterate over all limits in use as (participant, LimitUse)."""
        routes = list(self._registry.routing.by_name.values())
        for first in range(0, len(routes), READ_MAX):
            part = routes[first : first + READ_MAX]
            ids = u128_array(position_account(route.number) for route in part)
            _, (accounts, caps) = await self._engine.look(
                lambda ledger, ids=ids: (  # type: ignore[misc]
                    ledger.lookup_accounts(ids),
                    ledger.lookup_limits(ids),
                )
            )
            names = {position_account(route.number): route.name for route in part}
            for account, use in _cap_uses(accounts, caps):
                yield names[account], use
        limits = [
            one
            for one in self._limits.book
            if one.kind in IN_LEDGER and one.kind is not Kind.PAYMENT and one.amount is not None
        ]
        if limits:
            _, quotas = await self._engine.look(Ledger.quotas)
            rows = {u128_of(row["quota"]["id"]): row for row in quotas}
            for limit in limits:
                terms = self._limits.terms_of(limit)
                row = rows.get(terms.id) if terms is not None else None
                if row is not None:
                    yield limit.participant, limit_use(limit, row)


def _cap_uses(accounts: Records, caps: Records) -> Iterator[tuple[int, LimitUse]]:
    """Yield (account, use of its cap), for positions that owe anything or have reserved it."""
    columns = zip(
        u128_list(accounts["id"]),
        u128_list(accounts["debits_posted"]),
        u128_list(accounts["debits_pending"]),
        u128_list(accounts["credits_posted"]),
        u128_list(caps["limit"]),
        strict=True,
    )
    for account, posted, pending, earned, maximum in columns:
        yield account, LimitUse(CAP, maximum, max(posted + pending - earned, 0))
