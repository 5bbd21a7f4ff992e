"""What an agency may expect to collect on the next days, from its own history.

Two ways are tried on the past first: the mean of the same weekday over the last weeks, and
exponential smoothing with a damped trend and a week as its season (statsmodels). Each forecasts
from several days of the past what came after them, knowing nothing of it; the one that missed less
in sum is used, and by how much both missed is told. How wide a day's range is follows from those
misses too, so nothing is promised that the past doesn't bear out.

Holidays are days of their own: in the past they are taken out, so that they don't pull a weekday
down, and on the days to come they are expected to bring what holidays brought, beside a usual day.

These are estimates, in floats; no money is moved by them.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from payvand.core.errors import PayvandFault

__all__ = [
    "DAYS_MAX",
    "HISTORY_DAYS_MIN",
    "DayExpected",
    "Forecast",
    "ForecastUnusable",
    "forecast",
]

WEEK: Final = 7
HISTORY_DAYS_MIN: Final = 8 * WEEK
HISTORY_DAYS_USED: Final = 104 * WEEK
DAYS_MAX: Final = 60
ORIGINS: Final = 8
"""From so many days of the past, a week apart, is it tried."""
WEEKS_OF_MEAN: Final = 4
INSIDE: Final = 0.8
"""So great a part of days is to be within the range."""
HOLIDAY_PART_MAX: Final = 2.0

Series = npt.NDArray[np.float64]
Model = Callable[[Series, int], Series]


class ForecastUnusable(PayvandFault):
    """Nothing can be forecast: the history is too short, or a library is missing."""


@dataclass(frozen=True, slots=True)
class DayExpected:
    """What is expected of a day, in rial."""

    day: date
    is_holiday: bool
    expected: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of the next days, and how far it was from the truth in the past."""

    days: tuple[DayExpected, ...]
    model: str
    """`exponential_smoothing` or `weekday_mean`."""
    misses: dict[str, float]
    """Of each model: the sum of its misses, beside the sum of what came, over all trials."""
    trials: int
    """From how many days of the past it was tried, each for as many days as are forecast."""
    history_days: int


def forecast(
    first: date, collected: Sequence[int], days: int, *, holidays: Collection[date]
) -> Forecast:
    """Return what is expected of the *days* that follow a history.

    Args:
        first: the first day of the history.
        collected: what each day brought in rial, from *first* on without a gap; the last is whole.
        days: how many to forecast, at most `DAYS_MAX`.
        holidays: of the history and of the days to come, as far as they are known.

    Raises `ForecastUnusable`.
    """
    if not 0 < days <= DAYS_MAX:
        raise ValueError(f"1 to {DAYS_MAX} days, not {days}")
    collected, first = _latest(first, collected)
    if len(collected) < HISTORY_DAYS_MIN:
        raise ForecastUnusable(
            f"the history has {len(collected)} days, and a forecast takes {HISTORY_DAYS_MIN}",
            hint="ask again when there is more of it",
        )
    whole = np.array(collected, np.float64)
    is_holiday = _holidays(first, len(whole) + days, holidays)
    usual, part = _usual(whole, is_holiday[: len(whole)])
    models: dict[str, Model] = {
        "exponential_smoothing": _exponential_smoothing(),
        "weekday_mean": _weekday_mean,
    }
    trials = {
        name: _tried(model, whole, usual, is_holiday, part, days) for name, model in models.items()
    }
    misses = {name: _miss(*trial) for name, trial in trials.items()}
    chosen = min(models, key=lambda name: misses[name])
    expected = models[chosen](usual, days) * np.where(is_holiday[len(whole) :], part, 1.0)
    low, high = _range(*trials[chosen])
    start = first + timedelta(days=len(whole))
    return Forecast(
        days=tuple(
            DayExpected(
                start + timedelta(days=index),
                bool(is_holiday[len(whole) + index]),
                round(float(amount)),
                round(float(amount * low)),
                round(float(amount * high)),
            )
            for index, amount in enumerate(expected)
        ),
        model=chosen,
        misses=misses,
        trials=len(trials[chosen][0]) // days,
        history_days=len(whole),
    )


def _latest(first: date, collected: Sequence[int]) -> tuple[Sequence[int], date]:
    """Return the latest days of a history, from the first one that brought anything."""
    begin = next((index for index, amount in enumerate(collected) if amount), len(collected))
    begin = max(begin, len(collected) - HISTORY_DAYS_USED)
    return collected[begin:], first + timedelta(days=begin)


def _holidays(first: date, count: int, holidays: Collection[date]) -> npt.NDArray[np.bool_]:
    known = frozenset(holidays)
    return np.array([first + timedelta(days=index) in known for index in range(count)], np.bool_)


def _usual(whole: Series, is_holiday: npt.NDArray[np.bool_]) -> tuple[Series, float]:
    """Return a history without its holidays, and what part of a usual day a holiday brings."""
    usual = whole.copy()
    expected = []
    for index in np.flatnonzero(is_holiday).tolist():
        same = [
            whole[other]
            for other in range(index % WEEK, len(whole), WEEK)
            if not is_holiday[other] and abs(other - index) <= WEEKS_OF_MEAN * WEEK
        ]
        usual[index] = float(np.median(same)) if same else float(np.mean(whole))
        expected.append(usual[index])
    total = sum(expected)
    part = float(whole[is_holiday].sum() / total) if total else 1.0
    return usual, min(part, HOLIDAY_PART_MAX)


def _tried(
    model: Model,
    whole: Series,
    usual: Series,
    is_holiday: npt.NDArray[np.bool_],
    part: float,
    days: int,
) -> tuple[Series, Series]:
    """Return what a model expected of days of the past from the days before, and what came."""
    expected, came = [], []
    for turn in range(ORIGINS, 0, -1):
        origin = len(whole) - days - (turn - 1) * WEEK
        if origin < HISTORY_DAYS_MIN - 2 * WEEK:
            continue
        ahead = slice(origin, origin + days)
        parts = np.where(is_holiday[ahead], part, 1.0)
        expected.append(model(usual[:origin], days) * parts)
        came.append(whole[ahead])
    if not expected:
        raise ForecastUnusable(
            f"a history of {len(whole)} days is too short to try a forecast of {days} on",
            hint="forecast fewer days",
        )
    return np.concatenate(expected), np.concatenate(came)


def _miss(expected: Series, came: Series) -> float:
    total = float(came.sum())
    return float(np.abs(expected - came).sum()) / total if total else 0.0


def _range(expected: Series, came: Series) -> tuple[float, float]:
    """Return between which parts of what was expected the inner part of days came to lie."""
    ratios = came[expected > 0] / expected[expected > 0]
    if not len(ratios):
        return 0.0, 1.0
    outside = (1 - INSIDE) / 2
    low, high = np.quantile(ratios, [outside, 1 - outside])
    return min(float(low), 1.0), max(float(high), 1.0)


def _weekday_mean(history: Series, days: int) -> Series:
    weeks = history[-WEEKS_OF_MEAN * WEEK :].reshape(-1, WEEK).mean(axis=0)
    return np.array([weeks[index % WEEK] for index in range(days)])


def _exponential_smoothing() -> Model:
    """Return the model of statsmodels, which takes its time to be imported."""
    try:
        from statsmodels.tsa.holtwinters import ExponentialSmoothing
    except ImportError as error:
        raise ForecastUnusable(
            "forecasts need statsmodels, which isn't installed",
            hint="pip install 'payvand[forecast]'",
        ) from error

    def model(history: Series, days: int) -> Series:
        scale = float(history.mean()) or 1.0
        fitted = ExponentialSmoothing(
            history / scale,
            trend="add",
            damped_trend=True,
            seasonal="add",
            seasonal_periods=WEEK,
            initialization_method="estimated",
        ).fit()
        expected: Series = np.maximum(np.asarray(fitted.forecast(days)), 0.0) * scale
        return expected

    return model
