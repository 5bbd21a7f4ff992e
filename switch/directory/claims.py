"""Claims: how an alias goes from one bank to another, or from one person to another.

A bank whose customer wants an alias that is registered elsewhere opens a claim. The bank that has
it, the *donor*, answers; then the claimant completes, and only then does the alias move:

    open ─► WAITING ─ confirm ─► CONFIRMED ─ complete ─► COMPLETED
               │ │                   │
               │ └─ cancel ──────────┴─ cancel, or not completed in time ─► CANCELLED
               └─ no answer in time: PORTABILITY is cancelled, OWNERSHIP is confirmed

Silence is read against the one who would gain by it. A *portability* claim moves the same person's
alias to another bank: without the person's word at the donor nothing moves. An *ownership* claim
says that the number has another owner now (mobile numbers are given out again): a donor that
can't reach the old owner must not keep the new one from it for ever.

A claim is a value; each act returns another, with the time passed in; an act done again by the same
side returns the claim as it stands. Deadlines take effect by
themselves: whoever looks at a claim at a time after one sees what it made of the claim.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

__all__ = ["Claim", "ClaimKind", "ClaimRefused", "ClaimState", "ClaimTerms", "open_claim"]


class ClaimKind(Enum):
    """What is claimed."""

    PORTABILITY = "portability"
    """The same person takes the alias to another bank."""
    OWNERSHIP = "ownership"
    """The alias belongs to another person now."""


class ClaimState(Enum):
    """Where a claim stands."""

    WAITING = "waiting"
    """For the donor's answer."""
    CONFIRMED = "confirmed"
    """The claimant may complete."""
    COMPLETED = "completed"
    """The alias moved; final."""
    CANCELLED = "cancelled"
    """The alias stays; final."""


class ClaimRefused(Exception):
    """An act does not fit the claim; `rule` names the broken rule, `hint` says what to do.

    The rules: `claim.own_alias`, `claim.not_yours`, `claim.state`.
    """

    def __init__(self, rule: str, hint: str) -> None:
        super().__init__(f"{rule}: {hint}")
        self.rule = rule
        self.hint = hint


@dataclass(frozen=True, slots=True)
class ClaimTerms:
    """How long each side may take."""

    answer: timedelta = timedelta(days=7)
    completion: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim. `at` of every act is a moment that does not run back."""

    id: int
    """128 bits, given by the claimant."""
    kind: ClaimKind
    key: int
    """The alias's key."""
    donor: str
    """The participant that has the alias."""
    claimant: str
    opened_at: datetime
    answer_by: datetime
    completion: timedelta
    settled_state: ClaimState = ClaimState.WAITING
    """What the last act made of it; `at` tells what deadlines made of it since."""
    complete_by: datetime | None = None
    """The deadline of the claimant, once confirmed."""
    reason: str = ""
    """Why it was cancelled."""
    moved_to: str = ""
    """The IBAN that the alias stands for since the claim was completed."""

    def at(self, moment: datetime) -> "Claim":
        """Return the claim as it stands at *moment*, with what deadlines made of it."""
        claim = self
        if claim.settled_state is ClaimState.WAITING and moment >= claim.answer_by:
            if claim.kind is ClaimKind.PORTABILITY:
                return replace(
                    claim, settled_state=ClaimState.CANCELLED, reason="no answer in time"
                )
            claim = claim._confirmed(claim.answer_by)
        if (
            claim.settled_state is ClaimState.CONFIRMED
            and claim.complete_by is not None
            and moment >= claim.complete_by
        ):
            return replace(
                claim, settled_state=ClaimState.CANCELLED, reason="not completed in time"
            )
        return claim

    def state(self, moment: datetime) -> ClaimState:
        """Return the state at *moment*."""
        return self.at(moment).settled_state

    def is_open(self, moment: datetime) -> bool:
        """Tell whether the claim still holds the alias fast at *moment*."""
        return self.state(moment) in (ClaimState.WAITING, ClaimState.CONFIRMED)

    def confirm(self, by: str, moment: datetime) -> "Claim":
        """Return the claim after the donor's yes, or raise `ClaimRefused`."""
        claim = self.at(moment)
        if by == claim.donor and claim.settled_state in (
            ClaimState.CONFIRMED,
            ClaimState.COMPLETED,
        ):
            return claim
        _require(claim, by, (claim.donor,), (ClaimState.WAITING,))
        return claim._confirmed(moment)

    def cancel(self, by: str, moment: datetime, reason: str) -> "Claim":
        """Return the claim after either side's no, or raise `ClaimRefused`.

        The donor may say no as long as it did not say yes, the claimant until it completes.
        """
        claim = self.at(moment)
        if by in (claim.donor, claim.claimant) and claim.settled_state is ClaimState.CANCELLED:
            return claim
        states: tuple[ClaimState, ...] = (ClaimState.WAITING,)
        if by == claim.claimant:
            states += (ClaimState.CONFIRMED,)
        _require(claim, by, (claim.donor, claim.claimant), states)
        return replace(claim, settled_state=ClaimState.CANCELLED, reason=reason)

    def complete(self, by: str, moment: datetime, iban: str) -> "Claim":
        """Return the claim after the claimant completed it with *iban*, or raise `ClaimRefused`.

        Whoever calls this moves the alias in the same step, unless the claim was completed before.
        """
        claim = self.at(moment)
        done = (by, iban) == (claim.claimant, claim.moved_to)
        if done and claim.settled_state is ClaimState.COMPLETED:
            return claim
        _require(claim, by, (claim.claimant,), (ClaimState.CONFIRMED,))
        return replace(claim, settled_state=ClaimState.COMPLETED, moved_to=iban)

    def _confirmed(self, moment: datetime) -> "Claim":
        return replace(
            self, settled_state=ClaimState.CONFIRMED, complete_by=moment + self.completion
        )


def open_claim(
    *,
    id: int,
    kind: ClaimKind,
    key: int,
    donor: str,
    claimant: str,
    moment: datetime,
    terms: ClaimTerms | None = None,
) -> Claim:
    """Return a new claim, or raise `ClaimRefused`.

    That no other claim on the alias is open, whoever keeps the claims must see to.
    """
    terms = terms or ClaimTerms()
    if donor == claimant and kind is ClaimKind.PORTABILITY:
        raise ClaimRefused("claim.own_alias", "the alias is registered with you already")
    return Claim(
        id=id,
        kind=kind,
        key=key,
        donor=donor,
        claimant=claimant,
        opened_at=moment,
        answer_by=moment + terms.answer,
        completion=terms.completion,
    )


def _require(
    claim: Claim, by: str, parties: tuple[str, ...], states: tuple[ClaimState, ...]
) -> None:
    if by not in parties:
        raise ClaimRefused("claim.not_yours", "another participant's word is needed")
    if claim.settled_state not in states:
        hint = f"the claim is {claim.settled_state.value}"
        raise ClaimRefused("claim.state", f"{hint}: {claim.reason}" if claim.reason else hint)
