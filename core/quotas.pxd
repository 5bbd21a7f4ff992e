"""Setting quotas, holding transfers against them, and counting what is used."""

from payvand.core.books cimport Books
from payvand.core.types cimport Quota, Result, u8, u16, u32, u64, u128

cdef u32 check_quotas(const Books* books, u32 debit_row, u32 credit_row, u16 code, u128 amount,
                      u64 timestamp) noexcept nogil
cdef void use_quotas(Books* books, u32 debit_row, u32 credit_row, u16 code, u128 reserved,
                     u128 released, u128 posted, u64 timestamp) noexcept nogil
cdef void set_quotas(Books* books, const Quota* events, u32 count, u64 base,
                     Result* results) noexcept nogil
cdef void quota_use(const Books* books, u32 place, u8* out) noexcept nogil
