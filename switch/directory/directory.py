"""The directory as the switch uses it: registering, asking, moving by claim; all in memory.

Asking costs tokens (`token_bucket`), and tells a payer no more of a payee than he needs in order
to notice a wrong number. Registering and moving are for the bank of the account; while a claim on
an alias is open, nobody else may change it.

The acts that change something are few next to questions, and each is given out as a `Change`, so
that whoever keeps the directory durable and whoever keeps a copy can follow.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

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
from payvand.switch.directory.alias_table import NAME_BYTES_MAX, AliasTable
from payvand.switch.directory.claims import Claim, ClaimKind, ClaimTerms, open_claim
from payvand.switch.directory.reconciling import Entry
from payvand.switch.directory.token_bucket import Terms, TokenBucket

__all__ = ["ASKERS_MAX", "OPEN_CLAIMS_MAX", "AliasRefused", "Change", "Directory", "Payee"]

ASKERS_MAX = 10_000
OPEN_CLAIMS_MAX = 1_000_000


class AliasRefused(Exception):
    """An alias can't be used as asked; `rule` names the broken rule, `hint` says what to do.

    The rules: `alias.unknown`, `alias.throttled`, `alias.taken`, `alias.not_yours`,
    `alias.claimed`, `alias.name`, `claim.unknown`, `claim.iban`, `claim.too_many`.
    """

    def __init__(self, rule: str, hint: str) -> None:
        super().__init__(f"{rule}: {hint}")
        self.rule = rule
        self.hint = hint


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
        terms: Terms | None = None,
        claim_terms: ClaimTerms | None = None,
        follow: Callable[[Change], None] = lambda change: None,
    ) -> None:
        """Begin empty.

        *holder* tells which participant holds the accounts with a bank code, None where nobody
        does; it follows mergers. *follow* is told each change, after it was made.
        """
        self.table = AliasTable()
        self._holder = holder
        self._terms = terms or Terms()
        self._claim_terms = claim_terms or ClaimTerms()
        self._follow = follow
        self._buckets: dict[str, TokenBucket] = {}
        self._claims: dict[int, Claim] = {}
        self._claims_by_key: dict[int, int] = {}
        self._claims_opened = 0

    def resolve(self, asker: str, kind: AliasKind, text: str, *, now_ns: int) -> Payee:
        """Return who stands behind an alias, or raise `AliasRefused` or `IdentifierError`.

        A text that is no alias at all costs nothing: it tells nothing.
        """
        key = alias_key(kind, text)
        found = self.find(asker, u128_array([key]), now_ns=now_ns)[0]
        if not found["is_there"]:
            raise AliasRefused("alias.unknown", "nobody registered this number")
        account = AccountNumber(int(found["bank_code"]), int(found["account"]))
        return Payee(account, masked_name((self.table.name(key) or b"").decode()))

    def find(self, asker: str, keys: npt.NDArray[np.void], *, now_ns: int) -> npt.NDArray[np.void]:
        """Return what stands behind each of *keys*, as `alias_table.FOUND`, and take its tokens."""
        bucket = self._bucket(asker, now_ns)
        if not bucket.may_ask(len(keys), now_ns):
            wait_s = bucket.wait_ns(len(keys), now_ns) / 1e9
            hint = f"too many questions, or too many that found nobody; wait {wait_s:.1f} s"
            raise AliasRefused("alias.throttled", hint)
        found = self.table.find(keys)
        hits = int(found["is_there"].sum())
        bucket.spend(hits, len(keys) - hits, now_ns)
        return found

    def register(
        self, by: str, kind: AliasKind, text: str, account: str, name: str, *, moment: datetime
    ) -> Entry:
        """Register an alias for an account of *by*, or change what it says.

        Raises `AliasRefused`, and `IdentifierError` where alias or IBAN are none.
        """
        key, number = alias_key(kind, text), account_of(account)
        if self._holder(number.bank_code) != by:
            raise AliasRefused("alias.not_yours", "register aliases for your own accounts only")
        if kind is AliasKind.IBAN and text != account:
            raise AliasRefused("alias.not_yours", "an IBAN stands for its own account only")
        content = _name_bytes(name)
        owner = self.registrar(key)
        if owner is not None and owner != by:
            raise AliasRefused("alias.taken", "it is registered with another bank: open a claim")
        self._require_unclaimed(key, moment)
        entry = Entry(key, number.number, number.bank_code, content)
        self._put(entry)
        return entry

    def withdraw(self, by: str, kind: AliasKind, text: str, *, moment: datetime) -> None:
        """Take an alias of *by* out of the directory, or raise `AliasRefused`."""
        key = alias_key(kind, text)
        owner = self.registrar(key)
        if owner is None:
            raise AliasRefused("alias.unknown", "nobody registered this number")
        if owner != by:
            raise AliasRefused("alias.not_yours", "another bank registered it")
        self._require_unclaimed(key, moment)
        self.table.remove(u128_array([key]))
        self._follow(Change(key, None))

    def registrar(self, key: int) -> str | None:
        """Return the participant whose account an alias stands for, or None."""
        found = self.table.find(u128_array([key]))[0]
        return self._holder(int(found["bank_code"])) if found["is_there"] else None

    def open_claim(
        self, by: str, kind: ClaimKind, alias_kind: AliasKind, text: str, *, moment: datetime
    ) -> Claim:
        """Open *by*'s claim on an alias, or raise `AliasRefused` or `ClaimRefused`."""
        key = alias_key(alias_kind, text)
        if alias_kind is AliasKind.IBAN:
            raise AliasRefused("claim.iban", "an IBAN stands for its own account only")
        donor = self.registrar(key)
        if donor is None:
            raise AliasRefused("alias.unknown", "nobody registered it: register it yourself")
        self._require_unclaimed(key, moment)
        if len(self._claims) >= OPEN_CLAIMS_MAX:
            self._forget_closed(moment)
            if len(self._claims) >= OPEN_CLAIMS_MAX:
                raise AliasRefused("claim.too_many", "too many claims are open; try later")
        claim = open_claim(
            id=self._claims_opened + 1,
            kind=kind,
            key=key,
            donor=donor,
            claimant=by,
            moment=moment,
            terms=self._claim_terms,
        )
        self._claims_opened += 1
        self._claims[claim.id] = claim
        self._claims_by_key[key] = claim.id
        return claim

    def claim(self, id: int, *, moment: datetime) -> Claim:
        """Return a claim as it stands at *moment*, or raise `AliasRefused`."""
        claim = self._claims.get(id)
        if claim is None:
            raise AliasRefused("claim.unknown", "no claim has this number")
        return claim.at(moment)

    def confirm_claim(self, by: str, id: int, *, moment: datetime) -> Claim:
        """Say the donor's yes."""
        return self._keep(self.claim(id, moment=moment).confirm(by, moment))

    def cancel_claim(self, by: str, id: int, reason: str, *, moment: datetime) -> Claim:
        """Say either side's no."""
        return self._keep(self.claim(id, moment=moment).cancel(by, moment, reason))

    def complete_claim(
        self, by: str, id: int, account: str, name: str, *, moment: datetime
    ) -> Claim:
        """Move the alias of a confirmed claim to an account of the claimant."""
        claim = self.claim(id, moment=moment).complete(by, moment)
        number = account_of(account)
        if self._holder(number.bank_code) != by:
            raise AliasRefused("alias.not_yours", "complete it with an account of your own")
        self._put(Entry(claim.key, number.number, number.bank_code, _name_bytes(name)))
        return self._keep(claim)

    def _put(self, entry: Entry) -> None:
        self.table.put(
            u128_array([entry.key]),
            np.array([entry.account], np.uint64),
            np.array([entry.bank_code], np.uint16),
            [entry.name],
        )
        self._follow(Change(entry.key, entry))

    def _keep(self, claim: Claim) -> Claim:
        self._claims[claim.id] = claim
        return claim

    def _require_unclaimed(self, key: int, moment: datetime) -> None:
        id = self._claims_by_key.get(key)
        if id is not None and self._claims[id].is_open(moment):
            raise AliasRefused("alias.claimed", "a claim on it is open; wait for its end")

    def _forget_closed(self, moment: datetime) -> None:
        open_ = {id: claim for id, claim in self._claims.items() if claim.is_open(moment)}
        self._claims = open_
        self._claims_by_key = {claim.key: id for id, claim in open_.items()}

    def _bucket(self, asker: str, now_ns: int) -> TokenBucket:
        bucket = self._buckets.get(asker)
        if bucket is None:
            assert len(self._buckets) < ASKERS_MAX  # askers are participants, which are fewer
            bucket = self._buckets[asker] = TokenBucket(self._terms, now_ns)
        return bucket


def _name_bytes(name: str) -> bytes:
    content = name.encode()
    if len(content) > NAME_BYTES_MAX or not masked_name(name):
        hint = f"give the owner's name, of at most {NAME_BYTES_MAX} bytes"
        raise AliasRefused("alias.name", hint)
    return content
