"""The acts of operators, read from the journal at the start and written to it while it runs.

Whoever keeps a state that follows from acts is told of each, in the order of the journal: first of
those that were there when the switch started, then of each new one once it is on stable storage.
An act that can't be written is told to nobody, and so has no effect.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from payvand.core.engine import Engine
from payvand.core.records import TRANSFER
from payvand.settlement.database import Pool
from payvand.settlement.operator_acts import (
    EVENT_OPERATOR_ACT,
    OperatorAct,
    note_of,
    read_acts,
    tells_act,
)

__all__ = ["ActJournal"]

Listener = Callable[[OperatorAct], None]


class ActJournal:
    """The acts of one switch. One for each process: nobody else writes acts to its engine."""

    def __init__(self, engine: Engine) -> None:
        """Write acts to *engine*; `load` those that are there."""
        self._engine = engine
        self._listeners: list[Listener] = []

    def watch(self, listener: Listener) -> None:
        """Tell *listener* of each act; before `load`, so that it is told of all."""
        self._listeners.append(listener)

    async def load(self, pool: Pool) -> None:
        """Read what the projection knows, and from the journal what it doesn't know yet."""
        async with (
            pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            sequence = await connection.fetchval("SELECT sequence FROM books.cursor")
            acts = await read_acts(connection)
        for act in acts:
            self._tell(act)
        last = self._engine.sequence
        if sequence >= last:
            return
        async for frame in self._engine.follow(sequence):
            if tells_act(frame):
                self._tell(OperatorAct.of(frame))
            if frame.sequence >= last:
                break

    async def record(
        self, act: str, *, operator: str, proposal: bytes = b"", **details: Any
    ) -> OperatorAct:
        """Write an act down; it is on stable storage, and listeners know of it, on return.

        Raises what the engine raises where it can't be written; then nothing has happened.
        """
        return await self.record_note(note_of(act, operator, proposal, details))

    async def record_note(
        self, note: bytes, *, then: Callable[[OperatorAct], None] | None = None
    ) -> OperatorAct:
        """Write down an act that is in the form of its note; *then* is told of it the last."""
        async with self._engine.still() as still:
            committed = await still.create_transfers(
                np.zeros(0, TRANSFER), event=EVENT_OPERATOR_ACT, note=note
            )
            told = OperatorAct.from_note(
                note, sequence=committed.sequence, timestamp=committed.timestamp
            )
            # Still: what listeners change, payments of later frames find changed.
            self._tell(told)
            if then is not None:
                then(told)
        return told

    def _tell(self, act: OperatorAct) -> None:
        for listener in self._listeners:
            listener(act)
