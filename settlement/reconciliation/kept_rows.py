"""A file's rows on their way into the database, in the order of the payments that they are about.

So the index by payment grows at its end, instead of being torn open a million times at random; and
a row whose reference is its payment's id, to the letter, leaves it out.
"""

from collections.abc import Iterator

import numpy as np

from payvand.core.records import U128, u128_array
from payvand.settlement.copying import Column, encode_rows, weave
from payvand.settlement.reconciliation.bank_file import IDENTITY_DIGITS, BankFile
from payvand.settlement.reconciliation.matching import Matching, Postings, Rule

__all__ = ["CHUNK_ROWS", "encode_kept"]

CHUNK_ROWS = 50_000


def encode_kept(
    number: int, file: BankFile, postings: Postings, matching: Matching
) -> Iterator[bytes]:
    """Yield the rows of file *number* for a binary COPY, some thousands at a time."""
    columns = [
        np.frombuffer(column, np.int64)
        for column in (file.rows.numbers, file.rows.amounts, file.rows.days)
    ]
    numbers, amounts, days = columns
    payment_of = np.array(matching.payment_of, np.int64)
    rules = np.array(matching.rule_of, np.int64)
    ids = np.concatenate([u128_array(postings.ids), np.zeros(1, U128)])[payment_of]
    plain = np.fromiter(map(len, file.rows.references), np.int64, len(payment_of))
    told = (rules != int(Rule.EXACT)) | (plain != IDENTITY_DIGITS)
    order = np.lexsort((ids["lo"], ids["hi"]))
    for fits in (True, False):
        chosen = order[(payment_of[order] >= 0) == fits]
        for start in range(0, len(chosen), CHUNK_ROWS):
            at = chosen[start : start + CHUNK_ROWS]
            texts = [file.rows.references[place].encode() for place in at[told[at]].tolist()]
            lengths = np.full(len(at), -1, np.int64)
            lengths[told[at]] = [len(text) for text in texts]
            rows = encode_rows(
                len(at),
                [
                    Column("bigint", number),
                    Column("integer", numbers[at]),
                    Column("uuid", ids[at]) if fits else Column("null"),
                    Column("smallint", rules[at]),
                    Column("bigint", amounts[at]),
                    Column("integer", days[at]),
                    Column("length", lengths),
                ],
            )
            ends = np.cumsum(np.maximum(lengths, 0))
            yield weave(rows, b"".join(texts), np.concatenate([[0], ends]))
