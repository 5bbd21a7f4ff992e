"""Rows made for the binary COPY arrive in PostgreSQL as the values that they were made of."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np
import pytest

from payvand.core.records import u128_array
from payvand.settlement.copying import HEADER, TRAILER, Column, encode_rows, weave

EDGES = [0, 1, 9_999, 10_000, 2**32, 2**63, 2**64 - 1]
WIDE = [*EDGES, 2**64, 10**36, 2**127, 2**128 - 1]


async def copied(database: str, types: list[str], *chunks: bytes) -> list[list[Any]]:
    """Return the rows that a COPY of *chunks* adds to an empty table."""

    async def stream() -> AsyncIterator[bytes]:
        for chunk in (HEADER, *chunks, TRAILER):
            yield chunk

    connection = await asyncpg.connect(database)
    columns = ", ".join(f"c{index} {kind}" for index, kind in enumerate(types))
    await connection.execute(f"CREATE TEMPORARY TABLE arrived ({columns})")
    await connection.copy_to_table("arrived", source=stream(), format="binary")
    rows = [list(row.values()) for row in await connection.fetch("SELECT * FROM arrived")]
    await connection.close()
    return rows


@pytest.mark.parametrize("values", [EDGES, WIDE], ids=["64 bits", "128 bits"])
def test_integers_of_all_widths_arrive_exactly(database: str, values: list[int]) -> None:
    rows = encode_rows(
        len(values),
        [Column("numeric", u128_array(values)), Column("uuid", u128_array(values))],
    )
    arrived = asyncio.run(copied(database, ["numeric(39)", "uuid"], rows.tobytes()))
    assert arrived == [[value, UUID(int=value)] for value in values]


def test_scalars_and_nulls_arrive(database: str) -> None:
    columns = [
        Column("numeric", np.array([2**64 - 1, 0], np.uint64)),
        Column("bigint", np.array([-(2**63), 2**63 - 1])),
        Column("integer", 7),
        Column("smallint", np.array([-1, 1])),
        Column("boolean", np.array([True, False])),
        Column("null"),
    ]
    types = ["numeric(20)", "bigint", "integer", "smallint", "boolean", "uuid"]
    arrived = asyncio.run(copied(database, types, encode_rows(2, columns).tobytes()))
    assert arrived == [
        [2**64 - 1, -(2**63), 7, -1, True, None],
        [0, 2**63 - 1, 7, 1, False, None],
    ]


def test_pieces_are_woven_behind_their_rows(database: str) -> None:
    pieces = [b"first", b"", b"third" * 1_000, None]
    lengths = np.array([-1 if piece is None else len(piece) for piece in pieces])
    rows = encode_rows(4, [Column("integer", np.arange(4)), Column("length", lengths)])
    offsets = np.cumsum([0, *np.maximum(lengths, 0)])
    woven = weave(rows, b"".join(piece or b"" for piece in pieces), offsets)
    arrived = asyncio.run(copied(database, ["integer", "bytea"], woven))
    assert arrived == [[index, piece] for index, piece in enumerate(pieces)]


def test_blocks_with_numerics_of_different_widths_follow_each_other(database: str) -> None:
    blocks = [
        encode_rows(1, [Column("numeric", u128_array([value]))]).tobytes() for value in (5, 2**100)
    ]
    assert len(blocks[0]) < len(blocks[1])
    assert asyncio.run(copied(database, ["numeric(39)"], *blocks)) == [[5], [2**100]]
