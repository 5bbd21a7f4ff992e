"""A program that commits far beyond its horizon, and marks what was acknowledged.

    python -m tests.support.forgetful_client FOLDER BATCHES

Batch n holds the transfers n * BATCH_ROWS + 1 and on. Each is sent once; snapshots are taken now
and then. A fault ends the program, and is printed.
"""

import sys
from pathlib import Path

from payvand.core.errors import PayvandFault
from tests.support.disk import mark
from tests.support.journaled_ledger import JournaledLedger
from tests.support.ledger_records import Account, Transfer

BATCH_ROWS = 6
BATCHES_BETWEEN_SNAPSHOTS = 40


def batch(number: int) -> list[Transfer]:
    """Return the transfers of a batch."""
    first = number * BATCH_ROWS + 1
    return [Transfer(id, 1, 2, 10, ledger=1, code=1) for id in range(first, first + BATCH_ROWS)]


def main(folder: str, batches: str) -> None:
    """Commit, until all is sent or a fault comes."""
    try:
        ledger = JournaledLedger(Path(folder))
        ledger.create_accounts([Account(1), Account(2)], 1)
        for number in range(int(batches)):
            ledger.create_transfers(batch(number), number + 2)
            mark(str(number))
            if number % BATCHES_BETWEEN_SNAPSHOTS == BATCHES_BETWEEN_SNAPSHOTS - 1:
                ledger.archive.take_snapshot()
        ledger.close()
    except PayvandFault as fault:
        print(f"{type(fault).__name__}: {fault}")


if __name__ == "__main__":
    main(*sys.argv[1:])
