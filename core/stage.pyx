"""A stage stands between the queue and the ledger and may decline a transfer before it is applied.

The engine calls `decide` for a batch, applies it, and calls `observe` with what became of it. What
was decided is journaled. A replay takes decisions from the journal and calls only `observe`, so a
stage must come to the same state both ways: `decided` tells it whether `decide` went before.
"""


cdef class Stage:
    """Allow every transfer; the base of stages that do more."""

    cdef void decide(self, const Transfer* transfers, u32 count, u64 timestamp,
                     u32* decisions) noexcept nogil:
        """Write one decision for each transfer of a batch (in: transfers; out: decisions)."""
        cdef u32 index
        for index in range(count):
            decisions[index] = DECISION_ALLOW

    cdef void observe(self, const Transfer* transfers, const u32* decisions, const u32* statuses,
                      u32 count, u64 timestamp, bint decided) noexcept nogil:
        """Learn what was decided on a batch and what became of it (in: all).

        *decisions* is NULL where a frame was journaled without any.
        """
        pass

    def save(self):
        """Return the state as bytes, for a snapshot; None to observe all frames again instead.

        Batches wait while this runs, so it must not take longer than a few of them.
        """
        return b"" if type(self) is Stage else None

    def load(self, state):
        """Take over what `save` returned; False where it is of another configuration."""
        return True
