"""The fees of many cases at once, by steps made of a service's rows.

A step makes one fee and its tax. Facts stand in columns, a fact a row of the matrix, so that a step
reads along a column of cases; what it makes stands likewise. Nothing is a float, and numerators
have 128 bits: the greatest, 10^18 rial a unit for 10^9 units in millionths, takes 110.

    facts    ┌ fact 0: case 0, case 1, … ┐          ┌ fee 0: case 0, case 1, … ┐  gross, amounts
             └ fact 1: case 0, case 1, … ┘  ─step─►  └ tax 0: case 0, case 1, … ┘
"""

import numpy as np

from payvand.core.types cimport u8, u64, u128

cdef enum:
    # Kinds of steps; `plan` numbers fees so.
    FIXED = 0
    PER_UNIT = 1
    PERCENTAGE = 2
    BANDED = 3
    RANGED = 4
    RELATIONAL = 5
    # Roundings
    HALF_UP = 0
    UP = 1
    DOWN = 2
    # Value-added tax
    TAX_NONE = 0
    TAX_INCLUDED = 1
    TAX_ADDED = 2
    # What became of a case; in the order of precedence
    FINE = 0
    FACT_OUT_OF_RANGE = 1
    AMOUNT_OUT_OF_RANGE = 2
    NOTHING_CHARGED = 3

cdef u64 PER_MILLION = 1000000
cdef u64 AMOUNT_MAX = 1000000000000000000u

cdef packed struct Step:
    u64 kind
    u64 rounding
    u64 source           # a row of facts, or the step of a relational fee; beyond all for none
    u64 amount
    u64 units_free
    u64 per_million
    u64 amount_min
    u64 amount_max
    u64 round_to
    u64 band_first
    u64 bands_end
    u64 term_first
    u64 terms_end
    u64 cut_first
    u64 cuts_end
    u64 tax_kind
    u64 tax_per_million

cdef packed struct Band:
    u64 above
    u64 amount
    u64 per_million

# A fact and which of its choices fulfil a condition, as bits.
cdef packed struct Term:
    u64 fact
    u64 choices

# A reduction.
cdef packed struct Cut:
    u64 per_million
    u64 reduction_max
    u64 term_first
    u64 terms_end

STEP = np.dtype([(name, np.uint64) for name in (
    "kind", "rounding", "source", "amount", "units_free", "per_million", "amount_min",
    "amount_max", "round_to", "band_first", "bands_end", "term_first", "terms_end", "cut_first",
    "cuts_end", "tax_kind", "tax_per_million",
)])
BAND = np.dtype([(name, np.uint64) for name in ("above", "amount", "per_million")])
TERM = np.dtype([(name, np.uint64) for name in ("fact", "choices")])
CUT = np.dtype([(name, np.uint64) for name in (
    "per_million", "reduction_max", "term_first", "terms_end",
)])


cdef class Steps:
    """The steps of one service on one day; immutable."""

    cdef readonly Py_ssize_t count
    cdef const Step[::1] _steps
    cdef const Band[::1] _bands
    cdef const Term[::1] _terms
    cdef const Cut[::1] _cuts
    cdef const u64[::1] _facts_min
    cdef const u64[::1] _facts_max

    def __init__(self, steps, bands, terms, cuts, facts_min, facts_max):
        """Hold arrays of `STEP`, `BAND`, `TERM` and `CUT`, and the bounds of each fact."""
        self._steps = steps
        self._bands = bands
        self._terms = terms
        self._cuts = cuts
        self._facts_min = facts_min
        self._facts_max = facts_max
        self.count = len(steps)
        assert len(facts_min) == len(facts_max)

    def reckon(self, const u64[:, ::1] facts):
        """Return gross, amounts and statuses of the cases whose facts are the columns of *facts*."""
        cdef Py_ssize_t cases = facts.shape[1]
        assert facts.shape[0] == self._facts_min.shape[0]
        gross = np.zeros((2 * self.count, cases), np.uint64)
        amounts = np.zeros((2 * self.count, cases), np.uint64)
        statuses = np.zeros(cases, np.uint8)
        is_charged = np.zeros(cases, np.uint8)
        if cases and self.count:
            self._reckon(facts, gross, amounts, is_charged, statuses)
        return gross, amounts, statuses

    cdef void _reckon(self, const u64[:, ::1] facts, u64[:, ::1] gross, u64[:, ::1] amounts,
                      u8[::1] is_charged, u8[::1] statuses):
        cdef Py_ssize_t case, row
        with nogil:
            for row in range(facts.shape[0]):
                for case in range(facts.shape[1]):
                    if not self._facts_min[row] <= facts[row, case] <= self._facts_max[row]:
                        statuses[case] = FACT_OUT_OF_RANGE
            for row in range(self.count):
                self._fee(row, facts, gross, amounts, is_charged, statuses)
            for case in range(facts.shape[1]):
                if not is_charged[case] and not statuses[case]:
                    statuses[case] = NOTHING_CHARGED
            self._check_totals(gross, amounts, statuses)

    cdef void _fee(self, Py_ssize_t index, const u64[:, ::1] facts, u64[:, ::1] gross,
                   u64[:, ::1] amounts, u8[::1] is_charged, u8[::1] statuses) noexcept nogil:
        """Make the fee and the tax of one step, for all cases."""
        cdef Step step = self._steps[index]
        cdef Py_ssize_t case
        cdef u64 value, remainder
        cdef u128 whole
        for case in range(facts.shape[1]):
            if statuses[case] or not self._holds(step.term_first, step.terms_end, facts, case):
                continue
            is_charged[case] = True
            value = 0
            if step.kind == RELATIONAL:
                value = gross[2 * step.source, case]
            elif step.kind != FIXED:
                value = facts[step.source, case]
            whole = self._gross(&step, value)
            if whole > AMOUNT_MAX:
                statuses[case] = AMOUNT_OUT_OF_RANGE
                continue
            remainder = self._reduced(&step, <u64>whole, facts, case)
            gross[2 * index, case] = <u64>whole
            amounts[2 * index, case] = remainder
            if step.tax_kind == TAX_ADDED:
                gross[2 * index + 1, case] = tax_on(<u64>whole, step.tax_per_million)
                amounts[2 * index + 1, case] = tax_on(remainder, step.tax_per_million)
            elif step.tax_kind == TAX_INCLUDED:
                gross[2 * index + 1, case] = tax_within(<u64>whole, step.tax_per_million)
                amounts[2 * index + 1, case] = tax_within(remainder, step.tax_per_million)

    cdef bint _holds(self, u64 first, u64 end, const u64[:, ::1] facts,
                     Py_ssize_t case) noexcept nogil:
        cdef u64 index
        for index in range(first, end):
            if not self._terms[index].choices >> facts[self._terms[index].fact, case] & 1:
                return False
        return True

    cdef u128 _gross(self, const Step* step, u64 value) noexcept nogil:
        cdef u128 numerator = 0, amount
        cdef u64 index, end
        if step.kind == FIXED:
            return rounded(step.amount, 1, step.rounding, step.round_to)
        if step.kind == PER_UNIT:
            if value > step.units_free:
                numerator = <u128>(value - step.units_free) * step.amount
            return rounded(numerator, 1, step.rounding, step.round_to)
        if step.kind == BANDED:
            index = step.bands_end - 1
            while index > step.band_first and self._bands[index].above >= value:
                index -= 1
            numerator = (<u128>self._bands[index].amount * PER_MILLION
                         + <u128>value * self._bands[index].per_million)
        elif step.kind == RANGED:
            for index in range(step.band_first, step.bands_end):
                if value <= self._bands[index].above:
                    break
                end = value
                if index + 1 < step.bands_end and self._bands[index + 1].above < value:
                    end = self._bands[index + 1].above
                numerator += <u128>(end - self._bands[index].above) * self._bands[index].per_million
        else:
            numerator = <u128>value * step.per_million
        amount = rounded(numerator, PER_MILLION, step.rounding, step.round_to)
        if amount < step.amount_min:
            return step.amount_min
        return step.amount_max if amount > step.amount_max else amount

    cdef u64 _reduced(self, const Step* step, u64 gross, const u64[:, ::1] facts,
                      Py_ssize_t case) noexcept nogil:
        """Return what is left of *gross* by the greatest reduction that holds."""
        cdef u64 least = gross, remainder, index
        cdef u128 kept
        for index in range(step.cut_first, step.cuts_end):
            if not self._holds(self._cuts[index].term_first, self._cuts[index].terms_end, facts, case):
                continue
            kept = rounded(<u128>gross * (PER_MILLION - self._cuts[index].per_million), PER_MILLION,
                           step.rounding, step.round_to)
            remainder = gross if kept > gross else <u64>kept
            if gross > self._cuts[index].reduction_max:
                remainder = max(remainder, gross - self._cuts[index].reduction_max)
            if remainder < least:
                least = remainder
        return least

    cdef void _check_totals(self, u64[:, ::1] gross, u64[:, ::1] amounts,
                            u8[::1] statuses) noexcept nogil:
        """Take an included tax out of its fee, and refuse cases whose total is too great."""
        cdef Py_ssize_t case, row
        cdef u128 total
        for row in range(self.count):
            if self._steps[row].tax_kind == TAX_INCLUDED:
                for case in range(gross.shape[1]):
                    gross[2 * row, case] -= gross[2 * row + 1, case]
                    amounts[2 * row, case] -= amounts[2 * row + 1, case]
        for case in range(gross.shape[1]):
            total = 0
            for row in range(gross.shape[0]):
                total += amounts[row, case]
            if total > AMOUNT_MAX and not statuses[case]:
                statuses[case] = AMOUNT_OUT_OF_RANGE
            if statuses[case]:
                for row in range(gross.shape[0]):
                    gross[row, case] = 0
                    amounts[row, case] = 0


cdef u128 rounded(u128 numerator, u64 divisor, u64 rounding, u64 round_to) noexcept nogil:
    """Return *numerator* / *divisor* as a multiple of *round_to*."""
    cdef u64 step = divisor * round_to  # at most 10^15
    if rounding == HALF_UP:
        numerator += step // 2
    elif rounding == UP:
        numerator += step - 1
    # A division of 64 bits takes a fifth of one of 128.
    if numerator >> 64 == 0:
        return <u128>(<u64>numerator // step) * round_to
    return numerator // step * round_to


cdef u64 tax_on(u64 amount, u64 per_million) noexcept nogil:
    return <u64>rounded(<u128>amount * per_million, PER_MILLION, HALF_UP, 1)


cdef u64 tax_within(u64 amount, u64 per_million) noexcept nogil:
    return <u64>rounded(<u128>amount * per_million, PER_MILLION + per_million, HALF_UP, 1)
