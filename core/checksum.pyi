def crc32c_of(data: bytes, portable: bool = False) -> int:
    """Return the CRC-32C of bytes; *portable* takes the code without special instructions."""

def sha256_of(first: bytes, second: bytes = b"", portable: bool = False) -> bytes:
    """Return the SHA-256 of two pieces, one after the other, 32 bytes."""
