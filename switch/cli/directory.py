"""`payvand directory`: ask who stands behind a number, register numbers, prove a copy equal."""

import asyncio
import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click

from payvand.client import Difference, DirectoryCopy
from payvand.switch.cli.claims import claims
from payvand.switch.cli.display import named, said, told
from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import print_json, print_table
from payvand.switch.directory.alias import AliasKind, alias_number
from payvand.switch.identifiers.persian_text import normalise_identifier
from payvand.v1 import directory_service_pb2 as pb
from payvand.v1.payment_pb2 import Refusal

__all__ = ["ALIAS_KINDS", "alias_arguments", "alias_of", "directory"]

ALIAS_KINDS: Final = {kind.name.lower().replace("_", "-"): kind for kind in AliasKind}
"""As the command line writes them: mobile, national-id, legal-id, card, iban."""
REGISTRATIONS_MAX: Final = 1_000
COLUMNS: Final = ("kind", "value", "iban", "name")


def alias_arguments(command: Any) -> Any:
    """Give a command the arguments KIND and VALUE."""
    command = click.argument("value")(command)
    return click.argument("kind", type=click.Choice(list(ALIAS_KINDS)))(command)


def alias_of(kind: str, value: str) -> pb.Alias:
    """Return the alias that a command or a file names, its digits normalised."""
    return pb.Alias(
        kind=pb.AliasKind.Name(ALIAS_KINDS[kind]),
        value=normalise_identifier(value),
    )


@click.group()
def directory() -> None:
    """Ask who stands behind a number, and register numbers for your customers' accounts."""


directory.add_command(claims)


@directory.command("look-up")
@alias_arguments
@as_json
@door_options(caller="participant")
def look_up(kind: str, value: str, door: Door, as_json: bool) -> None:
    """Show the account behind a number, with its owner's name masked.

    Numbers that nobody registered cost many times what others do: see the contract. Exit code 1
    where nobody did.
    """
    reply = asyncio.run(_look_up(door, alias_of(kind, value)))
    _refuse(reply.refusals)
    payee = reply.payees[0]
    found = {"iban": payee.iban, "bank": payee.bank, "masked_name": payee.masked_name}
    if as_json:
        print_json({"found": bool(payee.iban)} | found)
    elif payee.iban:
        print_table(("IBAN", "bank", "name"), [tuple(found.values())])
    else:
        click.echo(said("nobody registered it"))
    if not payee.iban:
        raise click.exceptions.Exit(ANSWER_IS_NO)


@directory.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@door_options(caller="participant")
def register(file: Path, door: Door, as_json: bool) -> None:
    """Register the aliases of a FILE: CSV with the columns kind, value, iban, name.

    A kind is mobile, national-id, legal-id, card or iban. What is registered already is left as it
    is, so a file may be sent again. Exit code 1 where one was refused.
    """
    rows = _rows(file)
    refusals = asyncio.run(_register(door, rows))
    if as_json:
        print_json(
            {
                "registered": len(rows) - len(refusals),
                "refused": [
                    {"row": row, "field": one.field, "rule": one.rule, "hint": one.hint}
                    for row, one in refusals
                ],
            }
        )
    else:
        click.echo(
            said(
                "{registered} registered, {refused} refused",
                registered=f"{len(rows) - len(refusals):,}",
                refused=f"{len(refusals):,}",
            )
        )
        if refusals:
            print_table(
                ("row", "field", "rule", "hint"),
                [(str(row), one.field, one.rule, told(one.hint)) for row, one in refusals],
            )
    if refusals:
        raise click.exceptions.Exit(ANSWER_IS_NO)


@directory.command()
@alias_arguments
@as_json
@door_options(caller="participant")
def remove(kind: str, value: str, door: Door, as_json: bool) -> None:
    """Take an alias of yours out of the directory."""
    _refuse(asyncio.run(_remove(door, alias_of(kind, value))))
    if as_json:
        print_json({"removed": True})
    else:
        click.echo(said("it is not in the directory"))


@directory.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@door_options(caller="participant")
def compare(file: Path, door: Door, as_json: bool) -> None:
    """Prove that a FILE, as `register` reads it, says what the whole directory says.

    Names are compared to the letter. Exit code 1 where the two differ; each difference is shown.
    """
    copy = DirectoryCopy()
    for row in _rows(file):
        copy.put(row.alias.kind, row.alias.value, row.iban, row.name)
    found = asyncio.run(_compare(door, copy))
    differences = [
        {
            "kind": kind.name.lower().replace("_", "-"),
            "value": value,
            "in_file": one.in_copy,
            "in_directory": one.in_directory,
        }
        for one in found
        for kind, value in [alias_number(one.kind << 120 | one.number)]
    ]
    if as_json:
        print_json({"equal": not differences, "aliases": len(copy), "differences": differences})
    elif differences:
        print_table(
            ("kind", "value", "in file", "in directory"),
            [
                (
                    named("alias_kind", str(one["kind"])),
                    str(one["value"]),
                    said("yes") if one["in_file"] else said("no"),
                    said("yes") if one["in_directory"] else said("no"),
                )
                for one in differences
            ],
        )
    else:
        click.echo(said("{aliases} aliases, all as in the directory", aliases=f"{len(copy):,}"))
    if differences:
        raise click.exceptions.Exit(ANSWER_IS_NO)


def _rows(file: Path) -> list[pb.Registration]:
    """Read a file of registrations."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        if not set(COLUMNS) <= set(reader.fieldnames or ()):
            hint = "the first row names the columns " + ", ".join(COLUMNS)
            raise click.BadParameter(hint, param_hint="FILE")
        rows = []
        for row in reader:
            if row["kind"] not in ALIAS_KINDS or any(row[name] is None for name in COLUMNS):
                hint = f"line {reader.line_num}: a kind is one of {', '.join(ALIAS_KINDS)}"
                raise click.BadParameter(hint, param_hint="FILE")
            rows.append(
                pb.Registration(
                    alias=alias_of(row["kind"], row["value"]), iban=row["iban"], name=row["name"]
                )
            )
    return rows


def _refuse(refusals: Iterable[Refusal]) -> None:
    for one in refusals:
        raise click.BadParameter(f"{one.rule}: {one.hint}", param_hint=one.field)


async def _look_up(door: Door, alias: pb.Alias) -> pb.LookUpResponse:
    async with door.bank() as bank:
        return await bank.directory.look_up([alias])


async def _register(door: Door, rows: list[pb.Registration]) -> list[tuple[int, Refusal]]:
    refusals = []
    async with door.bank() as bank:
        for start in range(0, len(rows), REGISTRATIONS_MAX):
            part = rows[start : start + REGISTRATIONS_MAX]
            refusals += [
                (start + one.index + 1, one) for one in await bank.directory.register(part)
            ]
    return refusals


async def _remove(door: Door, alias: pb.Alias) -> list[Refusal]:
    async with door.bank() as bank:
        return await bank.directory.remove([alias])


async def _compare(door: Door, copy: DirectoryCopy) -> list[Difference]:
    async with door.bank() as bank:
        return await bank.directory.differences(copy)
