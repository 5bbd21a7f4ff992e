"""`payvand sandbox-bank`: a bank, or a government service, to try a switch with."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import click
import uvloop

from payvand.switch.cli.display import named, said
from payvand.switch.cli.options import Door, door_options
from payvand.switch.sandbox.agency import SandboxAgency
from payvand.switch.sandbox.bank import SandboxBank
from payvand.switch.sandbox.participant import Participant, Standing

__all__ = ["sandbox_bank"]


@click.command("sandbox-bank")
@click.option(
    "--book",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of its own book; DATA/books/NAME by default.",
)
@click.option(
    "--submit",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A payment file to send; may be given again, also for the same file.",
)
@click.option("--agency", is_flag=True, help="Be a government service: receive fees only.")
@click.option("--hold", is_flag=True, help="Send nothing before the signal SIGUSR1.")
@click.option("--json", "as_json", is_flag=True, help="Tell how it stands as lines of JSON.")
@door_options(caller="participant")
def sandbox_bank(
    folder: Path | None,
    files: tuple[Path, ...],
    agency: bool,
    hold: bool,
    as_json: bool,
    door: Door,
) -> None:
    """Be a bank: send files, answer what comes in, keep a book of one's own. Ends with Ctrl-C.

    How it answers a payment follows from the creditor's account: it rejects those that end in 901
    (AC01), 903 (CURR, another currency), 904 (AC04), 906 (AC06) and 914 (AG01), never answers
    those that end in 900, answers 902 too late and 905 twice and otherwise, breaks its connection
    over 909 before it accepts, and accepts all others. Started again it carries on where its book
    ends.
    """
    if agency and files:
        raise click.UsageError("a government service sends no files")
    name = door.certificates.name
    uvloop.run(
        _run(
            name,
            door,
            folder or door.certificates.parent.parent / "books" / name,
            files=None if agency else files,
            hold=hold,
            as_json=as_json,
        )
    )


async def _run(
    name: str,
    door: Door,
    folder: Path,
    *,
    files: tuple[Path, ...] | None,
    hold: bool,
    as_json: bool,
) -> None:
    go = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, go.set)
    if not hold:
        go.set()
    kind: type[Participant] = SandboxAgency if files is None else SandboxBank
    options: dict[str, Any] = {} if files is None else {"files": files, "go": go}
    participant = await kind.connect(
        name, address=door.address, certificates=door.certificates, folder=folder, **options
    )
    async with participant:
        work = asyncio.create_task(participant.run(_tell_json if as_json else _tell_people))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, work.cancel)
        try:
            await work
        except asyncio.CancelledError:
            await (_tell_json if as_json else _tell_people)(participant.standing())


async def _tell_json(standing: Standing) -> None:
    click.echo(json.dumps(standing.as_json(), ensure_ascii=False))


async def _tell_people(standing: Standing) -> None:
    sent, received = (
        ", ".join(
            f"{count:,} {named('payment_state', state)}" for state, (count, _) in side.items()
        )
        or said("nothing")
        for side in (standing.sent, standing.received)
    )
    click.echo(
        said(
            "{name}  sent: {sent}  received: {received}",
            name=standing.name,
            sent=sent,
            received=received,
        )
    )
