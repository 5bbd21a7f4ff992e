"""A whole switch on virtual time, its banks, its disk and its network, all following from one seed.

    story = Country(seed, folder).play()

The switch's real parts stand together as in `payvand.switch.app`, on a simulated network and with
a database that never answers: no payment may need it. When the switch crashes, the disk keeps what
was acknowledged and, of what was under way, a random part with a torn end.
"""

import asyncio
import gc
import hashlib
import random
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from random import Random
from typing import Any, Final, NoReturn, cast

import asyncpg
import numpy as np
from prometheus_client import CollectorRegistry

from payvand.client import Bank
from payvand.core.engine import SEALED_MAX, Engine
from payvand.core.errors import PayvandFault
from payvand.core.ledger import Ledger
from payvand.core.records import ACCOUNT, u128_array, u128_list
from payvand.core.replay import replay
from payvand.core.segments import read_frames
from payvand.core.stage import Stage
from payvand.risk.reasons import Reasons
from payvand.risk.rules import default_rules
from payvand.risk.stage import RiskStage
from payvand.settlement.database import Pool
from payvand.settlement.headroom import HeadroomWalk
from payvand.settlement.netting import charge_account, position_account
from payvand.settlement.quota_walk import QuotaWalk
from payvand.switch.admission import Admission
from payvand.switch.approvals.act_journal import ActJournal
from payvand.switch.availability import Availability
from payvand.switch.identifiers import iban
from payvand.switch.limits.limit_book import LimitBook
from payvand.switch.limits.limits_in_force import LimitsInForce
from payvand.switch.metrics import Metrics
from payvand.switch.participant import Participant
from payvand.switch.participants import Registry
from payvand.switch.returning import RECALL_TIMEOUT_S, Returning
from payvand.switch.routing import Routing
from payvand.switch.rules.tariffs import KINDS
from payvand.switch.server import DatabaseBehind, method_handlers
from payvand.switch.services.returns import ReturnServicer
from payvand.switch.submitting import Submitter
from payvand.switch.translate import STATE_OF_LEDGER, ReasonBook
from payvand.v1.participant_service_pb2 import ParticipantRole
from payvand.v1.payment_pb2 import PaymentKind
from tests.simulation.bank import PATIENCE_S, SETTLED, SimulatedBank
from tests.simulation.network import FAIR, Network, Weather
from tests.simulation.payments_by_call import PaymentsByCall
from tests.simulation.rules import draw_limits, draw_tariffs
from tests.simulation.virtual_time import REAL_WAIT_S, Stuck, VirtualLoop
from tests.support.journals import placed

SEGMENT_BYTES: Final = 1 << 20
DEADLINE_S: Final = 2
QUIET_S: Final = 20.0
"""How long everything is given to come to its end once the network is fair."""
CAP: Final = 20_000
TODAY: Final = date(2026, 1, 1)
RECALL: Final = PaymentKind.PAYMENT_KIND_RECALL
CODES: Final = {"melli": "017", "mellat": "012", "saderat": "019", "tejarat": "018"}


class Lawless(AssertionError):
    """A law of payments was broken."""


class PacedEngine(Engine):
    """The engine, sealing batches by what its loop knows and not by how fast its threads were."""

    def settle(self) -> None:
        """Return once no thread is at work."""
        until = time.monotonic() + REAL_WAIT_S
        while self._pipeline.under_way:
            if time.monotonic() > until:
                raise Stuck(f"the engine's threads have worked for {REAL_WAIT_S} s")
            time.sleep(0)
        if self._preparing is not None:
            self._preparing.join(REAL_WAIT_S)

    def _seal_in_turn(self) -> None:
        self._seal_planned = False
        if self._in_hand and len(self._sealed) < SEALED_MAX:
            self._seal()

    async def _read(self, read: Callable[[Ledger], Any]) -> tuple[int, Any]:
        self.settle()
        return await super()._read(read)

    def _beat(self, next_due: int) -> None:
        self.settle()
        super()._beat(next_due)


class Country:
    """One simulation."""

    def __init__(self, seed: int, folder: Path, *, rounds: int = 12) -> None:
        """Draw everything from *seed*; files go to *folder*, each bank pays *rounds* batches."""
        self.random = Random(seed)
        self.folder = folder
        self.rounds = rounds
        self.story = hashlib.blake2b(digest_size=16)
        """Of all that happened, in its order: equal for equal seeds."""
        self.crashes = 0
        self.torn_frames = 0
        bad = self.random.choice((0, 0, 5, 20, 60))
        self.weather = Weather(*(self.random.randint(0, bad) for _ in range(5)))
        self.network = Network(Random(self.random.random()), self.weather)
        self.crash_count = self.random.choice((0, 1, 1, 2, 3))
        disk = Random(self.random.random())
        slowest = disk.choice((500_000, 5_000_000, 50_000_000))
        self.loop = VirtualLoop(lambda: disk.randint(50_000, slowest))
        self.participants = [
            Participant(
                number=number,
                name=name,
                role=ParticipantRole.PARTICIPANT_ROLE_BANK,
                display_name=name,
                bank_codes=(code,),
                ibans=(),
                net_debit_cap=CAP,
                unit="IRR",
                auto_accept=name == "tejarat",
            )
            for number, (name, code) in enumerate(CODES.items(), 1)
        ]
        self.accounts = {name: iban.make(code, "1") for name, code in CODES.items()}
        self.tariffs = draw_tariffs(self.random, sorted(self.accounts))
        self.random_of_limits = Random(self.random.random())
        self.limits = draw_limits(self.random_of_limits, sorted(self.accounts))
        self.banks = [
            SimulatedBank(name, Random(self.random.random()), self._connect, self.accounts)
            for name in CODES
        ]

    def play(self) -> str:
        """Play it to the end and check the laws; return the digest of the story."""
        asyncio.set_event_loop(self.loop)
        state = random.getstate()
        random.seed(self.random.random())  # the SDK's jitter
        gc.collect()
        gc.disable()  # It closes forgotten generators at moments of its own.
        try:
            self.loop.run_until_complete(self._play())
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            gc.enable()
            random.setstate(state)
            asyncio.set_event_loop(None)
            self.loop.close()
        return self.story.hexdigest()

    # --- the switch --------------------------------------------------------------------------

    async def _start_switch(self) -> None:
        self.engine = await PacedEngine.open(
            self._journal(),
            stage=RiskStage.from_rules(default_rules()),
            clock=self.loop.clock,
            segment_bytes=SEGMENT_BYTES,
        )
        # What only the engine's own loop knows: which batches it has not been told of.
        wake, sealed = self.engine._wake_fd, self.engine._sealed
        self.loop.working = lambda: len(sealed) > 0 and not self.loop.arriving(wake)
        self.loop.settle = self.engine.settle
        pool = cast(Pool, asyncpg.create_pool("postgresql://nobody@127.0.0.1:1/nowhere"))
        registry = Registry(
            pool, self.engine, lambda them: Routing(them, tariffs=self.tariffs, day=TODAY)
        )
        await registry.adopt(self.participants)
        self.in_force = LimitsInForce(self.engine, registry)
        self.in_force.book = LimitBook(self.limits)
        await self.in_force.load()
        metrics = Metrics(CollectorRegistry())
        reasons = ReasonBook(Reasons(default_rules()))
        payments = PaymentsByCall(
            engine=self.engine,
            pool=pool,
            registry=registry,
            submitter=Submitter(self.engine, metrics, reasons, timeout_s=DEADLINE_S),
            availability=Availability(
                ActJournal(self.engine), registry, clock=self.loop.clock, monotonic=self.loop.time
            ),
            reasons=reasons,
            metrics=metrics,
            catch_up=_never,
        )
        returns = ReturnServicer(
            registry, Returning(self.engine, reasons, lambda: registry.routing.charges)
        )
        for servicer in (payments, returns):
            handlers = method_handlers(servicer, Admission())
            self.network.serve(servicer.SERVICE.full_name, handlers)

    async def _change_limits(self) -> None:
        """Set other limits while payments go on; a crash may come between."""
        while True:
            await asyncio.sleep(self.random_of_limits.uniform(0.2, 3))
            limits = draw_limits(self.random_of_limits, sorted(self.accounts))
            if not limits:
                continue
            self.limits = list(LimitBook([*self.limits, *limits]))
            with suppress(PayvandFault):  # A start after a crash brings the ledger to them.
                await self.in_force.carry_out(limits, self.random_of_limits.randbytes(16))
                self.in_force.book = LimitBook(self.limits)

    def _journal(self) -> Path:
        return self.folder / f"journal-{self.crashes}"

    async def _crash(self) -> None:
        """Stop at once; the disk is left as a loss of power may leave it."""
        acknowledged, before = self.engine.sequence, self._journal()
        await self.network.cut_off()
        self.engine.settle()  # Threads write to the end what power takes back below.
        self.crashes += 1
        shutil.copytree(before, self._journal())
        self._tear(self._journal(), acknowledged)
        await self.engine.close()
        self.loop.working = lambda: False
        shutil.rmtree(before)
        self._tell("crash", acknowledged)

    def _tear(self, journal: Path, acknowledged: int) -> None:
        """Take back what was not acknowledged: a random part of it, at a random byte."""
        doubtful = [one for one in placed(journal) if one.frame.sequence > acknowledged]
        if not doubtful:
            return
        self.torn_frames += len(doubtful)
        kept = self.random.randint(0, len(doubtful))
        for index, one in enumerate(doubtful[kept:]):
            cut = self.random.randrange(len(one.frame.raw)) if index == 0 else 0
            with one.path.open("r+b") as file:
                file.seek(one.start + cut)
                file.write(bytes(len(one.frame.raw) - cut))

    # --- the day -----------------------------------------------------------------------------

    def _connect(self, name: str) -> Bank:
        channel: Any = self.network.channel(f"urn:payvand:bank:{name}")
        return Bank("simulated", channel, PATIENCE_S)

    async def _play(self) -> None:
        await self._start_switch()
        for bank in self.banks:
            bank.start()
        paid = False
        paying = asyncio.gather(*(bank.pay(self.rounds) for bank in self.banks))
        flaky = self.random.choice(self.banks)
        changing = asyncio.create_task(self._change_limits())
        restarting = asyncio.create_task(flaky.restart_sometimes(lambda: paid))
        for _ in range(self.crash_count):
            await asyncio.sleep(self.random.uniform(0.01, 2.5))
            for _ in range(self.random.choice((0, 1_000))):
                if self.engine.statistics().oldest_age_ns:
                    break  # a commit is under way: the worst moment
                await asyncio.sleep(0.001)
            await self._crash()
            await asyncio.sleep(self.random.uniform(0.01, 1.0))
            await self._start_switch()
        await paying
        paid = True
        changing.cancel()
        await asyncio.gather(changing, return_exceptions=True)
        await restarting
        self.network.weather = FAIR
        await asyncio.sleep(QUIET_S)
        await asyncio.gather(*(bank.finish() for bank in self.banks))
        await asyncio.sleep(RECALL_TIMEOUT_S + QUIET_S)
        await self._check()
        for bank in self.banks:
            await bank.stop()
        await self.network.cut_off()
        await self.engine.close()
        self.loop.working = lambda: False

    # --- the laws ----------------------------------------------------------------------------

    async def _check(self) -> None:
        """See that every payment ended in one way, the same for both sides and in the books."""
        _law(not self.network.mistakes, f"the switch made mistakes: {self.network.mistakes}")
        await self._check_ends()
        await self._check_books()
        await self._check_charges()
        self._check_limits()
        for frame in read_frames(self._journal()):
            self._tell(frame.sequence, frame.timestamp, bytes(frame.records.tobytes()))

    async def _check_ends(self) -> None:
        debits = {bank.name: 0 for bank in self.banks}
        credits = dict(debits)
        side = {account: bank for bank in self.banks for account in [self.accounts[bank.name]]}
        for bank in self.banks:
            ids = sorted(bank.sent)
            column = np.zeros(len(ids), ACCOUNT["id"])
            column["hi"] = [int.from_bytes(one[:8], "big") for one in ids]
            column["lo"] = [int.from_bytes(one[8:], "big") for one in ids]
            states = np.array(STATE_OF_LEDGER)[(await self.engine.states(column))["state"]]
            for identity, state in zip(ids, states.tolist(), strict=True):
                payment = bank.sent[identity]
                creditor = side[payment.creditor_iban]
                told = bank.ends.get(identity)
                _law(told == state, f"{identity.hex()} is {state}, its debtor was told {told}")
                self._tell(identity, state)
                if identity in creditor.offered:
                    told = creditor.ends.get(identity)
                    _law(told == state, f"{identity.hex()} is {state}, its creditor knows {told}")
                if state == SETTLED:
                    _law(identity in creditor.offered, f"{identity.hex()} was never offered")
                    debits[bank.name] += payment.amount
                    credits[creditor.name] += payment.amount
            for identity in bank.refused - bank.sent.keys():
                _law(
                    not any(identity in other.offered for other in self.banks),
                    f"{identity.hex()} was refused and offered",
                )
        for bank in self.banks:
            for identity, amount in bank.offered.items():
                (debtor,) = (one for one in self.banks if identity in one.sent)
                _law(debtor.sent[identity].amount == amount, "an offer says what was sent")
        self.settled = (debits, credits)

    async def _check_books(self) -> None:
        debits, credits = self.settled
        for participant in self.participants:
            account = u128_array([position_account(participant.number)])
            (row,) = await self.engine.lookup_accounts(account)
            found = {name: u128_list(row[[name]][name].reshape(1))[0] for name in _BALANCES}
            self._tell(participant.name, *found.values())
            _law(found["debits_pending"] == 0, f"{participant.name} has a hold that never ended")
            _law(found["credits_pending"] == 0, f"{participant.name} waits for what never ends")
            _law(
                found["debits_posted"] == debits[participant.name],
                f"{participant.name} paid {debits[participant.name]} by its own books, "
                f"{found['debits_posted']} by the ledger",
            )
            _law(
                found["credits_posted"] == credits[participant.name],
                f"{participant.name} got {credits[participant.name]} by its own books, "
                f"{found['credits_posted']} by the ledger",
            )

    async def _check_charges(self) -> None:
        """See that payments cost what the tariffs say, to the last unit, and others nothing."""
        owed = {bank.name: 0 for bank in self.banks}
        names = {account: name for name, account in self.accounts.items()}
        for bank in self.banks:
            for identity, payment in bank.sent.items():
                if bank.ends[identity] != SETTLED or payment.kind == RECALL:
                    continue
                sides = {
                    "debtor": names[payment.debtor_iban],
                    "creditor": names[payment.creditor_iban],
                }
                for tariff in self.tariffs.tariffs:
                    payer = sides[tariff.payer]
                    receiver = sides.get(tariff.receiver, tariff.receiver)
                    if tariff.kind == KINDS[payment.kind - 1]:
                        owed[payer] += tariff.of(payment.amount)
                        owed[receiver] -= tariff.of(payment.amount)
        for participant in self.participants:
            account = u128_array([charge_account(participant.number)])
            (row,) = await self.engine.lookup_accounts(account)
            found = {name: u128_list(row[[name]][name].reshape(1))[0] for name in _BALANCES}
            _law(found["debits_pending"] == 0, f"{participant.name} has a fee that never ended")
            _law(found["credits_pending"] == 0, f"{participant.name} waits for a fee for ever")
            told = found["debits_posted"] - found["credits_posted"]
            _law(
                told == owed[participant.name],
                f"{participant.name} owes {told} in fees, "
                f"and {owed[participant.name]} by the tariffs",
            )

    def _check_limits(self) -> None:
        """See that no transfer crossed a limit, at any sequence, and no returns their payment."""
        books = Ledger()
        headroom, quotas = HeadroomWalk(books.lookup_transfers), QuotaWalk(books)
        for frame in read_frames(self._journal()):
            replay(books, Stage(), [frame])
            headroom.add(frame)
            quotas.add(frame)
        _law(not headroom.crossings, f"caps were crossed: {headroom.named}")
        _law(not quotas.crossings, f"quotas were crossed: {quotas.named}")
        self.quota_uses = quotas.uses
        for bank in self.banks:
            for identity, returned in bank.returned.items():
                _law(
                    returned <= bank.offered[identity],
                    f"{returned} were given back of {bank.offered[identity]}",
                )

    def _tell(self, *what: object) -> None:
        self.story.update(repr((self.loop.now_ns, *what)).encode())


_BALANCES: Final = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")


def _law(holds: bool, what: str) -> None:
    if not holds:
        raise Lawless(what)


async def _never() -> NoReturn:
    raise DatabaseBehind("the database is away", hint="wait")
