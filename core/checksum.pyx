"""CRC-32C and SHA-256 for the journal: the C of `checksum.h`, and a face for tests."""

cdef extern from "checksum.h" nogil:
    void payvand_checksum_prepare()
    u32 payvand_crc32c(u32 crc, const u8* data, size_t size)
    u32 payvand_crc32c_portable(u32 crc, const u8* data, size_t size)
    void payvand_crc32c_each(const u8* data, size_t size, size_t count, u32* out)
    void payvand_sha256_halves(const u8* data, size_t unit, size_t units, u8* out)
    void payvand_sha256(const u8* first, size_t first_size, const u8* second, size_t second_size,
                        u8* out, bint portable)

payvand_checksum_prepare()


cdef u32 crc32c(u32 crc, const u8* data, u64 size) noexcept nogil:
    """Return the CRC-32C of *data* on from *crc*, 0 to begin with."""
    return payvand_crc32c(crc, data, size)


cdef void crc32c_each(const u8* data, u64 size, u64 count, u32* checksums) noexcept nogil:
    """Write the CRC-32C of each of *count* pieces of *size* bytes, a multiple of 8."""
    payvand_crc32c_each(data, size, count, checksums)


cdef void sha256(const u8* first, u64 first_size, const u8* second, u64 second_size,
                 u8* digest) noexcept nogil:
    """Write the SHA-256 of two pieces, one after the other (out: digest, 32 bytes)."""
    payvand_sha256(first, first_size, second, second_size, digest, False)


cdef void sha256_halves(const u8* data, u64 unit, u64 units, u8* digests) noexcept nogil:
    """Write the SHA-256 of both halves of so many units of bytes (out: digests, 64 bytes).

    A unit is a multiple of 64 bytes; where their number is odd, the first half has one more.
    """
    payvand_sha256_halves(data, unit, units, digests)


def crc32c_of(data, portable=False):
    """Return the CRC-32C of bytes."""
    cdef const u8[::1] view = memoryview(data + b"\0")
    if portable:
        return payvand_crc32c_portable(0, &view[0], view.shape[0] - 1)
    return payvand_crc32c(0, &view[0], view.shape[0] - 1)


def sha256_of(first, second=b"", portable=False):
    """Return the SHA-256 of two pieces of bytes, one after the other."""
    cdef const u8[::1] one = memoryview(first + b"\0")
    cdef const u8[::1] two = memoryview(second + b"\0")
    cdef u8 digest[32]
    payvand_sha256(&one[0], one.shape[0] - 1, &two[0], two.shape[0] - 1, digest, portable)
    return digest[:32]
