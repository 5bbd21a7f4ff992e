"""What payments of a simulated country cost, and how far its banks may go: drawn from the seed."""

from collections.abc import Sequence
from random import Random

from payvand.switch.limits.limit import Kind, Limit
from payvand.switch.rules.tariffs import KINDS, Tariff, Tariffs, Tier
from payvand.switch.rules.validity import Validity

__all__ = ["draw_limits", "draw_tariffs"]

AMOUNT_MAX = (1 << 64) - 1


def draw_tariffs(random: Random, names: Sequence[str]) -> Tariffs:
    """Return up to three tariffs, often none; the last bank runs the switch."""
    tariffs = []
    for number in range(random.choice((0, 0, 1, 2, 3))):
        payer = random.choice(("debtor", "creditor"))
        other = "creditor" if payer == "debtor" else "debtor"
        is_interchange = random.random() < 0.5
        tariffs.append(
            Tariff(
                name=f"tariff-{number}",
                kind=random.choice((KINDS[0], KINDS[0], KINDS[2])),
                charge="interchange" if is_interchange else "switch_fee",
                payer=payer,
                receiver=other if is_interchange else names[-1],
                tiers=(
                    Tier(0, random.randint(0, 3), random.randint(0, 9_999), 0, AMOUNT_MAX),
                    Tier(500, 0, random.randint(0, 9_999), random.randint(0, 5), 9),
                ),
                validity=Validity(),
                source="a simulation",
            )
        )
    return Tariffs("simulation", tuple(tariffs))


def draw_limits(random: Random, names: Sequence[str]) -> list[Limit]:
    """Return limits that stand in the way of a part of the payments; often none."""
    found = {}
    for _ in range(random.choice((0, 1, 3, 6))):
        participant, creditor = random.sample(names, 2)
        kind = random.choice((Kind.PAYMENT, Kind.DAY, Kind.BILATERAL, Kind.COLLATERAL))
        limit = Limit(
            kind=kind,
            participant=participant,
            payments=random.choice(("all", "credit_transfer", "return"))
            if kind in (Kind.PAYMENT, Kind.DAY)
            else "all",
            creditor=creditor if kind is Kind.BILATERAL else "",
            amount=random.choice((None, random.randint(0, 30_000), random.randint(0, 2_000))),
            per_million=random.randint(0, 1_000_000) if kind is Kind.COLLATERAL else 0,
        )
        found[limit.key] = limit
    return list(found.values())
