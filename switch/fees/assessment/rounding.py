"""Division that says how it rounds, and rates in millionths: 25,000 are 2.5 %."""

from typing import Final

__all__ = ["PER_MILLION", "rate_text", "rounded", "tax_within"]

PER_MILLION: Final = 1_000_000


def rounded(numerator: int, divisor: int, rounding: str = "half_up", round_to: int = 1) -> int:
    """Return *numerator* / *divisor* as a multiple of *round_to*, by `ROUNDINGS`."""
    step = divisor * round_to
    added = {"half_up": step // 2, "up": step - 1, "down": 0}[rounding]
    return (numerator + added) // step * round_to


def tax_within(amount: int, per_million: int) -> int:
    """Return the tax that *amount* holds already at a rate, to the nearest rial."""
    return rounded(amount * per_million, PER_MILLION + per_million)


def rate_text(per_million: int) -> str:
    """Return a rate in percent: 25,000 millionths are `2.5 %`."""
    whole, rest = divmod(per_million, PER_MILLION // 100)
    return f"{whole:,}{f'.{rest:04}'.rstrip('0') if rest else ''} %"
