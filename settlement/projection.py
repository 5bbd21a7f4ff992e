"""What a run of frames adds to the tables of `books`.

A `Projection` gathers frames and then makes all their rows at once: with frames of one record,
as at low load, the cost is by the batch and not by the frame. It knows nothing of the database
but the order of the columns in `books.sql`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from payvand.core.frame import Frame
from payvand.core.records import (
    ACCOUNT,
    EXPIRED,
    LIMIT,
    TRANSFER,
    U128,
    Operation,
    Records,
    u128_list,
)
from payvand.core.statuses import TransferStatus
from payvand.settlement.copying import HEADER, TRAILER, Column, encode_rows, weave
from payvand.settlement.errors import ForeignRecord
from payvand.settlement.operator_acts import OperatorAct, tells_act
from payvand.settlement.windows import (
    CREATED,
    ClosedWindow,
    closes_window,
    is_zero,
    moved_amounts,
    unnamed_accounts,
)

__all__ = ["Projection"]

_KNOWN_BEFORE = np.array(
    [status for status in TransferStatus if status.name.startswith("EXISTS")]
    + [TransferStatus.ID_ALREADY_FAILED],
    np.uint32,
)
_BURNING = np.array([status for status in TransferStatus if status.transient], np.uint32)


class Projection:
    """The rows that consecutive frames add, gathered until they are copied to the database."""

    def __init__(self, *, sequence: int, open_window: int) -> None:
        """Begin after the frame *sequence*, with *open_window* the number of the open window."""
        self.sequence = sequence
        """The last frame gathered."""
        self.timestamp = 0
        """Of the last frame gathered, in nanoseconds."""
        self.open_window = open_window
        self.rows = 0
        """How many rows the frames will add, about."""
        self.closed: list[ClosedWindow] = []
        self.acts: list[tuple[OperatorAct, bytes]] = []
        """What operators did, each with its note."""
        self._frames: list[Frame] = []
        self._windows: list[int] = []

    def add(self, frame: Frame) -> None:
        """Gather the next frame."""
        assert frame.sequence == self.sequence + 1, "frames come without gaps"
        self._frames.append(frame)
        self._windows.append(self.open_window)
        self.rows += 1 + len(frame.records) + len(frame.expired)
        self.sequence = frame.sequence
        self.timestamp = frame.timestamp
        if closes_window(frame):
            closed = ClosedWindow.of(frame)
            self.closed.append(closed)
            self.open_window = closed.number + 1
        elif tells_act(frame):
            self.acts.append((OperatorAct.of(frame), frame.note))

    def tables(self) -> Iterator[tuple[str, list[bytes]]]:
        """Yield each table that gets rows, with the chunks of a binary COPY into it."""
        made = {
            "frame": self._frame_rows(),
            "account": self._account_rows(),
            "account_limit": self._limit_rows(),
            "expiry": self._expiry_rows(),
        } | self._transfer_rows()
        for table, chunks in made.items():
            if chunks:
                yield table, [HEADER, *chunks, TRAILER]

    def _of(self, operation: Operation) -> tuple[list[Frame], list[int]]:
        pairs = [
            (frame, window)
            for frame, window in zip(self._frames, self._windows, strict=True)
            if frame.operation == operation and len(frame.records)
        ]
        return [frame for frame, _ in pairs], [window for _, window in pairs]

    def _frame_rows(self) -> list[bytes]:
        """Return one row for each frame."""
        figures = np.array(
            [
                (
                    *(frame.sequence, frame.timestamp, int(frame.operation), frame.event),
                    *(len(frame.records), *_outcomes(frame), len(frame.expired)),
                )
                for frame in self._frames
            ],
            np.int64,
        ).reshape(-1, 8)
        kinds = ("bigint", "bigint", "smallint", "bigint", *["integer"] * 4)
        columns = [Column(kind, figures[:, index]) for index, kind in enumerate(kinds)]
        return [encode_rows(len(figures), columns).tobytes()] if len(figures) else []

    def _account_rows(self) -> list[bytes]:
        frames, _ = self._of(Operation.CREATE_ACCOUNTS)
        if not frames:
            return []
        records, statuses, timestamps, sequences = _joined(frames, ACCOUNT)
        created = statuses == CREATED
        made = records[created]
        columns = [
            Column("bigint", _account_ids(made["id"])),
            Column("bigint", made["ledger"]),
            Column("integer", made["code"]),
            Column("integer", made["flags"]),
            Column("uuid", made["user_data_128"]),
            Column("bigint", made["user_data_64"].astype(np.int64)),
            Column("bigint", made["user_data_32"]),
            Column("bigint", timestamps[created]),
            Column("bigint", sequences[created]),
        ]
        return [encode_rows(len(made), columns).tobytes()]

    def _limit_rows(self) -> list[bytes]:
        frames, _ = self._of(Operation.SET_LIMITS)
        if not frames:
            return []
        records, statuses, timestamps, sequences = _joined(frames, LIMIT)
        created = statuses == CREATED
        columns = [
            Column("bigint", _account_ids(records["account_id"][created])),
            Column("numeric", records["limit"][created]),
            Column("bigint", timestamps[created]),
            Column("bigint", sequences[created]),
        ]
        return [encode_rows(int(np.count_nonzero(created)), columns).tobytes()]

    def _expiry_rows(self) -> list[bytes]:
        """Return the reservations that ran out, at the moment before their frame's records."""
        frames = [frame for frame in self._frames if len(frame.expired)]
        if not frames:
            return []
        expired = np.concatenate([frame.expired for frame in frames]).astype(EXPIRED, copy=False)
        counts = [len(frame.expired) for frame in frames]
        moments = [frame.timestamp - len(frame.records) for frame in frames]
        columns = [
            Column("uuid", expired["id"]),
            Column("bigint", np.repeat(np.array(moments, np.int64), counts)),
            Column("bigint", np.repeat(np.array([f.sequence for f in frames], np.int64), counts)),
        ]
        return [encode_rows(len(expired), columns).tobytes()]

    def _transfer_rows(self) -> dict[str, list[bytes]]:
        """Return the rows of `transfer` and of `failure`."""
        frames, windows = self._of(Operation.CREATE_TRANSFERS)
        if not frames:
            return {}
        records, statuses, timestamps, sequences = _joined(frames, TRANSFER)
        amounts = _moved_amounts(frames)
        window_of = np.repeat(np.array(windows, np.int64), [len(frame.records) for frame in frames])
        payloads, lengths = _payloads(frames)
        ends = np.cumsum(lengths)
        created = statuses == CREATED
        resolving = ~is_zero(records["pending_id"])
        unnamed = created & resolving & is_zero(records["debit_account_id"])
        if unnamed.any():
            raise unnamed_accounts(int(sequences[unnamed.argmax()]))
        chunks = []
        for chosen, with_pending in ((created & ~resolving, False), (created & resolving, True)):
            indexes = np.flatnonzero(chosen)
            if not len(indexes):
                continue
            made = records[indexes]
            sizes = lengths[indexes]
            columns = [
                Column("uuid", made["id"]),
                Column("bigint", _account_ids(made["debit_account_id"])),
                Column("bigint", _account_ids(made["credit_account_id"])),
                Column("numeric", amounts[indexes]),
                Column("uuid", made["pending_id"]) if with_pending else Column("null"),
                Column("uuid", made["user_data_128"]),
                Column("bigint", made["user_data_64"].astype(np.int64)),
                Column("bigint", made["user_data_32"]),
                Column("bigint", made["timeout"]),
                Column("bigint", made["ledger"]),
                Column("integer", made["code"]),
                Column("integer", made["flags"]),
                Column("bigint", timestamps[indexes]),
                Column("bigint", sequences[indexes]),
                Column("integer", window_of[indexes]),
                Column("length", np.where(sizes > 0, sizes, -1)),
            ]
            rows = encode_rows(len(made), columns)
            if sizes.any():
                # Those of the transfers chosen; most often that is all there are.
                chunks.append(_weave_chosen(rows, payloads, ends[indexes] - sizes, sizes))
            else:
                chunks.append(rows.tobytes())
        failures = _failure_rows(frames, records, statuses, timestamps, sequences)
        return {"transfer": chunks, "failure": failures}


def _outcomes(frame: Frame) -> tuple[int, int]:
    """Return how many records took effect, and how many are transfers that failed anew."""
    created = int(np.count_nonzero(frame.statuses == CREATED))
    if created == len(frame.records) or frame.operation != Operation.CREATE_TRANSFERS:
        return created, 0
    return created, int(np.count_nonzero(_failed(frame.statuses)))


def _failed(statuses: Any) -> Any:
    """Tell which events had no effect, with an id that had no outcome before."""
    return (statuses != CREATED) & ~np.isin(statuses, _KNOWN_BEFORE)


def _account_ids(column: Records) -> npt.NDArray[np.int64]:
    """Return ids of accounts as the database holds them."""
    if column["hi"].any() or (column["lo"] >> np.uint64(63)).any():
        raise ForeignRecord(
            f"the id of account {max(u128_list(column))} has more than 63 bits",
            hint="the accounts of participants have small ids: see who opened this one",
        )
    return column["lo"].astype(np.int64)


def _moved_amounts(frames: list[Frame]) -> Records:
    """Return for each record of the frames the amount that it really moved."""
    return np.concatenate([moved_amounts(frame) for frame in frames]).astype(U128, copy=False)


def _joined(frames: list[Frame], dtype: np.dtype[Any]) -> tuple[Records, Any, Any, Any]:
    """Return records, statuses, timestamps and sequences of the records of all frames."""
    counts = [len(frame.records) for frame in frames]
    records = np.concatenate([frame.records for frame in frames]).astype(dtype, copy=False)
    statuses = np.concatenate([frame.statuses for frame in frames])
    starts = np.cumsum([0, *counts[:-1]])
    # Record i of n has the frame's timestamp - n + 1 + i.
    first = [frame.timestamp - count + 1 for frame, count in zip(frames, counts, strict=True)]
    places = np.arange(len(records), dtype=np.int64)
    timestamps = np.repeat(np.array(first, np.int64) - starts, counts) + places
    sequences = np.repeat(np.array([frame.sequence for frame in frames], np.int64), counts)
    return records, statuses, timestamps, sequences


def _payloads(frames: list[Frame]) -> tuple[bytes, npt.NDArray[np.int64]]:
    """Return the payloads of all frames in one piece and the length of each record's."""
    lengths = [
        np.diff(frame.payload_offsets.astype(np.int64))
        if len(frame.payload_offsets)
        else np.zeros(len(frame.records), np.int64)
        for frame in frames
    ]
    return b"".join(frame.payloads for frame in frames), np.concatenate(lengths)


def _weave_chosen(
    rows: npt.NDArray[np.void], payloads: bytes, starts: Any, sizes: npt.NDArray[np.int64]
) -> bytes:
    """Weave rows with their payloads, leaving out the payloads in between."""
    if int(sizes.sum()) != len(payloads):
        view = memoryview(payloads)
        ends = (starts + sizes).tolist()
        payloads = b"".join(view[a:b] for a, b in zip(starts.tolist(), ends, strict=True))
    return weave(rows, payloads, np.concatenate([[0], np.cumsum(sizes)]))


def _failure_rows(
    frames: list[Frame], records: Records, statuses: Any, timestamps: Any, sequences: Any
) -> list[bytes]:
    """Return a row for each attempt without effect whose id had no outcome before."""
    chosen = np.flatnonzero(_failed(statuses))
    if not len(chosen):
        return []
    decisions = np.concatenate(
        [
            frame.decisions if len(frame.decisions) else np.zeros(len(frame.records), np.uint32)
            for frame in frames
        ]
    )
    tried = records[chosen]
    columns = [
        Column("uuid", tried["id"]),
        Column("bigint", statuses[chosen]),
        Column("bigint", decisions[chosen]),
        Column("boolean", np.isin(statuses[chosen], _BURNING)),
        Column("numeric", tried["debit_account_id"]),
        Column("numeric", tried["credit_account_id"]),
        Column("numeric", tried["amount"]),
        Column("bigint", tried["ledger"]),
        Column("integer", tried["code"]),
        Column("integer", tried["flags"]),
        Column("bigint", timestamps[chosen]),
        Column("bigint", sequences[chosen]),
    ]
    return [encode_rows(len(tried), columns).tobytes()]
