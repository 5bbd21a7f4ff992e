"""The Merkle tree as RFC 6962, section 2.1, writes it down: by recursion over all leaves."""

from hashlib import sha256


def split(size: int) -> int:
    """Return the greatest power of two below *size*."""
    return 1 << (size - 1).bit_length() - 1


def naive_root(contents: list[bytes]) -> bytes:
    """Return MTH(D[n])."""
    if not contents:
        return sha256().digest()
    if len(contents) == 1:
        return sha256(b"\x00" + contents[0]).digest()
    k = split(len(contents))
    return sha256(b"\x01" + naive_root(contents[:k]) + naive_root(contents[k:])).digest()


def naive_path(position: int, contents: list[bytes]) -> list[bytes]:
    """Return PATH(m, D[n])."""
    if len(contents) == 1:
        return []
    k = split(len(contents))
    if position < k:
        return [*naive_path(position, contents[:k]), naive_root(contents[k:])]
    return [*naive_path(position - k, contents[k:]), naive_root(contents[:k])]
