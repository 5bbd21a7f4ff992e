"""What a first pass over a file found, and the exact sum of its amounts.

Control sums run over amounts irrespective of currency, so they have fractions even where our unit
has none. They are kept as integers scaled by a power of ten: nothing is ever rounded.
"""

from dataclasses import dataclass

__all__ = ["FRACTION_DIGITS_MAX", "DecimalTextError", "FileSummary", "decimal_text", "scaled"]

FRACTION_DIGITS_MAX = 17
"""ISO 20022's DecimalNumber has at most so many digits after the point."""
DECIMAL_TEXT_LENGTH_MAX = 60
_SCALE: int = 10**FRACTION_DIGITS_MAX


class DecimalTextError(ValueError):
    """A text is not a decimal number that can be summed exactly."""


@dataclass(frozen=True, slots=True)
class FileSummary:
    """What a file holds, after its totals were found right."""

    form: str
    """`csv`, or the version of the message, for example `pain.001.001.09`."""
    message_id: str
    """The sender's name for the file: `MsgId`, or the batch reference of a CSV file."""
    initiating_party: str
    """Who the file says it comes from; empty where it does not say."""
    batches: int
    """How many payment informations it has; 1 for CSV."""
    instructions: int
    """How many instructions it has, unreadable ones included."""
    control_sum: str
    """The exact sum of the legible amounts, irrespective of currency, as a decimal number."""


def scaled(text: str) -> int:
    """Return the decimal number *text* times 10**17, exactly, or raise `DecimalTextError`."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= DECIMAL_TEXT_LENGTH_MAX:
        return int(text) * _SCALE
    sign = -1 if text.startswith("-") else 1
    whole, _, fraction = text.removeprefix("-" if sign < 0 else "+").partition(".")
    fraction = fraction.rstrip("0") if whole else fraction
    digits = whole + fraction
    if (
        len(text) > DECIMAL_TEXT_LENGTH_MAX
        or not (digits.isascii() and digits.isdigit())
        or len(fraction) > FRACTION_DIGITS_MAX
    ):
        raise DecimalTextError
    return sign * int((whole or "0") + fraction.ljust(FRACTION_DIGITS_MAX, "0"))


def decimal_text(number: int) -> str:
    """Return the decimal number that *number* is times 10**17, without needless zeros."""
    whole, fraction = divmod(abs(number), _SCALE)
    sign = "-" if number < 0 else ""
    if not fraction:
        return f"{sign}{whole}"
    return f"{sign}{whole}." + f"{fraction:0{FRACTION_DIGITS_MAX}}".rstrip("0")
