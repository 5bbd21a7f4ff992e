"""The names of codes and the headings of reports in both languages, from `names.toml`.

Codes stay what they are in messages, files and JSON; names are for people. A code that the
catalogue lacks, since a bank may give any, is shown as it is.
"""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

__all__ = [
    "KINDS",
    "Language",
    "has_name",
    "isolated",
    "name_of",
    "persian_digits",
    "persian_number",
]


class Language(StrEnum):
    """In which people are told."""

    EN = "en"
    FA = "fa"


KINDS = (
    "payment_state",
    "bill_state",
    "claim_state",
    "claim_kind",
    "alias_kind",
    "role",
    "proposal_state",
    "act",
    "entry_kind",
    "break_kind",
    "side",
    "sector",
    "fee_line",
    "reason",
    "ledger_status",
    "account_purpose",
    "waiting",
    "remedy",
    "file_state",
    "heading",
)
"""What the catalogue names."""

WORDS = frozenset({"heading"})
"""The kinds whose keys are English words, not codes."""

FIRST_STRONG_ISOLATE = "\u2068"
POP_ISOLATE = "\u2069"

PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
PERSIAN_NUMBER = PERSIAN_DIGITS | str.maketrans({",": "٬", ".": "٫"})


def name_of(kind: str, code: str, language: Language) -> str:
    """Return what a *code* of a *kind* of `KINDS` is called, or the code where it has no name."""
    names = _names()[kind].get(code if kind in WORDS else code.lower())
    return names[language] if names is not None else code


def has_name(kind: str, code: str) -> bool:
    """Tell whether a code has a name in both languages."""
    names = _names()[kind].get(code if kind in WORDS else code.lower())
    return names is not None and all(names[language].strip() for language in Language)


def persian_digits(text: str) -> str:
    """Return *text* with its digits in Persian form."""
    return text.translate(PERSIAN_DIGITS)


def persian_number(text: str) -> str:
    """Return a printed number in Persian form: `1,250.5` is `۱٬۲۵۰٫۵`."""
    return text.translate(PERSIAN_NUMBER)


def isolated(text: str) -> str:
    """Return *text* so that it is ordered by itself, whatever stands on either side of it."""
    if not text or text.startswith(FIRST_STRONG_ISOLATE):
        return text
    return f"{FIRST_STRONG_ISOLATE}{text}{POP_ISOLATE}"


@lru_cache(maxsize=1)
def _names() -> Mapping[str, Mapping[str, Mapping[Language, str]]]:
    text = (files(__package__) / "names.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    assert set(tables) == set(KINDS)
    return {
        kind: {code: _both(kind, code, name) for code, name in table.items()}
        for kind, table in tables.items()
    }


def _both(kind: str, code: str, name: str | dict[str, str]) -> dict[Language, str]:
    if isinstance(name, dict):
        return {Language(language): text for language, text in name.items()}
    english = code if kind in WORDS else code.replace("_", " ").replace("-", " ")
    return {Language.EN: english, Language.FA: name}
