"""`payvand approvals`: what operators propose, and the second operator's word on it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import click

from payvand.client import Operator
from payvand.switch.cli.display import isolated, named, padded, said
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import moment, print_json, print_table
from payvand.v1 import approval_service_pb2 as pb
from payvand.v1.approval_service_pb2 import Proposal, ProposalState

__all__ = ["approvals", "echo_proposal", "proposal_json", "state_name"]

STATES: Final = {
    value: name.removeprefix("PROPOSAL_STATE_").lower()
    for name, value in ProposalState.items()
    if value
}
"""The states' names by their numbers."""
SHOWN_MAX: Final = 1_000
_PREFIX = re.compile(r"[0-9a-f]{4,32}")


@click.group()
def approvals() -> None:
    """See what operators propose, and approve or refuse it.

    Who proposes doesn't approve: give --as another operator than the proposer. An auditor's
    certificate lists and shows.
    """


@approvals.command("list")
@click.option("--state", type=click.Choice(sorted(STATES.values())), help="Only those.")
@click.option("--kind", default="", help="Only those of a kind, for example rules.change.")
@as_json
@door_options(caller="anybody")
def list_proposals(door: Door, state: str | None, kind: str, as_json: bool) -> None:
    """List the proposals, newest first."""

    async def run() -> list[Proposal]:
        wanted: ProposalState = pb.PROPOSAL_STATE_UNSPECIFIED
        if state is not None:
            wanted = getattr(pb, f"PROPOSAL_STATE_{state.upper()}")
        found: list[Proposal] = []
        async with door.operator() as operator:
            async for proposal in operator.approvals.proposals(state=wanted, kind=kind):
                found.append(proposal)
                if len(found) == SHOWN_MAX:
                    break
        return found

    found = asyncio.run(run())
    if as_json:
        print_json({"proposals": [proposal_json(proposal) for proposal in found]})
        return
    print_table(
        ("id", "kind", "state", "proposed by", "proposed", "due", "reason"),
        (
            (
                proposal.id.hex()[:16],
                proposal.kind,
                named("proposal_state", state_name(proposal)),
                proposal.proposer,
                moment(proposal.proposed_at),
                _due_text(proposal),
                proposal.reason,
            )
            for proposal in found
        ),
    )


@approvals.command()
@click.argument("proposal", metavar="ID")
@as_json
@door_options(caller="anybody")
def show(door: Door, proposal: str, as_json: bool) -> None:
    """Show a proposal with its content and all that happened to it."""

    async def run() -> Proposal:
        async with _found(door, proposal) as (_, found):
            return found

    echo_proposal(asyncio.run(run()), as_json=as_json, whole=True)


@approvals.command()
@click.argument("proposal", metavar="ID")
@click.option("--digest", help="Approve only if its digest begins so.")
@click.option("--remark", default="", help="To be written down with it.")
@as_json
@door_options(caller="anybody")
def approve(door: Door, proposal: str, digest: str | None, remark: str, as_json: bool) -> None:
    """Approve what another operator proposed; it is carried out where it is due.

    ID may be cut to its first digits, as `list` shows it.
    """

    async def run() -> Proposal:
        async with _found(door, proposal) as (operator, found):
            if digest is not None and not found.digest.startswith(digest.lower()):
                raise click.BadParameter(
                    f"the proposal's digest is {found.digest}", param_hint="--digest"
                )
            return await operator.approvals.approve(found.id, digest=found.digest, remark=remark)

    echo_proposal(asyncio.run(run()), as_json=as_json)


@approvals.command()
@click.argument("proposal", metavar="ID")
@click.option("--remark", default="", help="Why.")
@as_json
@door_options(caller="anybody")
def refuse(door: Door, proposal: str, remark: str, as_json: bool) -> None:
    """Refuse a proposal, or withdraw your own."""

    async def run() -> Proposal:
        async with _found(door, proposal) as (operator, found):
            return await operator.approvals.refuse(found.id, remark=remark)

    echo_proposal(asyncio.run(run()), as_json=as_json)


@approvals.command()
@click.argument("proposal", metavar="ID")
@click.option("--remark", default="", help="Why.")
@as_json
@door_options(caller="anybody")
def cancel(door: Door, proposal: str, remark: str, as_json: bool) -> None:
    """Call off what is approved before it is carried out; one operator is enough."""

    async def run() -> Proposal:
        async with _found(door, proposal) as (operator, found):
            return await operator.approvals.cancel(found.id, remark=remark)

    echo_proposal(asyncio.run(run()), as_json=as_json)


@asynccontextmanager
async def _found(door: Door, text: str) -> AsyncIterator[tuple[Operator, Proposal]]:
    """Connect, and find the proposal whose id is or begins with *text*."""
    wanted = text.lower().replace("-", "")
    if not _PREFIX.fullmatch(wanted):
        raise click.BadParameter("give 4 to 32 hexadecimal digits of its id", param_hint="ID")
    async with door.operator() as operator:
        if len(wanted) == 32:
            yield operator, await operator.approvals.get(bytes.fromhex(wanted))
            return
        matching = [
            proposal
            async for proposal in operator.approvals.proposals(page_size=SHOWN_MAX)
            if proposal.id.hex().startswith(wanted)
        ]
        if len(matching) != 1:
            hint = f"{len(matching)} proposals have an id that begins with {text}"
            raise click.BadParameter(hint, param_hint="ID")
        yield operator, matching[0]


def echo_proposal(proposal: Proposal, *, as_json: bool, whole: bool = False) -> None:
    """Print a proposal: in a line, or *whole*."""
    if as_json:
        print_json(proposal_json(proposal))
        return
    due = _due_text(proposal)
    state = named("proposal_state", state_name(proposal))
    id, kind = proposal.id.hex(), proposal.kind
    if due and state_name(proposal) in ("open", "approved"):
        click.echo(
            said("{id}  {kind} is {state}, due {due}", id=id, kind=kind, state=state, due=due)
        )
    else:
        click.echo(said("{id}  {kind} is {state}", id=id, kind=kind, state=state))
    if not whole:
        return
    for heading, content in (
        ("content", proposal.content),
        ("digest", proposal.digest),
        ("reason", isolated(proposal.reason)),
        ("expires", moment(proposal.expires_at)),
    ):
        click.echo(f"{padded(named('heading', heading), 9)}{content}")
    print_table(
        ("when", "act", "by", "frame", "remark"),
        (
            (
                moment(act.at),
                named("act", act.act),
                act.operator or said("the switch"),
                str(act.sequence),
                act.remark,
            )
            for act in proposal.acts
        ),
    )


def state_name(proposal: Proposal) -> str:
    """Return the name of a proposal's state."""
    return STATES.get(proposal.state, "unknown")


def proposal_json(proposal: Proposal) -> dict[str, Any]:
    """Return a proposal for scripts."""
    return {
        "id": proposal.id.hex(),
        "kind": proposal.kind,
        "content": proposal.content,
        "digest": proposal.digest,
        "reason": proposal.reason,
        "state": state_name(proposal),
        "proposer": proposal.proposer,
        "proposed_at": proposal.proposed_at,
        "expires_at": proposal.expires_at,
        "due_at": proposal.due_at,
        "on_call": proposal.on_call,
        "acts": [
            {
                "act": act.act,
                "operator": act.operator,
                "at": act.at,
                "sequence": act.sequence,
                "remark": act.remark,
            }
            for act in proposal.acts
        ],
    }


def _due_text(proposal: Proposal) -> str:
    if proposal.on_call:
        return said("on call")
    return moment(proposal.due_at) if proposal.due_at else said("at once")
