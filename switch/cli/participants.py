"""`payvand participants`: who takes part, and how that changes."""

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from payvand.client import Operator
from payvand.switch.cli.acts import Proposing, proposing_options
from payvand.switch.cli.approvals import echo_proposal, proposal_json
from payvand.switch.cli.display import display, isolated, named, said
from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import amount_text, moment, print_json, print_table
from payvand.switch.cli.version_texts import due
from payvand.switch.directory_file import ParticipantEntry, load
from payvand.switch.onboarding import ROLE_NAMES, propose
from payvand.switch.registry.callers import read_certificate
from payvand.v1.approval_service_pb2 import Proposal
from payvand.v1.participant_service_pb2 import (
    AccountPurpose,
    Participant,
    ParticipantPosition,
    ParticipantState,
    ParticipantVersion,
)

__all__ = ["participants"]

DAY_NS: Final = 86_400 * 1_000_000_000
ENDS_SOON_DAYS: Final = 30
TRAITS_KEPT: Final = ("name", "certificates", "signing_keys")
"""What `restore` leaves as it is: these are registered and revoked one by one."""


@click.group()
def participants() -> None:
    """Show the participants and their positions, onboard them, change what is known of them.

    A change is proposed by one operator and approved by another (`payvand approvals approve`), or
    by both at once with --approve-as where both certificates are at hand.
    """


@participants.command("list")
@as_json
@door_options(caller="anybody")
def list_participants(door: Door, as_json: bool) -> None:
    """Show every participant and how it stands in the open window."""
    positions = asyncio.run(_positions(door))
    if as_json:
        print_json({"participants": [_json_of(position) for position in positions]})
        return
    print_table(
        (
            "no.",
            "name",
            "called",
            "role",
            "state",
            "certificate until",
            "net debit cap",
            "paid",
            "received",
            "reserved",
            "settlement",
        ),
        (
            (
                str(position.participant.number),
                position.participant.name,
                _called(position.participant),
                named("role", ROLE_NAMES.get(position.participant.role, "unspecified")),
                _state(position.participant),
                moment(_last_day(position.participant))[:10],
                amount_text(position.participant.net_debit_cap),
                amount_text(position.debits_posted),
                amount_text(position.credits_posted),
                amount_text(position.debits_pending),
                amount_text(position.settlement_balance),
            )
            for position in positions
        ),
        title=said("Participants and their positions in the open window"),
        numbers=6,
    )


@participants.command()
@click.argument("name")
@as_json
@door_options(caller="anybody")
def show(door: Door, name: str, as_json: bool) -> None:
    """Show all that is known of participant NAME."""
    position = next(
        (one for one in asyncio.run(_positions(door)) if one.participant.name == name), None
    )
    if position is None:
        raise click.BadParameter(f"nobody here is called {name}", param_hint="NAME")
    told = _json_of(position)
    if as_json:
        print_json(told)
        return
    for key, value in told.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        click.echo(f"{key:<20} {text}")


@participants.command()
@click.argument("name", required=False, default="")
@click.option("--at", metavar="TIME", help="As it was then: 1404-02-31 13:44 or 2025-05-21T13:44.")
@as_json
@door_options(caller="anybody")
def history(door: Door, name: str, at: str | None, as_json: bool) -> None:
    """Show every version of participant NAME, or the one that was at a time."""

    async def run() -> list[ParticipantVersion]:
        async with door.operator() as operator:
            return await operator.participant_versions(name, at=due(at))

    versions = asyncio.run(run())
    if as_json:
        print_json(
            {
                "versions": [
                    {
                        "number": version.number,
                        "since": version.since,
                        "proposal": version.proposal.hex(),
                        "traits": json.loads(version.content),
                    }
                    for version in versions
                ]
            }
        )
        return
    for version, before in zip(versions, [*versions[1:], None], strict=True):
        by = f"proposal {version.proposal.hex()[:16]}" if version.proposal else "the switch itself"
        click.echo(f"{version.number:>4}  {moment(version.since)}  {by}")
        had = json.loads(before.content) if before else {}
        for key, value in json.loads(version.content).items():
            if value != had.get(key):
                click.echo(f"        {key}: {json.dumps(value, ensure_ascii=False)}")


# --- changing ------------------------------------------------------------------------------------


@participants.command("put")
@click.argument("directory", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@proposing_options(reason="onboarding")
@as_json
@door_options(caller="anybody")
def put_participants(directory: Path, proposing: Proposing, door: Door, as_json: bool) -> None:
    """Propose to onboard the participants of a DIRECTORY file, or to bring known ones up to it.

    The file is TOML (see switch/sandbox/directory.toml). Certificates that the folder of
    certificates has for them are registered with them. It may be put again at will. Prefunding
    isn't paid in by this: see `payvand fund`.
    """
    asyncio.run(_put(load(directory), proposing, door, as_json))


async def _put(
    entries: tuple[ParticipantEntry, ...], proposing: Proposing, door: Door, as_json: bool
) -> None:
    async with door.operator() as operator:
        replies = await propose(
            operator,
            entries,
            door.certificates.parent,
            reason=proposing.reason,
            due_at=proposing.due_at,
        )
    proposals = [
        await proposing.finish(door, reply.proposal)
        for reply in replies
        if reply.HasField("proposal")
    ]
    known = [participant for reply in replies for participant in reply.participants]
    warnings = [warning for reply in replies for warning in reply.warnings]
    if as_json:
        print_json(
            {
                "participants": [_participant_json(participant) for participant in known],
                "proposals": [proposal_json(proposal) for proposal in proposals],
                "warnings": warnings,
            }
        )
        return
    for participant in known:
        click.echo(f"{participant.number:>4}  {participant.name:<20} {_called(participant)}")
    for warning in warnings:
        click.echo(f"look at  {warning}")
    for proposal in proposals:
        echo_proposal(proposal, as_json=False)


def _change(
    door: Door, name: str, traits: Mapping[str, Any], proposing: Proposing, *, as_json: bool
) -> None:
    """Propose to change *traits* of a participant, and show the proposal."""

    async def run() -> Proposal:
        async with door.operator() as operator:
            return await proposing.finish(
                door,
                await operator.change_participant(
                    name, traits, reason=proposing.reason, due_at=proposing.due_at
                ),
            )

    echo_proposal(asyncio.run(run()), as_json=as_json)


@participants.command()
@click.argument("name")
@click.option("--sending", is_flag=True, help="It sends no new payments.")
@click.option("--receiving", is_flag=True, help="No new payments go to it.")
@proposing_options()
@as_json
@door_options(caller="anybody")
def suspend(
    name: str, sending: bool, receiving: bool, proposing: Proposing, door: Door, as_json: bool
) -> None:
    """Propose to suspend participant NAME: both ways, or one of them.

    What is reserved already ends in the ordinary way: it still answers, follows and asks.
    """
    _change(door, name, _directions("suspended", sending, receiving), proposing, as_json=as_json)


@participants.command()
@click.argument("name")
@click.option("--sending", is_flag=True, help="It may send again.")
@click.option("--receiving", is_flag=True, help="It may be sent to again.")
@proposing_options()
@as_json
@door_options(caller="anybody")
def resume(
    name: str, sending: bool, receiving: bool, proposing: Proposing, door: Door, as_json: bool
) -> None:
    """Propose to lift the suspension of participant NAME, or to let a closed one in again."""
    _change(door, name, _directions("active", sending, receiving), proposing, as_json=as_json)


@participants.command()
@click.argument("name")
@proposing_options()
@as_json
@door_options(caller="anybody")
def close(name: str, proposing: Proposing, door: Door, as_json: bool) -> None:
    """Propose to close participant NAME, which has nothing under way and owes nothing.

    Its certificates identify nobody from then on.
    """
    _change(door, name, _directions("closed", False, False), proposing, as_json=as_json)


@participants.command("set")
@click.argument("name")
@click.argument("traits", metavar="TRAIT=VALUE...", nargs=-1, required=True)
@proposing_options()
@as_json
@door_options(caller="anybody")
def set_traits(
    name: str, traits: tuple[str, ...], proposing: Proposing, door: Door, as_json: bool
) -> None:
    """Propose to change traits of participant NAME, for example net_debit_cap=5000000.

    Traits are called as `history --json` calls them; a value is JSON, or a text as it stands.
    """
    _change(door, name, dict(map(_trait, traits)), proposing, as_json=as_json)


@participants.command()
@click.argument("name")
@click.argument("number", metavar="VERSION", type=click.IntRange(min=1))
@proposing_options()
@as_json
@door_options(caller="anybody")
def restore(name: str, number: int, proposing: Proposing, door: Door, as_json: bool) -> None:
    """Propose to make participant NAME what it was in VERSION, as `history` numbers them.

    Certificates and signing keys stay as they are.
    """

    async def wanted(operator: Operator) -> ParticipantVersion:
        versions = await operator.participant_versions(name)
        found = next((one for one in versions if one.number == number), None)
        if found is None:
            raise click.BadParameter(f"{name} has no version {number}", param_hint="VERSION")
        return found

    async def run() -> dict[str, Any]:
        async with door.operator() as operator:
            traits: dict[str, Any] = json.loads((await wanted(operator)).content)
            return traits

    traits = asyncio.run(run())
    kept = {key: value for key, value in traits.items() if key not in TRAITS_KEPT}
    _change(door, name, kept, proposing, as_json=as_json)


@participants.group()
def certificate() -> None:
    """Register a participant's certificates, revoke them, and see which end soon."""


@certificate.command("add")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@proposing_options()
@as_json
@door_options(caller="anybody")
def add_certificate(name: str, file: Path, proposing: Proposing, door: Door, as_json: bool) -> None:
    """Propose to register the certificate in FILE (PEM) beside those of participant NAME.

    Both hold from then on; revoke the old one when the participant uses the new one.
    """
    try:
        read, says = read_certificate(file.read_bytes())
    except ValueError as error:
        raise click.BadParameter(f"not a certificate in PEM: {error}", param_hint="FILE") from error
    if says.partition(":")[2] != name:
        hint = f"it says {says or 'nobody'}, not {name}: urn:payvand:<role>:<name>"
        raise click.BadParameter(hint, param_hint="FILE")
    traits = {
        "certificates": [
            {
                "fingerprint": read.fingerprint,
                "serial": read.serial,
                "not_before": read.not_before,
                "not_after": read.not_after,
            }
        ]
    }
    _change(door, name, traits, proposing, as_json=as_json)


@certificate.command("revoke")
@click.argument("name")
@click.argument("fingerprint")
@proposing_options()
@as_json
@door_options(caller="anybody")
def revoke_certificate(
    name: str, fingerprint: str, proposing: Proposing, door: Door, as_json: bool
) -> None:
    """Propose to revoke a certificate of participant NAME by its FINGERPRINT, or how that begins.

    Once approved it identifies nobody; streams that are open by it end at once.
    """
    position = next(
        (one for one in asyncio.run(_positions(door)) if one.participant.name == name), None
    )
    known = [one.fingerprint.hex() for one in position.participant.certificates] if position else []
    found = [one for one in known if one.startswith(fingerprint.lower())]
    if len(found) != 1:
        hint = f"{len(found)} certificates of {name} have a fingerprint that begins so"
        raise click.BadParameter(hint, param_hint="FINGERPRINT")
    _change(door, name, {"revoke_certificates": found}, proposing, as_json=as_json)


@certificate.command("check")
@click.option("--days", type=click.IntRange(0), default=ENDS_SOON_DAYS, show_default=True)
@as_json
@door_options(caller="anybody")
def check_certificates(door: Door, days: int, as_json: bool) -> None:
    """Show certificates that end within DAYS and who has no later one; exit code 1 where any."""
    horizon = time.time_ns() + days * DAY_NS
    ending: list[dict[str, Any]] = [
        {
            "participant": one.participant.name,
            "fingerprint": each.fingerprint.hex(),
            "not_after": each.not_after,
            "has_later": _last_day(one.participant) >= horizon,
        }
        for one in asyncio.run(_positions(door))
        for each in one.participant.certificates
        if each.not_after < horizon
    ]
    if as_json:
        print_json({"ending": ending})
    for each in () if as_json else ending:
        rest = "has a later one" if each["has_later"] else "has no later one: register one"
        until = moment(each["not_after"])
        click.echo(f"{each['participant']:<20} {each['fingerprint']}  until {until}, {rest}")
    if ending:
        click.get_current_context().exit(ANSWER_IS_NO)


# --- showing -------------------------------------------------------------------------------------


async def _positions(door: Door) -> list[ParticipantPosition]:
    async with door.operator() as operator:
        return await operator.participants(everybody=True)


def _directions(state: str, sending: bool, receiving: bool) -> dict[str, Any]:
    both = sending == receiving
    return {
        way: state
        for way, asked in (("sending", sending), ("receiving", receiving))
        if both or asked
    }


def _trait(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} isn't TRAIT=VALUE", param_hint="TRAIT=VALUE")
    if key == "net_debit_cap":
        return key, value.replace("_", "").replace(",", "")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _called(participant: Participant) -> str:
    """Return what people call a participant, in their language where it has such a name."""
    persian = display().is_persian and participant.display_name_fa
    return isolated(participant.display_name_fa if persian else participant.display_name)


def _last_day(participant: Participant) -> int:
    """Return until when the last of its certificates holds; 0 where it has none."""
    return max((one.not_after for one in participant.certificates), default=0)


def _state(participant: Participant) -> str:
    ways = {"sending": participant.sending, "receiving": participant.receiving}
    words = {way: _word(state) for way, state in ways.items()}
    if len(set(words.values())) == 1:
        return words["sending"]
    return ", ".join(f"{way} {word}" for way, word in words.items() if word != "active")


def _word(state: ParticipantState) -> str:
    return ParticipantState.Name(state).removeprefix("PARTICIPANT_STATE_").lower()


def _participant_json(participant: Participant) -> dict[str, Any]:
    return {
        "number": participant.number,
        "name": participant.name,
        "role": ROLE_NAMES.get(participant.role, "unspecified"),
        "display_name": participant.display_name,
        "display_name_fa": participant.display_name_fa,
        "bank_codes": list(participant.bank_codes),
        "ibans": list(participant.ibans),
        "net_debit_cap": str(participant.net_debit_cap),
        "unit": participant.unit,
        "auto_accept": participant.auto_accept,
        "sending": _word(participant.sending),
        "receiving": _word(participant.receiving),
        "contacts": [
            {"purpose": one.purpose, "name": one.name, "phone": one.phone, "email": one.email}
            for one in participant.contacts
        ],
        "certificates": [
            {
                "fingerprint": one.fingerprint.hex(),
                "serial": one.serial,
                "not_before": one.not_before,
                "not_after": one.not_after,
            }
            for one in participant.certificates
        ],
        "signing_keys": [key.hex() for key in participant.signing_keys],
        "signature_required": participant.signature_required,
        "payments_per_second": participant.payments_per_second,
    }


def _json_of(position: ParticipantPosition) -> dict[str, Any]:
    return _participant_json(position.participant) | {
        "debits_posted": str(position.debits_posted),
        "credits_posted": str(position.credits_posted),
        "debits_pending": str(position.debits_pending),
        "credits_pending": str(position.credits_pending),
        "settlement_balance": str(position.settlement_balance),
        "accounts": [
            {
                "purpose": AccountPurpose.Name(one.purpose)
                .removeprefix("ACCOUNT_PURPOSE_")
                .lower(),
                "id": one.id,
                "unit": one.unit,
                "debits_posted": one.debits_posted,
                "credits_posted": one.credits_posted,
            }
            for one in position.accounts
        ],
    }
