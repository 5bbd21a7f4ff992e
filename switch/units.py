"""Currency units: what an amount counts, and how it is read and printed.

An amount is an unsigned integer of minor units and never travels without its unit. The current
rial is kept without minor digits: ISO 4217 gives it two, which nobody uses. The law of 2025
that introduces a new rial under the same name is why a unit is more than an ISO currency.
"""

from dataclasses import dataclass

__all__ = [
    "AMOUNT_MAX",
    "IRR",
    "NEW_RIAL",
    "UNITS",
    "AmountError",
    "Unit",
    "toman_text",
    "unit_of",
]

AMOUNT_MAX = (1 << 64) - 1
"""The greatest amount that the contract can carry (uint64), in minor units."""

AMOUNT_TEXT_LENGTH_MAX = 40
"""Longer texts are no amounts: 20 digits hold a u64, the rest is room for zeros."""

RIALS_PER_TOMAN = 10

_PLAIN_DIGITS_MAX = 19  # any 19 digits are below 2**64


class AmountError(ValueError):
    """A text is not an amount of the unit; `rule` names the broken rule, `hint` says what to do.

    The rules: `amount.missing`, `amount.negative`, `amount.exponent`, `amount.characters`,
    `amount.fraction`, `amount.overflow`, and `unit.unknown` for the unit itself.
    """

    def __init__(self, rule: str, hint: str) -> None:
        super().__init__(f"{rule}: {hint}")
        self.rule = rule
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Unit:
    """A currency unit."""

    code: str
    """Its id in messages and files."""
    ledger: int
    """The number of its ledger in the books."""
    exponent: int
    """How many decimal digits a minor unit is away from the unit itself."""

    def parse(self, text: str) -> int:
        """Return the amount that the decimal *text* says, in minor units.

        Zeros after the decimal point are no fraction: `15.00` rial are 15. Raises
        `AmountError` for anything that is not an exact amount from 0 to `AMOUNT_MAX`.
        """
        if text.isascii() and text.isdigit() and len(text) + self.exponent <= _PLAIN_DIGITS_MAX:
            return int(text + "0" * self.exponent)
        return self._parse_any(text)

    def format(self, amount: int) -> str:
        """Return *amount* minor units for people: `1,250,000 IRR`."""
        whole, minor = divmod(amount, 10**self.exponent)
        fraction = f".{minor:0{self.exponent}}" if self.exponent else ""
        return f"{whole:,}{fraction} {self.code}"

    def _parse_any(self, text: str) -> int:
        if not text:
            raise AmountError("amount.missing", "give an amount")
        if text[0] == "-":
            raise AmountError("amount.negative", "an amount has no sign; debit and credit say it")
        if text[-1] in "0123456789" and text.count("e") + text.count("E") == 1:
            raise AmountError("amount.exponent", "write all digits of the amount, no exponent")
        whole, _, fraction = text.partition(".")
        digits = whole + fraction
        if not (digits.isascii() and digits.isdigit() and whole):
            raise AmountError("amount.characters", "write digits only, no separators or spaces")
        if len(text) > AMOUNT_TEXT_LENGTH_MAX:
            raise AmountError("amount.overflow", f"an amount is at most {AMOUNT_MAX}")
        if fraction[self.exponent :].strip("0"):
            raise AmountError("amount.fraction", f"{self.code} has {self.exponent} minor digits")
        amount = int(whole + fraction[: self.exponent].ljust(self.exponent, "0"))
        if amount > AMOUNT_MAX:
            raise AmountError("amount.overflow", f"an amount is at most {AMOUNT_MAX}")
        return amount


IRR = Unit(code="IRR", ledger=364, exponent=0)
"""The current rial."""

NEW_RIAL = Unit(code="IRR-NEW", ledger=10_364, exponent=2)
"""The new rial of the law of 2025, 10,000 current rials and 100 qeran; no ISO code is known.

No books are kept in it before the central bank announces the day: see `payvand redenomination`.
"""

UNITS = {unit.code: unit for unit in (IRR,)}
"""The units that the switch keeps books in, by code."""


def toman_text(rials: int) -> str:
    """Return an amount of current rials in toman, of which people speak: `1.5 toman`.

    For display alone: no amount is kept or read in toman.
    """
    whole, rest = divmod(rials, RIALS_PER_TOMAN)
    return f"{whole:,}{f'.{rest}' if rest else ''} toman"


def unit_of(code: str) -> Unit:
    """Return the unit called *code*, or raise `AmountError` with the rule `unit.unknown`."""
    unit = UNITS.get(code)
    if unit is None:
        raise AmountError("unit.unknown", "the switch keeps books in " + ", ".join(UNITS))
    return unit
