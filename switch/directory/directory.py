"""The directory in memory: who stands behind an alias, and what may be changed by whom.

Asking costs tokens (`token_bucket`), and tells a payer no more of a payee than he needs in order
to notice a wrong number. What a bank wants to change is judged here and changed by the
`registrar`, which makes it durable before it `apply`s it to the memory.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from payvand.core.records import u128_array
from payvand.switch.directory.alias import (
    AccountNumber,
    AliasKind,
    account_of,
    alias_key,
    masked_name,
)
from payvand.switch.directory.alias_table import AliasTable
from payvand.switch.directory.token_bucket import Terms, TokenBucket
from payvand.switch.identifiers.identifier_error import IdentifierError

__all__ = [
    "ASKERS_MAX",
    "NAME_LENGTH_MAX",
    "AliasRefused",
    "Change",
    "Directory",
    "Entry",
    "Payee",
    "Registration",
    "Throttled",
    "is_text",
    "key_of",
    "require_name",
]

ASKERS_MAX = 10_000
NAME_LENGTH_MAX = 140
JOINER = "\u200c"
"""The zero-width non-joiner, which Persian names are written with."""


class AliasRefused(Exception):
    """An alias can't be used as asked.

    `field` is where in the question the fault is, `rule` the broken rule, `hint` what to do. The
    rules are those of the alias's kind and of an IBAN, and `alias.kind`, `alias.taken`,
    `alias.not_yours`, `alias.claimed`, `alias.name`, `alias.twice`, `alias.unknown`.
    """

    def __init__(self, field: str, rule: str, hint: str) -> None:
        super().__init__(f"{field}: {rule}: {hint}")
        self.field = field
        self.rule = rule
        self.hint = hint


class Throttled(Exception):
    """Whoever asks has asked too much, or too much that found nobody; it must wait `wait_ns`."""

    def __init__(self, wait_ns: int) -> None:
        super().__init__(
            "too many questions, or too many that found nobody: wait "
            f"{wait_ns / 1_000_000_000:.1f} s"
        )
        self.wait_ns = wait_ns


@dataclass(frozen=True, slots=True)
class Entry:
    """An alias and all that the directory says of it."""

    key: int
    account: AccountNumber
    name: str


@dataclass(frozen=True, slots=True)
class Registration:
    """What a bank wants the directory to say."""

    kind: int
    """A number of `AliasKind`, or none."""
    text: str
    iban: str
    name: str


@dataclass(frozen=True, slots=True)
class Payee:
    """Who stands behind an alias, as far as a payer may know before he pays."""

    account: AccountNumber
    masked_name: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the directory."""

    key: int
    entry: Entry | None
    """What the alias says now; None where it is gone."""


class Directory:
    """All aliases of the switch. One thread uses it; clocks are passed in."""

    def __init__(
        self,
        holder: Callable[[int], str | None],
        *,
        issuer: Callable[[str], str | None] = lambda card: None,
        terms: Terms | None = None,
    ) -> None:
        """Begin empty.

        *holder* tells which participant holds the accounts with a bank code, None where nobody
        does; it follows mergers. *issuer* tells which one issued a card, None where that isn't
        known.
        """
        self.table = AliasTable()
        self.holder = holder
        self._issuer = issuer
        self._terms = terms or Terms()
        self._buckets: dict[str, TokenBucket] = {}

    # --- asking ------------------------------------------------------------------------------

    def find(self, asker: str, keys: npt.NDArray[np.void], *, now_ns: int) -> npt.NDArray[np.void]:
        """Return what stands behind each of *keys*, as `alias_table.FOUND`, and take its tokens.

        Raises `Throttled`.
        """
        self.require_tokens(asker, len(keys), now_ns)
        found = self.table.find(keys)
        hits = int(found["is_there"].sum())
        self.spend(asker, hits=hits, misses=len(keys) - hits, now_ns=now_ns)
        return found

    def payees(self, asker: str, keys: Sequence[int], *, now_ns: int) -> list[Payee | None]:
        """Return who stands behind each of *keys*, and take the tokens; raises `Throttled`."""
        found = self.find(asker, u128_array(keys), now_ns=now_ns)
        return [
            Payee(AccountNumber(bank_code, account), masked_name(self._name(key)))
            if is_there
            else None
            for key, (account, bank_code, is_there) in zip(keys, found.tolist(), strict=True)
        ]

    def require_tokens(self, asker: str, questions: int, now_ns: int) -> None:
        """Raise `Throttled` where *asker* may not ask so many *questions* now."""
        bucket = self._bucket(asker, now_ns)
        if not bucket.may_ask(questions, now_ns):
            raise Throttled(bucket.wait_ns(questions, now_ns))

    def spend(self, asker: str, *, hits: int, misses: int, now_ns: int) -> None:
        """Take the tokens of questions that were answered."""
        self._bucket(asker, now_ns).spend(hits, misses, now_ns)

    # --- judging -----------------------------------------------------------------------------

    def entry(self, key: int) -> Entry | None:
        """Return what the directory says of the alias with *key*."""
        account, bank_code, is_there = self.table.find(u128_array([key])).tolist()[0]
        return Entry(key, AccountNumber(bank_code, account), self._name(key)) if is_there else None

    def registrar_of(self, key: int) -> str | None:
        """Return the participant whose account an alias stands for, or None."""
        entry = self.entry(key)
        return self.holder(entry.account.bank_code) if entry is not None else None

    def judge_registration(self, by: str, wanted: Registration) -> Entry:
        """Return what the directory would say after *by*'s registration, or raise `AliasRefused`.

        Whether a claim on the alias is open, the registrar sees to.
        """
        key = key_of(wanted.kind, wanted.text)
        account = self.judge_account(by, wanted.iban)
        if wanted.kind == AliasKind.IBAN and wanted.text != wanted.iban:
            raise AliasRefused("iban", "alias.not_yours", "an IBAN stands for its own account only")
        if wanted.kind == AliasKind.CARD and self._issuer(wanted.text) not in (None, by):
            raise AliasRefused("alias", "alias.not_yours", "another bank issued this card")
        require_name(wanted.name)
        if self.registrar_of(key) not in (None, by):
            hint = "it is registered with another bank: open a claim"
            raise AliasRefused("alias", "alias.taken", hint)
        return Entry(key, account, wanted.name)

    def judge_account(self, by: str, iban: str) -> AccountNumber:
        """Return the account of *by* with an *iban*, or raise `AliasRefused`."""
        try:
            account = account_of(iban)
        except IdentifierError as error:
            raise AliasRefused("iban", error.rule, error.hint) from None
        if self.holder(account.bank_code) != by:
            hint = "name one of your own accounts"
            raise AliasRefused("iban", "alias.not_yours", hint)
        return account

    # --- changing ----------------------------------------------------------------------------

    def apply(self, changes: Sequence[Change]) -> None:
        """Make changes that are durable already."""
        entries = [change.entry for change in changes if change.entry is not None]
        gone = [change.key for change in changes if change.entry is None]
        if entries:
            self.table.put(
                u128_array(entry.key for entry in entries),
                np.array([entry.account.number for entry in entries], np.uint64),
                np.array([entry.account.bank_code for entry in entries], np.uint16),
                [entry.name.encode() for entry in entries],
            )
        if gone:
            self.table.remove(u128_array(gone))

    def _name(self, key: int) -> str:
        return (self.table.name(key) or b"").decode()

    def _bucket(self, asker: str, now_ns: int) -> TokenBucket:
        bucket = self._buckets.get(asker)
        if bucket is None:
            assert len(self._buckets) < ASKERS_MAX  # askers are participants, which are fewer
            bucket = self._buckets[asker] = TokenBucket(self._terms, now_ns)
        return bucket


def key_of(kind: int, text: str) -> int:
    """Return an alias's key, or raise `AliasRefused` where it is none."""
    if kind not in set(AliasKind):
        raise AliasRefused("alias.kind", "alias.kind", "say what kind of number the alias is")
    try:
        return alias_key(AliasKind(kind), text)
    except IdentifierError as error:
        raise AliasRefused("alias.value", error.rule, error.hint) from None


def is_text(text: str) -> bool:
    """Tell whether *text* is for people: Persian joiners, and no other invisible signs."""
    return text.replace(JOINER, "").isprintable()


def require_name(name: str) -> None:
    """Raise `AliasRefused` where *name* is no name."""
    bare = name.replace(JOINER, "").strip()
    if not (bare and is_text(name) and len(name) <= NAME_LENGTH_MAX):
        hint = f"give the owner's name, of at most {NAME_LENGTH_MAX} characters"
        raise AliasRefused("name", "alias.name", hint)
