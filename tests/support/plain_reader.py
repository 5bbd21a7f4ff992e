"""An independent reader of journal and snapshots, written from `core/README.md` alone.

No numpy, no core.

It is slow and says little; it is here to show that the page is enough, and to disagree.
"""

import hashlib
import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK, SECTOR = 4096, 512
RECORD_BYTES = {1: 128, 2: 128, 3: 64, 4: 0, 5: 0, 6: 128}
SEGMENT = struct.Struct("<4sHHQ16s32s60sI")
HEADER = struct.Struct("<4sHHQQIIIIIIQII32s24sII")
TRAILER = struct.Struct("<QI4s")


def _table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = _table()


def crc32c(data: bytes) -> int:
    crc = 0xFFFF_FFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFF_FFFF


class Damaged(Exception):
    """The bytes are not what the page says."""


def expect(law: bool, what: str) -> None:
    if not law:
        raise Damaged(what)


@dataclass(frozen=True)
class PlainFrame:
    sequence: int
    timestamp: int
    operation: int
    event: int
    records: list[bytes]
    statuses: list[int]
    decisions: list[int]
    resolved: list[tuple[int, int]]
    """Index of the record, and the amount that moved."""
    expired: list[tuple[int, int, int, int]]
    payloads: list[bytes]
    note: bytes


def up(size: int, unit: int) -> int:
    return -(-size // unit) * unit


def read_journal(folder: Path) -> Iterator[PlainFrame]:
    """Yield the frames of every segment; raise `Damaged` where anything is not as described."""
    sequence, digest, journal_id = 0, bytes(32), b""
    for path in sorted(folder.glob("segment-*.journal")):
        data = path.read_bytes()
        magic, version, zero, first, identity, previous, zeros, checksum = SEGMENT.unpack_from(data)
        expect((magic, version, zero, zeros) == (b"PVS1", 1, 0, bytes(60)), f"{path.name}: head")
        expect(first == sequence + 1 == int(path.stem.split("-")[1]), f"{path.name}: sequence")
        expect(previous == digest and identity == (journal_id or identity), f"{path.name}: link")
        expect(crc32c(data[:124] + bytes(4) + data[128:BLOCK]) == checksum, f"{path.name}: crc")
        journal_id, at = identity, BLOCK
        while any(data[at : at + 128]):
            frame, length = read_frame(data, at, digest)
            expect(
                frame.sequence == sequence + 1, f"{path.name}: {frame.sequence} after {sequence}"
            )
            yield frame
            sequence, digest = frame.sequence, digest_of(data[at : at + length])
            at += length
        expect(not any(data[at:]), f"{path.name}: something behind frame {sequence}")


def digest_of(frame: bytes) -> bytes:
    (sectors,) = struct.unpack_from("<I", frame, 56)
    head = up(128 + 4 * sectors, SECTOR)
    middle = head + up((len(frame) - head) // SECTOR, 2) // 2 * SECTOR
    halves = [hashlib.sha256(part).digest() for part in (frame[head:middle], frame[middle:])]
    return hashlib.sha256(frame[:head] + b"".join(halves)).digest()


def read_frame(data: bytes, at: int, digest: bytes) -> tuple[PlainFrame, int]:
    """Return the frame at *at*, which follows the one with *digest*, and its length."""
    fields = HEADER.unpack_from(data, at)
    magic, version, operation, sequence, timestamp, count, event = fields[:7]
    expired_count, resolved_count, payloads_bytes, note_bytes, body, sectors, sections = fields[
        7:14
    ]
    previous, zeros, table_crc, header_crc = fields[14:]
    expect(crc32c(data[at : at + 124]) == header_crc, f"header at {at}")
    expect((magic, version, zeros) == (b"PVF1", 2, bytes(24)), f"header at {at}")
    expect(previous == digest, f"frame {sequence}: chain")
    expect(sectors == up(body + 16, SECTOR) // SECTOR + 7, f"frame {sequence}: sectors")
    head = up(128 + 4 * sectors, SECTOR)
    length = up(head + body + 16, BLOCK)
    expect(crc32c(data[at + 128 : at + head]) == table_crc, f"frame {sequence}: table")
    table = struct.unpack_from(f"<{sectors}I", data, at + 128)
    covered = (length - head) // SECTOR
    for sector in range(covered):
        start = at + head + sector * SECTOR
        expect(crc32c(data[start : start + SECTOR]) == table[sector], f"frame {sequence}: {start}")
    expect(not any(table[covered:]), f"frame {sequence}: table's end")
    trailer = TRAILER.unpack_from(data, at + length - 16)
    expect(trailer == (sequence, length // BLOCK, b"PVFE"), f"frame {sequence}: trailer")
    start = place = at + head

    def take(size: int, unit: int = 16) -> bytes:
        nonlocal place
        piece = data[place : place + size]
        place += up(size, unit)
        return piece

    width = RECORD_BYTES[operation]
    records = take(count * width)
    statuses = struct.unpack(f"<{count}I", take(4 * count))
    decisions = struct.unpack(f"<{count}I", take(4 * count)) if sections & 1 else ()
    resolved = take(32 * resolved_count)
    expired = take(64 * expired_count)
    payloads: list[bytes] = []
    if sections & 2:
        offsets = struct.unpack(f"<{count + 1}I", take(4 * (count + 1)))
        joined = take(payloads_bytes)
        payloads = [joined[one:two] for one, two in itertools.pairwise(offsets)]
    note = take(note_bytes)
    expect(place - start == body, f"frame {sequence}: body")
    expect(not any(data[start + body : at + length - 16]), f"frame {sequence}: padding")
    return PlainFrame(
        sequence,
        timestamp,
        operation,
        event,
        [records[index * width : (index + 1) * width] for index in range(count)],
        list(statuses),
        list(decisions),
        [(u32(resolved, at + 16), u128(resolved, at)) for at in range(0, 32 * resolved_count, 32)],
        [
            (
                u128(expired, at),
                u128(expired, at + 16),
                u128(expired, at + 32),
                u128(expired, at + 48),
            )
            for at in range(0, 64 * expired_count, 64)
        ],
        payloads,
        note,
    ), length


def u32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def u128(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 16], "little")


SNAPSHOT = struct.Struct("<4sHHQ16s32s12QII")
SECTION = struct.Struct("<QQQII")
SNAPSHOT_BLOCK = struct.Struct("<4sHHQIIII")
SECTION_ROW_BYTES = [16, 24, 24, 32, 8, 1, 128, 144, 160, 128, 1, 208]
RESERVATIONS, ACCOUNTS, KEPT, ENDED, QUOTAS = 6, 7, 8, 9, 11
BLOCK_BYTES = 1 << 18


@dataclass(frozen=True)
class PlainSnapshot:
    sequence: int
    digest: bytes
    timestamp: int
    accounts: list[bytes]
    """Records of 128 bytes, in the order of their opening."""
    limits: list[int]
    reservations: list[bytes]
    """Of 128 bytes, in the order of their rows."""
    quotas: list[bytes]
    """Of 208 bytes: a quota's record, what is used of it, and where it is found."""
    frames_by_event: list[int]
    """How many frames had each tag, from 0 to 15."""


def read_snapshot(path: Path) -> PlainSnapshot:
    """Return the books that a snapshot shows; raise `Damaged` where a byte isn't as described."""
    data = path.read_bytes()
    head = data[:BLOCK]
    magic, version, zero, size, _, digest, *counters = SNAPSHOT.unpack_from(head)
    sequence, timestamp = counters[:2]
    expect((magic, version, zero, size) == (b"PVB1", 1, 0, len(data)), "head")
    expect(crc32c(head[:-4] + bytes(4)).to_bytes(4, "little") == head[-4:], "head: crc")
    expect(path.name == f"snapshot-{sequence:016d}.books", "head: name")
    sections, at = [], BLOCK
    for kind, row_bytes in enumerate(SECTION_ROW_BYTES):
        fields = SECTION.unpack_from(head, SNAPSHOT.size + kind * SECTION.size)
        offset, rows, length, width, zero = fields
        expect((offset, width, zero) == (at, row_bytes, 0), f"section {kind}")
        sections.append(read_section(data[at : at + length], kind, sequence, rows))
        at += length
    expect(at == len(data), "something behind the last section")
    accounts = [row[:128] for row in sections[ACCOUNTS]]
    limits = [u128(row, 128) for row in sections[ACCOUNTS]]
    for row in sections[KEPT]:
        place = int.from_bytes(row[144:152], "little")
        accounts[place], limits[place] = row[:128], u128(row, 128)
    reservations = {row[64:72]: row for row in sections[RESERVATIONS] + sections[ENDED]}
    in_order = sorted(reservations.values(), key=lambda row: int.from_bytes(row[64:72], "little"))
    counts_at = SNAPSHOT.size + len(SECTION_ROW_BYTES) * SECTION.size
    frames_by_event = list(struct.unpack_from("<16Q", head, counts_at))
    return PlainSnapshot(
        sequence,
        digest,
        timestamp,
        accounts,
        limits,
        in_order,
        sections[QUOTAS],
        frames_by_event,
    )


def read_section(data: bytes, kind: int, sequence: int, rows: int) -> list[bytes]:
    """Return the rows of a section."""
    width, taken, at = SECTION_ROW_BYTES[kind], [], 0
    at_once = (BLOCK_BYTES - SNAPSHOT_BLOCK.size) // width
    for number in range(up(rows, at_once) // at_once):
        count = min(at_once, rows - len(taken))
        used = SNAPSHOT_BLOCK.size + count * width
        size = BLOCK_BYTES if count == at_once else up(used, BLOCK)
        block = data[at : at + size]
        *fields, checksum = SNAPSHOT_BLOCK.unpack_from(block)
        expect(fields == [b"PSB1", kind, 0, sequence, number, count, 0], f"block of {kind}")
        expect(crc32c(block[:28] + bytes(4) + block[32:]) == checksum, f"block of {kind}: crc")
        expect(not any(block[used:]), f"block of {kind}: padding")
        taken += [block[at : at + width] for at in range(SNAPSHOT_BLOCK.size, used, width)]
        at += size
    expect(at == len(data), f"section {kind}: length")
    return taken
