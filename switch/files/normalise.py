"""Make what people and office programs write into what the contract carries.

This is the edge for files: below it identifiers and amounts are ASCII. Only identifiers and
amounts are touched; names and remittance text stay as their writer wrote them.
"""

import re

from payvand.switch.identifiers.persian_text import DIGITS, INVISIBLE, normalise_identifier

__all__ = ["normalise_amount", "normalise_identifier", "normalise_text"]

_LINE_BREAKS = re.compile(r"[ \t]*[\t\r\n\x0b\x0c\x85\u2028\u2029]+[ \t]*")
_AMOUNT = DIGITS | str.maketrans("\u00a0\u202f", "  ", INVISIBLE)


def normalise_amount(text: str) -> str:
    """Return an amount's text with ASCII digits and without outer white space.

    Anything else that does not belong there is kept, for the rule that refuses it to see.
    """
    return (text if text.isascii() else text.translate(_AMOUNT)).strip()


def normalise_text(text: str) -> str:
    """Return a name or a remittance text without outer white space and line breaks.

    A line break inside, which indented XML and cells of a sheet bring along, becomes one space.
    """
    text = text.strip()
    return text if text.isprintable() else _LINE_BREAKS.sub(" ", text)
