"""Redenomination rehearsed: every balance of the books in another unit, and nothing made or lost.

The law replaces 10,000 current rials by one new rial of 100 qeran, so a qeran, the least amount of
the new books, is 100 current rials. A balance that is no multiple of it becomes the nearest number
of qeran, halves away from zero (`to_qeran`, in integers); what that adds to an account, its
*residual*, is taken from one residual account, so that the new books balance as the old ones do:

    100 * new = old + residual, which is from -50 to 50 rials
    100 * residual account = -(all residuals together) = -100 * (all new balances together)

which comes out even, since all old balances together are zero. A limit is rounded up: whatever fits
in the old one then fits in the new one. A reservation is converted on its own, the same for both
its sides; one of less than half a qeran has no amount in the new unit and is left out.

What is converted is how accounts stand, their credits less their debits. What moved on them before
stays told in the old unit. The copy is a real ledger: accounts, limits, postings and reservations
are made in it one by one, under its own rules.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from payvand.core.ledger import Ledger
from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.core.queries import QueryFilter
from payvand.core.records import (
    ACCOUNT,
    LIMIT,
    TRANSFER,
    AccountFlags,
    Records,
    TransferFlags,
    u128_array,
    u128_list,
    u128_of,
)
from payvand.core.statuses import AccountStatus, LimitStatus, TransferStatus
from payvand.settlement.ledger_proofs import prove_books_balance
from payvand.settlement.proof import Proof, verdict

__all__ = ["RESIDUAL_ACCOUNT", "RIALS_PER_QERAN", "Rehearsal", "rehearse", "to_qeran"]

Item = TypeVar("Item")

RIALS_PER_QERAN = 100
RESIDUAL_ACCOUNT = 16
"""Its id in the copy: the last of those that are the switch's own, as participants' begin at 17."""
RESIDUAL_CODE = 16
OPENING_CODE = 12
RESERVATION_CODE = 1

KEPT_FLAGS = (
    AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS
    | AccountFlags.CREDITS_MUST_NOT_EXCEED_DEBITS
    | AccountFlags.HISTORY
)
LIMITED = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS | AccountFlags.CREDITS_MUST_NOT_EXCEED_DEBITS


def to_qeran(rials: int) -> int:
    """Return the nearest number of qeran to a balance in current rials; halves go away from zero.

    >>> to_qeran(50), to_qeran(49), to_qeran(-50)
    (1, 0, -1)
    """
    whole = (abs(rials) + RIALS_PER_QERAN // 2) // RIALS_PER_QERAN
    return whole if rials >= 0 else -whole


@dataclass(slots=True)
class Rehearsal:
    """What a redenomination would come to."""

    proofs: list[Proof] = field(default_factory=list)
    copy: Ledger = field(default_factory=Ledger)
    """The books in the new unit."""
    accounts: int = 0
    rounded: int = 0
    """Accounts whose balance is no multiple of a qeran."""
    residual_rials: int = 0
    """What rounding adds to all accounts together, in current rials."""
    residual_account_qeran: int = 0
    """How the residual account stands, credits less debits."""
    reservations: int = 0
    reservations_left_out: int = 0
    """Those of less than half a qeran."""

    @property
    def holds(self) -> bool:
        """Whether all proofs hold."""
        return all(proof.holds for proof in self.proofs)


@dataclass(frozen=True, slots=True)
class _Standing:
    """An account of the old books."""

    id: int
    code: int
    flags: int
    balance: int
    """Credits less debits, posted."""
    limit: int


def rehearse(books: Ledger, *, old: int, new: int) -> Rehearsal:
    """Convert the accounts of the ledger *old* into a copy under the ledger *new*, and prove it.

    *books* is read and never changed, which is one of the proofs.
    """
    before = books.digest()
    found = Rehearsal()
    standings = list(_standings(books, old))
    found.accounts = len(standings)
    residuals = {one.id: RIALS_PER_QERAN * to_qeran(one.balance) - one.balance for one in standings}
    found.rounded = sum(one.balance % RIALS_PER_QERAN != 0 for one in standings)
    found.residual_rials = sum(residuals.values())
    now = books.timestamp + 1
    refused = _open(found.copy, standings, new, now)
    refused += _post(found.copy, standings, new, now)
    pending = _pending(books, old)
    kept = [one for one in pending if to_qeran(u128_of(one["amount"]))]
    found.reservations, found.reservations_left_out = len(pending), len(pending) - len(kept)
    unfit = _reserve(found.copy, kept, new, now)
    converted = {one.id: one for one in _standings(found.copy, new)}
    residual = converted.pop(RESIDUAL_ACCOUNT)
    found.residual_account_qeran = residual.balance
    found.proofs = [
        replace(prove_books_balance(books, [old]), name="source_balances"),
        verdict(
            "every_account_converted",
            refused + [f"account {id} is missing" for id in residuals.keys() - converted.keys()],
            f"{found.accounts:,} accounts, {found.rounded:,} of them rounded",
        ),
        _prove_residuals(standings, converted),
        _prove_nothing_made_or_lost(standings, converted, residual),
        _prove_kinds(books, found.copy, old, new, residuals, standings),
        replace(prove_books_balance(found.copy, [new]), name="copy_balances"),
        _prove_limits(found.copy, converted),
        verdict(
            "reservations_converted",
            unfit,
            f"{len(kept):,} reservations, {found.reservations_left_out:,} of less than half a "
            "qeran left out",
        ),
        verdict(
            "source_unchanged",
            [] if books.digest() == before else ["the old books are other than before"],
            f"SHA-256 {before.hex()[:16]}…",
        ),
    ]
    return found


# --- the copy ------------------------------------------------------------------------------------


def _standings(books: Ledger, ledger: int) -> Iterator[_Standing]:
    """Yield every account of a ledger, in the order of opening."""
    since = 0
    while len(accounts := books.query_accounts(QueryFilter(ledger=ledger, timestamp_min=since))):
        limits = {
            u128_of(one["account_id"]): u128_of(one["limit"])
            for one in books.lookup_limits(np.ascontiguousarray(accounts["id"]))
        }
        columns = zip(
            u128_list(accounts["id"]),
            accounts["code"].tolist(),
            accounts["flags"].tolist(),
            u128_list(accounts["credits_posted"]),
            u128_list(accounts["debits_posted"]),
            strict=True,
        )
        for id, code, flags, credits, debits in columns:
            yield _Standing(id, code, flags, credits - debits, limits.get(id, 0))
        since = int(accounts["timestamp"][-1]) + 1


def _open(copy: Ledger, standings: Sequence[_Standing], ledger: int, now: int) -> list[str]:
    """Open the accounts with their limits, and the residual account; return what was refused."""
    residual = _Standing(RESIDUAL_ACCOUNT, RESIDUAL_CODE, 0, 0, 0)
    refused = []
    for part in _parts([residual, *standings]):
        accounts = np.zeros(len(part), ACCOUNT)
        accounts["id"] = u128_array(one.id for one in part)
        accounts["ledger"] = ledger
        accounts["code"] = [one.code for one in part]
        accounts["flags"] = [one.flags & KEPT_FLAGS for one in part]
        statuses = copy.create_accounts(accounts, now)["status"].tolist()
        refused += [
            f"account {one.id}: {AccountStatus(status).name.lower()}"
            for one, status in zip(part, statuses, strict=True)
            if status != AccountStatus.CREATED
        ]
    for part in _parts([one for one in standings if one.flags & LIMITED]):
        limits = np.zeros(len(part), LIMIT)
        limits["account_id"] = u128_array(one.id for one in part)
        limits["limit"] = u128_array(-(-one.limit // RIALS_PER_QERAN) for one in part)
        statuses = copy.set_limits(limits, now)["status"].tolist()
        refused += [
            f"the limit of account {one.id}: {LimitStatus(status).name.lower()}"
            for one, status in zip(part, statuses, strict=True)
            if status != LimitStatus.CREATED
        ]
    return refused


def _post(copy: Ledger, standings: Sequence[_Standing], ledger: int, now: int) -> list[str]:
    """Bring each account to its new balance, against the residual account."""
    refused = []
    moving = [(place, one) for place, one in enumerate(standings, 1) if to_qeran(one.balance)]
    for part in _parts(moving):
        rows = []
        for place, one in part:
            amount = to_qeran(one.balance)
            sides = (RESIDUAL_ACCOUNT, one.id) if amount > 0 else (one.id, RESIDUAL_ACCOUNT)
            rows.append((1 << 127 | place, sides, abs(amount)))
        postings = _transfers(rows, ledger, OPENING_CODE)
        statuses = copy.create_transfers(postings, now)["status"].tolist()
        refused += [
            f"the balance of account {one.id}: {TransferStatus(status).name.lower()}"
            for (_, one), status in zip(part, statuses, strict=True)
            if status != TransferStatus.CREATED
        ]
    return refused


def _pending(books: Ledger, ledger: int) -> list[Records]:
    """Return the reservations under way, each once."""
    found: dict[int, Records] = {}
    since = 0
    while len(accounts := books.query_accounts(QueryFilter(ledger=ledger, timestamp_min=since))):
        reserved = accounts["debits_pending"]
        for id in u128_list(accounts["id"][(reserved["lo"] | reserved["hi"]) != 0]):
            found |= {u128_of(one["id"]): one for one in books.standing(id).pending}
        since = int(accounts["timestamp"][-1]) + 1
    return list(found.values())


def _reserve(copy: Ledger, pending: Sequence[Records], ledger: int, now: int) -> list[str]:
    """Make the reservations again; return those that don't fit."""
    unfit = []
    for part in _parts(pending):
        reservations = _transfers(
            [
                (
                    u128_of(one["id"]),
                    (u128_of(one["debit_account_id"]), u128_of(one["credit_account_id"])),
                    to_qeran(u128_of(one["amount"])),
                )
                for one in part
            ],
            ledger,
            RESERVATION_CODE,
        )
        reservations["flags"] = TransferFlags.PENDING
        statuses = copy.create_transfers(reservations, now)["status"].tolist()
        unfit += [
            f"reservation {u128_of(one['id']):032x}: {TransferStatus(status).name.lower()}"
            for one, status in zip(part, statuses, strict=True)
            if status != TransferStatus.CREATED
        ]
    return unfit


def _transfers(rows: Sequence[tuple[int, tuple[int, int], int]], ledger: int, code: int) -> Records:
    """Return transfers of ids, sides (debit, credit) and amounts."""
    transfers = np.zeros(len(rows), TRANSFER)
    transfers["id"] = u128_array(id for id, _, _ in rows)
    transfers["debit_account_id"] = u128_array(sides[0] for _, sides, _ in rows)
    transfers["credit_account_id"] = u128_array(sides[1] for _, sides, _ in rows)
    transfers["amount"] = u128_array(amount for _, _, amount in rows)
    transfers["ledger"] = ledger
    transfers["code"] = code
    return transfers


def _parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), BATCH_EVENTS_MAX):
        yield items[start : start + BATCH_EVENTS_MAX]


# --- the proofs ----------------------------------------------------------------------------------


def _prove_residuals(standings: Sequence[_Standing], converted: dict[int, _Standing]) -> Proof:
    """Prove that no account gained or lost more than half a qeran."""
    bound = RIALS_PER_QERAN // 2
    wrong = [
        f"account {one.id}: {one.balance:,} rials became {converted[one.id].balance:,} qeran"
        for one in standings
        if one.id in converted
        and abs(RIALS_PER_QERAN * converted[one.id].balance - one.balance) > bound
    ]
    return verdict("residuals_bounded", wrong, f"none beyond {bound} rials")


def _prove_nothing_made_or_lost(
    standings: Sequence[_Standing], converted: dict[int, _Standing], residual: _Standing
) -> Proof:
    """Prove that all money of the old books is in the new ones, the residual account's with it."""
    held = sum(one.balance for one in standings)
    holds = RIALS_PER_QERAN * (sum(one.balance for one in converted.values()) + residual.balance)
    added = sum(RIALS_PER_QERAN * one.balance for one in converted.values()) - held
    return verdict(
        "nothing_made_or_lost",
        []
        if held == holds and added == -RIALS_PER_QERAN * residual.balance
        else [f"{held:,} rials became {holds:,}, with {residual.balance:,} qeran residual"],
        f"rounding added {added:,} rials, the residual account stands at "
        f"{residual.balance:,} qeran",
    )


def _prove_kinds(
    books: Ledger,
    copy: Ledger,
    old: int,
    new: int,
    residuals: dict[int, int],
    standings: Sequence[_Standing],
) -> Proof:
    """Prove by kinds of account that old balances and residuals are the new balances.

    Both sides are added up by the ledgers themselves, not from what was converted.
    """
    sums = {one.code: one for one in books.aggregates(ledger=old)}
    copies = {one.code: one for one in copy.aggregates(ledger=new) if one.code != RESIDUAL_CODE}
    added: dict[int, int] = {}
    for one in standings:
        added[one.code] = added.get(one.code, 0) + residuals[one.id]
    wrong, seen = [], []
    for code, kind in sorted(sums.items()):
        balance = kind.credits_posted - kind.debits_posted
        twin = copies.get(code)
        converted = twin.credits_posted - twin.debits_posted if twin else 0
        seen.append(f"kind {code}: {balance:,} rials, {converted:,} qeran")
        if twin is None or twin.accounts != kind.accounts:
            wrong.append(f"kind {code} has not as many accounts as before")
        elif balance + added.get(code, 0) != RIALS_PER_QERAN * converted:
            wrong.append(seen[-1])
    return verdict("kinds_add_up", wrong, "; ".join(seen))


def _prove_limits(copy: Ledger, converted: dict[int, _Standing]) -> Proof:
    """Prove that no account is beyond its new limit, what is reserved with it."""
    wrong, limited = [], 0
    for one in converted.values():
        if not one.flags & LIMITED:
            continue
        limited += 1
        account = copy.lookup_accounts(u128_array([one.id]))[0]
        if one.flags & AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS:
            room = one.balance - u128_of(account["debits_pending"]) + one.limit
        else:
            room = -one.balance - u128_of(account["credits_pending"]) + one.limit
        if room < 0:
            wrong.append(f"account {one.id} is {-room:,} qeran beyond its limit")
    return verdict("limits_hold", wrong, f"{limited:,} limited accounts")
