"""Closing the open window on a running engine.

While the engine stands still, the fees of the window are brought into the positions; these are
netted from the ledger, and the chain that settles them is committed with the note of the closing in
one frame: what was netted is what is settled, and a crash leaves the window either open or closed.
Asking again for a window that is closed gives what its closing came to.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import numpy as np

from payvand.core.engine import Engine, Still
from payvand.core.ledger import Ledger
from payvand.core.records import Records, u128_array
from payvand.core.statuses import TransferStatus
from payvand.settlement.charge_sweep import sweep_charges
from payvand.settlement.errors import WindowFault
from payvand.settlement.netting import (
    EVENT_WINDOW_CLOSED,
    Netting,
    Shortfall,
    position_account,
    settlement_account,
)
from payvand.settlement.windows import ClosedWindow, WindowBook

__all__ = ["Closing", "WhenClosed", "close_window", "standing_accounts"]

WhenClosed = Callable[[Still], Awaitable[None]]

ATTEMPTS_MAX = 64
"""How many ids are tried for the transfers of one closing."""


@dataclass(frozen=True, slots=True)
class Closing:
    """What became of a request to close a window."""

    window: int
    closed: ClosedWindow | None
    """None where it stays open, or where it was closed before the last one was."""
    shortfalls: tuple[Shortfall, ...] = ()
    """Who has to fund a settlement account before the window can be closed."""


async def close_window(
    engine: Engine,
    book: WindowBook,
    participants: Iterable[int],
    *,
    number: int = 0,
    when_closed: WhenClosed | None = None,
) -> Closing:
    """Close the open window, unless somebody can't pay.

    Args:
        engine: Where the accounts are.
        book: Follows from the engine's journal; it is moved on to the next window.
        participants: The numbers of all that have accounts.
        number: The window meant; 0 for the open one. A window closed before is not closed again.
        when_closed: What follows from it before anything else is let in.

    Raises `WindowFault` where the number lies in the future or the ledger refuses the chain.
    """
    numbers = sorted(participants)
    async with engine.still() as still:
        number = number or book.open_window
        if number < book.open_window:
            last = book.last
            return Closing(number, last if last and last.number == number else None)
        if number > book.open_window:
            raise WindowFault(
                f"window {number} isn't open yet, window {book.open_window} is",
                hint="close the windows in their order",
            )
        await sweep_charges(still, numbers, number)
        netting = book.net(*read_standing(still.ledger, numbers))
        if netting.shortfalls:
            return Closing(number, None, netting.shortfalls)
        chain, note = _fresh_chain(still.ledger, netting), netting.note()
        committed = await still.create_transfers(chain, event=EVENT_WINDOW_CLOSED, note=note)
        refused = committed.results["status"][committed.results["status"] != TransferStatus.CREATED]
        if len(refused):
            raise WindowFault(
                f"the ledger refused to settle window {number}: "
                + ", ".join(sorted({TransferStatus(status).name for status in refused.tolist()})),
                hint="the window stays open; nothing before the ledger may decline transfers of "
                "code 10",
            )
        closed = ClosedWindow.from_note(
            note, sequence=committed.sequence, timestamp=committed.timestamp
        )
        book.last = closed
        if when_closed is not None:
            await when_closed(still)
        return Closing(number, closed)


def read_standing(ledger: Ledger, participants: Iterable[int]) -> tuple[Records, Records]:
    """Return the ACCOUNT and the LIMIT records of all accounts that closing looks at."""
    ids = standing_accounts(participants)
    return ledger.lookup_accounts(ids), ledger.lookup_limits(ids)


def standing_accounts(participants: Iterable[int]) -> Records:
    """Return the ids of all accounts that closing looks at, each participant's position first."""
    return u128_array(
        account
        for number in participants
        for account in (position_account(number), settlement_account(number))
    )


def _fresh_chain(ledger: Ledger, netting: Netting) -> Records:
    """Return the chain under ids that nothing stands behind: some may be spent already."""
    for attempt in range(ATTEMPTS_MAX):
        chain = netting.transfers(attempt)
        if not len(chain) or not np.any(ledger.states(chain["id"].copy())["state"]):
            return chain
    raise WindowFault(
        f"the ids for settling window {netting.window} are spent, {ATTEMPTS_MAX} times over",
        hint="somebody takes the switch's own ids: look who sends ids with the topmost bit set",
    )
