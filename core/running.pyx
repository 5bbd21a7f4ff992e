"""Balances of all accounts, carried back and forth along the journal.

64 bytes an account. One step is a few additions, so a stretch of the journal is gone over at the
speed of reading it.
"""

import numpy as np

from payvand.core import records

from payvand.core.index cimport load_u128
from payvand.core.types cimport After, Balances, Transfer, u8, u32, u64, u128

cdef enum:
    SINGLE = 1
    PENDING = 2
    POSTED = 3


cdef class RunningBalances:
    """How all accounts stand behind some effect; see running.pyi."""

    cdef object table
    cdef u8[::1] balances

    def __init__(self, table):
        self.table = table
        self.balances = self.table.view(np.uint8)

    def take_back(self, effects, debit_rows, credit_rows):
        """Go back over the effects of a frame, with the rows of their accounts, u4[n] each."""
        self.make_room(debit_rows, credit_rows)
        cdef const u8[::1] types = effects.types
        cdef const u8[::1] transfers = effects.transfers.view(np.uint8)
        cdef const u8[::1] released = effects.released.view(np.uint8)
        cdef const u32[::1] debits = debit_rows
        cdef const u32[::1] credits = credit_rows
        cdef u64 index
        for index in range(<u64>types.shape[0]):
            self.move(types[index], load_u128(&transfers[index * sizeof(Transfer) + 48]),
                      load_u128(&released[index * 16]), debits[index], credits[index], True)

    def carry(self, effects, debit_rows, credit_rows):
        """Go on over the effects of a frame → AFTER[n], the balances behind each."""
        self.make_room(debit_rows, credit_rows)
        cdef const u8[::1] types = effects.types
        cdef const u8[::1] transfers = effects.transfers.view(np.uint8)
        cdef const u8[::1] released = effects.released.view(np.uint8)
        cdef const u32[::1] debits = debit_rows
        cdef const u32[::1] credits = credit_rows
        cdef u64 index
        after = np.zeros(len(types), records.AFTER)
        cdef u8[::1] out = after.view(np.uint8)
        for index in range(<u64>types.shape[0]):
            self.move(types[index], load_u128(&transfers[index * sizeof(Transfer) + 48]),
                      load_u128(&released[index * 16]), debits[index], credits[index], False)
            (<After*>&out[index * sizeof(After)]).debit = self.at(debits[index])[0]
            (<After*>&out[index * sizeof(After)]).credit = self.at(credits[index])[0]
        return after

    cdef Balances* at(self, u32 row) noexcept:
        return <Balances*>&self.balances[<u64>row * sizeof(Balances)]

    cdef int make_room(self, debit_rows, credit_rows) except -1:
        """Make room for accounts opened since: they begin with nothing."""
        needed = max(debit_rows.max(initial=0), credit_rows.max(initial=0)) + 1
        if needed > len(self.table):
            table = np.zeros(needed + needed // 4, records.BALANCES)
            table[:len(self.table)] = self.table
            self.__init__(table)
        return 0

    cdef void move(self, u8 type, u128 amount, u128 released, u32 debit_row, u32 credit_row,
                   bint back) noexcept:
        """Change both accounts as an effect did, or back; numbers wrap, and wrap back."""
        cdef Balances* debit = self.at(debit_row)
        cdef Balances* credit = self.at(credit_row)
        if back:
            amount = 0 - amount
            released = 0 - released
        if type == PENDING:
            debit.debits_pending += amount
            credit.credits_pending += amount
        else:
            debit.debits_pending -= released
            credit.credits_pending -= released
        if type == SINGLE or type == POSTED:
            debit.debits_posted += amount
            credit.credits_posted += amount
