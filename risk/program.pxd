"""Compiled expressions over a block of events."""

from payvand.core.types cimport u32, u64

cdef enum:
    BLOCK_ROWS = 128
    REGISTERS = 18             # as many as an expression may use, and two for comparing

cdef struct Instruction:
    u64 word
    u32 operation
    u32 target
    u32 left
    u32 right

# What a block of events brings.
cdef struct Block:
    const u64* events          # rows of `event_width`, the fields behind time and id
    const double* features     # rows of `features_width`
    const double* scores       # one a row; NULL where there is no model
    u32 event_width
    u32 features_width
    u32 count                  # at most BLOCK_ROWS

cdef class Program:
    cdef Instruction* instructions
    cdef u32 length
    cdef u64* constants
    cdef void** lists          # KeyList, borrowed from `kept`
    cdef object kept
    cdef readonly object expression

    cdef void run(self, const Block* block, u64* registers) noexcept nogil
    cdef void look_up(self, const Instruction* code, u32 count, u64* registers) noexcept nogil
