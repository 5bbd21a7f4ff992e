BLOCK_BYTES: int
ROWS_BYTES: int
"""Of the rows of a block, zeros behind them among them."""

def seal_blocks(image: bytearray, number: int, rows: int, rows_a_block: int) -> None:
    """Write the tails of the blocks of *image*, the first of which is *number* in its file.

    All but the last of them hold *rows_a_block* rows.
    """

def begin_writing(fd: int, start: int, size: int) -> None:
    """Have the system begin to write a stretch of a file to the disk, without waiting for it.

    It makes nothing durable; it keeps a later flush from having much to do at once.
    """

def wrong_block(image: bytes, number: int, rows: int, rows_a_block: int) -> int | None:
    """Return which of the blocks of *image* is not as `seal_blocks` left it, from 0; None: none."""
