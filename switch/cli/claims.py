"""`payvand directory claims`: how an alias moves to another bank or another owner."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import click

from payvand.client import Directory, parse_payment_id, payment_id_text
from payvand.switch.cli.display import named
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import moment, print_json, print_table
from payvand.switch.directory.alias import AliasKind
from payvand.switch.identifiers.persian_text import normalise_identifier
from payvand.v1 import directory_service_pb2 as pb

__all__ = ["claims"]

CLAIM_KINDS: Final = {
    "portability": pb.CLAIM_KIND_PORTABILITY,
    "ownership": pb.CLAIM_KIND_OWNERSHIP,
}
ALIAS_KINDS: Final = {
    kind.name.lower().replace("_", "-"): kind for kind in AliasKind if kind is not AliasKind.IBAN
}
STATE_NAMES: Final = {
    number: name.removeprefix("CLAIM_STATE_").lower() for name, number in pb.ClaimState.items()
}


@click.group()
def claims() -> None:
    """Claim numbers that another bank registered, and answer its claims on yours."""


@claims.command("list")
@click.option("--ended", is_flag=True, help="Also those that ended.")
@as_json
@door_options(caller="participant")
def list_claims(ended: bool, door: Door, as_json: bool) -> None:
    """Show the claims that you are party to, newest first."""
    _show(asyncio.run(_list(door, ended)), as_json)


@claims.command("open")
@click.argument("what", type=click.Choice(list(CLAIM_KINDS)))
@click.argument("kind", type=click.Choice(list(ALIAS_KINDS)))
@click.argument("value")
@click.option("--id", "claim_id", metavar="ID", help="Of a claim that you opened before: again.")
@as_json
@door_options(caller="participant")
def open_claim(
    what: str, kind: str, value: str, claim_id: str | None, door: Door, as_json: bool
) -> None:
    """Claim the number VALUE.

    `portability`: your customer has it at another bank. `ownership`: it is your customer's now.
    """
    alias = pb.Alias(
        kind=pb.AliasKind.Name(ALIAS_KINDS[kind]),
        value=normalise_identifier(value),
    )
    number = CLAIM_KINDS[what]
    identity = _id(claim_id) if claim_id else None
    act = asyncio.run(_act(door, lambda d: d.open_claim(number, alias, claim_id=identity)))
    _show([act], as_json)


@claims.command()
@click.argument("claim_id", metavar="ID")
@as_json
@door_options(caller="participant")
def confirm(claim_id: str, door: Door, as_json: bool) -> None:
    """Say yes to a claim on your alias."""
    identity = _id(claim_id)
    _show([asyncio.run(_act(door, lambda d: d.confirm_claim(identity)))], as_json)


@claims.command()
@click.argument("claim_id", metavar="ID")
@click.argument("iban")
@click.argument("name")
@as_json
@door_options(caller="participant")
def complete(claim_id: str, iban: str, name: str, door: Door, as_json: bool) -> None:
    """Move the alias of your confirmed claim to your account IBAN, whose owner is NAME."""
    identity = _id(claim_id)
    _show([asyncio.run(_act(door, lambda d: d.complete_claim(identity, iban, name)))], as_json)


@claims.command()
@click.argument("claim_id", metavar="ID")
@click.option("--reason", default="", help="Why, for the other side.")
@as_json
@door_options(caller="participant")
def cancel(claim_id: str, reason: str, door: Door, as_json: bool) -> None:
    """Say no to a claim that you are party to."""
    identity = _id(claim_id)
    _show([asyncio.run(_act(door, lambda d: d.cancel_claim(identity, reason)))], as_json)


def _id(text: str) -> bytes:
    try:
        return parse_payment_id(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="ID") from error


def _show(found: Iterable[pb.Claim], as_json: bool) -> None:
    if as_json:
        print_json({"claims": [_json_of(claim) for claim in found]})
        return
    print_table(
        ("claim", "kind", "alias", "donor", "claimant", "state", "answer by", "complete by"),
        (
            (
                payment_id_text(claim.id),
                named("claim_kind", _kind_name(claim)),
                claim.alias.value,
                claim.donor,
                claim.claimant,
                named("claim_state", STATE_NAMES[claim.state]),
                moment(claim.answer_by),
                moment(claim.complete_by),
            )
            for claim in found
        ),
    )


def _kind_name(claim: pb.Claim) -> str:
    return pb.ClaimKind.Name(claim.kind).removeprefix("CLAIM_KIND_").lower()


def _json_of(claim: pb.Claim) -> dict[str, Any]:
    return {
        "id": claim.id.hex(),
        "kind": _kind_name(claim),
        "alias": {
            "kind": pb.AliasKind.Name(claim.alias.kind)
            .removeprefix("ALIAS_KIND_")
            .lower()
            .replace("_", "-"),
            "value": claim.alias.value,
        },
        "donor": claim.donor,
        "claimant": claim.claimant,
        "state": STATE_NAMES[claim.state],
        "opened_at": claim.opened_at,
        "answer_by": claim.answer_by,
        "complete_by": claim.complete_by,
        "reason": claim.reason,
    }


async def _list(door: Door, ended: bool) -> list[pb.Claim]:
    async with door.bank() as bank:
        return [claim async for claim in bank.directory.claims(ended=ended)]


async def _act(door: Door, act: Callable[[Directory], Awaitable[pb.Claim]]) -> pb.Claim:
    async with door.bank() as bank:
        return await act(bank.directory)
