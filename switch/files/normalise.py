"""Make what people and office programs write into what the contract carries.

This is the edge for files: below it identifiers and amounts are ASCII. Only identifiers and
amounts are touched; names and remittance text stay as their writer wrote them.
"""

import re

__all__ = ["normalise_amount", "normalise_identifier", "normalise_text"]

_DIGITS = "0123456789"
_PERSIAN_DIGITS = "۰۱۲۳۴۵۶۷۸۹"
_ARABIC_DIGITS = "٠١٢٣٤٥٦٧٨٩"
# Marks that steer the direction of text, and joiners: invisible, and pasted along with numbers.
_INVISIBLE = (
    "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)
_LINE_BREAKS = re.compile(r"[ \t]*[\t\r\n\x0b\x0c\x85\u2028\u2029]+[ \t]*")

_TABLE = str.maketrans(
    _PERSIAN_DIGITS + _ARABIC_DIGITS + "\u00a0\u202f", _DIGITS + _DIGITS + "  ", _INVISIBLE
)


def normalise_amount(text: str) -> str:
    """Return an amount's text with ASCII digits and without outer white space.

    Anything else that does not belong there is kept, for the rule that refuses it to see.
    """
    return (text if text.isascii() else text.translate(_TABLE)).strip()


def normalise_identifier(text: str) -> str:
    """Return an IBAN, an id or a bill number with ASCII digits and without spaces.

    Printed IBANs come in groups of four; their groups are joined. Anything else that does not
    belong there is kept, for the rule that refuses it to see.
    """
    if not text.isascii():
        text = text.translate(_TABLE)
    return "".join(text.split()) if " " in text or not text.isprintable() else text


def normalise_text(text: str) -> str:
    """Return a name or a remittance text without outer white space and line breaks.

    A line break inside, which indented XML and cells of a sheet bring along, becomes one space.
    """
    text = text.strip()
    return text if text.isprintable() else _LINE_BREAKS.sub(" ", text)
