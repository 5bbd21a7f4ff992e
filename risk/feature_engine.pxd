"""Features of events, online: compiled windows over keys' histories."""

from payvand.core.types cimport u32, u64
from payvand.risk.histories cimport Histories
from payvand.risk.plan cimport Group, Read
from payvand.risk.windows cimport Tables

cdef enum:
    PARTITIONS = 8             # of keys; as many threads may share the work
    BLOCK_EVENTS = 32          # that go through a group together

# What an event of a block touches.
cdef struct Touch:
    Histories* histories
    u64 hash
    u32 place                  # of the event in the block
    u32 row                    # where the key likely stands, or NONE

cdef class FeatureEngine:
    cdef object plan           # keeps the arrays that the pointers lead into
    cdef Tables tables
    cdef const Group* groups
    cdef const Read* fields
    cdef const Read* derived
    cdef u32 groups_count
    cdef u32 fields_count
    cdef u32 derived_count
    cdef u64 units_per_second
    cdef Histories* histories  # by partition, then by group
    cdef u64 time
    cdef readonly object features
    cdef readonly u32 event_fields
    cdef readonly u32 outputs
    cdef readonly u32 keys_max

    cdef u64 late_after(self, const u64* events, u64 count) noexcept nogil
    cdef void advance(self, const u64* events, u64 count, double* outputs) noexcept nogil
    cdef void advance_part(self, const u64* events, u64 count, double* outputs, u32 part,
                           u32 parts) noexcept nogil
    cdef void advance_block(self, const u64* events, u32 count, double* outputs, u32 group,
                            u32 part, u32 parts) noexcept nogil
    cdef void advance_key(self, const u64* event, double* outputs,
                          const Touch* touch) noexcept nogil
    cdef void finish(self, const u64* events, u64 count, double* outputs) noexcept nogil
    cdef Histories* histories_of(self, const u64* event, u32 group) noexcept nogil
    cdef u64 flag_all(self, const u64* events, const char* flagged, u64 count) noexcept nogil
