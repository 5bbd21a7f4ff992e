"""A version of a table of rules, as commands show it."""

from typing import Any

import click

from payvand.switch.cli.approvals import proposal_json, state_name
from payvand.switch.cli.display import named, said
from payvand.switch.cli.printing import print_json
from payvand.v1.rule_table_service_pb2 import RuleTableVersion

__all__ = ["echo_version", "state_of", "version_json"]


def echo_version(version: RuleTableVersion, *, as_json: bool) -> None:
    """Print a version in a line, or for scripts."""
    if as_json:
        print_json(version_json(version))
        return
    state = named("proposal_state", state_of(version))
    if version.restores:
        click.echo(
            said(
                "version {number} of {table}, the text of version {restores}: {state}",
                number=version.number,
                table=version.table,
                restores=version.restores,
                state=state,
            )
        )
    else:
        click.echo(
            said(
                "version {number} of {table}: {state}",
                number=version.number,
                table=version.table,
                state=state,
            )
        )


def state_of(version: RuleTableVersion) -> str:
    """Return the name of a version's state: of its proposal, `in_force` or `was_in_force`."""
    if any(not period.until for period in version.periods):
        return "in_force"
    if version.periods:
        return "was_in_force"
    return state_name(version.proposal)


def version_json(version: RuleTableVersion) -> dict[str, Any]:
    """Return a version for scripts."""
    return {
        "version": version.number,
        "table": version.table,
        "state": state_of(version),
        "digest": version.digest.hex(),
        "restores": version.restores or None,
        "periods": [
            {"since": one.since, "until": one.until or None, "sequence": one.sequence}
            for one in version.periods
        ],
        "proposal": proposal_json(version.proposal) if version.HasField("proposal") else None,
    }
