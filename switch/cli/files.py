"""`payvand files`: what banks and the settlement bank are sent about a closed window."""

import asyncio
import os
from pathlib import Path

import click

from payvand.settlement.reports import read_window
from payvand.settlement.window_files import WrittenFile, write_window_files
from payvand.switch.cli.display import said
from payvand.switch.cli.faults import ANSWER_IS_NO, tell_fault
from payvand.switch.cli.options import as_json, data_option
from payvand.switch.cli.printing import print_json, print_table, progress_console
from payvand.switch.desk import open_desk, read_terms, reference_of

__all__ = ["ZONE", "files"]

ZONE = "Asia/Tehran"


@click.command()
@click.argument("window", type=click.IntRange(min=1))
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("payvand-files"),
    show_default=True,
    help="Where the window's folder is made.",
)
@click.option(
    "--system", default="PAYVAND", show_default=True, help="The code of the clearing system."
)
@click.option("--zone", default=ZONE, show_default=True, help="The time zone of business days.")
@as_json
@data_option()
def files(window: int, folder: Path, system: str, zone: str, data: Path, as_json: bool) -> None:
    """Write the files of closed window WINDOW: pacs.009, camt.053, camt.054, and CSV beside each.

    They follow from the journal, and are the same byte for byte whenever they are written. What is
    there already is held against what the window comes to; a difference is told and changes
    nothing.
    """
    with progress_console().status("writing"):
        written = asyncio.run(_write(window, folder, system, zone, data))
    if written is None:
        tell_fault(f"window {window} isn't closed", "close it first: payvand settle")
        raise click.exceptions.Exit(ANSWER_IS_NO)
    target = folder / f"window-{window:06d}"
    if as_json:
        listed = [
            {
                "number": file.number,
                "name": file.name,
                "kind": file.kind,
                "bytes": file.bytes,
                "sha256": file.sha256,
            }
            for file in written
        ]
        print_json({"window": window, "folder": str(target), "files": listed})
        return
    print_table(
        ("file", "kind", "SHA-256", "bytes"),
        ((f.name, f.kind, f.sha256[:16], f"{f.bytes:,}") for f in written),
        title=said("Window {number} in {folder}", number=window, folder=target),
        numbers=3,
    )


async def _write(
    window: int, folder: Path, system: str, zone: str, data: Path
) -> list[WrittenFile] | None:
    database = os.environ.get("PAYVAND_DATABASE", "")
    async with open_desk(data, database=database) as pool, pool.acquire() as connection:
        closed = await read_window(connection, window)
        if closed is None:
            return None
        try:
            terms = await read_terms(connection, system=system, zone=zone)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        return await write_window_files(connection, closed, folder, terms, reference=reference_of)
