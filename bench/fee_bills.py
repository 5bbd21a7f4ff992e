"""Bills at work: a hundred thousand issued at once, found among millions, paid in batches.

Everything is real but the wire: PostgreSQL with its indexes, the engine with its journal on disk.
The projection of the journal, which follows behind, doesn't run meanwhile.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
import uvloop

from payvand.bench.result import Result
from payvand.bench.workbench import Workbench
from payvand.client import new_payment_id
from payvand.core.engine import Engine
from payvand.risk.reasons import Reasons
from payvand.risk.rules import default_rules
from payvand.settlement.database import Pool, connect, migrate
from payvand.settlement.postgres import EmbeddedPostgres
from payvand.switch.fees.bills.accounts import COLLECTION_ACCOUNT
from payvand.switch.fees.bills.bill import Bill, BillLine
from payvand.switch.fees.bills.bill_rows import COLUMNS, row_of
from payvand.switch.fees.bills.inquiry import Inquiry
from payvand.switch.fees.bills.issuing import Issuing
from payvand.switch.fees.bills.number import bill_key, bill_number
from payvand.switch.fees.bills.tariff import Tariff
from payvand.switch.fees.catalogue.reading import parse
from payvand.switch.fees.paying.chain import Chains
from payvand.switch.fees.paying.paying import Paying
from payvand.switch.identifiers import iban, national_id
from payvand.switch.participant import Participant
from payvand.switch.participants import CENTRAL_BANK_ACCOUNT, Registry
from payvand.switch.routing import Routing
from payvand.switch.translate import ReasonBook
from payvand.v1.bill_pb2 import BILL_LINE_KIND_FEE, NewBill
from payvand.v1.bill_pb2 import BillLine as NewLine
from payvand.v1.fee_payment_service_pb2 import BillPart, FeePayment
from payvand.v1.participant_service_pb2 import ParticipantRole
from payvand.v1.payment_pb2 import PaymentState

__all__ = ["inquire", "issue_bulk", "pay_split"]

SEED: Final = 1404
BULK, QUICK_BULK = 100_000, 5_000
MESSAGE: Final = 8_190
STORED, QUICK_STORED = 10_000_000, 20_000
ASKED, QUICK_ASKED = 5_000, 500
BILLS_OF_A_PAYER: Final = 10
PAID, QUICK_PAID = 100_000, 4_000
CALL: Final = 1_000
NOW: Final = 1_767_225_600_000_000_000
DUE: Final = date(2026, 3, 1)

TITLES: Final = 'title_en = "a"\ntitle_fa = "ا"\n'
ACCOUNTS: Final = tuple(iban.make("010", str(4_001 * 10**9 + n)) for n in range(1, 5))
SCHEDULE: Final = (
    f"""
agency = "police"
sector = "police"
edition = "1"
{TITLES}
"""
    + "".join(
        f'[[beneficiary]]\ncode = "b{n}"\nkind = "agency"\niban = "{account}"\n{TITLES}'
        for n, account in enumerate(ACCOUNTS)
    )
    + f"""
[[share_tree]]
code = "fine"
legal_basis = "none"
{TITLES}
[[share_tree.share]]
parts = 60
[[share_tree.share.share]]
parts = 70
beneficiary = "b0"
[[share_tree.share.share]]
parts = 30
beneficiary = "b1"
[[share_tree.share]]
parts = 15
beneficiary = "b2"
[[share_tree.share]]
parts = 25
beneficiary = "b3"
[[service]]
code = "fine"
legal_basis = "none"
due_days = 60
{TITLES}
[[service.fee]]
code = "fine"
kind = "fixed"
amount = 1_000_000
share_tree = "fine"
{TITLES}
"""
)


@dataclass(frozen=True, slots=True)
class Collection:
    """The parts of fee collection over a database and an engine."""

    pool: Pool
    engine: Engine
    registry: Registry
    inquiry: Inquiry
    issuing: Issuing
    paying: Paying


@asynccontextmanager
async def _open(folder: Path) -> AsyncIterator[Collection]:
    """Open it all for an agency and a bank."""
    tariff = Tariff(parse(SCHEDULE))

    async def terms_of(agency: str, version: int) -> Tariff | None:
        return tariff

    with EmbeddedPostgres(folder / "database") as server:
        pool = await connect(server)
        async with pool, pool.acquire() as connection:
            await migrate(connection)
        pool = await connect(server)
        async with pool, await Engine.open(folder / "journal") as engine:
            registry = Registry(pool, engine, Routing)
            await registry.adopt(
                [
                    Participant(
                        number=1,
                        name="melli",
                        role=ParticipantRole.PARTICIPANT_ROLE_BANK,
                        display_name="melli",
                        bank_codes=("017",),
                        net_debit_cap=10**18,
                        unit="IRR",
                    ),
                    Participant(
                        number=2,
                        name="police",
                        role=ParticipantRole.PARTICIPANT_ROLE_AGENCY,
                        display_name="police",
                        ibans=ACCOUNTS,
                        unit="IRR",
                        auto_accept=True,
                    ),
                ]
            )
            inquiry = Inquiry(pool, engine)
            yield Collection(
                pool,
                engine,
                registry,
                inquiry,
                Issuing(pool, lambda agency: tariff, lambda: NOW),
                Paying(
                    engine=engine,
                    inquiry=inquiry,
                    registry=registry,
                    tariff_of=lambda agency: tariff,
                    terms_of=terms_of,
                    reasons=ReasonBook(Reasons(default_rules())),
                    clock=lambda: NOW,
                ),
            )


def _new_bills(count: int, payers: list[str], random: Random) -> list[NewBill]:
    return [
        NewBill(
            reference=f"{SEED}-{place}",
            service="fine",
            payer_id=payers[place // BILLS_OF_A_PAYER],
            lines=[
                NewLine(fee="fine", kind=BILL_LINE_KIND_FEE, amount=random.randrange(10**5, 10**7))
            ],
        )
        for place in range(count)
    ]


def _payers(count: int, random: Random) -> list[str]:
    """Draw so many national ids."""
    found: list[str] = []
    while len(found) < count:
        body = f"{random.randrange(10**9):09}"
        if body[3:] != "000000" and len(set(body)) > 1:
            found.append(national_id.make(body))
    return found


def issue_bulk(bench: Workbench, name: str) -> Result:
    """Measure bills issued a second in one bulk call, beside a bare COPY of the rows."""
    count = QUICK_BULK if bench.quick else BULK

    async def run(folder: Path) -> tuple[float, float, int]:
        random = Random(SEED)
        async with _open(folder) as fees:
            asked = _new_bills(count, _payers(count // BILLS_OF_A_PAYER, random), random)
            asked[count // 2].payer_id = "0000000000"
            agency = fees.registry.routing.by_name["police"]
            start, refused = time.perf_counter(), 0
            for first in range(0, count, MESSAGE):
                _, refusals = await fees.issuing.issue(agency, asked[first : first + MESSAGE])
                refused += len(refusals)
            took = time.perf_counter() - start
            async with fees.pool.acquire() as connection:
                stored = await connection.fetchval("SELECT count(*) FROM fees.bill")
                rows = [
                    tuple(row)
                    for row in await connection.fetch(f"SELECT {', '.join(COLUMNS)} FROM fees.bill")  # noqa: S608
                ]
                await connection.execute("CREATE TABLE bare (LIKE fees.bill)")
                start = time.perf_counter()
                await connection.copy_records_to_table("bare", records=rows, columns=COLUMNS)
                bare = time.perf_counter() - start
            bench.prove(
                "a bad line of the bulk is refused and all others are issued",
                (refused, stored) == (1, count - 1),
            )
            return took, bare, stored

    with bench.scratch("bills") as folder:
        folder.chmod(0o755)
        took, bare, _ = uvloop.run(run(folder))
    return Result(
        name,
        count / took,
        "bills/s",
        "COPY of the same rows into a table without an index",
        count / bare,
        {
            "bills": count,
            "seconds": round(took, 2),
            "seconds_for_100_000": round(took * 1e5 / count, 2),
        },
    )


def inquire(bench: Workbench, name: str) -> Result:
    """Measure the 99th percentile of inquiries by number and by payer, beside bare SELECTs."""
    count = QUICK_STORED if bench.quick else STORED
    asked = QUICK_ASKED if bench.quick else ASKED

    async def run(folder: Path) -> dict[str, list[float]]:
        random = Random(SEED)
        async with _open(folder) as fees:
            payers = await _store(bench, name, fees.pool, count, random)
            took: dict[str, list[float]] = {"number": [], "payer": [], "bare": []}
            bench.tell(f"{name}: asking")
            for _ in range(asked):
                place = random.randrange(count)
                number = bill_number(bill_key(2, f"{SEED}-{place}"))
                start = time.perf_counter()
                found = await fees.inquiry.of_number(number)
                took["number"].append(time.perf_counter() - start)
                payer = payers[place // BILLS_OF_A_PAYER]
                start = time.perf_counter()
                page = await fees.inquiry.of_payer(
                    payer, agency=0, settled=False, page="", limit=100
                )
                took["payer"].append(time.perf_counter() - start)
                start = time.perf_counter()
                async with fees.pool.acquire() as connection:
                    await connection.fetch("SELECT * FROM fees.bill WHERE payer = $1", payer)
                took["bare"].append(time.perf_counter() - start)
                bench.prove(
                    "inquiries find what was asked for",
                    len(found) == 1
                    and any(one.bill.key == found[0].bill.key for one in page.standings),
                )
            return took

    with bench.scratch("bills") as folder:
        folder.chmod(0o755)
        took = uvloop.run(run(folder))
    figures = {
        f"{kind}_{label}_ms": round(float(np.percentile(seconds, share)) * 1e3, 3)
        for kind, seconds in took.items()
        for label, share in (("p50", 50), ("p99", 99))
    }
    worst = max(figures["number_p99_ms"], figures["payer_p99_ms"])
    return Result(
        name,
        worst,
        "ms, p99",
        "a bare SELECT of a payer's rows, p99",
        figures["bare_p99_ms"],
        {"bills": count, "asked": asked, **figures},
    )


async def _store(bench: Workbench, name: str, pool: Pool, count: int, random: Random) -> list[str]:
    """Put so many bills into the database, its indexes made afterwards; return their payers."""
    payers = _payers(-(-count // BILLS_OF_A_PAYER), random)
    async with pool.acquire() as connection:
        indexes = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'fees' "
            "AND tablename = 'bill' AND indexname <> 'bill_pkey'"
        )
        for index in indexes:
            await connection.execute(f"DROP INDEX fees.{index['indexname']}")
        await connection.execute("ALTER TABLE fees.bill DROP CONSTRAINT bill_pkey")
        for first in range(0, count, BULK):
            bench.tell(f"{name}: {first:,} of {count:,} bills are there")
            bills = (
                Bill(
                    key=bill_key(2, f"{SEED}-{place}"),
                    service="fine",
                    reference=f"{SEED}-{place}",
                    payer=payers[place // BILLS_OF_A_PAYER],
                    subject_kind="",
                    subject="",
                    lines=(BillLine("fine", "fee", random.randrange(10**5, 10**7), "fine"),),
                    due=DUE,
                    objection_until=None,
                    allows_partial=False,
                    instalments=(),
                    bill_id=0,
                    payment_id=0,
                    treasury_id="",
                    schedule_version=1,
                    facts="",
                    issued_at=NOW + place,
                )
                for place in range(first, min(first + BULK, count))
            )
            await connection.copy_records_to_table(
                "bill", schema_name="fees", records=map(row_of, bills), columns=COLUMNS
            )
        bench.tell(f"{name}: making the indexes")
        await connection.execute("ALTER TABLE fees.bill ADD CONSTRAINT bill_pkey PRIMARY KEY (key)")
        for index in indexes:
            await connection.execute(index["indexdef"])
        await connection.execute("VACUUM ANALYZE fees.bill")
    return payers


def pay_split(bench: Workbench, name: str) -> Result:
    """Measure payments a second with four-way splits, beside the same transfers alone."""
    count = QUICK_PAID if bench.quick else PAID

    async def run(folder: Path) -> tuple[float, float]:
        random = Random(SEED)
        async with _open(folder) as fees:
            asked = _new_bills(count, _payers(-(-count // BILLS_OF_A_PAYER), random), random)
            agency = fees.registry.routing.by_name["police"]
            for first in range(0, count, MESSAGE):
                await fees.issuing.issue(agency, asked[first : first + MESSAGE])
            async with fees.pool.acquire() as connection:
                await connection.execute("VACUUM ANALYZE fees.bill")
            debtor = iban.make("017", "1")
            payments = [
                FeePayment(
                    id=new_payment_id(),
                    debtor_iban=debtor,
                    amount=bill.lines[0].amount,
                    bills=[
                        BillPart(
                            number=bill_number(bill_key(2, bill.reference)),
                            amount=bill.lines[0].amount,
                        )
                    ],
                )
                for bill in asked
            ]
            took = await _pay(bench, fees, payments)
            chains = await _pay_alone(fees.engine, count)
            return took, chains

    with bench.scratch("bills") as folder:
        folder.chmod(0o755)
        took, alone = uvloop.run(run(folder))
    return Result(
        name,
        count / took,
        "payments/s",
        "six linked transfers each, without bills",
        count / alone,
        {"payments": count, "transfers": 6 * count, "call": CALL, "seconds": round(took, 2)},
    )


async def _pay(bench: Workbench, fees: Collection, payments: list[FeePayment]) -> float:
    """Pay, two calls under way at once, and return the seconds."""
    bank = fees.registry.routing.by_name["melli"]
    calls = [payments[first : first + CALL] for first in range(0, len(payments), CALL)]
    calls.reverse()
    settled = 0

    async def caller() -> None:
        nonlocal settled
        while calls:
            outcomes = await fees.paying.pay(bank, calls.pop())
            settled += sum(one.state == PaymentState.PAYMENT_STATE_SETTLED for one in outcomes)

    start = time.perf_counter()
    await asyncio.gather(caller(), caller())
    took = time.perf_counter() - start
    bench.prove("every payment settled", settled == len(payments))
    _, totals = await fees.engine.totals(364)
    bench.prove("debits are credits", totals["debits_posted"] == totals["credits_posted"])
    return took


async def _pay_alone(engine: Engine, count: int) -> float:
    """Commit as many chains of six transfers of nothing, and return the seconds."""
    batches = []
    for first in range(0, count, CALL):
        chains = Chains(364)
        for place in range(first, min(first + CALL, count)):
            identity = (place + 1) << 64
            for step in range(6):
                chains.add(identity + step, COLLECTION_ACCOUNT, CENTRAL_BANK_ACCOUNT, 1, 12)
            chains.end()
        batches.append(chains.records()[0])
    start = time.perf_counter()
    await asyncio.gather(*(engine.create_transfers(batch) for batch in batches))
    return time.perf_counter() - start
