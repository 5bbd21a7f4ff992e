"""The switch as a whole: what a restart keeps, what it heals, and what it stops for."""

import asyncio
import json
import os
import signal
import urllib.request
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from payvand.client import CallFailed, SwitchUnreachable
from payvand.client.connection import open_channel
from payvand.settlement.errors import SchemaMismatch
from payvand.switch.admission import STREAMS_MAX
from payvand.switch.app import ADDRESS_FILE, open_switch
from payvand.switch.certificates import issue
from payvand.switch.config import Settings
from payvand.switch.identifiers import iban
from payvand.switch.identity import Role
from payvand.v1.payment_pb2 import PaymentState
from tests.support.switch_process import SwitchProcess
from tests.support.town import CAP, DEADLINE_S, PARTICIPANTS, Town, bank_entry, open_town
from tests.support.traffic import Clock

RESERVED = PaymentState.PAYMENT_STATE_RESERVED
SETTLED = PaymentState.PAYMENT_STATE_SETTLED
EXPIRED = PaymentState.PAYMENT_STATE_EXPIRED
DECLINED = PaymentState.PAYMENT_STATE_DECLINED


async def shown(town: Town) -> list[Any]:
    """Return all that a switch shows of its books."""
    return [
        await town.operator.participants(),
        await town.operator.windows(),
        [page async for page in town.operator.statement("melli", window=1)],
        [page async for page in town.operator.statement("melli")],
        (await town.operator.totals()).database.payments,
    ]


async def _a_day(town: Town) -> bytes:
    """Let payments settle, a window close, and one payment be under way; return its id."""
    await town.fund("melli", 1_000)
    first = town.pay("melli", "mellat", 300)
    declined = town.pay("melli", "mellat", CAP + 1)
    await town.bank("melli").submit([first, declined])
    await town.answer("mellat", first.id)
    await town.operator.close_window()
    waiting = town.pay("melli", "saderat", 5)
    await town.bank("melli").submit([waiting, town.pay("melli", "tax", 9)])
    return waiting.id


def test_a_restart_shows_the_same_books_and_goes_on(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        clock = Clock()
        async with open_town(tmp_path, database, clock=clock) as town:
            waiting = await _a_day(town)
            before = await shown(town)
            steps = await town.steps("melli", 3)
        async with open_town(tmp_path, database, participants=(), clock=clock) as town:
            assert await shown(town) == before
            assert await town.steps("melli", 3) == steps
            assert await town.answer("saderat", waiting) == [SETTLED]
            (more,) = await town.steps("melli", 1, steps[-1].cursor)
            assert [one.id for one in more.outcomes] == [waiting]
            assert (await town.operator.close_window()).number == 2

    asyncio.run(scene())


def test_the_database_follows_from_the_journal_and_the_participants(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        clock = Clock()
        async with open_town(tmp_path, database, clock=clock) as town:
            await _a_day(town)
            before = await shown(town)
        connection = await asyncpg.connect(database)
        await connection.execute("DROP SCHEMA books CASCADE")
        await connection.close()
        async with open_town(tmp_path, database, participants=(), clock=clock) as town:
            assert await shown(town) == before
            assert (await town.operator.close_window()).number == 2

    asyncio.run(scene())


def test_a_payment_that_came_due_while_the_switch_was_down_expires(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        clock = Clock()
        async with open_town(tmp_path, database, clock=clock) as town:
            waiting = await _a_day(town)
        clock.now += (DEADLINE_S + 1) * 1_000_000_000
        async with open_town(tmp_path, database, participants=(), clock=clock) as town:
            steps = await town.steps("saderat", 2)
            assert [(one.id, one.state) for one in steps[1].outcomes] == [(waiting, EXPIRED)]

    asyncio.run(scene())


def test_a_retry_after_the_switch_was_set_up_otherwise_is_still_a_retry(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        clock = Clock()
        async with open_town(tmp_path, database, clock=clock) as town:
            payment = town.pay("melli", "mellat", 5)
            await town.bank("melli").submit([payment])
        async with open_town(
            tmp_path, database, participants=(), clock=clock, acceptance_deadline_s=77
        ) as town:
            for changed in (
                [],
                [bank_entry("mellat", "012", auto_accept=True)],
                [bank_entry("mellat", "011"), bank_entry("saderat", "012", "019")],
            ):
                if changed:
                    await town.put(changed)
                assert list((await town.bank("melli").submit([payment])).states) == [RESERVED]
            assert await town.answer("mellat", payment.id) == [SETTLED]
            assert list((await town.bank("melli").submit([payment])).states) == [SETTLED]

    asyncio.run(scene())


def test_participants_of_an_older_database_are_taken_in_with_their_accounts(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_town(tmp_path, database, participants=()):
            pass
        connection = await asyncpg.connect(database)
        for number, name, code in ((1, "melli", "017"), (9, "sepah", "015")):
            await connection.execute(
                "INSERT INTO reference.participants (number, name, role, display_name, "
                "bank_codes, net_debit_cap, unit) VALUES ($1, $2, 1, 'x', $3, 7, 'IRR')",
                *(number, name, [code]),
            )
        await connection.close()
        issue(tmp_path / "certificates", "melli", Role.BANK)
        for _ in range(2):
            async with open_town(tmp_path, database, participants=()) as town:
                to_it = town.pay("melli", "mellat", 5, creditor_iban=iban.make("015", "1"))
                over = town.pay("melli", "mellat", 8, creditor_iban=iban.make("015", "1"))
                reply = await town.bank("melli").submit([to_it, over])
                assert list(reply.states) == [RESERVED, DECLINED]
                (version,) = await town.bank("melli").participant_versions()
                assert (version.number, version.proposal) == (1, b"")

    asyncio.run(scene())


def test_rows_of_participants_are_brought_to_what_the_journal_says(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_town(tmp_path, database) as town:
            before = [one.participant for one in await town.operator.participants()]
        connection = await asyncpg.connect(database)
        select = "SELECT * FROM reference.participants ORDER BY number"
        rows = [dict(row) for row in await connection.fetch(select)]
        await connection.execute(
            "UPDATE reference.participants SET net_debit_cap = 7, bank_codes = '{}'"
        )
        async with open_town(tmp_path, database, participants=()) as town:
            assert [one.participant for one in await town.operator.participants()] == before
            assert [dict(row) for row in await connection.fetch(select)] == rows
        await connection.close()

    asyncio.run(scene())


def test_a_database_that_is_ahead_of_the_journal_is_refused(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_town(tmp_path / "one", database) as town:
            await town.operator.totals()
        with pytest.raises(SchemaMismatch, match="the journal ends at 0"):
            async with open_switch(
                Settings(data=tmp_path / "two", listen="127.0.0.1:0", database=database)
            ):
                pass

    asyncio.run(scene())


def test_health_and_reflection_are_served_to_whoever_has_a_certificate(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_town(tmp_path, database) as town:
            folder = issue(town.certificates, "melli", Role.BANK)
            async with open_channel(town.switch.address.address, folder) as channel:
                check = health_pb2_grpc.HealthStub(channel).Check
                for name in ("", "payvand.v1.PaymentService", "payvand.v1.SettlementService"):
                    reply = await check(health_pb2.HealthCheckRequest(service=name))
                    assert reply.status == health_pb2.HealthCheckResponse.SERVING
                stub = reflection_pb2_grpc.ServerReflectionStub(channel)
                call = stub.ServerReflectionInfo(
                    iter([reflection_pb2.ServerReflectionRequest(list_services="")])
                )
                (reply,) = [one async for one in call]
                names = {one.name for one in reply.list_services_response.service}
                assert {"payvand.v1.PaymentService", "payvand.v1.SettlementService"} <= names

    asyncio.run(scene())


def test_a_caller_without_a_certificate_of_this_switch_does_not_get_in(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_town(tmp_path / "one", database) as town:
            foreign = issue(tmp_path / "two", "melli", Role.BANK)
            own = issue(town.certificates, "melli", Role.BANK)
            (foreign / "ca.pem").write_bytes((own / "ca.pem").read_bytes())
            async with open_channel(town.switch.address.address, foreign) as channel:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await health_pb2_grpc.HealthStub(channel).Check(
                        health_pb2.HealthCheckRequest(), timeout=5
                    )
                assert caught.value.code() is grpc.StatusCode.UNAVAILABLE

    asyncio.run(scene())


def test_metrics_tell_payments_stages_and_progress(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_town(tmp_path, database) as town:
            await _a_day(town)
            await town.bank("melli").submit([town.pay("melli", "melli", 1)])
            await town.operator.totals()
            page = await asyncio.to_thread(
                lambda: urllib.request.urlopen(
                    f"http://{town.switch.address.metrics}/metrics"
                ).read()
            )
            lines = dict(
                line.rsplit(" ", 1) for line in page.decode().splitlines() if line[0] != "#"
            )
            total = "payvand_payments_total"
            assert lines[f'{total}{{reason="",state="reserved"}}'] == "2.0"
            assert lines[f'{total}{{reason="",state="settled"}}'] == "2.0"
            assert lines[f'{total}{{reason="AM23",state="declined"}}'] == "1.0"
            assert lines[f'{total}{{reason="route.same_participant",state="refused"}}'] == "1.0"
            for stage in ("decode", "apply", "fsync", "reply"):
                assert float(lines[f'payvand_stage_seconds_count{{stage="{stage}"}}']) > 0
            for stage in ("commit", "projection", "follow"):
                assert f'payvand_stage_oldest_seconds{{stage="{stage}"}}' in lines
            assert float(lines["payvand_journal_sequence"]) > 5
            assert lines["payvand_projection_lag_frames"] == "0.0"

    asyncio.run(scene())


def test_a_stop_answers_what_is_under_way_and_ends_the_streams(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        switch = SwitchProcess(tmp_path, database)
        await switch.start()
        assert json.loads((tmp_path / ADDRESS_FILE).read_text())["address"] == switch.address
        town = Town(_At(switch), Clock(), tmp_path / "certificates")  # type: ignore[arg-type]
        await town.put(PARTICIPANTS)
        await town.operator.participants()
        acknowledged: list[bytes] = []
        enough = asyncio.Event()

        async def follow() -> None:
            async for _ in town.bank("mellat").follow():
                pass

        async def submit() -> None:
            def batches() -> Any:
                while True:
                    yield [town.pay("melli", "mellat", 1) for _ in range(50)]

            async for batch, reply in town.bank("melli").submit_stream(batches()):
                assert set(reply.states) == {RESERVED}
                acknowledged.extend(one.id for one in batch)
                if len(acknowledged) >= 500:
                    enough.set()

        tasks = [asyncio.create_task(follow()), asyncio.create_task(submit())]
        await enough.wait()
        await switch.stop()
        for task in tasks:
            with pytest.raises(SwitchUnreachable):
                await task
        assert not (tmp_path / ADDRESS_FILE).exists()
        await switch.start()
        chunk = acknowledged[:5_000]
        statuses = await town.bank("melli").status(chunk)
        assert {one.state for one in statuses} <= {RESERVED, EXPIRED}
        for connection in town.connections.values():
            await connection.close()
        await switch.stop()

    asyncio.run(scene())


class _At:
    """Stands for the address of a switch that runs as another process."""

    def __init__(self, process: SwitchProcess) -> None:
        self.address = process


def test_a_second_switch_on_the_same_data_is_refused_with_exit_code_3(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        first, second = SwitchProcess(tmp_path, database), SwitchProcess(tmp_path, database)
        await first.start()
        with pytest.raises(AssertionError, match="JournalInUse"):
            await second.start()
        assert await second.wait() == 3
        await first.stop()

    asyncio.run(scene())


def test_a_switch_whose_projection_contradicts_the_journal_stops_with_exit_code_3(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        switch = SwitchProcess(tmp_path, database)
        await switch.start()
        town = Town(_At(switch), Clock(), tmp_path / "certificates")  # type: ignore[arg-type]
        connection = await asyncpg.connect(database)
        await connection.execute(
            "INSERT INTO books.frame SELECT n, 1, 1, 0, 0, 0, 0, 0 FROM generate_series(3, 99) n"
        )
        await connection.close()
        with pytest.raises(SwitchUnreachable):
            await town.put(PARTICIPANTS)
            await town.operator.totals()
        assert await switch.wait() == 3
        assert "SchemaMismatch" in (tmp_path / "log").read_text()
        for one in town.connections.values():
            await one.close()

    asyncio.run(scene())


def test_an_interrupt_stops_a_switch_in_order(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        switch = SwitchProcess(tmp_path, database)
        await switch.start()
        assert await switch._end(signal.SIGINT) == 0

    asyncio.run(scene())


def test_payments_go_on_while_the_database_is_down_and_it_comes_back(data: Path) -> None:
    async def scene() -> None:
        async with open_town(data, "") as town:
            before = town.pay("melli", "mellat", CAP + 1)
            await town.bank("melli").submit([before])
            await town.operator.totals()
            database = town.switch._own_database
            assert database is not None
            os.kill(database.pid, signal.SIGKILL)
            payment = town.pay("melli", "mellat", 7)
            assert list((await town.bank("melli").submit([payment])).states) == [RESERVED]
            assert await town.answer("mellat", payment.id) == [SETTLED]
            while True:
                try:
                    totals = await town.operator.totals()
                    break
                except SwitchUnreachable:
                    await asyncio.sleep(0.1)
            states = {one.state: one.count for one in totals.database.payments}
            assert states == {"settled": 1, "declined": 1}

    asyncio.run(scene())


def test_a_caller_with_too_much_under_way_is_told_to_wait_and_harms_nobody_else(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_town(tmp_path, database) as town:
            open_streams = [town.bank("melli").follow() for _ in range(STREAMS_MAX)]
            await town.bank("melli").submit([town.pay("melli", "tax", 1)])
            for stream in open_streams:
                await anext(stream)
            with pytest.raises(CallFailed, match=f"bank 'melli' has {STREAMS_MAX} streams"):
                await town.steps("melli", 1)
            assert len(await town.steps("tax", 1)) == 1
            await open_streams[0].aclose()  # type: ignore[attr-defined]
            assert len(await town.steps("melli", 1)) == 1
            for stream in open_streams:
                await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(scene())
