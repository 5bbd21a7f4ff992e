"""Persian and Arabic writing at the edge: one place where it is made alike.

The same word and number reach us in several writings: Arabic yeh and kaf from old keyboards,
Persian and Arabic digits, marks for vowels and direction, joiners, spaces of all widths. Inside,
identifiers and amounts are ASCII and names have one spelling. Whoever normalises keeps the
original beside the outcome, and never touches bytes that somebody signed.

`normalise` is for names and free text, `match_key` for telling whether two names are one, and
`normalise_identifier` for numbers, which is stricter: a letter or a sign that has no business in a
number stays, so that the rule which refuses it can see it.
"""

import re
import unicodedata

__all__ = ["DIGITS", "INVISIBLE", "match_key", "normalise", "normalise_identifier"]

NON_JOINER = "\u200c"
"""The zero-width non-joiner: invisible, but part of how Persian words are spelt."""

DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹" + "٠١٢٣٤٥٦٧٨٩", "0123456789" * 2)
"""Persian and Arabic digits to ASCII."""

INVISIBLE = (
    "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f"
    "\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
"""Joiners, marks of direction, soft hyphens and byte order marks, pasted along with text."""

_TATWEEL = "\u0640"  # stretches a word
# Signs for vowels, doubling and hamza above or below, also those of the Quran's text.
_MARKS = re.compile("[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed]")
_LETTERS = str.maketrans(
    {
        "ي": "ی",
        "ى": "ی",
        "ك": "ک",
        "ة": "ه",
        "ۀ": "ه",
        "ە": "ه",
        "ہ": "ه",
        "ھ": "ه",
        _TATWEEL: None,
    }
    | {mark: None for mark in INVISIBLE if mark != NON_JOINER}
)
_HAMZA = str.maketrans({"أ": "ا", "إ": "ا", "ٱ": "ا", "ؤ": "و", "ئ": "ی", "ء": None})
_SPACES = re.compile(rf"[\s{NON_JOINER}]*\s[\s{NON_JOINER}]*")
_NON_JOINERS = re.compile(rf"{NON_JOINER}+")
_OUTER = re.compile(rf"^[\s{NON_JOINER}]+|[\s{NON_JOINER}]+$")

_IDENTIFIER = DIGITS | str.maketrans("\u00a0\u202f", "  ", INVISIBLE)


def normalise(text: str) -> str:
    """Return a name or a free text in one spelling: Persian letters, ASCII digits, single spaces.

    Normalising what is normal already changes nothing. A non-joiner inside a word stays.
    """
    text = unicodedata.normalize("NFKC", text).translate(_LETTERS).translate(DIGITS)
    text = _MARKS.sub("", text)
    # Without its mark, what was composed may compose anew with what follows.
    text = unicodedata.normalize("NFKC", text).translate(_LETTERS)
    return _NON_JOINERS.sub(NON_JOINER, _SPACES.sub(" ", _OUTER.sub("", text)))


def match_key(text: str) -> str:
    """Return what two spellings of one name have in common; for comparing, never for showing.

    Beyond `normalise`, spaces and non-joiners are dropped and hamza is folded into its seat.
    """
    return normalise(text).replace(NON_JOINER, "").replace(" ", "").translate(_HAMZA)


def normalise_identifier(text: str) -> str:
    """Return an IBAN, a card or a bill number with ASCII digits and without spaces.

    Printed numbers come in groups; their groups are joined. Anything else that does not belong
    there is kept, for the rule that refuses it to see.
    """
    if not text.isascii():
        text = text.translate(_IDENTIFIER)
    return "".join(text.split()) if " " in text or not text.isprintable() else text
