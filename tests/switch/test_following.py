"""What a frame tells each participant: the fast division equals a plain reading of the frame."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from payvand.core.engine import Engine
from payvand.core.frame import Frame
from payvand.core.records import Operation, TransferFlags, u128_of
from payvand.core.segments import read_frames
from payvand.core.statuses import TransferStatus
from payvand.risk.reasons import Reasons
from payvand.settlement.netting import is_position, participant_of
from payvand.switch.following import SILENT_FRAMES_MAX, Divider, Wakings, follow, varint
from payvand.switch.translate import ReasonBook
from payvand.switch.wire.division import divide
from payvand.v1.payment_pb2 import PaymentState
from payvand.v1.payment_service_pb2 import FollowResponse, Outcome
from tests.support.traffic import ANSWER, Clock, Traffic


def _bytes_twin() -> Any:
    """Return `FollowResponse` with offers and outcomes as plain bytes: traffic holds any bytes."""
    file = descriptor_pb2.FileDescriptorProto(name="twin.proto", package="twin", syntax="proto3")
    message = file.message_type.add(name="Twin")
    field = descriptor_pb2.FieldDescriptorProto
    message.field.add(name="cursor", number=1, type=field.TYPE_UINT64, label=1)
    message.field.add(name="offers", number=2, type=field.TYPE_BYTES, label=3)
    message.field.add(name="outcomes", number=3, type=field.TYPE_BYTES, label=3)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("twin.Twin"))


Twin = _bytes_twin()
REASONS = ReasonBook(Reasons())


def code_of(status: int, decision: int) -> str:
    return REASONS.reason(status, decision).code


def plainly(frame: Frame, participant: int) -> tuple[list[bytes], list[Outcome]]:
    """Read a frame record by record, as the contract says it."""
    offers: list[bytes] = []
    outcomes: list[Outcome] = []

    def party(account: int) -> bool:
        return is_position(account) and participant_of(account) == participant

    for expired in frame.expired:
        if party(u128_of(expired["debit_account_id"])) or party(
            u128_of(expired["credit_account_id"])
        ):
            outcomes.append(
                Outcome(
                    id=u128_of(expired["id"]).to_bytes(16, "big"),
                    state=PaymentState.PAYMENT_STATE_EXPIRED,
                    timestamp=frame.timestamp - len(frame.records),
                )
            )
    if frame.operation != Operation.CREATE_TRANSFERS:
        return offers, outcomes
    for index, record in enumerate(frame.records):
        debtor, creditor = (
            party(u128_of(record[name])) for name in ("debit_account_id", "credit_account_id")
        )
        status = TransferStatus(int(frame.statuses[index]))
        flags = TransferFlags(int(record["flags"]))
        timestamp = frame.timestamp - len(frame.records) + 1 + index
        identity, pending = u128_of(record["id"]), u128_of(record["pending_id"])
        payload = frame.payload(index)
        if record["code"] >= 10:
            continue
        if pending:
            if status is TransferStatus.CREATED and (debtor or creditor):
                voided = TransferFlags.VOID_PENDING_TRANSFER in flags
                outcomes.append(
                    Outcome(
                        id=pending.to_bytes(16, "big"),
                        state=PaymentState.PAYMENT_STATE_REJECTED
                        if voided
                        else PaymentState.PAYMENT_STATE_SETTLED,
                        reason_code="AC04" if voided else "",
                        timestamp=timestamp,
                    )
                )
        elif status is TransferStatus.CREATED:
            if creditor and payload:
                offers.append(payload)
            if (debtor or creditor) and TransferFlags.PENDING not in flags:
                outcomes.append(
                    Outcome(
                        id=identity.to_bytes(16, "big"),
                        state=PaymentState.PAYMENT_STATE_SETTLED,
                        timestamp=timestamp,
                    )
                )
        elif status.transient and debtor and identity < ANSWER:
            outcomes.append(
                Outcome(
                    id=identity.to_bytes(16, "big"),
                    state=PaymentState.PAYMENT_STATE_DECLINED,
                    reason_code="RC01" if "NOT_FOUND" in status.name else "AM23",
                    timestamp=timestamp,
                )
            )
    return offers, outcomes


async def _play(folder: Path, seed: int) -> None:
    clock = Clock()
    async with await Engine.open(folder, clock=clock) as engine:
        traffic = Traffic(engine, clock, seed)
        await traffic.open()
        await traffic.run(60)


@pytest.mark.parametrize("seed", range(3))
def test_each_participant_is_told_what_a_plain_reading_of_the_frames_says(
    tmp_path: Path, seed: int
) -> None:
    asyncio.run(_play(tmp_path, seed))
    seen: set[tuple[str, int]] = set()
    for frame in read_frames(tmp_path, 0):
        divided = divide(frame, code_of)
        assert divided.keys() <= set(range(1, 8))
        for participant in range(1, 8):
            told = Twin.FromString(divided.get(participant, b""))
            offers, outcomes = plainly(frame, participant)
            assert list(told.offers) == offers
            assert [Outcome.FromString(one) for one in told.outcomes] == outcomes
            seen |= {("outcome", one.state) for one in outcomes}
            seen |= {("offer", 0) for _ in offers}
    assert len(seen) == 5, "offers, and outcomes of every final state"


def test_a_divided_frame_is_made_once_and_the_oldest_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(_play(tmp_path, 1))
    frames = list(read_frames(tmp_path, 0))
    monkeypatch.setattr("payvand.switch.following.CACHE_BYTES_MAX", 5_000)
    divider = Divider(REASONS)
    for _ in range(2):
        for frame in frames:
            for participant in range(1, 8):
                assert divider.fields_for(participant, frame) == divide(frame, code_of).get(
                    participant, b""
                )
                assert divider._kept_bytes <= 5_000
                assert divider._kept_bytes == sum(
                    200 + sum(map(len, one.values())) for one in divider._divided.values()
                )


def test_who_is_not_concerned_is_still_told_the_cursor(tmp_path: Path) -> None:
    async def scene() -> None:
        clock = Clock()
        async with await Engine.open(tmp_path, clock=clock) as engine:
            traffic = Traffic(engine, clock)
            await traffic.open()
            while engine.sequence < SILENT_FRAMES_MAX:
                await asyncio.gather(*(traffic.set_caps({1: 5}) for _ in range(8)))
            steps = follow(Wakings(engine, Divider(REASONS)), 6, 0)
            cursor, step = await anext(steps)
            await steps.aclose()  # type: ignore[attr-defined]
            assert cursor == SILENT_FRAMES_MAX
            assert FollowResponse.FromString(step) == FollowResponse(cursor=cursor)

    asyncio.run(scene())


def _values() -> Iterator[int]:
    for bits in range(0, 64, 7):
        yield from ((1 << bits) - 1, 1 << bits, (1 << bits) + 1)


@pytest.mark.parametrize("value", [*_values(), 2**64 - 1])
def test_a_varint_reads_back(value: int) -> None:
    assert Twin.FromString(b"\x08" + varint(value)).cursor == value


def test_a_stream_that_slept_is_told_all_that_concerns_it_and_no_frame_twice(
    tmp_path: Path,
) -> None:
    """Streams that read at different paces are told the same as one reading of the journal."""

    async def collect(wakings: Wakings, participant: int, pace: int) -> list[bytes]:
        told = []
        async for _, step in follow(wakings, participant, 0):
            told.append(step)
            for _ in range(pace):
                await asyncio.sleep(0)
        return told

    async def scene() -> list[list[bytes]]:
        clock = Clock()
        async with await Engine.open(tmp_path, clock=clock) as engine:
            wakings = Wakings(engine, Divider(REASONS))
            streams = [
                asyncio.create_task(collect(wakings, participant, pace))
                for participant in range(1, 8)
                for pace in (0, 3, 40)
            ]
            traffic = Traffic(engine, clock, 5)
            await traffic.open()
            await traffic.run(40)
        return await asyncio.gather(*streams)

    told = asyncio.run(scene())
    frames = list(read_frames(tmp_path, 0))
    for place, steps in enumerate(told):
        participant = place // 3 + 1
        expected = [
            (frame.sequence, fields)
            for frame in frames
            if (fields := divide(frame, code_of).get(participant))
        ]
        assert [Twin.FromString(step).cursor for step in steps] == [
            sequence for sequence, _ in expected
        ]
        assert steps == [b"\x08" + varint(sequence) + fields for sequence, fields in expected]
