"""Claims: who may do what in which state, and what deadlines make of silence."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payvand.switch.directory.claims import (
    Claim,
    ClaimKind,
    ClaimRefused,
    ClaimState,
    ClaimTerms,
    open_claim,
)

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
TERMS = ClaimTerms(answer=7 * DAY, completion=30 * DAY)
KINDS = st.sampled_from(ClaimKind)
IBAN = "IR000150000000000000000001"


def opened(kind: ClaimKind = ClaimKind.PORTABILITY) -> Claim:
    return open_claim(
        id=1, kind=kind, key=9, donor="melli", claimant="sepah", moment=NOW, terms=TERMS
    )


def rule(act: object, *arguments: object) -> str:
    assert callable(act)
    with pytest.raises(ClaimRefused) as refused:
        act(*arguments)
    assert refused.value.hint
    return refused.value.rule


@pytest.mark.parametrize("kind", ClaimKind)
def test_a_claim_that_both_sides_agree_to_is_completed(kind: ClaimKind) -> None:
    claim = opened(kind).confirm("melli", NOW + DAY)
    assert claim.state(NOW + DAY) is ClaimState.CONFIRMED
    claim = claim.complete("sepah", NOW + 2 * DAY, IBAN)
    assert claim.state(NOW + 400 * DAY) is ClaimState.COMPLETED
    assert not claim.is_open(NOW + 2 * DAY)


def test_silence_of_the_donor_cancels_a_portability_claim_and_confirms_an_ownership_claim() -> None:
    ported, owned = opened(ClaimKind.PORTABILITY), opened(ClaimKind.OWNERSHIP)
    before, after = NOW + 7 * DAY - timedelta(seconds=1), NOW + 7 * DAY
    assert ported.state(before) is owned.state(before) is ClaimState.WAITING
    assert ported.state(after) is ClaimState.CANCELLED
    assert ported.at(after).reason
    assert owned.state(after) is ClaimState.CONFIRMED
    assert (
        owned.complete("sepah", NOW + 36 * DAY, IBAN).state(NOW + 99 * DAY) is ClaimState.COMPLETED
    )


def test_a_claimant_that_does_not_complete_loses_the_claim() -> None:
    confirmed = opened().confirm("melli", NOW + DAY)
    assert confirmed.is_open(NOW + 31 * DAY - timedelta(seconds=1))
    assert confirmed.state(NOW + 31 * DAY) is ClaimState.CANCELLED
    assert rule(confirmed.complete, "sepah", NOW + 31 * DAY, IBAN) == "claim.state"
    # The time of one that was confirmed by silence runs from the end of the donor's.
    owned = opened(ClaimKind.OWNERSHIP)
    assert owned.is_open(NOW + 37 * DAY - timedelta(seconds=1))
    assert owned.state(NOW + 37 * DAY) is ClaimState.CANCELLED


def test_each_act_is_for_its_side_and_its_state() -> None:
    claim = opened()
    assert rule(claim.confirm, "sepah", NOW) == "claim.not_yours"
    assert rule(claim.confirm, "mellat", NOW) == "claim.not_yours"
    assert rule(claim.complete, "sepah", NOW, IBAN) == "claim.state"
    assert rule(claim.cancel, "mellat", NOW, "no") == "claim.not_yours"
    confirmed = claim.confirm("melli", NOW)
    assert rule(confirmed.complete, "melli", NOW, IBAN) == "claim.not_yours"
    assert rule(confirmed.cancel, "melli", NOW, "no") == "claim.state"
    assert confirmed.cancel("sepah", NOW, "not any more").reason == "not any more"
    cancelled = claim.cancel("melli", NOW, "the owner says no")
    assert rule(cancelled.confirm, "melli", NOW) == "claim.state"
    assert rule(claim.confirm, "melli", NOW + 7 * DAY) == "claim.state"


def test_an_act_done_again_by_the_same_side_returns_the_claim_as_it_stands() -> None:
    confirmed = opened().confirm("melli", NOW)
    assert confirmed.confirm("melli", NOW + DAY) == confirmed
    completed = confirmed.complete("sepah", NOW + DAY, IBAN)
    assert completed.complete("sepah", NOW + 99 * DAY, IBAN) == completed
    assert completed.confirm("melli", NOW + 99 * DAY) == completed
    assert rule(completed.complete, "sepah", NOW + DAY, "another") == "claim.state"
    assert rule(completed.cancel, "sepah", NOW + DAY, "no") == "claim.state"
    cancelled = opened().cancel("melli", NOW, "the owner says no")
    assert cancelled.cancel("sepah", NOW, "no more") == cancelled
    assert rule(cancelled.cancel, "mellat", NOW, "no") == "claim.not_yours"


def test_ones_own_alias_may_pass_to_another_owner_but_not_to_oneself() -> None:
    def claim(kind: ClaimKind) -> Claim:
        return open_claim(id=1, kind=kind, key=1, donor="melli", claimant="melli", moment=NOW)

    assert rule(claim, ClaimKind.PORTABILITY) == "claim.own_alias"
    assert claim(ClaimKind.OWNERSHIP).state(NOW) is ClaimState.WAITING


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["confirm", "cancel", "complete"]),
        st.sampled_from(["melli", "sepah", "mellat"]),
        st.integers(0, 20),
    ),
    max_size=8,
)


@given(KINDS, ACTS)
def test_a_final_claim_never_changes_and_an_alias_moves_only_by_the_claimants_completion(
    kind: ClaimKind, acts: list[tuple[str, str, int]]
) -> None:
    claim, moment, final = opened(kind), NOW, None
    for act, by, days in acts:
        moment += days * DAY
        state = claim.state(moment)
        if final is not None:
            assert claim.at(moment) == final
        try:
            more = {"confirm": (), "cancel": ("why",), "complete": (IBAN,)}[act]
            claim = getattr(claim, act)(by, moment, *more)
        except ClaimRefused:
            continue
        if final is not None:
            assert claim == final  # the same act again
            continue
        if claim.settled_state is ClaimState.COMPLETED:
            assert (act, by, state) == ("complete", "sepah", ClaimState.CONFIRMED)
        if claim.settled_state in (ClaimState.COMPLETED, ClaimState.CANCELLED):
            final = claim
    assert claim.state(moment + 100 * DAY) in (ClaimState.COMPLETED, ClaimState.CANCELLED)


@given(KINDS, st.integers(0, 100), st.integers(0, 100))
def test_looking_at_a_claim_twice_is_looking_at_it_once(
    kind: ClaimKind, first: int, later: int
) -> None:
    claim = opened(kind)
    moment = NOW + first * DAY
    assert claim.at(moment).at(moment + later * DAY) == claim.at(moment + later * DAY)
