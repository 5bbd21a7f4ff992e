"""The directory file: who takes part, as an operator writes it down in TOML.

It is what a switch is first onboarded from (`sandbox/directory.toml` is an example). Each
`[[participant]]` is checked for itself and against the others before any of them is used.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from payvand.switch.identifiers import iban
from payvand.switch.identifiers.identifier_error import IdentifierError
from payvand.switch.units import AMOUNT_MAX, UNITS

__all__ = ["PARTICIPANTS_MAX", "DirectoryFileError", "ParticipantEntry", "load", "parse"]

PARTICIPANTS_MAX = 1000
DISPLAY_NAME_LENGTH_MAX = 140

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_BANK_CODE = re.compile(r"[0-9]{3}")
_REQUIRED = ("name", "role", "display_name", "net_debit_cap", "prefunding", "unit")
_OPTIONAL = ("display_name_fa", "bank_codes", "ibans", "auto_accept")


class DirectoryFileError(Exception):
    """The directory file is wrong; nobody is onboarded from it.

    `path` says where in the file, `rule` is the stable id of the broken rule and `hint` what to
    do about it.
    """

    def __init__(self, path: str, rule: str, hint: str) -> None:
        super().__init__(f"{path}: {rule}: {hint}")
        self.path = path
        self.rule = rule
        self.hint = hint


@dataclass(frozen=True, slots=True)
class ParticipantEntry:
    """A participant as the directory file has it."""

    name: str
    """Its short name, which its certificate carries."""
    role: Literal["bank", "agency"]
    display_name: str
    display_name_fa: str
    """Its name in Persian; empty where none is given."""
    bank_codes: tuple[str, ...]
    """The three-digit codes whose IBANs it holds, its own first, then those it succeeded to."""
    ibans: tuple[str, ...]
    """The very IBANs it holds (agencies)."""
    net_debit_cap: int
    """How far its position may owe before settlement, in minor units."""
    prefunding: int
    """What is paid into its settlement account at the start, in minor units."""
    unit: str
    auto_accept: bool
    """True where payments to it settle in one step, without its answer."""


def load(path: str | Path) -> tuple[ParticipantEntry, ...]:
    """Return the participants of the file at *path*, in its order.

    Raises `DirectoryFileError`, and `OSError` where the file cannot be read.
    """
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DirectoryFileError("", "directory.toml", str(error)) from None
    return parse(content)


def parse(content: Mapping[str, Any]) -> tuple[ParticipantEntry, ...]:
    """Return the participants of a directory file's parsed *content*."""
    for key in content:
        if key != "participant":
            raise DirectoryFileError(key, "directory.key", "only [[participant]] is known")
    tables = content.get("participant", [])
    if not isinstance(tables, list) or not 0 < len(tables) <= PARTICIPANTS_MAX:
        hint = f"give 1 to {PARTICIPANTS_MAX} [[participant]] tables"
        raise DirectoryFileError("participant", "directory.participants", hint)
    entries = tuple(_entry(f"participant[{index}]", table) for index, table in enumerate(tables))
    _unique("name", "directory.name_twice", ((entry.name,) for entry in entries))
    _unique("bank_codes", "directory.bank_code_twice", (entry.bank_codes for entry in entries))
    _unique("ibans", "directory.iban_twice", (entry.ibans for entry in entries))
    return entries


def _entry(path: str, table: Any) -> ParticipantEntry:
    if not isinstance(table, dict):
        raise DirectoryFileError(path, "directory.participants", "write [[participant]]")
    for key in table:
        if key not in _REQUIRED + _OPTIONAL:
            hint = "the keys are " + ", ".join(_REQUIRED + _OPTIONAL)
            raise DirectoryFileError(f"{path}.{key}", "directory.key", hint)
    for key in _REQUIRED:
        if key not in table:
            raise DirectoryFileError(f"{path}.{key}", "directory.missing", "give it")
    role = _text(path, table, "role")
    if role not in ("bank", "agency"):
        raise DirectoryFileError(f"{path}.role", "directory.role", "a role is bank or agency")
    name = _text(path, table, "name")
    if not _NAME.fullmatch(name):
        hint = "lower-case letters, digits and hyphens, at most 32"
        raise DirectoryFileError(f"{path}.name", "directory.name", hint)
    unit = _text(path, table, "unit")
    if unit not in UNITS:
        hint = "the switch keeps books in " + ", ".join(UNITS)
        raise DirectoryFileError(f"{path}.unit", "unit.unknown", hint)
    auto_accept = table.get("auto_accept", False)
    if not isinstance(auto_accept, bool):
        raise DirectoryFileError(f"{path}.auto_accept", "directory.type", "true or false")
    bank_codes = _texts(path, table, "bank_codes")
    ibans = _texts(path, table, "ibans")
    _check_accounts(path, role, bank_codes, ibans)
    return ParticipantEntry(
        name=name,
        role="bank" if role == "bank" else "agency",
        display_name=_text(path, table, "display_name"),
        display_name_fa=_text(path, table, "display_name_fa") if "display_name_fa" in table else "",
        bank_codes=bank_codes,
        ibans=ibans,
        net_debit_cap=_amount(path, table, "net_debit_cap"),
        prefunding=_amount(path, table, "prefunding"),
        unit=unit,
        auto_accept=auto_accept,
    )


def _check_accounts(
    path: str, role: str, bank_codes: tuple[str, ...], ibans: tuple[str, ...]
) -> None:
    if role == "bank" and (not bank_codes or ibans):
        hint = "a bank has bank_codes and no ibans"
        raise DirectoryFileError(f"{path}.bank_codes", "directory.accounts", hint)
    if role == "agency" and (not ibans or bank_codes):
        hint = "an agency has ibans and no bank_codes"
        raise DirectoryFileError(f"{path}.ibans", "directory.accounts", hint)
    for index, code in enumerate(bank_codes):
        if not _BANK_CODE.fullmatch(code):
            where = f"{path}.bank_codes[{index}]"
            raise DirectoryFileError(where, "directory.bank_code", "a bank code has three digits")
    for index, text in enumerate(ibans):
        try:
            iban.parse(text)
        except IdentifierError as error:
            raise DirectoryFileError(f"{path}.ibans[{index}]", error.rule, error.hint) from None


def _text(path: str, table: Mapping[str, Any], key: str) -> str:
    value = table[key]
    if not isinstance(value, str) or not 0 < len(value) <= DISPLAY_NAME_LENGTH_MAX:
        hint = f"a text of 1 to {DISPLAY_NAME_LENGTH_MAX} characters"
        raise DirectoryFileError(f"{path}.{key}", "directory.type", hint)
    return value


def _texts(path: str, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = table.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise DirectoryFileError(f"{path}.{key}", "directory.type", "a list of texts")
    return tuple(values)


def _amount(path: str, table: Mapping[str, Any], key: str) -> int:
    value = table[key]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= AMOUNT_MAX:
        hint = f"an integer of minor units, 0 to {AMOUNT_MAX}"
        raise DirectoryFileError(f"{path}.{key}", "directory.amount", hint)
    return value


def _unique(key: str, rule: str, columns: Iterable[Iterable[str]]) -> None:
    seen: set[str] = set()
    for index, values in enumerate(columns):
        for value in values:
            if value in seen:
                hint = "it belongs to one participant only"
                raise DirectoryFileError(f"participant[{index}].{key}", rule, hint)
            seen.add(value)
