"""The scoring stage: compiled rules over a batch, before the ledger."""

from payvand.core.stage cimport Stage
from payvand.core.types cimport Transfer, u32, u64, u128
from payvand.risk.scoring cimport Scoring
from payvand.risk.velocity cimport Velocity, Window

# What all compiled rules have.
cdef struct Terms:
    u64 valid_from
    u64 valid_to
    u128 amount_max            # the greatest u128 where amounts aren't limited
    u32 decision               # action in the two lowest bits, rule number above them
    u32 ledger                 # 0: all
    u32 codes                  # bit c: payments of code c

# A blocked account: the rules that block it as debtor, as creditor, a bit for each.
cdef packed struct Blocked:
    u64 account                # 0: an empty slot
    u32 debtor_rules
    u32 creditor_rules

cdef class RiskStage(Stage):
    cdef Terms* amounts
    cdef Terms* velocities
    cdef Terms* blockings
    cdef Terms* expressions
    cdef u32 amounts_count
    cdef u32 velocities_count
    cdef u32 blockings_count
    cdef u32 expressions_count
    cdef Blocked* blocked
    cdef u64 blocked_mask      # slots - 1
    cdef Velocity velocity
    cdef Scoring scoring       # None where nothing asks for features or expressions
    cdef readonly object rules
    cdef public bint uses_model

    cdef void decide_block(self, const Transfer* transfers, u32 count, u64 timestamp,
                           u32* decisions) noexcept nogil
    cdef void judge(self, const Transfer* transfers, u32 count, u64 timestamp,
                    u32* decisions) noexcept nogil
    cdef u32 decide_payment(self, const Transfer* payment, u64 timestamp,
                            u32 decision) noexcept nogil
    cdef u32 check_amount(self, const Transfer* payment, u64 timestamp,
                          u32 decision) noexcept nogil
    cdef u32 check_blocked(self, const Transfer* payment, u64 timestamp,
                           u32 decision) noexcept nogil
    cdef u32 check_velocity(self, const Transfer* payment, u64 timestamp, u32 row,
                            u32 decision) noexcept nogil
    cdef void block(self, u64 account, u32 debtor_rule, u32 creditor_rule) noexcept nogil
    cdef Blocked* slot_of(self, u64 account) noexcept nogil
