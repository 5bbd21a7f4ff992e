"""Questions cost tokens, misses more than hits, and waiting brings them back exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payvand.switch.directory.token_bucket import Terms, TokenBucket

SECOND = 1_000_000_000
TERMS = Terms(capacity=100, refill_per_s=10, hit_cost=1, miss_cost=20)


def test_a_miss_costs_more_than_a_hit() -> None:
    bucket = TokenBucket(TERMS, 0)
    bucket.spend(3, 0, 0)
    assert bucket.tokens(0) == 97
    bucket.spend(0, 3, 0)
    assert bucket.tokens(0) == 37


def test_a_bucket_below_nothing_gives_no_answers_until_it_is_above() -> None:
    bucket = TokenBucket(TERMS, 0)
    assert bucket.may_ask(100, 0)
    assert not bucket.may_ask(101, 0)
    bucket.spend(0, 10, 0)
    assert bucket.tokens(0) == -100
    assert bucket.wait_ns(1, 0) == int(10.1 * SECOND)
    assert not bucket.may_ask(1, int(10.1 * SECOND) - 1)
    assert bucket.may_ask(1, int(10.1 * SECOND))


def test_somebody_who_tries_numbers_gets_few_answers_and_a_bank_that_pays_gets_all() -> None:
    terms = Terms()
    guesser, bank = TokenBucket(terms, 0), TokenBucket(terms, 0)
    guesses = payments = 0
    for second in range(600):
        now_ns = second * SECOND
        while guesser.may_ask(100, now_ns):
            guesser.spend(0, 100, now_ns)
            guesses += 100
        if bank.may_ask(1_000, now_ns):
            bank.spend(995, 5, now_ns)
            payments += 1_000
    assert payments == 600_000
    # What an hour of trying gives is below a thousandth of the ninety million mobile numbers.
    assert guesses * 6 < 90_000_000 / 100


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 3 * SECOND)), max_size=20
    )
)
def test_a_bucket_is_never_fuller_than_it_can_be_and_forgets_no_time(
    spendings: list[tuple[int, int, int]],
) -> None:
    often, seldom = TokenBucket(TERMS, 0), TokenBucket(TERMS, 0)
    now_ns = 0
    for hits, misses, pause_ns in spendings:
        for bucket in (often, seldom):
            bucket.spend(hits, misses, now_ns)
        for part in range(7):  # One is looked at again and again meanwhile.
            assert often.tokens(now_ns + pause_ns * part // 7) <= TERMS.capacity
        now_ns += pause_ns
        assert often.tokens(now_ns) == seldom.tokens(now_ns)
    assert often.may_ask(1, now_ns + often.wait_ns(1, now_ns))


def test_a_clock_that_runs_back_brings_no_tokens() -> None:
    bucket = TokenBucket(TERMS, 10 * SECOND)
    bucket.spend(100, 0, 10 * SECOND)
    assert bucket.tokens(0) == 0
    assert bucket.tokens(10 * SECOND) == 0
    assert bucket.tokens(11 * SECOND) == 10


@pytest.mark.parametrize(
    "terms",
    [
        {"capacity": 0},
        {"refill_per_s": 0},
        {"hit_cost": 0},
        {"hit_cost": 2, "miss_cost": 1},
        {"capacity": 10, "miss_cost": 11},
    ],
)
def test_terms_by_which_no_bucket_works_are_refused(terms: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="bucket"):
        Terms(**terms)
