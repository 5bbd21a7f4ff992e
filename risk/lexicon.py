"""The words of the rule language: where each stands, and what numbers say."""

import re
from dataclasses import dataclass
from math import isfinite
from struct import pack, unpack

__all__ = ["INTEGER_MAX", "ExpressionFault", "Token", "number_of", "tokens_of", "word_of"]

INTEGER_MAX = (1 << 64) - 1


class ExpressionFault(ValueError):
    """An expression is wrong; `column`, from 1, says where."""

    def __init__(self, column: int, message: str) -> None:
        super().__init__(f"column {column}: {message}")
        self.column = column


_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?)|(?P<name>[a-z][a-z0-9_]*)"
    r"|(?P<list>@[a-z][a-z0-9_-]*)|(?P<sign><=|>=|==|!=|//|[-+*/%<>(){},])",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word; `kind` is number, name, list, sign or end; `column` counts from 1."""

    kind: str
    text: str
    column: int


def tokens_of(text: str) -> list[Token]:
    """Return the words of a text, and one for its end. Raises ExpressionFault."""
    tokens: list[Token] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ExpressionFault(place + 1, f"{text[place]!r} means nothing here")
        if match.lastgroup != "space":
            tokens.append(Token(match.lastgroup or "", match[0], place + 1))
        place = match.end()
    tokens.append(Token("end", "the end", len(text) + 1))
    return tokens


def number_of(token: Token) -> int | float:
    """Return the number that a word says."""
    text = token.text.replace("_", "")
    if text.isdigit():
        value = int(text) if len(text) <= 20 else INTEGER_MAX + 1
        if value > INTEGER_MAX:
            raise ExpressionFault(token.column, "is greater than 2**64 - 1")
        return value
    number = float(text)
    if not isfinite(number):
        raise ExpressionFault(token.column, "is greater than any number")
    return number


def word_of(value: int | float) -> int:
    """Return the 64 bits of an integer or a number."""
    if isinstance(value, int):
        return value
    bits: int = unpack("<Q", pack("<d", value))[0]
    return bits
