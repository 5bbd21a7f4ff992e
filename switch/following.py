"""What each participant is told of a frame, as it goes over the wire.

A frame is divided once for all participants: offers and outcomes become the bytes of their fields
in `FollowResponse`, so a payment's own bytes go from the journal to the creditor's bank as the
debtor's bank sent them. Several streams that follow closely share what was made.

Order. Expiries stand before the frame's records, as in the ledger; outcomes and offers each come
in the order of the books. A payment that settles in one step is an offer and an outcome at once,
in the same step. A declined payment is an outcome for its debtor's bank alone.
"""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator
from typing import Final

import numpy as np

from payvand.core.engine import Engine
from payvand.core.frame import Frame
from payvand.core.records import Operation, Records, TransferFlags
from payvand.core.statuses import TransferStatus
from payvand.settlement.netting import ACCOUNTS_PER_PARTICIPANT, POSITION
from payvand.switch.decoding import PAYMENT_BYTES_MAX
from payvand.switch.translate import CREATED, ReasonBook, reason_code
from payvand.v1.payment_pb2 import PaymentState

__all__ = ["Divider", "follow"]

CACHE_BYTES_MAX: Final = 32 << 20
"""Bytes of divided frames that are kept for other streams."""

SILENT_FRAMES_MAX: Final = 4_096
"""After so many frames that don't concern a participant it is told the cursor alone."""

KINDS_BELOW: Final = 10
"""Codes of transfers that are payments are below."""

ENDS: Final = int(TransferFlags.POST_PENDING_TRANSFER | TransferFlags.VOID_PENDING_TRANSFER)
VOIDS: Final = int(TransferFlags.VOID_PENDING_TRANSFER)
PENDING: Final = int(TransferFlags.PENDING)

_BURNING: Final = np.array([status for status in TransferStatus if status.transient], np.uint32)
_OWN_BIT: Final = np.uint64(1 << 63)

# Fields of FollowResponse and of Outcome on the wire: tag, then a length or a varint.
_CURSOR: Final = b"\x08"
_OFFER: Final = b"\x12"
_OUTCOME: Final = b"\x1a"
_ID: Final = b"\x0a\x10"
_STATE: Final = b"\x10"
_REASON: Final = b"\x1a\x04"
_TIMESTAMP: Final = b"\x20"
_TIMESTAMP_BYTES: Final = 9
"""Nanoseconds since 1970 between 1972 and 2262 take nine bytes as a varint."""


def varint(value: int) -> bytes:
    """Return an unsigned integer in the base-128 form of protobuf."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_LENGTHS: Final = tuple(varint(length) for length in range(PAYMENT_BYTES_MAX + 1))
"""Lengths of payments and outcomes, ready made."""


def _length(value: int) -> bytes:
    return _LENGTHS[value] if value < len(_LENGTHS) else varint(value)


class Divider:
    """Divide frames among participants, each frame once. Shared by all streams."""

    def __init__(self, reasons: ReasonBook) -> None:
        """Start with nothing divided; tell why payments were declined by *reasons*."""
        self._reasons = reasons
        self._divided: OrderedDict[int, dict[int, bytes]] = OrderedDict()
        self._kept_bytes = 0

    def fields_for(self, participant: int, frame: Frame) -> bytes:
        """Return the offers and outcomes of *frame* for *participant*; empty for none."""
        divided = self._divided.get(frame.sequence)
        if divided is None:
            divided = divide(frame, self._reasons)
            self._divided[frame.sequence] = divided
            self._kept_bytes += _size(divided)
            while self._kept_bytes > CACHE_BYTES_MAX:
                self._kept_bytes -= _size(self._divided.popitem(last=False)[1])
        return divided.get(participant, b"")


def _size(divided: dict[int, bytes]) -> int:
    return 200 + sum(map(len, divided.values()))


async def follow(
    engine: Engine, divider: Divider, participant: int, cursor: int
) -> AsyncIterator[tuple[int, bytes]]:
    """Yield (cursor, serialised `FollowResponse`) for all that concerns *participant*, for ever.

    Nothing is kept for a stream: one that isn't read from simply stays where it is in the journal.
    """
    told = cursor
    async for frame in engine.follow(cursor):
        fields = divider.fields_for(participant, frame)
        if fields or frame.sequence - told >= SILENT_FRAMES_MAX:
            told = frame.sequence
            yield told, _CURSOR + varint(told) + fields
        else:
            await asyncio.sleep(0)  # frames of the files come many at once


def divide(frame: Frame, reasons: ReasonBook) -> dict[int, bytes]:
    """Return the wire fields that each participant gets of *frame*, by its number."""
    parts: defaultdict[int, list[bytes]] = defaultdict(list)
    if frame.operation == Operation.CREATE_TRANSFERS and len(frame.records):
        _divide_offers(frame, parts)
    if len(frame.expired):
        _divide_expiries(frame, parts)
    if frame.operation == Operation.CREATE_TRANSFERS and len(frame.records):
        _divide_outcomes(frame, parts, reasons)
    return {participant: b"".join(pieces) for participant, pieces in parts.items()}


def _divide_offers(frame: Frame, parts: defaultdict[int, list[bytes]]) -> None:
    """Give each new payment to the creditor's side, with the bytes it was submitted in."""
    records = frame.records
    offsets = frame.payload_offsets
    if not len(offsets):
        return
    offered = (
        (frame.statuses == CREATED)
        & (records["flags"] & ENDS == 0)
        & (records["code"] < KINDS_BELOW)
        & (offsets[1:] > offsets[:-1])
    )
    places = np.flatnonzero(offered)
    if not len(places):
        return
    payloads = frame.payloads
    starts, stops = offsets[places].tolist(), offsets[places + 1].tolist()
    creditors = _participants(records["credit_account_id"][places])
    for start, stop, creditor in zip(starts, stops, creditors, strict=True):
        if creditor:
            parts[creditor] += (_OFFER, _length(stop - start), payloads[start:stop])


def _divide_expiries(frame: Frame, parts: defaultdict[int, list[bytes]]) -> None:
    """Tell both sides of the payments that ran out before the frame's records."""
    expired = frame.expired
    ids = _big_endian(expired["id"])
    moment = _TIMESTAMP + varint(frame.timestamp - len(frame.records))
    debtors = _participants(expired["debit_account_id"])
    creditors = _participants(expired["credit_account_id"])
    state = _STATE + varint(PaymentState.PAYMENT_STATE_EXPIRED)
    for index, (debtor, creditor) in enumerate(zip(debtors, creditors, strict=True)):
        body = _ID + ids[index * 16 : index * 16 + 16] + state + moment
        _tell(parts, body, debtor, creditor)


def _divide_outcomes(
    frame: Frame, parts: defaultdict[int, list[bytes]], reason_book: ReasonBook
) -> None:
    """Tell who is concerned by the payments that ended in the frame."""
    records = frame.records
    statuses = frame.statuses
    flags = records["flags"]
    created = statuses == CREATED
    ends = flags & ENDS != 0
    own = records["id"]["hi"] & _OWN_BIT != 0
    declined = ~ends & ~own & np.isin(statuses, _BURNING)
    ended = (created & (flags & PENDING == 0) | declined) & (records["code"] < KINDS_BELOW)
    places = np.flatnonzero(ended)
    if not len(places):
        return
    chosen = records[places]
    identities = np.where(ends[places], chosen["pending_id"], chosen["id"])
    ids = _big_endian(identities)
    moments = _moments(frame.timestamp - len(records) + 1 + places.astype(np.int64))
    debtors = _participants(chosen["debit_account_id"])
    creditors = _participants(chosen["credit_account_id"])
    voided = (chosen["flags"] & VOIDS != 0).tolist()
    reasons = chosen["user_data_32"].tolist()
    settled = _STATE + varint(PaymentState.PAYMENT_STATE_SETTLED)
    rejected = _STATE + varint(PaymentState.PAYMENT_STATE_REJECTED)
    refused = _STATE + varint(PaymentState.PAYMENT_STATE_DECLINED)
    lacking = declined[places].tolist()
    for index, (debtor, creditor) in enumerate(zip(debtors, creditors, strict=True)):
        identity = _ID + ids[index * 16 : index * 16 + 16]
        moment = _TIMESTAMP + moments[index * _TIMESTAMP_BYTES : (index + 1) * _TIMESTAMP_BYTES]
        if lacking[index]:
            place = int(places[index])
            decision = int(frame.decisions[place]) if len(frame.decisions) else 0
            code = reason_book.reason(int(statuses[place]), decision).code
            _tell(parts, identity + refused + _reason(code) + moment, debtor)
        elif voided[index]:
            body = identity + rejected + _reason(reason_code(reasons[index])) + moment
            _tell(parts, body, debtor, creditor)
        else:
            _tell(parts, identity + settled + moment, debtor, creditor)


def _tell(parts: defaultdict[int, list[bytes]], body: bytes, *participants: int) -> None:
    for participant in participants:
        if participant:
            parts[participant] += (_OUTCOME, _length(len(body)), body)


def _reason(code: str) -> bytes:
    return _REASON + code.encode("ascii") if code else b""


def _participants(accounts: Records) -> list[int]:
    """Return the numbers of the participants whose positions these are; 0 for other accounts."""
    low = accounts["lo"]
    numbers = low // np.uint64(ACCOUNTS_PER_PARTICIPANT)
    numbers[(low % np.uint64(ACCOUNTS_PER_PARTICIPANT) != POSITION) | (accounts["hi"] != 0)] = 0
    found: list[int] = numbers.tolist()
    return found


def _big_endian(ids: Records) -> bytes:
    """Return ids as the contract writes them, 16 bytes each, one behind the other."""
    words = np.empty((len(ids), 2), ">u8")
    words[:, 0] = ids["hi"]
    words[:, 1] = ids["lo"]
    return words.tobytes()


def _moments(timestamps: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> bytes:
    """Return timestamps as varints of nine bytes each, one behind the other."""
    rest = timestamps.astype(np.uint64)
    out = np.empty((len(rest), _TIMESTAMP_BYTES), np.uint8)
    for place in range(_TIMESTAMP_BYTES):
        out[:, place] = rest & np.uint64(0x7F)
        out[:, place] |= 0x80 if place < _TIMESTAMP_BYTES - 1 else 0
        rest >>= np.uint64(7)
    return out.tobytes()
