"""The texts of tables in PostgreSQL, by their digest: kept once, never changed."""

import hashlib

from payvand.core.errors import PayvandFault
from payvand.settlement.database import Pool

__all__ = ["TextMissing", "digest_of_text", "keep_text", "read_text"]


class TextMissing(PayvandFault):
    """The journal names a table's text that the database doesn't have."""


def digest_of_text(text: str) -> bytes:
    """Return the SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).digest()


async def keep_text(pool: Pool, table: str, text: str) -> bytes:
    """Keep the *text* of a table and return its digest; what is kept already stays."""
    digest = digest_of_text(text)
    async with pool.acquire() as connection:
        await connection.execute(
            "INSERT INTO reference.rule_table (digest, name, content) VALUES ($1, $2, $3) "
            "ON CONFLICT (digest) DO NOTHING",
            *(digest, table, text),
        )
    return digest


async def read_text(pool: Pool, digest: bytes) -> str:
    """Return the text of a digest; raises `TextMissing` where the database hasn't got it."""
    async with pool.acquire() as connection:
        text = await connection.fetchval(
            "SELECT content FROM reference.rule_table WHERE digest = $1", digest
        )
    if text is None or digest_of_text(text) != digest:
        raise TextMissing(
            f"the text {digest.hex()[:16]}… of a table of rules isn't in the database",
            hint="the journal says that it was taken in: restore the schema `reference` from a "
            "backup",
        )
    return str(text)
