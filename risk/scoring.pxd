"""Features, the model's score and expressions of a block of payments."""

from payvand.core.types cimport Transfer, u32, u64
from payvand.risk.attempts cimport Attempts
from payvand.risk.feature_engine cimport FeatureEngine
from payvand.risk.tree_evaluator cimport TreeModel

cdef enum:
    SCORED_ROWS = 128          # transfers that are looked at together
    PAYMENT_FIELDS = 7

cdef class Scoring:
    cdef readonly FeatureEngine features
    cdef readonly TreeModel model
    cdef Attempts attempts
    cdef object programs       # of Program
    cdef void** runs           # the same, borrowed
    cdef u32 programs_count
    cdef u32 fields[32]        # of the event row: which field of a payment
    cdef u32 fields_count
    cdef u32 columns[4096]     # of the model: which feature
    cdef u64* events           # a block's, and what comes of them
    cdef double* values
    cdef double* inputs
    cdef double* scores
    cdef u64* registers
    cdef u32 places[SCORED_ROWS]
    cdef u64 truths[SCORED_ROWS]
    cdef u32 count

    cdef void take(self, const Transfer* transfers, u32 count, u64 timestamp) noexcept nogil
    cdef void score(self, bint with_model) noexcept nogil
    cdef const u64* test(self, u32 program) noexcept nogil
