"""CRC-32C and SHA-256 for the journal."""

from payvand.core.types cimport u8, u32, u64

cdef u32 crc32c(u32 crc, const u8* data, u64 size) noexcept nogil
cdef void crc32c_each(const u8* data, u64 size, u64 count, u32* checksums) noexcept nogil
cdef void sha256(const u8* first, u64 first_size, const u8* second, u64 second_size,
                 u8* digest) noexcept nogil
cdef void sha256_halves(const u8* data, u64 unit, u64 units, u8* digests) noexcept nogil
