"""Paying: carts become chains in the ledger, and each gets its outcome.

    carts ─► known before? ─► bills and their acts ─► shares ─► chains ─► commit ─► outcomes
                                  ▲                                          │
                                  └────── another act took the number ◄──────┘

A cart's debit has the bank's own id, so a retry meets it; each bill's act has the id of its next
number, so of two carts that pay one bill one finds the number taken, and is judged again by what
the bill is then. Nothing is kept beside the ledger but which bills are being paid at this moment.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from payvand.core.engine import Engine
from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.core.records import Records, u128_array, u128_list, u128_of
from payvand.core.statuses import TransferStatus
from payvand.switch.fees.bills.accounts import (
    ACT_CODE,
    COLLECTION_ACCOUNT,
    FEE_CODE,
    NOTICE_CODE,
    SHARE_CODE,
    account_key,
    fees_account,
)
from payvand.switch.fees.bills.bill import BillRefused
from payvand.switch.fees.bills.inquiry import Inquiry
from payvand.switch.fees.bills.issuing import day_of
from payvand.switch.fees.bills.number import TransferKind, agency_of, transfer_id
from payvand.switch.fees.bills.standing import ATTEMPT_SHIFT, read_acts
from payvand.switch.fees.bills.state import Standing
from payvand.switch.fees.bills.tariff import TariffOf, TermsOf
from payvand.switch.fees.paying.cart import Cart, cart_of
from payvand.switch.fees.paying.chain import Chains
from payvand.switch.fees.paying.dividing import Collector, Divider, Share
from payvand.switch.fees.paying.payload import payload_of
from payvand.switch.fees.paying.plain import COLUMNS as PLAIN_COLUMNS
from payvand.switch.fees.paying.plain import PlainBatch, plain_batches
from payvand.switch.participants import Registry
from payvand.switch.routing import Route
from payvand.switch.translate import CREATED, STATE_OF_LEDGER, ReasonBook, rule_of
from payvand.v1.fee_payment_service_pb2 import FeePayment
from payvand.v1.payment_pb2 import PaymentState, Reason

__all__ = ["Outcome", "PaidPart", "Paying"]

TURNS_MAX: Final = 16
"""How often a cart is judged again because somebody else acted on one of its bills meanwhile."""

_SETTLED: Final = PaymentState.PAYMENT_STATE_SETTLED
_DECLINED: Final = PaymentState.PAYMENT_STATE_DECLINED
_UNKNOWN: Final = PaymentState.PAYMENT_STATE_UNKNOWN
_LINKED_FAILED: Final = int(TransferStatus.LINKED_EVENT_FAILED)
_EXISTS: Final = frozenset(status for status in TransferStatus if status.name.startswith("EXISTS"))


class PaidPart(NamedTuple):
    """What was paid of a bill. A tuple, as `Outcome` is: both are made for each payment."""

    key: int
    act: int
    amount: int
    paid_at: int


class Outcome(NamedTuple):
    """What became of a cart."""

    state: int
    """Settled, declined or refused, as `PaymentState` has it."""
    parts: Sequence[PaidPart] = ()
    reason: Reason | None = None
    refused: BillRefused | None = None


@dataclass(slots=True)
class _Turn:
    """A cart with its bills as they were when it was judged."""

    place: int
    cart: Cart
    standings: Sequence[Standing]
    amounts: Sequence[int]
    shares: Sequence[Sequence[Share]]
    collector: Collector
    """The agency of the first bill, which the payer's bank is told of."""
    first: int = 0
    """The place of its debit among the records."""

    @property
    def size(self) -> int:
        """How many transfers it is."""
        notices = sum(standing.notice is not None for standing in self.standings)
        return 1 + notices + len(self.shares) + sum(map(len, self.shares))


class Paying:
    """Pay bills on an engine. One for each process."""

    def __init__(
        self,
        *,
        engine: Engine,
        inquiry: Inquiry,
        registry: Registry,
        tariff_of: TariffOf,
        terms_of: TermsOf,
        reasons: ReasonBook,
        clock: Callable[[], int],
    ) -> None:
        """Pay by the tariffs and the registry as they are at each call."""
        self._engine = engine
        self._inquiry = inquiry
        self._registry = registry
        self._tariff_of = tariff_of
        self._terms_of = terms_of
        self._reasons = reasons
        self._clock = clock
        self._under_way: Counter[int] = Counter()

    def is_under_way(self, key: int) -> bool:
        """Tell whether a payment of a bill is under way, whose outcome nobody knows yet."""
        return key in self._under_way

    async def pay(self, debtor: Route, asked: Sequence[FeePayment]) -> list[Outcome]:
        """Pay carts of the bank *debtor*; what is settled is on stable storage."""
        outcomes: list[Outcome | None] = [None] * len(asked)
        routing = self._registry.routing
        carts: dict[int, Cart] = {}
        accounts: dict[str, int] = {}
        for place, message in enumerate(asked):
            try:
                carts[place] = cart_of(message, debtor, routing, accounts)
            except BillRefused as refused:
                outcomes[place] = _refused(refused)
        with self._paying(part.key for cart in carts.values() for part in cart.parts):
            carts = await self._pay_plain(debtor, carts, outcomes)
            for _ in range(TURNS_MAX):
                if not carts:
                    break
                carts = await self._turn(debtor, carts, outcomes)
        for place in carts:
            hint = "others act on one of the bills all the time: try again later"
            outcomes[place] = _refused(BillRefused("bills", "bill.busy", hint))
        assert None not in outcomes, "every cart has its outcome"
        return [outcome for outcome in outcomes if outcome is not None]

    @contextmanager
    def _paying(self, keys: Iterable[int]) -> Iterator[None]:
        """Let inquiries know of bills that are being paid."""
        mine = Counter(keys)
        self._under_way.update(mine)
        try:
            yield
        finally:
            self._under_way -= mine

    async def _pay_plain(
        self, debtor: Route, carts: dict[int, Cart], outcomes: list[Outcome | None]
    ) -> dict[int, Cart]:
        """Pay what is plain and new, and return all else: it is judged bill by bill."""
        if not carts:
            return carts
        ids = u128_array(cart.id for cart in carts.values())
        known = (await self._engine.states(ids))["state"].tolist()
        fresh = {
            place: cart
            for (place, cart), state in zip(carts.items(), known, strict=True)
            if not state and len(cart.parts) == 1
        }
        if not fresh:
            return carts
        keys = list({cart.parts[0].key for cart in fresh.values()})
        rows = await self._inquiry.untouched(keys, PLAIN_COLUMNS)
        names = self._registry.routing.names
        terms = {
            (agency, version): await self._terms_of(names.get(agency, ""), version)
            for agency, version in {
                (agency_of(key), row["schedule_version"]) for key, row in rows.items()
            }
        }
        batches = plain_batches(fresh, rows, terms, self._divider(), debtor)
        left = dict(carts)
        for place in await self._commit_plain(batches, outcomes):
            del left[place]
        return left

    async def _commit_plain(
        self, batches: Sequence[PlainBatch], outcomes: list[Outcome | None]
    ) -> list[int]:
        """Commit plain payments, and return the places of those that were paid."""
        paid = []
        for batch in batches:
            committed = await self._engine.create_transfers(
                batch.records, payloads=batch.payloads, offsets=batch.offsets
            )
            results = committed.results.reshape(-1, batch.width)
            created = (results["status"][:, 0] == CREATED).tolist()
            stamps = results["timestamp"][:, 1].tolist()
            for chain, is_paid, stamp in zip(batch.chains, created, stamps, strict=True):
                if is_paid:
                    part = PaidPart(chain.key, 1, chain.cart.amount, stamp)
                    outcomes[chain.place] = Outcome(_SETTLED, (part,))
                    paid.append(chain.place)
        return paid

    def _divider(self) -> Divider:
        """Return what divides payments at this moment."""
        registry = self._registry
        day = day_of(self._clock())
        return Divider(self._tariff_of, registry.participants, registry.routing, day)

    async def _turn(
        self, debtor: Route, carts: dict[int, Cart], outcomes: list[Outcome | None]
    ) -> dict[int, Cart]:
        """Judge carts and commit what can be paid; return those that have to be judged again."""
        fresh = await self._answer_known(debtor, carts, outcomes)
        turns = await self._judge(fresh, outcomes)
        again: dict[int, Cart] = {}
        for some in _batches(turns):
            await self._commit(debtor, some, outcomes, again)
        return again

    # --- what was asked before ---------------------------------------------------------------

    async def _answer_known(
        self, debtor: Route, carts: dict[int, Cart], outcomes: list[Outcome | None]
    ) -> dict[int, Cart]:
        """Answer carts whose ids have been used, and return the others."""
        ids = u128_array(cart.id for cart in carts.values())
        states = await self._engine.states(ids)
        if not states["state"].any():
            return carts
        originals = {
            identity: record
            for found in [await self._engine.lookup_transfers(ids)]
            for identity, record in zip(u128_list(found["id"]), found, strict=True)
        }
        fresh = {}
        for (place, cart), state in zip(carts.items(), states, strict=True):
            told = STATE_OF_LEDGER[int(state["state"])]
            if told == _UNKNOWN:
                fresh[place] = cart
            elif told == _DECLINED:
                reason = self._reasons.reason(int(state["status"]), int(state["decision"]))
                outcomes[place] = Outcome(_DECLINED, reason=reason)
            elif not _is_same(cart, debtor, originals[cart.id]):
                hint = (
                    "another payment has this id: give each its own, and a retry the same content"
                )
                outcomes[place] = _refused(BillRefused("id", "payment.id_reused", hint))
            else:
                outcomes[place] = Outcome(_SETTLED, await self._paid_before(cart))
        return fresh

    async def _paid_before(self, cart: Cart) -> list[PaidPart]:
        acts = await read_acts(self._engine, [part.key for part in cart.parts])
        return [
            PaidPart(part.key, act.number, act.amount, act.timestamp)
            for part in cart.parts
            for act in acts[part.key]
            if act.is_payment and act.cart == cart.id
        ]

    # --- what is asked now -------------------------------------------------------------------

    async def _judge(self, carts: dict[int, Cart], outcomes: list[Outcome | None]) -> list[_Turn]:
        """Return the carts that can be paid as their bills stand; refuse the others."""
        keys = list({part.key for cart in carts.values() for part in cart.parts})
        divider = self._divider()
        names = self._registry.routing.names
        standings = await self._inquiry.of_keys(keys)
        today = await self._inquiry.reckoned(
            list(standings.values()), self._terms_of, names, divider.day
        )
        dated = {one.bill.key: one for one in today if one.notice is not None}
        turns = []
        for place, cart in carts.items():
            try:
                turns.append(_judged(place, cart, standings, dated, divider))
            except BillRefused as refused:
                outcomes[place] = _refused(refused)
        return turns

    async def _commit(
        self,
        debtor: Route,
        turns: Sequence[_Turn],
        outcomes: list[Outcome | None],
        again: dict[int, Cart],
    ) -> None:
        """Commit the chains of one batch, and tell what became of each."""
        notices = [
            (one.bill.key, one.next_act - 1, one.notice)
            for turn in turns
            for one in turn.standings
            if one.notice is not None
        ]
        if notices:
            await self._inquiry.write_notices(notices)
        chains = Chains(debtor.ledger)
        for turn in turns:
            turn.first = len(chains)
            self._add(chains, debtor, turn)
        records, payloads, offsets = chains.records()
        committed = await self._engine.create_transfers(records, payloads=payloads, offsets=offsets)
        statuses = committed.results["status"]
        stamps = committed.results["timestamp"]
        decisions = committed.decisions
        for turn in turns:
            first, stop = turn.first, turn.first + turn.size
            if statuses[first] == CREATED:
                outcomes[turn.place] = Outcome(_SETTLED, _paid(turn, stamps))
                continue
            wrong = first + int(np.argmax(statuses[first:stop] != _LINKED_FAILED))
            status = TransferStatus(int(statuses[wrong]))
            if status in _EXISTS:
                # Its own id: the same call at the same time. A bill's: somebody was faster.
                again[turn.place] = turn.cart
            elif wrong == first and status.transient:
                decision = int(decisions[wrong]) if len(decisions) else 0
                reason = self._reasons.reason(int(status), decision)
                outcomes[turn.place] = Outcome(_DECLINED, reason=reason)
            elif status is TransferStatus.ID_ALREADY_FAILED:
                # Its own id: the next turn tells why. A share's: it needs another one.
                attempt = turn.cart.attempt + (wrong > first)
                again[turn.place] = turn.cart._replace(attempt=attempt)
            else:
                hint = "the books can't take this: an operator has to look at the beneficiaries"
                outcomes[turn.place] = _refused(BillRefused("bills", rule_of(status), hint))

    def _add(self, chains: Chains, debtor: Route, turn: _Turn) -> None:
        """Add the chain of a cart."""
        cart = turn.cart
        first = turn.collector
        chains.add(
            cart.id,
            debtor.position,
            COLLECTION_ACCOUNT,
            cart.amount,
            FEE_CODE,
            data_128=account_key(first.ibans[0]) << 64 | cart.digest,
            data_64=cart.debtor_key,
            payload=payload_of(cart, first, debtor.unit),
        )
        for standing, amount, shares in zip(turn.standings, turn.amounts, turn.shares, strict=True):
            key, act = standing.bill.key, standing.next_act
            if standing.notice is not None:
                chains.add(
                    transfer_id(TransferKind.ACT, key, act - 1),
                    COLLECTION_ACCOUNT,
                    fees_account(standing.bill.agency),
                    0,
                    NOTICE_CODE,
                    data_128=standing.notice.digest(),
                )
            fees = fees_account(standing.bill.agency)
            chains.add(
                transfer_id(TransferKind.ACT, key, act),
                COLLECTION_ACCOUNT,
                fees,
                amount,
                ACT_CODE,
                data_128=cart.id,
                data_64=cart.debtor_key,
                data_32=cart.attempt << ATTEMPT_SHIFT,
            )
            share_id = transfer_id(TransferKind.SHARE, key, act, 1, cart.attempt)
            for place, share in enumerate(shares):
                chains.add(
                    share_id + place,
                    fees,
                    share.position,
                    share.amount,
                    SHARE_CODE,
                    data_128=share.key << 64,
                    data_32=share.line,
                )
        chains.end()


def _judged(
    place: int,
    cart: Cart,
    standings: Mapping[int, Standing],
    dated: Mapping[int, Standing],
    divider: Divider,
) -> _Turn:
    """Return a cart that can be paid as its bills stand; raises `BillRefused`."""
    bills, amounts, shares = [], [], []
    for index, part in enumerate(cart.parts):
        standing = standings.get(part.key)
        try:
            if standing is None:
                raise BillRefused("number", "bill.unknown", "no bill has this number")
            today = dated.get(part.key, standing)
            if not today.is_rebated or part.amount in (0, today.outstanding):
                standing = today  # A rebate is for who pays the whole.
            amount = standing.part(part.amount, beyond=part.beyond)
            shares.append(divider.shares(standing, amount))
        except BillRefused as refused:
            field = f"bills[{index}].{refused.field}"
            raise BillRefused(field, refused.rule, refused.hint) from refused
        bills.append(standing)
        amounts.append(amount)
    if sum(amounts) != cart.amount:
        raise BillRefused(
            "amount", "cart.amount", f"the bills come to {sum(amounts)}: ask the payer again"
        )
    turn = _Turn(place, cart, bills, amounts, shares, divider.collector(bills[0].bill.agency))
    if turn.size > BATCH_EVENTS_MAX:
        raise BillRefused("bills", "cart.shares", "pay these bills in several payments")
    return turn


def _batches(turns: Sequence[_Turn]) -> Iterator[Sequence[_Turn]]:
    """Yield the turns in parts that fit a batch each; a chain is never cut."""
    some: list[_Turn] = []
    size = 0
    for turn in turns:
        if size + turn.size > BATCH_EVENTS_MAX:
            yield some
            some, size = [], 0
        some.append(turn)
        size += turn.size
    if some:
        yield some


def _paid(turn: _Turn, stamps: npt.NDArray[np.uint64]) -> list[PaidPart]:
    """Return what a cart paid, bill by bill."""
    parts = []
    place = turn.first + 1
    for standing, amount, shares in zip(turn.standings, turn.amounts, turn.shares, strict=True):
        place += standing.notice is not None
        parts.append(PaidPart(standing.bill.key, standing.next_act, amount, int(stamps[place])))
        place += 1 + len(shares)
    return parts


def _is_same(cart: Cart, debtor: Route, original: Records) -> bool:
    """Tell whether the debit that has a cart's id is that of the same cart."""
    return bool(
        original["debit_account_id"]["lo"] == debtor.position
        and original["code"] == FEE_CODE
        and u128_of(original["amount"]) == cart.amount
        and int(original["user_data_128"]["lo"]) == cart.digest
    )


def _refused(refused: BillRefused) -> Outcome:
    return Outcome(PaymentState.PAYMENT_STATE_REFUSED, refused=refused)
