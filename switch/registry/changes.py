"""What changes a participant: the traits by name, as proposals and the journal have them.

An entry names a participant and the traits that change; the others stay as they are. So two
changes that are proposed side by side don't undo each other. Certificates and signing keys are
registered beside those that are there, and taken away one by one:

    {"name": "melli", "sending": "suspended"}
    {"name": "melli", "certificates": [{"fingerprint": ...}], "revoke_certificates": ["9f3c..."]}

What is told of a participant has the same names.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any, Final

from payvand.switch import directory_file
from payvand.switch.identity import Role
from payvand.switch.participant import (
    ROLE_NUMBERS,
    ROLES,
    Certificate,
    Contact,
    Direction,
    Participant,
)

__all__ = [
    "CERTIFICATES_MAX",
    "PARTICIPANTS_MAX",
    "ChangeRefused",
    "after_changes",
    "changed_traits",
    "traits_of",
]

PARTICIPANTS_MAX: Final = 4_000
"""Banks and government services of one switch: what is asked of the ledger fits one read."""
PEOPLE_MAX: Final = 1_000
"""Operators, auditors and the central bank; their numbers lie above those of the others."""
CERTIFICATES_MAX: Final = 8
"""Of one participant: enough for several places and for a change of each."""
SIGNING_KEYS_MAX: Final = 8
CONTACTS_MAX: Final = 16
PAYMENTS_PER_SECOND_MAX: Final = 10_000_000
CONTACT_LENGTH_MAX: Final = 140

_PERSON: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}(?:@[a-z0-9][a-z0-9-]{0,31})?")
_FINGERPRINT: Final = re.compile("[0-9a-f]{64}")
_SERIAL: Final = re.compile("[0-9a-f]{1,40}")
_PLAIN: Final = ("display_name", "display_name_fa", "auto_accept", "signature_required")
_LISTS: Final = ("bank_codes", "ibans")
_REVOCATIONS: Final = ("revoke_certificates", "revoke_signing_keys")
_KEYS: Final = (
    *("name", "role", "unit", *_PLAIN, *_LISTS, "net_debit_cap", "payments_per_second"),
    *("contacts", "sending", "receiving", "certificates", "signing_keys", *_REVOCATIONS),
)


class ChangeRefused(Exception):
    """A change can't be as asked; nothing was changed.

    `field` says where, `rule` is the stable id of the broken rule, `hint` what to do.
    """

    def __init__(self, field: str, rule: str, hint: str) -> None:
        super().__init__(f"{field}: {rule}: {hint}")
        self.field = field
        self.rule = rule
        self.hint = hint


def traits_of(participant: Participant) -> dict[str, Any]:
    """Return all that is known of a participant but its number, by name, as JSON has it."""
    return {
        "name": participant.name,
        "role": ROLES[participant.role].value,
        "display_name": participant.display_name,
        "display_name_fa": participant.display_name_fa,
        "bank_codes": list(participant.bank_codes),
        "ibans": list(participant.ibans),
        "net_debit_cap": str(participant.net_debit_cap),
        "unit": participant.unit,
        "auto_accept": participant.auto_accept,
        "contacts": [asdict(contact) for contact in participant.contacts],
        "sending": participant.sending.value,
        "receiving": participant.receiving.value,
        "certificates": [asdict(certificate) for certificate in participant.certificates],
        "signing_keys": list(participant.signing_keys),
        "signature_required": participant.signature_required,
        "payments_per_second": participant.payments_per_second,
    }


def changed_traits(before: Participant | None, after: Participant) -> dict[str, Any]:
    """Return the entry that makes *before* into *after*; its name alone where they are the same.

    Certificates and keys of *before* that *after* lacks stay as they are.
    """
    wanted = traits_of(after)
    if before is None:
        return wanted
    had = traits_of(before)
    entry = {key: value for key, value in wanted.items() if key == "name" or value != had[key]}
    for key in ("certificates", "signing_keys"):
        if key in entry:
            entry[key] = [each for each in entry[key] if each not in had[key]]
            if not entry[key]:
                del entry[key]
    return entry


def after_changes(
    known: Mapping[str, Participant],
    entries: Sequence[Mapping[str, Any]],
    *,
    numbers: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, Participant]:
    """Return all participants, by name, as they are after *entries*.

    New ones get the next number, but for those to whom *numbers* gives one by name.

    Raises `ChangeRefused` where an entry, or what they come to together, breaks a rule.
    """
    if not isinstance(entries, Sequence) or isinstance(entries, str) or not entries:
        raise ChangeRefused("participants", "participant.entries", "give one or more entries")
    after = dict(known)
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        path = f"participants[{index}]"
        name = entry.get("name") if isinstance(entry, Mapping) else None
        if not isinstance(name, str):
            raise ChangeRefused(f"{path}.name", "participant.name", "name the participant")
        if name in seen:
            raise ChangeRefused(f"{path}.name", "participant.twice", "one entry for each")
        seen.add(name)
        after[name] = _after(path, known.get(name), entry, after, numbers.get(name, 0))
    _check_holders(after)
    return after


def _after(
    path: str,
    before: Participant | None,
    entry: Mapping[str, Any],
    known: Mapping[str, Participant],
    number: int,
) -> Participant:
    for key in entry:
        if key not in _KEYS:
            raise ChangeRefused(f"{path}.{key}", "participant.key", "known are " + ", ".join(_KEYS))
    if before is None:
        role = entry.get("role")
        if role not in {one.value for one in ROLE_NUMBERS}:
            hint = "one of " + ", ".join(one.value for one in ROLE_NUMBERS)
            raise ChangeRefused(f"{path}.role", "directory.role", hint)
        before = Participant(
            number=number or _next_number(path, Role(role), known),
            name=entry["name"],
            role=ROLE_NUMBERS[Role(role)],
            display_name=entry["name"],
            unit=str(entry.get("unit", "")),
        )
    elif (entry.get("role", ROLES[before.role].value), entry.get("unit", before.unit)) != (
        ROLES[before.role].value,
        before.unit,
    ):
        hint = "role and unit stay as they were put first; onboard it under another name"
        raise ChangeRefused(f"{path}.role", "participant.fixed", hint)
    traits: dict[str, Any] = {key: entry[key] for key in _PLAIN if key in entry}
    traits |= {key: tuple(_texts(path, key, entry[key])) for key in _LISTS if key in entry}
    readers: Mapping[str, Callable[[str, Any], Any]] = {
        "net_debit_cap": _amount,
        "payments_per_second": _rate,
        "contacts": _contacts,
        "sending": _direction,
        "receiving": _direction,
    }
    for key, read in readers.items():
        if key in entry:
            traits[key] = read(f"{path}.{key}", entry[key])
    traits["certificates"] = _certificates(path, before, entry)
    traits["signing_keys"] = _signing_keys(path, before, entry)
    after = replace(before, **traits)
    _check(path, after)
    return after


def _next_number(path: str, role: Role, known: Mapping[str, Participant]) -> int:
    has_accounts = role in (Role.BANK, Role.AGENCY)
    first, most = (1, PARTICIPANTS_MAX) if has_accounts else (PARTICIPANTS_MAX + 1, PEOPLE_MAX)
    numbers = [one.number for one in known.values() if one.has_accounts is has_accounts]
    number = max(numbers, default=first - 1) + 1
    if number >= first + most:
        raise ChangeRefused(path, "participant.count", f"a switch has at most {most} of them")
    return number


def _check(path: str, after: Participant) -> None:
    """See that a participant's traits have their form and fit together."""
    for key in _PLAIN[2:]:
        if not isinstance(getattr(after, key), bool):
            raise ChangeRefused(f"{path}.{key}", "directory.type", "true or false")
    if (after.sending is Direction.CLOSED) != (after.receiving is Direction.CLOSED):
        hint = "a participant is closed both ways or neither"
        raise ChangeRefused(f"{path}.sending", "participant.closed", hint)
    if after.signature_required and not after.signing_keys:
        hint = "register a signing key first"
        raise ChangeRefused(f"{path}.signature_required", "participant.signing_key", hint)
    # The same form as in a directory file; who has no accounts is held to what is left of it.
    table = {
        "name": after.name if after.has_accounts else "person",
        "role": ROLES[after.role].value if after.has_accounts else "bank",
        "display_name": after.display_name,
        "bank_codes": list(after.bank_codes) if after.has_accounts else ["000"],
        "ibans": list(after.ibans),
        "net_debit_cap": after.net_debit_cap,
        "prefunding": 0,
        "unit": after.unit if after.has_accounts else "IRR",
        "auto_accept": after.auto_accept,
    }
    if after.display_name_fa:
        table["display_name_fa"] = after.display_name_fa
    try:
        directory_file.parse({"participant": [table]})
    except directory_file.DirectoryFileError as fault:
        field = fault.path.replace("participant[0]", path)
        raise ChangeRefused(field, fault.rule, fault.hint) from None
    if not after.has_accounts and not _PERSON.fullmatch(after.name):
        hint = "lower-case letters, digits and hyphens; person@agency for the people of an agency"
        raise ChangeRefused(f"{path}.name", "directory.name", hint)
    if not after.has_accounts and (after.bank_codes or after.net_debit_cap or after.unit):
        hint = f"the role {ROLES[after.role]} has neither accounts nor bank codes"
        raise ChangeRefused(f"{path}.bank_codes", "directory.accounts", hint)


def _check_holders(after: Mapping[str, Participant]) -> None:
    """See that each bank code, IBAN, certificate and signing key belongs to one participant."""
    holders: dict[tuple[str, str], str] = {}
    for one in after.values():
        if one.is_closed:
            continue
        held = [
            *(("bank code", code) for code in one.bank_codes),
            *(("IBAN", iban) for iban in one.ibans),
            *(("certificate", each.fingerprint) for each in one.certificates),
            *(("signing key", key) for key in one.signing_keys),
        ]
        for kind, what in held:
            other = holders.setdefault((kind, what), one.name)
            if other != one.name:
                raise ChangeRefused(
                    one.name,
                    "participant.taken",
                    f"one {kind} of it belongs to {other}: take it from {other}, in the same "
                    "request or before",
                )


def _texts(path: str, key: str, values: Any) -> list[str]:
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise ChangeRefused(f"{path}.{key}", "directory.type", "a list of texts")
    if not all(isinstance(value, str) for value in values):
        raise ChangeRefused(f"{path}.{key}", "directory.type", "a list of texts")
    return list(values)


def _amount(path: str, value: Any) -> int:
    if not isinstance(value, str) or not value.isascii() or not value.isdigit():
        raise ChangeRefused(path, "directory.amount", "minor units, as a text of digits")
    return int(value)


def _rate(path: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ChangeRefused(path, "participant.rate", "an integer")
    if not 0 <= value <= PAYMENTS_PER_SECOND_MAX:
        hint = f"0 to {PAYMENTS_PER_SECOND_MAX} payments a second"
        raise ChangeRefused(path, "participant.rate", hint)
    return value


def _direction(path: str, value: Any) -> Direction:
    if value not in {one.value for one in Direction}:
        raise ChangeRefused(path, "participant.state", "one of " + ", ".join(Direction))
    return Direction(value)


def _contacts(path: str, values: Any) -> tuple[Contact, ...]:
    if not isinstance(values, list) or len(values) > CONTACTS_MAX:
        raise ChangeRefused(path, "participant.contacts", f"a list of at most {CONTACTS_MAX}")
    contacts = []
    for value in values:
        try:
            contact = Contact(**value)
            parts = asdict(contact).values()
            if not all(isinstance(part, str) and len(part) <= CONTACT_LENGTH_MAX for part in parts):
                raise TypeError("a part of it is no text or too long")
        except TypeError as error:
            hint = f"purpose, name, phone and email, each a text: {error}"
            raise ChangeRefused(path, "participant.contacts", hint) from None
        contacts.append(contact)
    return tuple(contacts)


def _certificates(
    path: str, before: Participant, entry: Mapping[str, Any]
) -> tuple[Certificate, ...]:
    kept = {one.fingerprint: one for one in before.certificates}
    for fingerprint in _texts(path, "revoke_certificates", entry.get("revoke_certificates", [])):
        if kept.pop(fingerprint, None) is None:
            hint = f"{before.name} has no certificate {fingerprint}"
            raise ChangeRefused(f"{path}.revoke_certificates", "certificate.unknown", hint)
    added = entry.get("certificates", [])
    field = f"{path}.certificates"
    if not isinstance(added, list):
        raise ChangeRefused(field, "certificate.form", "a list of certificates")
    for value in added:
        try:
            one = Certificate(**value)
            good = bool(_FINGERPRINT.fullmatch(one.fingerprint) and _SERIAL.fullmatch(one.serial))
            good = good and 0 <= int(one.not_before) < int(one.not_after)
        except (TypeError, ValueError):
            good = False
        if not good:
            hint = "fingerprint and serial in hexadecimal, not_before and not_after in nanoseconds"
            raise ChangeRefused(field, "certificate.form", hint)
        kept[one.fingerprint] = one
    if len(kept) > CERTIFICATES_MAX:
        hint = f"at most {CERTIFICATES_MAX} at a time: revoke those that are no longer used"
        raise ChangeRefused(field, "certificate.count", hint)
    return tuple(kept.values())


def _signing_keys(path: str, before: Participant, entry: Mapping[str, Any]) -> tuple[str, ...]:
    kept = dict.fromkeys(before.signing_keys)
    for key in _texts(path, "revoke_signing_keys", entry.get("revoke_signing_keys", [])):
        if key not in kept:
            hint = f"{before.name} has no signing key {key}"
            raise ChangeRefused(f"{path}.revoke_signing_keys", "signing_key.unknown", hint)
        del kept[key]
    for key in _texts(path, "signing_keys", entry.get("signing_keys", [])):
        if not _FINGERPRINT.fullmatch(key):
            hint = "an Ed25519 public key, 32 bytes in hexadecimal"
            raise ChangeRefused(f"{path}.signing_keys", "signing_key.form", hint)
        kept[key] = None
    if len(kept) > SIGNING_KEYS_MAX:
        hint = f"at most {SIGNING_KEYS_MAX} at a time: revoke those that are no longer used"
        raise ChangeRefused(f"{path}.signing_keys", "signing_key.count", hint)
    return tuple(kept)
