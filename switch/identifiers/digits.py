"""Texts of decimal digits in ASCII, which nearly all identifiers of the country are."""

from payvand.switch.identifiers.identifier_error import IdentifierError

__all__ = ["are_digits", "digits_of", "require_digits"]


def are_digits(text: str, length_min: int, length_max: int) -> bool:
    """Tell whether *text* is so many ASCII digits and nothing else."""
    return length_min <= len(text) <= length_max and text.isascii() and text.isdigit()


def digits_of(text: str) -> list[int]:
    """Return the digits of *text* as numbers; it must hold nothing else."""
    return [ord(character) - ord("0") for character in text]


def require_digits(kind: str, text: str, length_min: int, length_max: int) -> None:
    """Raise for the rule `<kind>.length` or `<kind>.characters` where *text* breaks it."""
    if not length_min <= len(text) <= length_max:
        range_ = f"{length_min}" if length_min == length_max else f"{length_min} to {length_max}"
        raise IdentifierError(f"{kind}.length", f"{range_} digits are needed, not {len(text)}")
    if not (text.isascii() and text.isdigit()):
        raise IdentifierError(f"{kind}.characters", "write ASCII digits only, without separators")
