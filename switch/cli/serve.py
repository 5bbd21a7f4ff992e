"""`payvand serve`: run a switch."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from payvand.switch import app, config
from payvand.switch.cli.options import data_option

__all__ = ["serve"]


@click.command()
@click.option(
    "--config",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file of settings; what is given here wins over it.",
)
@data_option()
@click.option("--listen", metavar="HOST:PORT", help="Where gRPC listens; port 0 takes a free one.")
@click.option("--metrics-port", type=click.IntRange(0, 65_535), help="Where Prometheus scrapes.")
@click.option(
    "--certificates",
    type=click.Path(file_okay=False, path_type=Path),
    help="The switch's ca.pem, certificate.pem and key.pem; those of a development authority in "
    "the data folder by default.",
)
@click.option(
    "--rules",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file of the scoring rules; those that come with Payvand by default.",
)
@click.option(
    "--settlement-rail",
    metavar="RAIL",
    help="Close settlement windows at the cycles of this rail, for example paya, by the calendar "
    "in force; operators alone close them where none is named.",
)
@click.option(
    "--acceptance-deadline",
    "acceptance_deadline_s",
    type=click.IntRange(1, 86_400),
    metavar="SECONDS",
    help="How long a creditor's bank has for its answer.",
)
@click.option(
    "--log-format",
    type=click.Choice(["json", "console"]),
    help="Logs for machines or for people; by default for whom standard error is.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --log-format json.")
def serve(file: Path | None, log_format: str | None, as_json: bool, **arguments: Any) -> None:
    """Run a switch on a data folder until SIGTERM or Ctrl-C.

    The folder is made where there is none: with a journal, an embedded PostgreSQL, and a
    development authority whose certificates `payvand certificates` issues. Once it listens, one
    line of JSON on standard output says where, and the other commands find it by --data.

    A database of your own is the setting `database` of the --config file or the environment's
    PAYVAND_DATABASE: a connection string may hold a secret, which no argument should.
    """
    if as_json:
        log_format = "json"
    elif log_format is None and sys.stderr.isatty():
        log_format = "console"
    database = os.environ.get("PAYVAND_DATABASE")
    settings = config.load(file, log_format=log_format, database=database, **arguments)
    sys.exit(app.serve(settings))
