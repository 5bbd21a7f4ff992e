"""Features read from where they stand in a key's row; see `plan.pxd` for the layout.

Floats are made here and nowhere else, each of exact integers by the same operations in the same
order, so that they are the same to the bit wherever they are computed.
"""

from payvand.core.types cimport u32, u64
from payvand.risk.histories cimport Histories, entry_at
from payvand.risk.plan cimport *
from payvand.risk.wide cimport deviation, faded_deviation, wide_difference_double, wide_double
from payvand.risk.windows cimport Tables


cdef void read_all(const Histories* histories, const Tables* tables, const u64* row, u64 time,
                   u32 first, u32 count, double* outputs) noexcept nogil:
    """Write features of a key whose windows stand at *time* (out: outputs, by column)."""
    cdef const u32* halves = <const u32*>row
    cdef const Read* read = &tables.reads[first]
    cdef u32 index, events
    cdef double value
    for index in range(count):
        events = halves[read.count] - (halves[read.count_less] if read.count_less else 0)
        if read.operation == READ_COUNT:
            value = <double>events
        elif read.operation == READ_MEAN:
            value = read_sum(read, row) / <double>events if events else read.empty
        elif read.operation == READ_SUM:
            value = read_sum(read, row)
        elif read.operation == READ_RATE:
            events = halves[read.count]
            value = <double>halves[read.count_less] / <double>events if events else read.empty
        else:
            value = read_rare(histories, read, row, events, time)
        outputs[read.output] = value
        read += 1


cdef inline double read_sum(const Read* read, const u64* row) noexcept nogil:
    if read.sum_less:
        return wide_difference_double(&row[read.sum], &row[read.sum_less])
    return wide_double(&row[read.sum])


cdef double read_rare(const Histories* histories, const Read* read, const u64* row, u32 events,
                      u64 time) noexcept nogil:
    """Read what takes longer, or is read less often."""
    cdef u32 front
    if read.operation == READ_SINCE:
        # A moment stands a time higher than it says; 0 is none.
        return <double>(time - (row[read.sum] - 1)) if row[read.sum] else read.empty
    if read.operation >= READ_FADED_COUNT:
        return read_faded(read, row)
    if events == 0:
        return read.empty
    if read.operation == READ_DEVIATION:
        return deviation(events, &row[read.sum], &row[read.squares])
    if read.operation == READ_WORD:
        return <double>row[read.sum]
    front = (<const u32*>&row[read.sum])[0]
    return <double>entry_at(histories, front)[read.field]


cdef double read_faded(const Read* read, const u64* row) noexcept nogil:
    """Read fading counts and sums; the powers of two that scale them cost no rounding."""
    cdef double count = <double>row[read.count] / 4294967296.0
    cdef double total, squares
    if read.operation == READ_FADED_COUNT:
        return count
    total = wide_double(&row[read.sum]) / 65536.0
    if read.operation == READ_FADED_SUM:
        return total
    if row[read.count] == 0:
        return read.empty
    if read.operation == READ_FADED_MEAN:
        return total / count
    squares = wide_double(&row[read.squares]) / 256.0
    return faded_deviation(count, total, squares)
