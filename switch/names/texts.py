"""Texts for people in Persian, by their English form.

Messages are made in many places: in the books, at the other end of a call, in a library. All of
them are made in English, and told in Persian where they are shown. The files of `fa/` have the
Persian for an English text, or for its form with {figures}:

    "window {number} isn't open yet: window {open_window} is" = "پنجرهٔ {number} هنوز باز نشده …"

A text is looked up as it stands, else by its form, and what stands in the figures is looked up in
its turn. A figure called `…_day` takes a day alone, so that a short form takes nothing else. A text
that is made of several is looked up part by part. What no file has stays English: a text is never
lost for want of a translation.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from payvand.switch.names.catalogue import isolated, persian_number

__all__ = ["NO_NAMES", "filled", "form_of", "persian"]

FIGURE: Final = re.compile(r"\{(\w+)\}")
FIGURES: Final = re.compile(
    r"-?[0-9][0-9,]*(\.[0-9]+)?|[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9:.]+)?|[0-9]{2}:[0-9]{2}"
)
"""Numbers, days and hours, shown in Persian digits; what is for copying stays as it is."""
DAY: Final = "[0-9-]+"
ANYTHING: Final = ".+?"
LATIN: Final = re.compile(r"[A-Za-z]")
NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})
SEPARATORS: Final = (("\n", "\n"), ("; ", "؛ "), (": ", ": "), (", ", "، "))
"""What stands between the parts of a text that is made of several, in either language."""


def persian(text: str, names: Mapping[str, str] = NO_NAMES) -> str:
    """Return an English *text* in Persian; as it is where no file has it.

    *names* has the Persian of what else may stand in a figure, by the English: banks, for example.
    """
    exact = _texts().get(text) or names.get(text)
    if exact is not None:
        return exact
    for form, told in _forms():
        found = form.fullmatch(text)
        # A figure that goes over the end of a text took others in that stand behind it.
        if found is not None and not any("; " in figure for figure in found.groups()):
            return filled(told, found.groupdict(), names)
    for separator, mark in SEPARATORS:
        head, found_there, tail = text.partition(separator)
        if found_there:
            shown = [_value(part, names) for part in (head, tail)]
            return text if _is_same(shown, (head, tail)) else mark.join(shown)
    return text


def form_of(template: str) -> str:
    """Return the Persian form of an English *template* with {figures}, or itself."""
    return _texts().get(template, template)


def filled(form: str, figures: Mapping[str, object], names: Mapping[str, str] = NO_NAMES) -> str:
    """Return a Persian *form* with its figures: numbers in Persian digits, texts in Persian."""
    return FIGURE.sub(lambda found: _value(str(figures[found[1]]), names), form)


def _value(text: str, names: Mapping[str, str]) -> str:
    if FIGURES.fullmatch(text):
        return persian_number(text)
    told = persian(text, names)
    # What stays in Latin letters is ordered by itself, so that no sign at its ends changes sides.
    return isolated(told) if told == text and LATIN.search(text) else told


def _is_same(shown: Sequence[str], parts: Sequence[str]) -> bool:
    """Tell whether nothing is told otherwise, but that it stands isolated or in digits."""
    return all(
        one in (part, isolated(part), persian_number(part))
        for one, part in zip(shown, parts, strict=True)
    )


@lru_cache(maxsize=1)
def _texts() -> Mapping[str, str]:
    texts: dict[str, str] = {}
    for file in sorted((files(__package__) / "fa").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            texts |= tomllib.loads(file.read_text(encoding="utf-8"))
    return texts


@lru_cache(maxsize=1)
def _forms() -> list[tuple[re.Pattern[str], str]]:
    """Return the forms with figures, those with most letters of their own first."""
    forms = sorted(
        ((text, told) for text, told in _texts().items() if FIGURE.search(text)),
        key=lambda form: -len(FIGURE.sub("", form[0])),
    )
    return [(re.compile("".join(_pattern(text)), re.DOTALL), told) for text, told in forms]


def _pattern(form: str) -> Iterator[str]:
    for place, part in enumerate(FIGURE.split(form)):
        if place % 2:
            yield f"(?P<{part}>{DAY if part.endswith('_day') else ANYTHING})"
        else:
            yield re.escape(part)
