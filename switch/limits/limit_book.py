"""The limits in force, as the acts in the journal tell: set by proposals that were carried out."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from payvand.settlement.operator_acts import OperatorAct
from payvand.switch.approvals.proposal import Act
from payvand.switch.limits.limit import (
    ALERT_PERCENTS,
    LIMITS_MAX,
    Kind,
    Limit,
    LimitFault,
    cap,
    limit_from,
)
from payvand.switch.participant import Participant

__all__ = ["LIMIT_CHANGE", "LimitBook", "limits_of"]

LIMIT_CHANGE: Final = "limits.change"
"""The kind of proposals to set limits; it stands in the journal for ever."""


def limits_of(content: Mapping[str, Any]) -> tuple[Limit, ...]:
    """Return the limits that the content of a proposal sets, or raise `LimitFault`."""
    rows = content.get("limits")
    if set(content) != {"limits"} or not isinstance(rows, list) or not 0 < len(rows) <= LIMITS_MAX:
        raise LimitFault("limits", "limits.form", f"a list of 1 to {LIMITS_MAX} limits, no more")
    limits = tuple(limit_from(f"limits[{index}]", row) for index, row in enumerate(rows))
    seen = set()
    for index, limit in enumerate(limits):
        if limit.key in seen:
            raise LimitFault(f"limits[{index}]", "limits.twice", "it is set twice here")
        seen.add(limit.key)
    return limits


class LimitBook:
    """All limits in force. Tell it of every act of the journal, in order."""

    def __init__(self, limits: Iterable[Limit] = ()) -> None:
        """Begin with *limits*."""
        self._limits = {limit.key: limit for limit in limits}
        self._proposed: dict[bytes, tuple[Limit, ...]] = {}

    def apply(self, act: OperatorAct) -> None:
        """Follow an act; those that are of no limit are passed."""
        if act.act == Act.PROPOSED and act.details["kind"] == LIMIT_CHANGE:
            self._proposed[act.proposal] = limits_of(act.details["content"])
        elif act.act == Act.CARRIED_OUT and act.proposal in self._proposed:
            for limit in self._proposed.pop(act.proposal):
                self._limits[limit.key] = limit

    def with_limits(self, limits: Iterable[Limit]) -> "LimitBook":
        """Return a book in which *limits* are in force too."""
        return LimitBook([*self._limits.values(), *limits])

    def __iter__(self) -> Iterator[Limit]:
        """Iterate over all limits."""
        return iter(self._limits.values())

    def of(self, participant: str) -> list[Limit]:
        """Return the limits of one participant."""
        return [limit for limit in self if limit.participant == participant]

    def _one(self, participant: str, kind: Kind) -> Limit | None:
        return next((one for one in self.of(participant) if one.kind is kind), None)

    @property
    def has_shares(self) -> bool:
        """Whether anybody's cap follows its liquidity."""
        return any(limit.kind is Kind.SHARE for limit in self)

    def percents(self, participant: str) -> tuple[int, ...]:
        """Return at how much of a limit, in percent, somebody is told."""
        alerts = self._one(participant, Kind.ALERTS)
        return ALERT_PERCENTS if alerts is None else alerts.percents

    def pledged(self, participant: str) -> int:
        """Return what a participant has pledged."""
        collateral = self._one(participant, Kind.COLLATERAL)
        return 0 if collateral is None else collateral.amount or 0

    def cap(self, participant: Participant, settlement_balance: int) -> int:
        """Return how far a participant's position may fall below zero; see `limit.cap`."""
        share = self._one(participant.name, Kind.SHARE)
        collateral = self._one(participant.name, Kind.COLLATERAL)
        return cap(
            participant.net_debit_cap,
            settlement_balance,
            share.per_million if share else 0,
            (collateral.amount or 0) if collateral else 0,
            collateral.per_million if collateral else 0,
        )
