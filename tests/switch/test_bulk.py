"""A bulk of more than 100,000 payments: a result a line, resumed where it broke, one effect."""

import asyncio
from collections import Counter
from pathlib import Path

import numpy as np

from payvand.client import PackedBatch, packed_payments
from payvand.v1.payment_pb2 import PaymentState
from tests.support.town import TAX_IBAN, Town, open_town

LINES = 100_100
BATCH = 7_700
ACCOUNTS = 1_000
"""That pay, so that none of them pays suspiciously often."""
BAD = 9_973
"""Every so many lines one is wrong."""
SETTLED = PaymentState.PAYMENT_STATE_SETTLED
REFUSED = PaymentState.PAYMENT_STATE_REFUSED


def batches(town: Town) -> list[PackedBatch]:
    amounts = np.ones(LINES, np.uint64)
    amounts[::BAD] = 0
    ours = [town.account("melli", number) for number in range(ACCOUNTS)]
    records = packed_payments(
        LINES,
        debtor_iban=np.resize(np.array(ours, "S26"), LINES),
        creditor_iban=TAX_IBAN,
        amount=amounts,
    )
    return [PackedBatch(records[at : at + BATCH]) for at in range(0, LINES, BATCH)]


def test_a_bulk_is_resumed_with_a_result_for_each_line_and_one_effect(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_town(tmp_path, database) as town:
            bulk, bank = batches(town), town.bank("melli")
            before: list[list[int]] = []
            async for _, reply in bank.submit_stream(bulk):
                before.append(list(reply.states))
                if len(before) == 5:
                    break
            told: list[list[int]] = []
            async for _, reply in bank.submit_stream(bulk):
                told.append(list(reply.states))
            assert told[:5] == before
            states = [state for batch in told for state in batch]
            bad = len(range(0, LINES, BAD))
            assert Counter(states) == {SETTLED: LINES - bad, REFUSED: bad}
            assert [at for at, state in enumerate(states) if state == REFUSED] == list(
                range(0, LINES, BAD)
            )
            position = await bank.positions.now()
            assert position.balance == str(bad - LINES)
            never = await bank.status([b"never seen".rjust(16, b"\0")])
            assert [one.state for one in never] == [PaymentState.PAYMENT_STATE_UNKNOWN]

    asyncio.run(scene())
