"""`payvand totals`: the whole switch in figures, from the ledger and from the database."""

import asyncio
from typing import Any

import click

from payvand.switch.cli.display import named, said
from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import amount_text, print_json, print_table
from payvand.v1.book_service_pb2 import GetTotalsResponse, Totals

__all__ = ["totals", "totals_json"]

_SIDES = ("debits_posted", "credits_posted", "debits_pending", "credits_pending")


@click.command()
@as_json
@door_options()
def totals(door: Door, as_json: bool) -> None:
    """Count payments by state and add up the books: from the ledger, and from the database.

    Exit code 1 where the two disagree.
    """
    answer = asyncio.run(_totals(door))
    ledger, database = totals_json(answer.ledger), totals_json(answer.database)
    agree = all(ledger[name] == database[name] for name in ("sequence", *_SIDES))
    if as_json:
        print_json({"agree": agree, "ledger": ledger, "database": database})
    else:
        _print(answer, agree)
    if not agree:
        raise click.exceptions.Exit(ANSWER_IS_NO)


async def _totals(door: Door) -> GetTotalsResponse:
    async with door.operator() as operator:
        return await operator.totals()


def totals_json(totals: Totals) -> dict[str, Any]:
    """Return totals as JSON has them."""
    return {
        "sequence": totals.sequence,
        "payments": {
            state.state: {"count": state.count, "amount": state.amount}
            for state in sorted(totals.payments, key=lambda state: state.state)
            if state.count
        },
    } | {side: getattr(totals, side) for side in _SIDES}


def _print(answer: GetTotalsResponse, agree: bool) -> None:
    ledger, database = totals_json(answer.ledger), totals_json(answer.database)
    print_table(
        ("payments", "count", "amount"),
        (
            (named("payment_state", state), f"{counted['count']:,}", amount_text(counted["amount"]))
            for state, counted in database["payments"].items()
        ),
        title=said("At frame {sequence} of the journal", sequence=f"{answer.ledger.sequence:,}"),
        numbers=1,
    )
    print_table(
        ("all accounts", "ledger", "database"),
        (
            (named("side", side), amount_text(ledger[side]), amount_text(database[side]))
            for side in _SIDES
        ),
        numbers=1,
    )
    click.echo(
        said("Ledger and database agree.") if agree else said("Ledger and database DISAGREE.")
    )
