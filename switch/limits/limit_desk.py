"""The parts of limits together, for the switch to build, load, serve and run."""

from collections.abc import Coroutine
from typing import Any

from payvand.core.engine import Engine
from payvand.switch.approvals.act_journal import ActJournal
from payvand.switch.limits.alerting import AlertBook, Alerting
from payvand.switch.limits.limits_in_force import LimitChange, LimitsInForce
from payvand.switch.limits.positions import Positions
from payvand.switch.participants import Registry
from payvand.switch.services.positions import PositionServicer

__all__ = ["LimitDesk"]


class LimitDesk:
    """Limits, positions and alerts of one switch. Make it before acts are loaded."""

    def __init__(self, engine: Engine, registry: Registry, acts: ActJournal) -> None:
        """Hold *registry*'s participants to their limits in *engine*, as *acts* set them."""
        alerts = AlertBook()
        self.limits = LimitsInForce(engine, registry)
        self.change = LimitChange(self.limits, registry)
        """The kind of proposals that set limits."""
        self.positions = Positions(engine, registry, self.limits)
        self.alerting = Alerting(engine, registry, self.limits, self.positions, acts, alerts)
        self._engine = engine
        self._registry = registry
        acts.watch(self.limits.book.apply)
        acts.watch(alerts.apply)

    async def load(self) -> None:
        """Bring the ledger to the limits, once acts and registry are loaded."""
        await self.limits.load()

    def servicer(self) -> PositionServicer:
        """Return what serves positions and alerts."""
        return PositionServicer(self._engine, self._registry, self.positions, self.alerting)

    def work(self) -> dict[str, Coroutine[Any, Any, None]]:
        """Return what runs beside the engine, by name."""
        return {"positions": self.positions.run(), "alerts": self.alerting.run()}
