"""Features, the model's score and expressions of a block of payments.

Every attempt enters the features once, whatever is decided of it: so they don't depend on
decisions, can be computed for a whole block before the first one, and a replay computes the same.
An attempt is a payment with a debtor account whose id isn't among those of the last ones; it stands
at the time that the ledger gives it.
"""

import hashlib

from payvand.risk.payment_fields import PAYMENT_FIELDS as FIELD_NAMES

from libc.math cimport NAN
from libc.stdlib cimport calloc, free

from payvand.core.types cimport (
    TRANSFER_FLAG_POST_PENDING_TRANSFER, TRANSFER_FLAG_VOID_PENDING_TRANSFER, Transfer, u32, u64,
)
from payvand.risk.attempts cimport Attempts
from payvand.risk.feature_engine cimport FeatureEngine
from payvand.risk.program cimport Block, Program, REGISTERS
from payvand.risk.tree_evaluator cimport TreeModel

assert len(FIELD_NAMES) == PAYMENT_FIELDS

cdef u64 AMOUNT_MAX = <u64>-1

cdef enum:
    EVENT_HEAD_FIELDS = 2      # time and id
    CODE_END = 10              # codes from here on are the switch's own
    ENDS_PENDING = TRANSFER_FLAG_POST_PENDING_TRANSFER | TRANSFER_FLAG_VOID_PENDING_TRANSFER


cdef inline u64 field_of(const Transfer* payment, u32 field) noexcept nogil:
    """Return a field of a payment, in the order of `payment_fields`."""
    if field == 0:
        return payment.user_data_64
    if field == 1:
        return <u64>(payment.user_data_128 >> 64)
    if field == 2:
        return AMOUNT_MAX if payment.amount > AMOUNT_MAX else <u64>payment.amount
    if field == 3:
        return payment.code
    if field == 4:
        return payment.ledger
    if field == 5:
        return <u64>(payment.debit_account_id >> 4)
    return <u64>(payment.credit_account_id >> 4)


cdef class Scoring:
    """Compute what expressions ask about, for a block of payments at a time."""

    def __cinit__(self, FeatureEngine features, TreeModel model, programs, names, attempts_max):
        cdef u32 place
        width = features.outputs if features is not None else 0
        self.features, self.model = features, model
        self.attempts = Attempts(attempts_max)
        self.programs = list(programs)
        self.programs_count = len(self.programs)
        self.fields_count = len(names)
        for place, name in enumerate(names):
            self.fields[place] = FIELD_NAMES.index(name)
        columns = model.columns if model is not None else 0
        for place in range(columns):
            self.columns[place] = features.features.names.index(
                model.ensemble.feature_names[place])
        self.runs = <void**>calloc(self.programs_count + 1, sizeof(void*))
        self.events = <u64*>calloc(SCORED_ROWS * (EVENT_HEAD_FIELDS + self.fields_count),
                                   sizeof(u64))
        self.values = <double*>calloc(SCORED_ROWS * (width + 1), sizeof(double))
        self.inputs = <double*>calloc(SCORED_ROWS * (columns + 1), sizeof(double))
        self.scores = <double*>calloc(SCORED_ROWS, sizeof(double))
        self.registers = <u64*>calloc(REGISTERS * SCORED_ROWS, sizeof(u64))
        if (self.runs == NULL or self.events == NULL or self.values == NULL or self.inputs == NULL
                or self.scores == NULL or self.registers == NULL):
            raise MemoryError("no memory for a block of payments")
        for place, program in enumerate(self.programs):
            self.runs[place] = <void*>(<Program?>program)

    def __dealloc__(self):
        free(self.runs)
        free(self.events)
        free(self.values)
        free(self.inputs)
        free(self.scores)
        free(self.registers)

    cdef void take(self, const Transfer* transfers, u32 count, u64 timestamp) noexcept nogil:
        """Take in the attempts among some transfers, at most SCORED_ROWS, the last at *timestamp*.

        `places` then says which they were.
        """
        cdef u32 place, field
        cdef u32 width = EVENT_HEAD_FIELDS + self.fields_count
        cdef const Transfer* payment
        cdef u64* event
        self.count = 0
        for place in range(count):
            payment = &transfers[place]
            if (not 0 < payment.code < CODE_END or payment.flags & ENDS_PENDING
                    or payment.user_data_64 == 0 or not self.attempts.enter(payment.id)):
                continue
            event = &self.events[self.count * width]
            event[0] = timestamp - count + 1 + place
            event[1] = <u64>payment.id
            for field in range(self.fields_count):
                event[EVENT_HEAD_FIELDS + field] = field_of(payment, self.fields[field])
            self.places[self.count] = place
            self.count += 1
        if self.features is not None:
            self.features.advance(self.events, self.count, self.values)

    cdef void score(self, bint with_model) noexcept nogil:
        """Score the attempts that were taken in; without a model all scores are missing."""
        cdef u32 row, column, width
        if self.model is None or not with_model:
            for row in range(self.count):
                self.scores[row] = NAN
            return
        width = self.model.columns
        for row in range(self.count):
            for column in range(width):
                self.inputs[row * width + column] = self.values[
                    row * self.features.outputs + self.columns[column]]
        self.model.score_rows(self.inputs, self.count, self.scores)

    cdef const u64* test(self, u32 program) noexcept nogil:
        """Return the truth of an expression for each attempt that was taken in."""
        cdef Block block
        block.events = self.events
        block.features = self.values
        block.scores = self.scores
        block.event_width = EVENT_HEAD_FIELDS + self.fields_count
        block.features_width = self.features.outputs if self.features is not None else 0
        block.count = self.count
        (<Program>self.runs[program]).run(&block, self.registers)
        return self.registers

    def digest(self):
        """Return SHA-256 of the state: 32 bytes."""
        sha = hashlib.sha256(self.attempts.digest())
        if self.features is not None:
            sha.update(self.features.digest())
        return sha.digest()
