"""A simulated bank: the SDK at one end, books of its own at the other.

It pays at random, answers what it is offered (or stays silent, or answers too late), gives some of
it back, asks for some of what it paid, loses its connection, restarts from what it had kept, and
never pays twice for what it meant once. What it was told is held against the ledger at the end.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import Any, Final, TypeVar

from payvand.client import Bank, CallFailed
from payvand.v1.payment_pb2 import Payment, PaymentKind, PaymentState
from payvand.v1.payment_service_pb2 import FollowResponse, PaymentAnswer

SETTLED: Final = PaymentState.PAYMENT_STATE_SETTLED
RESERVED: Final = PaymentState.PAYMENT_STATE_RESERVED
REFUSED: Final = PaymentState.PAYMENT_STATE_REFUSED
DECLINED: Final = PaymentState.PAYMENT_STATE_DECLINED
FINAL: Final = frozenset(
    {SETTLED, DECLINED, PaymentState.PAYMENT_STATE_REJECTED, PaymentState.PAYMENT_STATE_EXPIRED}
)
CREDIT_TRANSFER: Final = PaymentKind.PAYMENT_KIND_CREDIT_TRANSFER
AMOUNT_MAX: Final = 2_000
PATIENCE_S: Final = 1e9
"""A bank never gives up: the network heals before the simulation ends."""

Made = TypeVar("Made")


class SimulatedBank:
    """One participant, its habits drawn from *random*."""

    def __init__(
        self, name: str, random: Random, connect: Callable[[str], Bank], accounts: dict[str, str]
    ) -> None:
        """Pay from and to *accounts*, an IBAN for each participant's name."""
        self.name = name
        self.accounts = accounts
        self.sent: dict[bytes, Payment] = {}
        """Payments whose submission was answered with anything but a refusal."""
        self.refused: set[bytes] = set()
        self.returned: dict[bytes, int] = {}
        """How much of offered payments it has given back, by the payment's id."""
        self.offered: dict[bytes, int] = {}
        """Amounts of the payments offered to it, by id."""
        self.ends: dict[bytes, int] = {}
        """How payments ended, of those that it was told of, by id."""
        self.cursor = 0
        self._offers: dict[bytes, Payment] = {}
        self._afterwards: set[asyncio.Task[None]] = set()
        """Returns and recalls under way; a bank that restarts goes on with them."""
        self._unanswered: dict[bytes, bool] = {}
        self._random = random
        self._connect = connect
        self._serial = 0
        self._following: asyncio.Task[None] | None = None
        self._answering: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Connect, follow from the cursor, and answer again what may not have been answered."""
        self._bank = self._connect(self.name)
        self._following = asyncio.create_task(self._follow())
        for identity in list(self._unanswered):
            self._answer_soon(identity)

    async def stop(self) -> None:
        """Lose all that isn't in its books."""
        tasks = [*sorted(self._answering, key=lambda task: task.get_name())]
        tasks += [self._following] if self._following else []
        self._answering.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def restart_sometimes(self, until: Callable[[], bool]) -> None:
        """Go down and come back, at random."""
        while not until():
            await asyncio.sleep(self._random.uniform(0.5, 4))
            await self.stop()
            await asyncio.sleep(self._random.uniform(0, 1))
            self.start()

    async def pay(self, rounds: int) -> None:
        """Submit *rounds* batches, over either kind of call."""
        if self._random.random() < 0.5:
            for _ in range(rounds):
                batch = self._batch()
                await asyncio.sleep(self._random.uniform(0, 0.3))
                await self._persist(lambda batch=batch: self._submit(batch))  # type: ignore[misc]
            return
        batches = [self._batch() for _ in range(rounds)]
        await self._persist(lambda: self._stream(batches))

    async def _persist(self, act: Callable[[], Awaitable[None]]) -> None:
        """Do it again until it was answered; ids make that safe."""
        while True:
            try:
                await act()
                return
            except CallFailed:
                await asyncio.sleep(self._random.uniform(0.1, 1))

    async def _submit(self, batch: list[Payment]) -> None:
        reply = await self._connect(self.name).submit(batch)
        self._note(batch, list(reply.states))

    async def _stream(self, batches: list[list[Payment]]) -> None:
        async for batch, reply in self._connect(self.name).submit_stream(batches, window=3):
            self._note(list(batch), list(reply.states))

    def _note(self, batch: list[Payment], states: list[int]) -> None:
        assert len(states) == len(batch), "a state for each payment"
        for payment, state in zip(batch, states, strict=True):
            if state == REFUSED:
                self.refused.add(payment.id)
            else:
                self.sent[payment.id] = payment
                if state in FINAL:
                    self._end(payment.id, state)

    def _end(self, identity: bytes, state: int) -> None:
        """Note how a payment ended: always in the same way."""
        before = self.ends.setdefault(identity, state)
        assert before == state, f"{identity.hex()} ended as {before} and then as {state}"

    def _batch(self) -> list[Payment]:
        return [self._payment() for _ in range(self._random.randint(1, 12))]

    def _payment(self) -> Payment:
        self._serial += 1
        creditor = self._random.choice(sorted(self.accounts))
        payment = Payment(
            id=self._serial.to_bytes(8, "big") + self.name.encode().ljust(8, b"."),
            kind=PaymentKind.PAYMENT_KIND_CREDIT_TRANSFER,
            debtor_iban=self.accounts[self.name],
            creditor_iban=self.accounts[creditor],
            amount=self._random.randint(1, AMOUNT_MAX),
            unit="IRR",
            remittance="x" * self._random.randrange(100),
        )
        fate = self._random.random()
        if fate < 0.03:
            payment.amount = 0
        elif fate < 0.06:
            payment.creditor_iban = payment.creditor_iban[:-1] + "x"
        return payment

    async def _follow(self) -> None:
        async for step in self._bank.follow(self.cursor):
            self._take(step)

    def _take(self, step: FollowResponse) -> None:
        """Book a step and its cursor together."""
        assert step.cursor > self.cursor, "each step comes once after its cursor"
        for offer in step.offers:
            assert offer.id not in self.offered, f"{offer.id.hex()} was offered twice"
            self.offered[offer.id] = offer.amount
            self._offers[offer.id] = offer
        for outcome in step.outcomes:
            if outcome.state == SETTLED and outcome.id not in self.ends:
                self._think_again(outcome.id)
            self._end(outcome.id, outcome.state)
        self.cursor = step.cursor
        for offer in step.offers:
            if offer.id not in self.ends:
                self._consider(offer.id)

    def _think_again(self, identity: bytes) -> None:
        """Give a settled payment back, or ask for it back, at random."""
        offer, paid = self._offers.get(identity), self.sent.get(identity)
        habit = self._random.random()
        if offer is not None and offer.kind == CREDIT_TRANSFER and habit < 0.2:
            self._afterwards_do(self._give_back(offer), f"return-{identity.hex()}")
        elif paid is not None and paid.kind == CREDIT_TRANSFER and habit < 0.1:
            self._afterwards_do(self._recall(paid), f"recall-{identity.hex()}")

    def _afterwards_do(self, act: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(act, name=name)
        self._afterwards.add(task)

    async def finish(self) -> None:
        """Return once returns and recalls are answered."""
        await asyncio.gather(*sorted(self._afterwards, key=lambda task: task.get_name()))

    async def _give_back(self, offer: Payment) -> None:
        """Give a payment back in one or two parts, which may be more than there is left."""
        for number in range(1, self._random.randint(1, 2) + 1):
            amount = self._random.randint(1, offer.amount)
            made = await self._unless_refused(
                lambda number=number, amount=amount: self._connect(self.name).give_back(  # type: ignore[misc]
                    offer, amount, number=number, reason="CUST"
                )
            )
            if made is not None:
                kind = PaymentKind.PAYMENT_KIND_RETURN
                self._keep(made.id, offer.creditor_iban, offer.debtor_iban, amount, kind)
                self.returned[offer.id] = self.returned.get(offer.id, 0) + (
                    amount if made.state == SETTLED else 0
                )
                self._end(made.id, made.state)

    async def _recall(self, paid: Payment) -> None:
        made = await self._unless_refused(
            lambda: self._connect(self.name).recall(paid, reason="DUPL")
        )
        if made is not None:
            kind = PaymentKind.PAYMENT_KIND_RECALL
            self._keep(made.id, paid.debtor_iban, paid.creditor_iban, 0, kind)

    def _keep(self, id: bytes, debtor: str, creditor: str, amount: int, kind: PaymentKind) -> None:
        self.sent[id] = Payment(
            id=id, debtor_iban=debtor, creditor_iban=creditor, amount=amount, kind=kind
        )

    async def _unless_refused(self, act: Callable[[], Awaitable[Made]]) -> Made | None:
        """Do it until it was answered; None where a rule of returns refuses it."""
        while True:
            try:
                return await act()
            except CallFailed as fault:
                if fault.refusal is not None and fault.refusal.rule.startswith("return."):
                    return None
                await asyncio.sleep(self._random.uniform(0.1, 1))

    def _consider(self, identity: bytes) -> None:
        habit = self._random.random()
        if habit < 0.08:
            return  # silent: it runs out
        self._unanswered[identity] = habit < 0.8
        self._answer_soon(identity)

    def _answer_soon(self, identity: bytes) -> None:
        task = asyncio.create_task(self._answer(identity), name=f"answer-{identity.hex()}")
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, identity: bytes) -> None:
        late = 3.5 if self._random.random() < 0.06 else 0.3
        await asyncio.sleep(self._random.uniform(0, late))
        accept = self._unanswered[identity]
        answer = PaymentAnswer(id=identity, accept=accept, reason_code="" if accept else "AC04")

        async def tell() -> None:
            (state,) = await self._bank.answer([answer])
            self._end(identity, state)

        await self._persist(tell)
        del self._unanswered[identity]
