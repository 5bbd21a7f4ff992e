"""The switch process: builds and owns every part, starts them in order, stops them in the reverse.

    settings ─► engine on DATA/journal ─► PostgreSQL ─► registry ─► windows, projector ─► gRPC

The journal and the reference data are all there is to recover from; every other state follows from
them at the start. What the engine, the projector or the windows can't go on after stops the
process with exit code 3: going on without them would promise what nobody keeps.
"""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import structlog
import uvloop
from prometheus_client import CollectorRegistry

from payvand.core.engine import Engine, StageTimes
from payvand.core.errors import PayvandFault
from payvand.core.frame import Frame
from payvand.core.recovery import Recovery
from payvand.risk.reasons import Reasons
from payvand.risk.rules import default_rules, load_rules
from payvand.risk.stage import RiskStage
from payvand.settlement.database import Pool, connect, create_books, migrate
from payvand.settlement.errors import SchemaMismatch
from payvand.settlement.postgres import EmbeddedPostgres
from payvand.settlement.projector import Projector
from payvand.settlement.reporting.running import READER, ReportRunner
from payvand.switch import logs
from payvand.switch.ages import Ages
from payvand.switch.approvals.act_journal import ActJournal
from payvand.switch.approvals.approvals import Approvals, Kind
from payvand.switch.availability import Availability
from payvand.switch.certificates import CertificateFault, issue
from payvand.switch.config import Settings
from payvand.switch.day_key import day_key
from payvand.switch.days import Days
from payvand.switch.directory.opening import open_directory
from payvand.switch.fees.bills.tariff import Tariff, TariffOf
from payvand.switch.fees.catalogue.catalogue_in_force import CatalogueInForce, ScheduleChange
from payvand.switch.fees.catalogue.versions import SCHEDULE_CHANGE
from payvand.switch.fees.opening import FeeCollection
from payvand.switch.identity import Role
from payvand.switch.limits.limit_desk import LimitDesk
from payvand.switch.memory import keep_memory
from payvand.switch.metrics import Metrics
from payvand.switch.participants import Registry
from payvand.switch.payments import PaymentServicer
from payvand.switch.registry.acts import Funding, ParticipantChange
from payvand.switch.registry.expiry import watch_expiry
from payvand.switch.reporting import Reports
from payvand.switch.returning import Returning
from payvand.switch.routing import Routing
from payvand.switch.rule_changes.rules_in_force import RuleChange, RulesInForce
from payvand.switch.rules.rails import CYCLE
from payvand.switch.server import DatabaseBehind, Server, ServerFault
from payvand.switch.services.approvals import ApprovalServicer
from payvand.switch.services.availability import AvailabilityServicer
from payvand.switch.services.books import BookServicer
from payvand.switch.services.business_days import BusinessDayServicer
from payvand.switch.services.fee_assessments import FeeAssessmentServicer
from payvand.switch.services.fee_catalogue import FeeCatalogueServicer
from payvand.switch.services.fee_reports import FeeReportServicer
from payvand.switch.services.participants import ParticipantServicer
from payvand.switch.services.quotes import QuoteServicer
from payvand.switch.services.reports import ReportServicer
from payvand.switch.services.returns import ReturnServicer
from payvand.switch.services.rule_tables import RuleTableServicer
from payvand.switch.services.settlement import SettlementServicer
from payvand.switch.services.signatures import SignatureServicer
from payvand.switch.services.statements import StatementServicer
from payvand.switch.settlement_cycles import SettlementCycles
from payvand.switch.settling import Settling
from payvand.switch.signing import Signing
from payvand.switch.submitting import Submitter
from payvand.switch.translate import TIMED_OUT, ReasonBook
from payvand.switch.upkeep import keep_running

__all__ = ["ADDRESS_FILE", "Address", "open_switch", "serve"]

ADDRESS_FILE: Final = "address.json"
"""In the data folder while a switch runs on it: where it listens."""

EXIT_STOPPED: Final = 0
EXIT_FAULT: Final = 3

DECIDED_ELSEWHERE: Final = {
    SCHEDULE_CHANGE: "an agency's clerk drafts it and its approver reviews it, and the treasury "
    "approves it: `payvand fees catalogue`"
}
"""What operators don't decide, by its kind."""

PROJECTION_REST_S: Final = 0.1
"""Between two transactions of the projector while payments come; a small one costs as much as a
thousand payments."""
PROJECTION_REST_S_MAX: Final = 4.0
BUSY_SHARE: Final = 0.25
"""Of the machine. While the switch itself takes more, payments come first: the projector takes an
eighth of the time at most. Below, it rests only as long as above."""
PROJECTION_AGE_S: Final = 30.0
"""A projection that lags more takes half of the time even so."""

CATCH_UP_S_MAX: Final = 30.0
"""How long a call waits for the database to be as far as the ledger."""

NS: Final = 1_000_000_000


log = structlog.get_logger("payvand.switch")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a running switch is reached."""

    address: str
    """gRPC, `host:port`."""
    metrics: str
    """HTTP, `host:port`; the path is /metrics."""
    pid: int


class _Busyness(NamedTuple):
    """How much was done so far."""

    sequence: int
    """Frames."""
    worked_s: float
    """Of processor time."""
    elapsed_s: float


class Switch:
    """A running switch; from `open_switch`."""

    def __init__(self, settings: Settings, clock: Callable[[], int]) -> None:
        """Hold the parts; `start` builds them."""
        self.settings = settings
        self._clock = clock
        self.metrics = Metrics(CollectorRegistry())
        self.address: Address
        self.fees: FeeCollection
        self.tariff_of: TariffOf = lambda agency: None
        """The fee schedule in force of an agency."""
        self._rested = _Busyness(0, 0.0, 0.0)
        self._own_database: EmbeddedPostgres | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, stack: AsyncExitStack) -> None:
        """Build and start every part; *stack* stops them."""
        settings = self.settings
        rules = default_rules() if settings.rules is None else load_rules(settings.rules)
        reasons = ReasonBook(Reasons(rules))
        self._engine = engine = await Engine.open(
            settings.journal,
            stage=RiskStage.from_rules(rules),
            clock=self._clock,
            snapshot_bytes=settings.snapshot_mib << 20,
        )
        _tell_recovery(engine.recovery)
        stack.push_async_callback(engine.close)
        engine.watch_times = self._observe
        pool = await self._open_database(stack)
        acts = ActJournal(engine)
        tables = RulesInForce(acts, pool, clock=self._clock)
        catalogue = CatalogueInForce(acts, pool)
        self.fees = FeeCollection(engine, pool, acts, clock=self._clock, catch_up=self.catch_up)
        self.registry = registry = Registry(
            pool,
            engine,
            lambda participants: Routing(
                participants,
                banks=tables.rulebook.banks,
                tariffs=tables.rulebook.tariffs,
                day=tables.day,
                signed_off=availability.signed_off,
            ),
        )
        self._availability = availability = Availability(acts, registry, clock=self._clock)
        acts.watch(registry.book.apply)
        funding = Funding(registry, engine)
        self.limits = limits = LimitDesk(engine, registry, acts)
        kinds: list[Kind] = [
            RuleChange(tables, pool, lambda name: name in registry.routing.by_name),
            ScheduleChange(catalogue, pool),
            self.fees.refunding,
            ParticipantChange(registry, engine),
            funding,
            limits.change,
        ]
        approvals = Approvals(acts, kinds, clock=self._clock, reviewed=[SCHEDULE_CHANGE])
        await acts.load(pool)
        await tables.load()
        await catalogue.load()
        self.tariff_of = _tariffs_of(catalogue)
        await registry.load(acts, settings.founders)
        await limits.load()
        tables.watch = registry.reroute
        self._projector = Projector(pool, engine.follow, rest_s=self._projection_rest_s)
        settling = Settling(
            engine=engine,
            pool=pool,
            registry=registry,
            catch_up=self.catch_up,
            see_frame=self._see_frame,
            when_closed=limits.limits.when_liquidity_moved,
        )
        await settling.start()
        cycles = self._settlement_cycles(settling, tables)
        submitter = Submitter(
            engine, self.metrics, reasons, timeout_s=settings.acceptance_deadline_s
        )
        payments = PaymentServicer(
            engine=engine,
            pool=pool,
            registry=registry,
            submitter=submitter,
            availability=availability,
            reasons=reasons,
            metrics=self.metrics,
            catch_up=self.catch_up,
        )
        key = day_key(settings.data)
        days = Days(engine, settings.journal, key, pool)
        reports = Reports(
            pool,
            ReportRunner(pool, self._report_reader()),
            settings.data / "reports",
            clock=self._clock,
            catch_up=self.catch_up,
        )
        services = (
            payments,
            AvailabilityServicer(availability, registry),
            SignatureServicer(engine, registry, submitter, Signing(pool, self._clock)),
            ReturnServicer(registry, Returning(engine, reasons, lambda: registry.routing.charges)),
            ParticipantServicer(
                engine=engine,
                registry=registry,
                approvals=approvals,
                funding=funding,
                rules=tables,
                settling=settling,
            ),
            QuoteServicer(registry),
            limits.servicer(),
            SettlementServicer(pool, registry, settling, self.catch_up, cycles),
            BusinessDayServicer(days),
            StatementServicer(engine, pool, registry, settling, limits.positions, self.catch_up),
            BookServicer(engine, pool, self.catch_up),
            ReportServicer(reports),
            ApprovalServicer(approvals, elsewhere=DECIDED_ELSEWHERE),
            RuleTableServicer(
                rules=tables,
                approvals=approvals,
                registry=registry,
                engine=engine,
                pool=pool,
                journal=settings.journal,
                cycles=cycles,
            ),
            FeeCatalogueServicer(
                catalogue=catalogue, approvals=approvals, registry=registry, pool=pool
            ),
            FeeAssessmentServicer(catalogue, self._clock),
            FeeReportServicer(
                journal=settings.journal,
                pool=pool,
                registry=registry,
                catalogue=catalogue,
                key=key,
                clock=self._clock,
            ),
            await open_directory(pool, registry, tables, self._clock),
            *self.fees.servicers(
                registry=registry,
                approvals=approvals,
                tariff_of=lambda agency: self.tariff_of(agency),
                catalogue=catalogue,
                key=day_key(settings.data),
                journal=settings.journal,
                reasons=reasons,
                metrics=self.metrics,
            ),
        )
        ages = Ages(
            {
                "commit": lambda: engine.statistics().oldest_age_ns / NS,
                "projection": self._projection_age_s,
                "follow": payments.oldest_sending_s,
                "approvals": approvals.oldest_due_s,
                "settlement": cycles.overdue_s if cycles else lambda: 0.0,
            }
        )
        stack.push_async_callback(self._end_tasks)
        self._spawn("projector", self._projector.run())
        self._spawn("windows", settling.run())
        self._spawn("ages", ages.run())
        self._spawn("approvals", approvals.run())
        self._spawn("availability", availability.run())
        self._spawn("certificates", watch_expiry(registry, self.metrics))
        self._spawn("rules", tables.run())
        if cycles is not None:
            self._spawn("settlement cycles", cycles.run())
        self._spawn("reports", reports.watch())
        self._spawn("webhooks", self.fees.webhooks.run())
        for name, work in limits.work().items():
            self._spawn(name, work)
        if self._own_database is not None:
            self._spawn("upkeep", keep_running(self._own_database))
        metrics_port = self._expose(stack, ages)
        server = Server(*services, owners=registry.callers)
        address = await server.start(settings.listen, self._certificates())
        stack.push_async_callback(self._end_calls, server)
        self.address = Address(address, f"{settings.host}:{metrics_port}", os.getpid())

    def _settlement_cycles(
        self, settling: Settling, tables: RulesInForce
    ) -> SettlementCycles | None:
        """Return what closes windows by the clock; None where no rail is named for it."""
        rail = self.settings.settlement_rail
        if not rail:
            return None
        rails = tables.rulebook.rails.rails
        with_cycles = [one.name for one in rails.values() if one.kind == CYCLE]
        if rail not in with_cycles:
            raise ServerFault(
                f"settlement_rail is {rail!r}, which isn't a rail with cycles",
                hint="there are " + ", ".join(with_cycles),
            )
        return SettlementCycles(rail, settling, tables, self.settings.journal, clock=self._clock)

    async def _open_database(self, stack: AsyncExitStack) -> Pool:
        """Connect to the database, its schemas brought up to date."""
        if not self.settings.database:
            own = EmbeddedPostgres(self.settings.data / "database")
            stack.push_async_callback(asyncio.to_thread, own.stop)
            await asyncio.to_thread(own.start)
            self._own_database = own
        pool = await connect(self._own_database or self.settings.database)
        stack.callback(pool.terminate)
        async with pool.acquire() as connection:
            await migrate(connection)
            await create_books(connection)
            projected = await connection.fetchval("SELECT sequence FROM books.cursor")
        if projected > self._engine.sequence:
            raise SchemaMismatch(
                f"the database holds frame {projected} and the journal ends at "
                f"{self._engine.sequence}",
                hint="this database belongs to another journal, or the journal lost its end: "
                "restore the journal, or give the switch a database of its own",
            )
        return pool

    def _report_reader(self) -> str:
        """Return the connection string of the role that reads the views alone; empty for none."""
        if self._own_database is not None:
            return self._own_database.dsn_of(READER)
        return self.settings.report_database

    def _certificates(self) -> Path:
        """Return the folder of the switch's own certificate, made where none is configured."""
        if self.settings.certificates is not None:
            return self.settings.certificates
        return issue(self.settings.data / "certificates", "switch", Role.SWITCH)

    def _expose(self, stack: AsyncExitStack, ages: Ages) -> int:
        """Show the metrics over HTTP and return the port."""
        for stage in ("commit", "projection", "follow", "approvals", "settlement"):
            self.metrics.watch_oldest(stage, lambda stage=stage: ages.age_s(stage))  # type: ignore[misc]
        self.metrics.watch_journal(
            lambda: self._engine.sequence,
            lambda: max(self._engine.sequence - self._projector.statistics().sequence, 0),
        )
        try:
            exposition = self.metrics.expose(self.settings.metrics_port, self.settings.host)
        except OSError as error:
            raise ServerFault(
                f"the metrics can't be served at port {self.settings.metrics_port}: {error}",
                hint="choose a free port, or 0 for any",
            ) from error
        stack.push_async_callback(asyncio.to_thread, exposition.close)
        return exposition.port

    # --- while it runs -----------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Run until *stop* is set; raises what a part can't go on after."""
        waiting = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({waiting, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        for task in self._tasks:
            if task.done():
                task.result()
                raise RuntimeError(f"the task {task.get_name()} has ended while the switch runs")

    async def catch_up(self) -> None:
        """Wait until the database is as far as the ledger is now; raises `DatabaseBehind`."""
        sequence = self._engine.sequence
        try:
            async with asyncio.timeout(CATCH_UP_S_MAX):
                await self._projector.wait_for(sequence)
        except TimeoutError:
            status = self._projector.statistics()
            raise DatabaseBehind(
                f"the database is at frame {status.sequence} and the ledger at {sequence}"
                + (f": {status.last_error}" if status.last_error else ""),
                hint="ask again; if it stays so, look at the database",
            ) from None

    def _observe(self, times: StageTimes) -> None:
        self.metrics.observe("apply", times.apply_ns / NS, times.records)
        self.metrics.observe("fsync", times.write_ns / NS, times.records)

    def _see_frame(self, frame: Frame) -> None:
        """Count the payments that ran out, which no call tells of."""
        if len(frame.expired) and frame.sequence > self._engine.recovery.sequence:
            self._availability.see_frame(frame)
            self.metrics.count_payments("expired", len(frame.expired), reason=TIMED_OUT.code)

    def _projection_rest_s(self, took_s: float) -> float:
        """Return how long the projector rests, by how busy the switch was since it was asked."""
        before, self._rested = self._rested, self._busyness()
        if self._rested.sequence == before.sequence:
            return 0.0
        worked_s = self._rested.worked_s - before.worked_s
        elapsed_s = self._rested.elapsed_s - before.elapsed_s
        if worked_s < BUSY_SHARE * elapsed_s * len(os.sched_getaffinity(0)):
            return PROJECTION_REST_S
        share = 7 if self._projection_age_s() < PROJECTION_AGE_S else 1
        return min(max(share * took_s, PROJECTION_REST_S), PROJECTION_REST_S_MAX)

    def _busyness(self) -> "_Busyness":
        return _Busyness(self._engine.sequence, time.process_time(), time.monotonic())

    def _projection_age_s(self) -> float:
        oldest = self._projector.statistics().oldest_timestamp
        return max(self._clock() - oldest, 0) / NS if oldest else 0.0

    def _spawn(self, name: str, work: Any) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    # --- the end -----------------------------------------------------------------------------

    async def _end_calls(self, server: Server) -> None:
        """Take no more calls, answer those under way, end the streams, and commit the last."""
        stopping = asyncio.create_task(server.stop(self.settings.stop_grace_s))
        await asyncio.sleep(0)  # What came until now is on its way into the books.
        await self._engine.close()
        await stopping

    async def _end_tasks(self) -> None:
        """Let the cursors come to the journal's end, which the closed engine shows them."""
        await self._engine.close()
        if self._tasks:
            await asyncio.wait(self._tasks[:2], timeout=self.settings.stop_grace_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def open_switch(
    settings: Settings, *, clock: Callable[[], int] = time.time_ns
) -> AsyncIterator[Switch]:
    """Start a switch; leaving the context stops it gracefully.

    Args:
        settings: how it runs.
        clock: nanoseconds since 1970; what the books go by.

    Raises:
        PayvandFault, CertificateFault: it can't start.
    """
    async with AsyncExitStack() as stack:
        switch = Switch(settings, clock)
        await switch.start(stack)
        yield switch


def serve(settings: Settings) -> int:
    """Run a switch until SIGTERM or SIGINT, and return the exit code.

    One JSON object on standard output says where it listens once it does; the same stands in
    the data folder's `address.json` as long as it runs.
    """
    logs.configure(settings.log_format)
    return uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    note = settings.data / ADDRESS_FILE
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        async with open_switch(settings) as switch:
            ready = json.dumps({"ready": True, **asdict(switch.address)})
            _write(note, ready)
            print(ready, flush=True)
            log.info("ready", **asdict(switch.address))
            keep_memory()
            try:
                await switch.run(stop)
            finally:
                note.unlink(missing_ok=True)
                log.info("stopping")
    except (PayvandFault, CertificateFault, OSError) as fault:
        log.error("the switch can't go on", fault=str(fault), kind=type(fault).__name__)
        return EXIT_FAULT
    except Exception:
        log.exception("the switch can't go on: a mistake in it, please report it")
        return EXIT_FAULT
    log.info("stopped")
    return EXIT_STOPPED


def _tariffs_of(catalogue: CatalogueInForce) -> TariffOf:
    """Return what tells the tariff of an agency by the schedule that is in force."""

    def tariff_of(agency: str) -> Tariff | None:
        schedule = catalogue.catalogue.schedule(agency)
        return None if schedule is None else Tariff(schedule)

    return tariff_of


def _tell_recovery(recovery: Recovery) -> None:
    """Log what the books were recovered from."""
    log.info(
        "recovered",
        sequence=recovery.sequence,
        snapshot=recovery.snapshot,
        replayed_frames=recovery.sequence - recovery.snapshot,
        replayed_bytes=recovery.replayed_bytes,
        torn_bytes=recovery.torn_bytes,
        transfers=recovery.transfers,
        accounts=recovery.accounts,
    )
    for fault in recovery.damaged:
        log.warning("set aside", fault=str(fault), file=fault.file)


def _write(path: Path, text: str) -> None:
    """Put *text* at *path* whole or not at all."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text + "\n", encoding="utf-8")
    fresh.replace(path)
