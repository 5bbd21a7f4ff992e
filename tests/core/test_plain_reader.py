"""The page on the journal's format is enough: a reader written from it alone reads the same."""

from itertools import islice
from pathlib import Path
from random import Random

import pytest

from payvand.core.records import u128_list
from payvand.core.segments import SPARE_NAME, digest_of_frame, read_frames
from payvand.core.snapshots import snapshots
from tests.core.test_archive import apply, draw_batches, open_accounts
from tests.support.journaled_ledger import JournaledLedger
from tests.support.journals import write
from tests.support.plain_reader import Damaged, PlainFrame, read_journal, read_snapshot

FLIPS = 40
EXPIRED_FIELDS = ("id", "debit_account_id", "credit_account_id", "amount")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("journal")
    write(folder)
    return folder


def test_both_readers_read_the_same(sound: Path) -> None:
    plain = list(read_journal(sound))
    ours = list(read_frames(sound))
    assert len(plain) == len(ours) > 3
    assert len({frame.operation for frame in plain}) > 3, "a frame of every kind"
    for one, other in zip(plain, ours, strict=True):
        assert one == PlainFrame(
            other.sequence,
            other.timestamp,
            int(other.operation),
            other.event,
            [record.tobytes() for record in other.records],
            other.statuses.tolist(),
            other.decisions.tolist(),
            list(
                zip(
                    other.resolved["index"].tolist(),
                    u128_list(other.resolved["amount"]),
                    strict=True,
                )
            ),
            list(zip(*(u128_list(other.expired[name]) for name in EXPIRED_FIELDS), strict=True)),
            [other.payload(index) for index in range(len(other.records))]
            if len(other.payload_offsets)
            else [],
            other.note,
        )


def test_the_plain_reader_notices_a_flipped_bit(sound: Path) -> None:
    random = Random(7)
    paths = [path for path in sound.glob("segment-*") if path.name != SPARE_NAME]
    for _ in range(FLIPS):
        path = random.choice(paths)
        before = path.read_bytes()
        changed = bytearray(before)
        place = random.randrange(len(before))
        changed[place] ^= 1 << random.randrange(8)
        path.write_bytes(changed)
        with pytest.raises(Damaged):
            list(read_journal(sound))
        path.write_bytes(before)


def test_the_plain_reader_reads_a_snapshot_as_the_books_stood(tmp_path: Path) -> None:
    ledger = JournaledLedger(tmp_path)
    try:
        open_accounts(ledger)
        for batch in islice(draw_batches(3, 40), 40):
            apply(ledger, batch)
        assert ledger.archive.take_snapshot() == 0
        books = ledger.books
        sequence = ledger.pipeline.durable
    finally:
        ledger.close()
    (path,) = snapshots(tmp_path)
    plain = read_snapshot(path)
    assert plain.sequence == sequence
    assert plain.digest == digest_of_frame(tmp_path, sequence)
    assert plain.timestamp == books.timestamp
    assert plain.accounts == [row.tobytes() for row in books._accounts()]
    assert plain.reservations == [row.tobytes() for row in books._reservations()]
    assert len(plain.reservations) > 0
    ids = books._accounts()["id"].copy()
    assert plain.limits == u128_list(books.lookup_limits(ids)["limit"])
    quotas = books.quotas()
    assert [row[:128] for row in plain.quotas] == [row.tobytes() for row in quotas["quota"]]
    pending = [int.from_bytes(row[128:144], "little") for row in plain.quotas]
    assert pending == u128_list(quotas["pending"])
    assert len(quotas) > 0
    assert plain.frames_by_event == [0] * 16
    content = path.read_bytes()
    for at in Random(5).sample(range(len(content)), 6):
        path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
        with pytest.raises(Damaged):
            read_snapshot(path)
