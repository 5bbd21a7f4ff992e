"""Who is there before anybody can be approved: the first operators, and an older database's rows.

While a switch knows fewer than two operators, it takes in at its start those that a folder names,
with the other people beside them, auditors for example; the journal tells of it. Later ones are
proposed and approved like any participant. A certificate in the folder is `NAME/certificate.pem`,
and says `urn:payvand:<role>:<name>`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from payvand.switch.identity import Role
from payvand.switch.participant import ROLE_NUMBERS, ROLES, Certificate, Participant
from payvand.switch.registry.callers import read_certificate
from payvand.switch.registry.changes import traits_of

__all__ = ["founders_in", "with_certificates"]

_FOUNDERS: Final = frozenset(Role) - {Role.BANK, Role.AGENCY, Role.SWITCH}


def founders_in(folder: Path, known: Mapping[str, Participant]) -> list[dict[str, Any]]:
    """Return the entries that take in the people of a *folder*.

    Those that are *known* already are left alone.
    """
    return [
        traits_of(
            Participant(
                number=0,
                name=name,
                role=ROLE_NUMBERS[role],
                display_name=name,
                certificates=(certificate,),
            )
        )
        for name, role, certificate in _certificates(folder)
        if role in _FOUNDERS and name not in known
    ]


def with_certificates(folder: Path, rows: Iterable[Participant]) -> list[dict[str, Any]]:
    """Return the entries that take in *rows*, with the certificates that a *folder* has of them."""
    held = {(name, role): certificate for name, role, certificate in _certificates(folder)}
    entries = []
    for row in rows:
        certificate = held.get((row.name, ROLES[row.role]))
        known = (certificate,) if certificate else ()
        entries.append(traits_of(replace(row, certificates=known)))
    return entries


def _certificates(folder: Path) -> Iterator[tuple[str, Role, Certificate]]:
    for path in sorted(folder.glob("*/certificate.pem")):
        try:
            certificate, says = read_certificate(path.read_bytes())
        except ValueError:
            continue  # It isn't a certificate, so nobody's.
        role, _, name = says.partition(":")
        if name and role in set(Role):
            yield name, Role(role), certificate
