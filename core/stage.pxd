"""A stage stands between the queue and the ledger and may decline a transfer before it is applied."""

from payvand.core.types cimport Transfer, u32, u64

cdef enum:
    # The two lowest bits of a decision. The stage owns the bits above them; they are journaled
    # with the frame and mean nothing to the ledger.
    DECISION_ALLOW = 0
    DECISION_REVIEW = 1
    DECISION_DECLINE = 2
    DECISION_ACTION_MASK = 3

cdef class Stage:
    cdef void decide(self, const Transfer* transfers, u32 count, u64 timestamp,
                     u32* decisions) noexcept nogil
    cdef void observe(self, const Transfer* transfers, const u32* decisions, const u32* statuses,
                      u32 count, u64 timestamp, bint decided) noexcept nogil
