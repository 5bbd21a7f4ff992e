"""Days close under roots that their frames lead to; a payment's proof holds, and no other text."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from payvand.core.engine import Engine
from payvand.core.records import TRANSFER, U128_MAX, TransferFlags, u128_list
from payvand.core.segments import journal_id_of, read_frames
from payvand.settlement.business_day import (
    ClosedDay,
    DayRecount,
    Leaf,
    closes_day,
    leaf_contents,
    prove_days_equal_their_roots,
)
from payvand.settlement.day_closing import DayNotNext, close_day
from payvand.settlement.inclusion import Inclusion, NotIncluded, ProofMalformed, prove_payment
from payvand.settlement.netting import position_account
from payvand.settlement.proofs import prove_all
from tests.support.naive_merkle import naive_root
from tests.support.traffic import ANSWER, LEDGER, Clock, Traffic, records_of

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
DAY = date(2026, 11, 24)
SECOND = 1_000_000_000


@asynccontextmanager
async def open_traffic(folder: Path, *, seed: int = 0) -> AsyncIterator[Traffic]:
    clock = Clock()
    async with await Engine.open(folder, clock=clock, segment_bytes=1 << 20) as engine:
        traffic = Traffic(engine, clock, seed=seed, cap=100_000)
        await traffic.open()
        yield traffic


async def send(traffic: Traffic, number: int, payload: bytes = b"", **fields: int) -> None:
    row = {"id": number, "debit_account_id": position_account(1), "amount": 5, "code": 1}
    row |= {"credit_account_id": position_account(2), "ledger": LEDGER} | fields
    offsets = np.array([0, len(payload)], np.uint32)
    await traffic.engine.create_transfers(
        records_of(TRANSFER, [row]), payloads=payload, offsets=offsets
    )


async def answer(traffic: Traffic, number: int, flag: TransferFlags) -> None:
    amount = U128_MAX if flag == POST else 0
    await send(traffic, number | ANSWER, pending_id=number, flags=flag, amount=amount)


def recount(folder: Path, key: bytes = PUBLIC) -> DayRecount:
    counted = DayRecount(journal_id_of(folder) or b"", public_key=key)
    for frame in read_frames(folder):
        counted.add(frame)
    return counted


def test_random_days_equal_the_naive_roots_over_their_leaves(tmp_path: Path) -> None:
    async def scene() -> None:
        async with open_traffic(tmp_path, seed=4) as traffic:
            for number in range(4):
                await traffic.run(8, close_every=3)
                await close_day(traffic.engine, tmp_path, KEY, DAY + timedelta(number))

    asyncio.run(scene())
    contents: list[bytes] = []
    days = []
    for frame in read_frames(tmp_path):
        if closes_day(frame):
            day = ClosedDay.of(frame)
            assert (day.head.leaves, day.head.root) == (len(contents), naive_root(contents))
            assert (day.head.digest, day.sequence) == (frame.previous, frame.sequence)
            assert day.signed_by(PUBLIC)
            days.append(day.head.number)
            contents = []
        else:
            contents += leaf_contents(frame)
    assert days == [1, 2, 3, 4]
    assert not recount(tmp_path).wrong
    proofs = asyncio.run(prove_all(tmp_path, day_key=PUBLIC))
    assert all(proof.holds for proof in proofs)


def test_a_day_closes_once_in_order_and_empty_too(tmp_path: Path) -> None:
    async def scene() -> None:
        async with open_traffic(tmp_path) as traffic:
            first = await close_day(traffic.engine, tmp_path, KEY, DAY)
            assert await close_day(traffic.engine, tmp_path, KEY, DAY) == first
            empty = await close_day(traffic.engine, tmp_path, KEY, DAY + timedelta(1))
            assert (empty.head.number, empty.head.leaves) == (2, 0)
            assert empty.head.first == empty.head.last + 1
            with pytest.raises(DayNotNext):
                await close_day(traffic.engine, tmp_path, KEY, DAY)
        async with await Engine.open(tmp_path, segment_bytes=1 << 20) as engine:
            assert await close_day(engine, tmp_path, KEY, DAY + timedelta(1)) == empty

    asyncio.run(scene())
    assert not recount(tmp_path).wrong


def test_a_day_closes_while_payments_go_on_and_none_is_lost(tmp_path: Path) -> None:
    async def scene() -> None:
        async with open_traffic(tmp_path) as traffic:
            sending = [asyncio.create_task(send(traffic, number)) for number in range(1, 200)]
            await close_day(traffic.engine, tmp_path, KEY, DAY)
            await asyncio.gather(*sending)
            await close_day(traffic.engine, tmp_path, KEY, DAY + timedelta(1))

    asyncio.run(scene())
    assert not recount(tmp_path).wrong
    for number in (1, 100, 199):
        assert not prove_payment(tmp_path, number).check(PUBLIC)


def test_a_closing_signed_by_another_key_is_told(tmp_path: Path) -> None:
    async def scene() -> None:
        async with open_traffic(tmp_path) as traffic:
            await close_day(traffic.engine, tmp_path, Ed25519PrivateKey.generate(), DAY)

    asyncio.run(scene())
    assert not recount(tmp_path, key=b"").wrong
    proof = prove_days_equal_their_roots(recount(tmp_path))
    assert not proof.holds
    assert "signature" in proof.detail


def test_a_closing_that_says_another_root_is_told(tmp_path: Path) -> None:
    async def scene() -> None:
        async with open_traffic(tmp_path) as traffic:
            lying = recount(tmp_path).head(DAY)
            note = replace(lying, root=bytes(32)).sign(KEY).note()
            async with traffic.engine.still() as still:
                await still.create_transfers(np.zeros(0, TRANSFER), event=2, note=note)

    asyncio.run(scene())
    assert "don't say the same" in prove_days_equal_their_roots(recount(tmp_path)).detail


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a journal of two days: settled 1, rejected 2, expired 3, ended a day later 4, open 5."""
    folder = tmp_path_factory.mktemp("journal")

    async def scene() -> None:
        async with open_traffic(folder) as traffic:
            pending = int(TransferFlags.PENDING)
            for number in (1, 2, 3, 4):
                payload = b"payment %d" % number
                timeout = 0 if number == 4 else 5
                await send(traffic, number, payload, flags=pending, timeout=timeout)
            await answer(traffic, 1, POST)
            await answer(traffic, 2, TransferFlags.VOID_PENDING_TRANSFER)
            traffic.clock.now += 10 * SECOND
            await send(traffic, 6)
            await close_day(traffic.engine, folder, KEY, DAY)
            await answer(traffic, 4, POST)
            await close_day(traffic.engine, folder, KEY, DAY + timedelta(1))
            await send(traffic, 5)

    asyncio.run(scene())
    return folder


POST = TransferFlags.POST_PENDING_TRANSFER


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, ["pending", "settled"]),
        (2, ["pending", "rejected"]),
        (3, ["pending", "expired"]),
        (4, ["pending", "settled"]),
        (6, ["settled"]),
    ],
)
def test_a_proof_says_what_became_of_its_payment(
    journal: Path, number: int, words: list[str]
) -> None:
    proof = Inclusion.read(prove_payment(journal, number).text())
    assert proof.check(PUBLIC) == ""
    assert [leaf.says(number) for leaf in proof.leaves] == words
    if number != 6:
        assert proof.leaves[0].payload == b"payment %d" % number
    assert [leaf.day.head.number for leaf in proof.leaves][-1] == (2 if number == 4 else 1)


def test_a_payment_of_no_closed_day_cant_be_proved(journal: Path) -> None:
    with pytest.raises(NotIncluded, match="open day"):
        prove_payment(journal, 5)
    with pytest.raises(NotIncluded, match="no frame"):
        prove_payment(journal, 77)


def test_a_proof_holds_nothing_of_other_payments(journal: Path) -> None:
    text = prove_payment(journal, 1).text()
    for number in (2, 3, 4):
        assert (b"payment %d" % number).hex() not in text


def test_a_proof_by_another_key_does_not_hold(journal: Path) -> None:
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert "isn't signed" in prove_payment(journal, 1).check(other)


def test_any_changed_byte_of_a_proof_fails(journal: Path) -> None:
    text = prove_payment(journal, 4).text()
    for at in range(len(text)):
        for bit in (0, 1, 2, 4, 5):
            changed = text[:at] + chr(ord(text[at]) ^ 1 << bit) + text[at + 1 :]
            assert not holds(changed), (at, bit)


def test_leaves_of_different_payments_do_not_make_a_proof(journal: Path) -> None:
    first, second = prove_payment(journal, 1), prove_payment(journal, 2)
    mixed = Inclusion(1, (first.leaves[0], second.leaves[1]))
    with pytest.raises(ProofMalformed):
        mixed.text()
    assert Inclusion(1, first.leaves[::-1]).check(PUBLIC)


def holds(text: str) -> bool:
    try:
        return not Inclusion.read(text).check(PUBLIC)
    except ProofMalformed:
        return False


def test_the_leaves_of_a_frame_are_laid_out_as_documented(journal: Path) -> None:
    """Taken apart by hand, as `docs/proofs.md` says."""
    frame = next(f for f in read_frames(journal) if 1 in u128_list(f.records["id"].copy()))
    raw = next(content for content in leaf_contents(frame) if content[64] == 1)
    leaf = Leaf.read(raw)
    assert raw[0] == 1 and raw[1] == int(frame.operation)
    assert int.from_bytes(raw[8:16], "little") == frame.sequence == leaf.sequence
    assert raw[64:] == frame.records[leaf.index].tobytes()
