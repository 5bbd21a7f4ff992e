"""Proofs on the journal and on the ledger replayed from it, without a database."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from payvand.core.errors import JournalCorrupt, ReplayDiffers
from payvand.core.frame import Frame
from payvand.core.ledger import Ledger
from payvand.core.records import Operation
from payvand.core.replay import replay
from payvand.core.segments import JournalReader, journal_id_of
from payvand.core.stage import Stage
from payvand.settlement.business_day import DayRecount, prove_days_equal_their_roots
from payvand.settlement.checkpoints import Checkpoints
from payvand.settlement.headroom import HeadroomWalk
from payvand.settlement.operator_acts import OperatorAct, tells_act
from payvand.settlement.proof import Proof, verdict
from payvand.settlement.quota_walk import QuotaWalk
from payvand.settlement.recount import Recount, WindowRecount
from payvand.settlement.windows import CREATED

__all__ = [
    "JournalProofs",
    "prove_books_balance",
    "prove_journal",
    "prove_windows_equal_recount",
    "prove_windows_net_to_zero",
]


@dataclass(slots=True)
class JournalProofs:
    """What reading a journal from end to end proved, and what it left behind."""

    proofs: list[Proof] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    """The books replayed."""
    recounts: list[Recount] = field(default_factory=list)
    acts: list[tuple[OperatorAct, bytes]] = field(default_factory=list)
    """What operators did, each with its note."""
    sequence: int = 0
    """Of the last frame."""
    complete: bool = False
    """Whether the journal could be read and replayed to its end."""


def prove_journal(folder: Path, *, day_key: bytes = b"") -> JournalProofs:
    """Prove all that a journal alone can show, in one pass; it blocks for as long as that takes.

    Where bytes are damaged, or a replay leads elsewhere, that is the only proof returned: it says
    where, and what stands behind the damage can't be relied on. The closings of days have to bear
    the signatures of *day_key* (32 bytes); where it is empty, of the key that each one names.
    """
    found = JournalProofs()
    reader = JournalReader(folder, strict=True)
    days = DayRecount(journal_id_of(folder) or b"", public_key=day_key)
    seen = _Seen(
        HeadroomWalk(found.ledger.lookup_transfers),
        QuotaWalk(found.ledger),
        days,
        Checkpoints(folder, found.ledger),
    )
    try:
        sequence = replay(found.ledger, Stage(), seen.watch(reader))
        seen.checkpoints.hold_against(reader.end)
    except JournalCorrupt as error:
        found.proofs.append(Proof("journal_intact", False, str(error)))
        return found
    except ReplayDiffers as error:
        found.proofs.append(Proof("replay_equals_journal", False, str(error)))
        return found
    found.sequence, found.recounts, found.complete = sequence, seen.recount.recounts, True
    found.acts = seen.acts
    end = reader.end
    head = end.digest.hex() if end else "none"
    seen_frames = [f"{sequence:,} frames, the last with SHA-256 {head}"]
    if end and end.torn:
        seen_frames.append(f"{end.torn[1] - end.torn[0]} bytes of an unfinished write")
    walk, quotas = seen.walk, seen.quotas
    found.proofs += [
        Proof("journal_intact", True, "; ".join(seen_frames)),
        Proof("replay_equals_journal", True, f"{seen.records:,} records"),
        seen.checkpoints.proof(),
        prove_books_balance(found.ledger, sorted(seen.ledgers)),
        verdict(
            "limits_hold",
            walk.named + quotas.named,
            f"{walk.uses:,} uses of limited accounts, {quotas.uses:,} of quotas",
            wrong_total=walk.crossings + quotas.crossings,
        ),
        prove_windows_net_to_zero(found.recounts),
        prove_windows_equal_recount(found.recounts),
        prove_days_equal_their_roots(days),
    ]
    return found


class _Seen:
    """What is gathered from the frames on their way to the replay."""

    def __init__(
        self, walk: HeadroomWalk, quotas: QuotaWalk, days: DayRecount, checkpoints: Checkpoints
    ) -> None:
        self.walk = walk
        self.quotas = quotas
        self.days = days
        self.checkpoints = checkpoints
        self.recount = WindowRecount()
        self.acts: list[tuple[OperatorAct, bytes]] = []
        self.ledgers: set[int] = set()
        self.records = 0

    def watch(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Pass the frames on, and look at each once the ledger has it."""
        for frame in frames:
            yield frame
            self.records += len(frame.records)
            self.walk.add(frame)
            self.quotas.add(frame)
            self.recount.add(frame)
            self.days.add(frame)
            if tells_act(frame):
                self.acts.append((OperatorAct.of(frame), frame.note))
            self.checkpoints.look(frame)
            if frame.operation == Operation.CREATE_ACCOUNTS:
                made = frame.records["ledger"][frame.statuses == CREATED]
                self.ledgers.update(np.unique(made).tolist())


def prove_books_balance(books: Ledger, ledgers: Iterable[int]) -> Proof:
    """Prove that debits equal credits over all accounts, posted and pending, in each ledger."""
    wrong, seen = [], []
    for ledger in ledgers:
        totals = books.totals(ledger)
        seen.append(f"ledger {ledger}: {totals['debits_posted']:,} posted on each side")
        for kind in ("posted", "pending"):
            debits, credits = totals[f"debits_{kind}"], totals[f"credits_{kind}"]
            if debits != credits:
                wrong.append(f"ledger {ledger}: {kind} debits {debits:,}, credits {credits:,}")
    return verdict("books_balance", wrong, "; ".join(seen) or "no account")


def prove_windows_net_to_zero(recounts: list[Recount]) -> Proof:
    """Prove that the windows are numbered without gaps and that each one's nets add up to zero."""
    wrong = []
    for number, recount in enumerate(recounts, 1):
        if recount.closed.number != number:
            wrong.append(f"window {recount.closed.number} was closed as number {number}")
        if not recount.nets_to_zero:
            wrong.append(f"the nets of window {number} don't add up to zero")
    return verdict("windows_net_to_zero", wrong, f"{len(recounts):,} windows")


def prove_windows_equal_recount(recounts: list[Recount]) -> Proof:
    """Prove that each closing's note says what the postings of all frames add up to."""
    wrong = [
        f"window {recount.closed.number}: noted {noted}, counted {counted}"
        for recount in recounts
        for noted, counted in recount.disagreements()
    ]
    return verdict(
        "windows_equal_recount", wrong, f"{sum(len(r.positions) for r in recounts):,} positions"
    )
