"""What the fuzzer feeds: bytes in, and nothing out but faults that are no fault of ours.

Each target takes any bytes. It returns where they were read, or refused as they should be; whatever
else it raises, or a sanitizer says, is a finding.
"""

import hashlib
import os
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from payvand.core.errors import PayvandFault, SnapshotDamaged
from payvand.core.frame import Frame, check_frame
from payvand.core.ledger import Ledger
from payvand.core.records import ACCOUNT, TRANSFER, TransferFlags
from payvand.core.replay import replay_journal
from payvand.core.segments import JournalReader
from payvand.core.snapshot_reading import check_snapshot
from payvand.core.snapshots import snapshots as files_of_snapshots
from payvand.core.stage import Stage
from tests.support import collisions
from tests.support.forgery import seal
from tests.support.journaled_ledger import JournaledLedger
from tests.support.journals import placed, write
from tests.support.ledger_records import Account, CompiledLedger, Transfer, rows_of
from tests.support.reference_ledger import ReferenceLedger

__all__ = ["TARGETS"]

SEGMENT_BYTES = 64 << 10
SEALED, CHAINED, STRICT, REPLACED, CUT, RECOVERED = 1, 2, 4, 8, 16, 32
_EDIT = struct.Struct("<HBB")  # where in the frame, how many bytes, of what value
_FAR_EDIT = struct.Struct("<BHBB")  # likewise, with a block before it
_BLOCK_BYTES = 4096
_PREVIOUS = slice(64, 96)
_RECORD_BYTES = 128


@cache
def _folder(what: str) -> TemporaryDirectory[str]:
    """Make a folder, in memory where that can be had, that goes when the process does."""
    shared = "/dev/shm"
    return TemporaryDirectory(
        prefix=f"fuzz-{what}-", dir=shared if os.access(shared, os.W_OK) else None
    )


@cache
def _journal() -> tuple[Path, Path, bytes, list[tuple[int, int]]]:
    """Write a small journal once: folder, its one segment, the bytes, where its frames stand."""
    folder = Path(_folder("journal").name)
    write(folder, segment_bytes=SEGMENT_BYTES)
    frames = list(placed(folder))
    path = frames[0].path
    spans = [(frame.start, frame.stop) for frame in frames if frame.path == path]
    return folder, path, path.read_bytes(), spans


def frames(data: bytes) -> None:
    """Read and replay a journal in which a frame was changed, perhaps under sound checksums."""
    folder, path, sound, spans = _journal()
    kind, number, rest = data[0] if data else 0, data[1] if data[1:] else 0, data[2:]
    start, stop = spans[number % len(spans)]
    content = bytearray(sound)
    if kind & REPLACED:
        content[start : start + len(rest)] = rest
    else:
        for at, count, value in _EDIT.iter_unpack(rest[: len(rest) // _EDIT.size * _EDIT.size]):
            for place in range(start + at % (stop - start), stop)[: count % 17]:
                content[place] = value
    if kind & SEALED:
        _seal(content, start, stop)
    if kind & CHAINED:
        for (before, end), (begin, until) in pairwise(spans):
            if begin > start:
                digest = hashlib.sha256(content[before:end]).digest()
                content[begin + _PREVIOUS.start : begin + _PREVIOUS.stop] = digest
                _seal(content, begin, until)
    if kind & CUT and data:
        del content[start + 16 * data[-1] :]
    path.write_bytes(content[: len(sound)])
    _read(folder, strict=bool(kind & STRICT))
    _check(bytes(content[start:stop]))


def _seal(content: bytearray, start: int, stop: int) -> None:
    """Give a frame sound checksums, as far as its own lengths let it have them."""
    frame = content[start:stop]
    sectors = int.from_bytes(frame[56:60], "little")
    if 128 + 4 * sectors <= len(frame):
        seal(frame)
        content[start:stop] = frame[: stop - start]


def _read(folder: Path, *, strict: bool) -> None:
    ledger = Ledger()
    try:
        reader = JournalReader(folder, strict=strict)
        replay_journal(ledger, Stage(), ((frame, reader.place) for frame in reader))
    except PayvandFault as fault:
        assert str(fault)
        return
    totals = ledger.totals(1)
    assert totals["debits_posted"] == totals["credits_posted"]
    assert totals["debits_pending"] == totals["credits_pending"]


def _check(raw: bytes) -> None:
    """Check bytes as a frame, and read every part of one that passes."""
    fault, length, start, stop = check_frame(raw)
    assert 0 <= start <= stop
    if fault or length != len(raw):
        return
    frame = Frame(raw)
    count = len(frame.records)
    assert len(frame.statuses) == count
    assert b"".join(frame.payload(index) for index in range(count)) == frame.payloads
    for part in (frame.decisions, frame.resolved, frame.expired, frame.payload_offsets):
        part.tobytes()
    assert (len(frame.note), len(frame.previous), len(frame.digest)) == (
        int.from_bytes(raw[44:48], "little"),
        32,
        32,
    )


def records(data: bytes) -> None:
    """Give both ledgers the same records, byte for byte, and hold their answers equal."""
    compiled, naive = CompiledLedger(), ReferenceLedger()
    now = 0
    opened = [Account(id) for id in (1, 2, 3)]
    assert compiled.create_accounts(opened, now) == naive.create_accounts(opened, now)
    events = _RECORD_BYTES * 6
    for at in range(0, len(data), 1 + events):
        kind, batch = data[at], data[at + 1 : at + 1 + events]
        rows = np.frombuffer(batch[: len(batch) // _RECORD_BYTES * _RECORD_BYTES], "V128")
        now += (0, 1, 10**9, 2**61)[kind >> 1 & 3]
        if kind & 1:
            accounts = rows_of(Account, rows.view(ACCOUNT))
            assert compiled.create_accounts(accounts, now) == naive.create_accounts(accounts, now)
        else:
            transfers = rows_of(Transfer, rows.view(TRANSFER))
            assert compiled.create_transfers(transfers, now) == naive.create_transfers(
                transfers, now
            )
        now = max(now, naive.timestamp)
        ids = [*naive.content.transfers, *naive.failed]
        assert compiled.lookup_accounts([1, 2, 3]) == naive.lookup_accounts([1, 2, 3])
        assert compiled.lookup_transfers(ids) == naive.lookup_transfers(ids)
        assert compiled.states(ids) == naive.states(ids)
        if now > 2**62:
            break


@cache
def _snapshot() -> tuple[Path, Path, bytes, str]:
    """Write a journal with a snapshot once: folder, snapshot, its bytes, the books' digest."""
    folder = Path(_folder("snapshot").name)
    ledger = JournaledLedger(folder)
    ledger.create_accounts([Account(id) for id in range(1, 9)], 0)
    pending = Transfer(0, 1, 2, 5, timeout=9, ledger=1, code=1, flags=int(TransferFlags.PENDING))
    for number in range(20):
        events = [replace(pending, id=100 * number + index) for index in range(1, 9)]
        ledger.create_transfers(events, number)
    assert ledger.archive.take_snapshot() == 0
    ledger.create_transfers([replace(pending, id=9999, flags=0, timeout=0)], 20)
    digest = ledger.books.digest()
    ledger.close()
    (path,) = files_of_snapshots(folder)
    return folder, path, path.read_bytes(), digest


def snapshots(data: bytes) -> None:
    """Change a snapshot: its reader must say so, and the recovery be the same without it."""
    folder, path, sound, digest = _snapshot()
    content = bytearray(sound)
    kind, edits = data[0] if data else 0, data[1:]
    for block, at, count, value in _FAR_EDIT.iter_unpack(
        edits[: len(edits) // _FAR_EDIT.size * _FAR_EDIT.size]
    ):
        place = (block * _BLOCK_BYTES + at % _BLOCK_BYTES) % len(sound)
        piece = bytes([value]) * min(count % 17, len(sound) - place)
        content[place : place + len(piece)] = piece
    if kind & CUT:
        del content[_BLOCK_BYTES * data[-1] :]
    with TemporaryDirectory(dir=folder.parent) as copy:
        changed = Path(copy, path.name)
        changed.write_bytes(content)
        try:
            check_snapshot(changed)
        except SnapshotDamaged as fault:
            assert content != sound
            assert fault.file == path.name
        else:
            assert content == sound
        if kind & RECOVERED:
            for other in folder.iterdir():
                if other != path and other.is_file():
                    shutil.copy(other, copy)
            ledger = JournaledLedger(Path(copy))
            assert ledger.books.digest() == digest
            ledger.close()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "frames": frames,
    "records": records,
    "collisions": collisions.run,
    "snapshots": snapshots,
}
