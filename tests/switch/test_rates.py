"""A participant submits no faster than operators let it, over seconds; others notice nothing."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payvand.client import CallFailed
from payvand.switch.identity import Role
from payvand.switch.rates import BURST_S, Rates
from payvand.switch.routing import Route
from payvand.v1.payment_pb2 import PaymentState
from tests.support.town import open_town

NS = 1_000_000_000
RESERVED = PaymentState.PAYMENT_STATE_RESERVED


def route(rate: int) -> Route:
    return Route(1, "melli", Role.BANK, 17, 364, "IRR", False, payments_per_second=rate)


@given(
    rate=st.integers(1, 10_000),
    tries=st.lists(st.tuples(st.integers(0, 3 * NS), st.integers(1, 8_190)), max_size=60),
)
def test_over_any_time_no_more_is_let_in_than_the_rate_a_burst_and_one_batch(
    rate: int, tries: list[tuple[int, int]]
) -> None:
    now = 0
    rates, let_in, largest = Rates(lambda: now), 0, 0
    for pause, payments in tries:
        now += pause
        if rates.wait_ms(route(rate)) == 0:
            rates.spend(route(rate), payments)
            let_in += payments
            largest = max(largest, payments)
        assert let_in * NS <= rate * (now + BURST_S * NS) + largest * NS


@given(rate=st.integers(1, 10_000), payments=st.integers(1, 8_190))
def test_who_waits_as_long_as_told_is_let_in(rate: int, payments: int) -> None:
    now = 0
    rates = Rates(lambda: now)
    rates.spend(route(rate), rate * BURST_S + payments)
    wait_ms = rates.wait_ms(route(rate))
    assert wait_ms > 0
    now += wait_ms * 1_000_000
    assert rates.wait_ms(route(rate)) == 0


def test_a_bank_beyond_its_rate_is_told_when_to_come_again_and_others_go_on(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_town(tmp_path, database) as town:
            await town.change("melli", payments_per_second=10)
            batch = [town.pay("melli", "mellat", 1) for _ in range(100)]
            assert set((await town.bank("melli").submit(batch)).states) == {RESERVED}
            with pytest.raises(CallFailed, match=r"payments\.rate") as refused:
                await town.bank("melli").submit(batch)
            wait_ms = refused.value.refusal.retry_after_ms if refused.value.refusal else 0
            assert wait_ms is not None and 5_000 < wait_ms <= 8_100
            other = await town.bank("mellat").submit([town.pay("mellat", "melli", 1)])
            assert list(other.states) == [RESERVED]
            await town.change("melli", payments_per_second=0)
            assert set((await town.bank("melli").submit(batch)).states) == {RESERVED}

    asyncio.run(scene())
