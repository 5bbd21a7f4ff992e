"""The proofs that `payvand verify` lists: journal, ledger, windows, database, statements.

    proofs = await prove_all(folder, pool)
    right = all(proof.holds for proof in proofs)

Their names, in order, each a promise to scripts:

    journal_intact               every checksum, and the chain of SHA-256 from frame to frame
    replay_equals_journal        the frames lead again to the outcomes journaled with them
    snapshots_equal_journal      whole to the last bit, and the books that the frames lead to
    books_balance                debits = credits over all accounts, posted and pending
    limits_hold                  no transfer ever took an account beyond its limit or a quota
    windows_net_to_zero          the nets of each window add up to zero
    windows_equal_recount        the notes of closings are what the postings add up to
    days_equal_their_roots       each closed day's frames lead to its signed root
    projection_has_no_gap        every frame is in the database once, with every row
    database_equals_ledger       its rows add up to every account's balances and limit
    database_equals_windows      its net positions are those of the recount
    database_equals_acts         its acts of operators are those of the journal
    statements_equal_ledger      they lead from window to window, to the ledger's balances

Where the journal is damaged only what is wrong with it is returned: nothing else can be shown.
"""

import asyncio
from pathlib import Path

from payvand.settlement.database import Pool
from payvand.settlement.ledger_proofs import prove_journal
from payvand.settlement.projection_proofs import (
    prove_database_equals_acts,
    prove_database_equals_ledger,
    prove_database_equals_windows,
    prove_projection_has_no_gap,
    prove_statements_equal_ledger,
)
from payvand.settlement.projector import Projector, follow_files
from payvand.settlement.proof import Proof

__all__ = ["Proof", "prove_all"]


async def prove_all(folder: Path, pool: Pool | None = None, *, day_key: bytes = b"") -> list[Proof]:
    """Prove what the files of a journal and the projection of it can show.

    Args:
        folder: The journal, which no engine is writing.
        pool: The database with the projection, which is brought up to the journal's end first;
            without it only the files are looked at.
        day_key: The public key that closed days have to be signed by; empty for the one that each
            names.
    """
    journal = await asyncio.to_thread(prove_journal, folder, day_key=day_key)
    if pool is None or not journal.complete:
        return journal.proofs
    await Projector(pool, follow_files(folder)).run()
    async with pool.acquire() as connection:
        return [
            *journal.proofs,
            await prove_projection_has_no_gap(connection),
            await prove_database_equals_ledger(
                connection, journal.ledger, sequence=journal.sequence
            ),
            await prove_database_equals_windows(connection, journal.recounts),
            await prove_database_equals_acts(connection, journal.acts),
            await prove_statements_equal_ledger(connection, journal.ledger),
        ]
