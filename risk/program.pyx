"""Compiled expressions over a block of events, column by column.

An instruction does its work for all rows of a block before the next one begins: so what an
instruction costs is spread over the rows, and the loops are such that the compiler makes vectors of
them. A register is a column of 64-bit words: an integer, a number, or 0 or 1.
"""

import numpy as np

from libc.math cimport NAN, fabs
from libc.stdlib cimport calloc, free

from payvand.core.types cimport u8, u32, u64
from payvand.risk.expression import REGISTERS_MAX
from payvand.risk.key_list cimport KeyList

assert REGISTERS == REGISTERS_MAX + 2

cdef enum:
    EVENT_HEAD_FIELDS = 2      # time and id

# The numbers of `expression.Operation`.
cdef enum Operation:
    FIELD = 0
    FEATURE = 1
    SCORE = 2
    CONSTANT = 3
    TO_NUMBER = 4
    ADD = 5
    SUBTRACT = 6
    MULTIPLY = 7
    DIVIDE = 8
    NEGATE = 9
    ABSOLUTE = 10
    LESSER = 11
    GREATER = 12
    MISSING = 13
    COALESCE = 14
    REMAINDER = 15
    QUOTIENT = 16
    LESS_I = 17
    LESS_EQUAL_I = 18
    EQUAL_I = 19
    LESS_F = 20
    LESS_EQUAL_F = 21
    EQUAL_F = 22
    AND = 23
    OR = 24
    NOT = 25
    IN_SET_I = 26
    IN_SET_F = 27
    OUTSIDE_SET_F = 28
    IN_LIST = 29


cdef class Program:
    """Run one expression over blocks of events."""

    def __cinit__(self, expression, lists):
        cdef u32 place
        self.expression = expression
        self.length = len(expression.codes)
        self.instructions = <Instruction*>calloc(self.length, sizeof(Instruction))
        self.constants = <u64*>calloc(len(expression.constants) + 1, sizeof(u64))
        self.lists = <void**>calloc(len(lists) + 1, sizeof(void*))
        if self.instructions == NULL or self.constants == NULL or self.lists == NULL:
            raise MemoryError("no memory for an expression")
        for place, code in enumerate(expression.codes):
            self.instructions[place].word = code.word
            self.instructions[place].operation = int(code.operation)
            self.instructions[place].target = code.target
            self.instructions[place].left = code.left
            self.instructions[place].right = code.right
        for place, word in enumerate(expression.constants):
            self.constants[place] = word
        self.kept = list(lists)
        for place, keys in enumerate(self.kept):
            self.lists[place] = <void*>(<KeyList?>keys)

    def __dealloc__(self):
        free(self.instructions)
        free(self.constants)
        free(self.lists)

    cdef void run(self, const Block* block, u64* registers) noexcept nogil:
        """Leave the truth of each row in register 0 (scratch: registers; in: block)."""
        cdef const Instruction* code
        cdef u32 place
        for place in range(self.length):
            code = &self.instructions[place]
            if code.operation <= CONSTANT:
                load(code, block, &registers[code.target * BLOCK_ROWS])
            elif code.operation <= COALESCE:
                compute(code, block.count, registers)
            elif code.operation <= NOT:
                compare(code, block.count, registers)
            else:
                self.look_up(code, block.count, registers)

    cdef void look_up(self, const Instruction* code, u32 count, u64* registers) noexcept nogil:
        """Tell which values are in a set or a list."""
        cdef u64* target = &registers[code.target * BLOCK_ROWS]
        cdef const u64* values = &registers[code.left * BLOCK_ROWS]
        cdef const double* numbers = <const double*>values
        cdef const u64* first
        cdef u32 row, member, members
        cdef u64 found
        cdef bint outside = code.operation == OUTSIDE_SET_F
        if code.operation == IN_LIST:
            for row in range(count):
                target[row] = (<KeyList>self.lists[code.word]).holds(values[row])
            return
        first = &self.constants[<u32>code.word]
        members = <u32>(code.word >> 32)
        for row in range(count):
            found = 0
            if code.operation == IN_SET_I:
                for member in range(members):
                    found |= values[row] == first[member]
            else:
                for member in range(members):
                    found |= numbers[row] == (<const double*>first)[member]
                if outside:
                    found = found == 0 and numbers[row] == numbers[row]
            target[row] = found

    def evaluate(self, events, features, scores=None):
        """Return the truth of each row: u64[n, 2 + fields], f64[n, features], f64[n] → bool[n]."""
        cdef const u64[:, ::1] rows = np.ascontiguousarray(events, np.uint64)
        cdef const double[:, ::1] columns = np.ascontiguousarray(features, np.float64)
        cdef const double[::1] totals = np.ascontiguousarray(
            np.full(len(events), np.nan) if scores is None else scores, np.float64)
        cdef u64 registers[REGISTERS * BLOCK_ROWS]
        cdef Block block
        cdef u64 first = 0, total = rows.shape[0]
        cdef u32 row
        if columns.shape[0] != rows.shape[0] or totals.shape[0] != rows.shape[0]:
            raise ValueError("events, features and scores have different numbers of rows")
        truths = np.zeros(total, np.bool_)
        cdef u8[::1] out = truths.view(np.uint8)
        block.event_width, block.features_width = rows.shape[1], columns.shape[1]
        while first < total:
            block.events = &rows[first, 0]
            block.features = &columns[first, 0] if columns.shape[1] else NULL
            block.scores = &totals[first]
            block.count = <u32>min(total - first, <u64>BLOCK_ROWS)
            self.run(&block, registers)
            for row in range(block.count):
                out[first + row] = registers[row] != 0
            first += block.count
        return truths


cdef void load(const Instruction* code, const Block* block, u64* target) noexcept nogil:
    """Load a column."""
    cdef u32 row
    cdef u64 place = code.word
    if code.operation == FIELD:
        place += EVENT_HEAD_FIELDS
        for row in range(block.count):
            target[row] = block.events[row * block.event_width + place]
    elif code.operation == FEATURE:
        for row in range(block.count):
            (<double*>target)[row] = block.features[row * block.features_width + place]
    elif code.operation == SCORE:
        for row in range(block.count):
            (<double*>target)[row] = block.scores[row]
    else:
        for row in range(block.count):
            target[row] = code.word


cdef void compute(const Instruction* code, u32 count, u64* registers) noexcept nogil:
    """Make numbers of numbers; MISSING makes a truth, TO_NUMBER takes an integer."""
    cdef double* target = <double*>&registers[code.target * BLOCK_ROWS]
    cdef const double* a = <const double*>&registers[code.left * BLOCK_ROWS]
    cdef const double* b = <const double*>&registers[code.right * BLOCK_ROWS]
    cdef u32 row
    if code.operation == TO_NUMBER:
        for row in range(count):
            target[row] = <double>(<const u64*>a)[row]
    elif code.operation == ADD:
        for row in range(count):
            target[row] = a[row] + b[row]
    elif code.operation == SUBTRACT:
        for row in range(count):
            target[row] = a[row] - b[row]
    elif code.operation == MULTIPLY:
        for row in range(count):
            target[row] = a[row] * b[row]
    elif code.operation == DIVIDE:
        for row in range(count):
            target[row] = a[row] / b[row] if b[row] != 0.0 else NAN
    elif code.operation == NEGATE:
        for row in range(count):
            target[row] = -a[row]
    elif code.operation == ABSOLUTE:
        for row in range(count):
            target[row] = fabs(a[row])
    elif code.operation == LESSER:
        for row in range(count):
            target[row] = a[row] if a[row] < b[row] or a[row] != a[row] else b[row]
    elif code.operation == GREATER:
        for row in range(count):
            target[row] = a[row] if a[row] > b[row] or a[row] != a[row] else b[row]
    elif code.operation == MISSING:
        for row in range(count):
            (<u64*>target)[row] = a[row] != a[row]
    elif code.operation == COALESCE:
        for row in range(count):
            target[row] = a[row] if a[row] == a[row] else b[row]


cdef void compare(const Instruction* code, u32 count, u64* registers) noexcept nogil:
    """Make truths, or integers of a whole division."""
    cdef u64* target = &registers[code.target * BLOCK_ROWS]
    cdef const u64* a = &registers[code.left * BLOCK_ROWS]
    cdef const u64* b = &registers[code.right * BLOCK_ROWS]
    cdef const double* x = <const double*>a
    cdef const double* y = <const double*>b
    cdef u32 row
    if code.operation == REMAINDER:
        for row in range(count):
            target[row] = a[row] % code.word
    elif code.operation == QUOTIENT:
        for row in range(count):
            target[row] = a[row] // code.word
    elif code.operation == LESS_I:
        for row in range(count):
            target[row] = a[row] < b[row]
    elif code.operation == LESS_EQUAL_I:
        for row in range(count):
            target[row] = a[row] <= b[row]
    elif code.operation == EQUAL_I:
        for row in range(count):
            target[row] = a[row] == b[row]
    elif code.operation == LESS_F:
        for row in range(count):
            target[row] = x[row] < y[row]
    elif code.operation == LESS_EQUAL_F:
        for row in range(count):
            target[row] = x[row] <= y[row]
    elif code.operation == EQUAL_F:
        for row in range(count):
            target[row] = x[row] == y[row]
    elif code.operation == AND:
        for row in range(count):
            target[row] = a[row] & b[row]
    elif code.operation == OR:
        for row in range(count):
            target[row] = a[row] | b[row]
    elif code.operation == NOT:
        for row in range(count):
            target[row] = a[row] ^ 1
