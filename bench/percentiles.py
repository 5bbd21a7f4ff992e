"""Latencies in microseconds, as one histogram tells them."""

from typing import Final

from hdrh.histogram import HdrHistogram

__all__ = ["LATENCY_US_MAX", "SIGNIFICANT_DIGITS", "percentiles"]

LATENCY_US_MAX: Final = 600_000_000
SIGNIFICANT_DIGITS: Final = 3


def percentiles(histogram: HdrHistogram) -> dict[str, int]:
    """Return what most, nearly all and all took at most."""
    return {
        f"p{percent}": int(histogram.get_value_at_percentile(percent))
        for percent in (50, 90, 99, 99.9)
    } | {"max": int(histogram.get_max_value())}
