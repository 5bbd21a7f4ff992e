BLOCK_BYTES: int
ROWS_BYTES: int
"""Of the rows of a block, zeros behind them among them."""

def seal_blocks(image: bytearray, number: int, rows: int, rows_a_block: int) -> None:
    """Write the tails of the blocks of *image*, the first of which is *number* in its file.

    All but the last of them hold *rows_a_block* rows.
    """

def wrong_block(image: bytes, number: int, rows: int, rows_a_block: int) -> int | None:
    """Return which of the blocks of *image* is not as `seal_blocks` left it, from 0; None: none."""
