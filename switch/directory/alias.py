"""Aliases: what may stand for an account, and the one 128-bit key that each of them has.

An alias is a number of a known kind. Its key is the kind in the topmost byte and the number in the
rest, exactly: two aliases never share a key, and a key tells its alias. All aliases are written
in ASCII digits here; the edge that meets people normalises them first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from payvand.switch.identifiers import card, iban, legal_id, mobile, national_id

__all__ = ["AccountNumber", "AliasKind", "account_of", "alias_key", "alias_number", "masked_name"]

KIND_SHIFT = 120


class AliasKind(IntEnum):
    """What kind of number an alias is; the numbers are part of the keys and never change."""

    MOBILE = 1
    NATIONAL_ID = 2
    LEGAL_ID = 3
    CARD = 4
    IBAN = 5
    """The account's own number: not an alias, but asked for in the same way."""


@dataclass(frozen=True, slots=True)
class AccountNumber:
    """An account, as the directory keeps it."""

    bank_code: int
    """0 to 999."""
    number: int
    """Below 10**19."""

    @property
    def iban(self) -> str:
        """The account's IBAN."""
        return iban.make(f"{self.bank_code:03}", f"{self.number:019}")


def alias_key(kind: AliasKind, text: str) -> int:
    """Return the key of the alias *text*, or raise `IdentifierError` where it is none of *kind*."""
    return kind << KIND_SHIFT | int(_NUMBERS[kind](text))


def alias_number(key: int) -> tuple[AliasKind, str]:
    """Return the kind and the digits of the alias that has *key*."""
    kind = AliasKind(key >> KIND_SHIFT)
    return kind, str(key & (1 << KIND_SHIFT) - 1).rjust(_LENGTHS[kind], "0")


def account_of(text: str) -> AccountNumber:
    """Return the account whose IBAN is *text*, or raise `IdentifierError`."""
    parsed = iban.parse(text)
    return AccountNumber(int(parsed.bank_code), int(parsed.account))


def masked_name(name: str) -> str:
    """Return what a payer may see of a payee's name before he pays: the first letter of each word.

    Enough to notice a wrong number, too little to learn whose number it is: the stars say nothing
    of the length.
    """
    return " ".join(f"{word[0]}***" for word in name.replace("\u200c", " ").split())


def _mobile(text: str) -> str:
    return mobile.parse(text).number.removeprefix("+")


def _national_id(text: str) -> str:
    return national_id.parse(text).number


def _legal_id(text: str) -> str:
    return legal_id.parse(text).number


def _card(text: str) -> str:
    return card.parse(text).number


def _iban(text: str) -> str:
    iban.parse(text)
    return text[2:]


_NUMBERS: Mapping[AliasKind, Callable[[str], str]] = MappingProxyType(
    {
        AliasKind.MOBILE: _mobile,
        AliasKind.NATIONAL_ID: _national_id,
        AliasKind.LEGAL_ID: _legal_id,
        AliasKind.CARD: _card,
        AliasKind.IBAN: _iban,
    }
)
_LENGTHS: Mapping[AliasKind, int] = MappingProxyType(
    {
        AliasKind.MOBILE: 12,
        AliasKind.NATIONAL_ID: 10,
        AliasKind.LEGAL_ID: 11,
        AliasKind.CARD: 16,
        AliasKind.IBAN: 24,
    }
)

assert {*_NUMBERS} == {*_LENGTHS} == {*AliasKind}
