"""The records of the books in C: packed, little-endian, all integers; sizes asserted at import."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

ctypedef uint8_t u8
ctypedef uint16_t u16
ctypedef uint32_t u32
ctypedef uint64_t u64
ctypedef int64_t i64

cdef extern from *:
    """
    typedef unsigned __int128 payvand_u128;
    #define PAYVAND_U128_MAX (~(payvand_u128)0)
    #define PAYVAND_TIMESTAMP_MAX 0x7FFFFFFFFFFFFFFFull
    """
    # Declared narrower for Cython's type rules; C takes the real width from the typedef above.
    ctypedef unsigned long long u128 "payvand_u128"
    const u128 U128_MAX "PAYVAND_U128_MAX"
    # Nanoseconds that a signed 64-bit integer holds: the year 2262.
    const u64 TIMESTAMP_MAX "PAYVAND_TIMESTAMP_MAX"

cdef packed struct Account:
    u128 id
    u128 debits_pending
    u128 debits_posted
    u128 credits_pending
    u128 credits_posted
    u128 user_data_128
    u64 user_data_64
    u32 user_data_32
    u32 reserved
    u32 ledger
    u16 code
    u16 flags
    u64 timestamp

cdef packed struct Transfer:
    u128 id
    u128 debit_account_id
    u128 credit_account_id
    u128 amount
    u128 pending_id
    u128 user_data_128
    u64 user_data_64
    u32 user_data_32
    u32 timeout            # seconds
    u32 ledger
    u16 code
    u16 flags
    u64 timestamp          # nanoseconds since 1970

# A change of how far an account may go beyond its balance on its limited side.
cdef packed struct Limit:
    u128 account_id
    u128 limit
    u128 user_data_128     # who asked for it and why: the caller's reference
    u64 reserved
    u64 timestamp

# How much may be debited from an account: see `quota_table.pxd`.
cdef packed struct Quota:
    u128 id
    u128 debit_account_id
    u128 credit_account_id # 0: whoever is credited
    u128 amount_max        # of one transfer
    u128 sum_max           # of all transfers of a period
    u128 user_data_128     # who asked for it and why: the caller's reference
    u64 codes              # bit n: transfers of code n
    u32 period             # seconds; 0: it has none, unless an event ends it
    u32 offset             # seconds by which periods begin before those that 1970 began
    u16 event              # the tag of frames that end a period; 0: none does
    u16 flags
    u32 reserved
    u64 timestamp

# What is used of a quota.
cdef packed struct QuotaUse:
    u128 pending           # reserved, in whatever period
    u128 posted            # in the period
    u128 received          # in the period, the other way round, where the quota nets
    u64 period             # its number
    u64 reserved

cdef packed struct Result:
    u64 timestamp
    u32 status
    u32 reserved

# The amount that a transfer really moved, where it is not the amount that it asked for.
cdef packed struct Resolved:
    u128 amount
    u32 index
    u32 reserved_32
    u64 reserved_64

# A pending transfer whose time ran out.
cdef packed struct Expired:
    u128 id
    u128 debit_account_id
    u128 credit_account_id
    u128 amount

# The four balances of an account at some moment.
cdef packed struct Balances:
    u128 debits_pending
    u128 debits_posted
    u128 credits_pending
    u128 credits_posted

# The balances of a transfer's two accounts right after it.
cdef packed struct After:
    Balances debit
    Balances credit

cdef enum AccountFlagBit:
    ACCOUNT_FLAG_LINKED = 1
    ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS = 2
    ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS = 4
    ACCOUNT_FLAG_HISTORY = 8
    ACCOUNT_FLAG_IMPORTED = 16
    ACCOUNT_FLAG_CLOSED = 32
    ACCOUNT_FLAGS_KNOWN = 63

cdef enum TransferFlagBit:
    TRANSFER_FLAG_LINKED = 1
    TRANSFER_FLAG_PENDING = 2
    TRANSFER_FLAG_POST_PENDING_TRANSFER = 4
    TRANSFER_FLAG_VOID_PENDING_TRANSFER = 8
    TRANSFER_FLAG_BALANCING_DEBIT = 16
    TRANSFER_FLAG_BALANCING_CREDIT = 32
    TRANSFER_FLAG_CLOSING_DEBIT = 64
    TRANSFER_FLAG_CLOSING_CREDIT = 128
    TRANSFER_FLAG_IMPORTED = 256
    TRANSFER_FLAGS_KNOWN = 511

cdef enum QuotaFlagBit:
    QUOTA_FLAG_NETTING = 1
    QUOTA_FLAGS_KNOWN = 1

cdef enum OperationCode:
    OPERATION_CREATE_ACCOUNTS = 1
    OPERATION_CREATE_TRANSFERS = 2
    OPERATION_SET_LIMITS = 3
    OPERATION_PULSE = 4
    OPERATION_NOTE = 5
    OPERATION_SET_QUOTAS = 6

cdef enum:
    BATCH_EVENTS_MAX = 8190
    EXPIRED_MAX = 32768        # released before one batch; the rest before the next
    CREATED = 0xFFFFFFFFu
