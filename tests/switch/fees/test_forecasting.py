"""A forecast follows week and holidays, tells its misses, and refuses what it can't know."""

import random
from datetime import date, timedelta

import pytest

from payvand.switch.fees.forecasting import ForecastUnusable, forecast

FIRST = date(2025, 6, 21)  # a Saturday
WEEK = [100, 120, 110, 90, 130, 60, 10]
DAYS = 28 * 7
MILLION = 1_000_000


def history(days: int, *, noise: float = 0.0, growth: float = 0.0) -> list[int]:
    chance = random.Random(1404)
    return [
        round(WEEK[day % 7] * MILLION * (1 + growth * day) * (1 + chance.uniform(-noise, noise)))
        for day in range(days)
    ]


def test_a_week_that_repeats_is_forecast_to_the_rial_or_nearly() -> None:
    found = forecast(FIRST, history(DAYS), 14, holidays=())
    assert [one.day for one in found.days] == [
        FIRST + timedelta(days=DAYS + index) for index in range(14)
    ]
    for index, one in enumerate(found.days):
        assert one.expected == pytest.approx(WEEK[index % 7] * MILLION, rel=0.02)
        assert one.low <= one.expected <= one.high
    assert found.misses[found.model] < 0.02
    assert found.trials == 8


def test_the_way_that_missed_least_is_used_and_both_misses_are_told() -> None:
    grown = forecast(FIRST, history(DAYS, noise=0.05, growth=0.004), 14, holidays=())
    assert set(grown.misses) == {"exponential_smoothing", "weekday_mean"}
    assert grown.misses[grown.model] == min(grown.misses.values())
    assert 0.01 < grown.misses[grown.model] < 0.15


def test_most_days_to_come_are_within_the_range() -> None:
    whole = history(DAYS + 28, noise=0.2)
    found = forecast(FIRST, whole[:DAYS], 28, holidays=())
    came = whole[DAYS:]
    inside = sum(
        one.low <= amount <= one.high for one, amount in zip(found.days, came, strict=True)
    )
    assert inside >= 19


def test_holidays_of_the_past_pull_no_weekday_down_and_those_to_come_bring_their_part() -> None:
    whole = history(DAYS)
    past = [FIRST + timedelta(days=day) for day in (30, 65, 100, 135, 170, 188, 192)]
    for day in past:
        whole[(day - FIRST).days] //= 10
    coming = FIRST + timedelta(days=DAYS + 2)
    found = forecast(FIRST, whole, 7, holidays=[*past, coming])
    assert [one.is_holiday for one in found.days] == [index == 2 for index in range(7)]
    for index, one in enumerate(found.days):
        usual = WEEK[index] * MILLION
        assert one.expected == pytest.approx(usual // 10 if index == 2 else usual, rel=0.05)


def test_too_short_a_history_is_refused_with_what_it_takes() -> None:
    with pytest.raises(ForecastUnusable, match="a forecast takes 56"):
        forecast(FIRST, history(30), 7, holidays=())
    with pytest.raises(ForecastUnusable, match="too short to try"):
        forecast(FIRST, history(60), 60, holidays=())
    with pytest.raises(ForecastUnusable, match="has 30 days"):
        forecast(FIRST, [0] * 100 + history(30), 7, holidays=())
