"""`payvand status`: where payments stand."""

import asyncio
from typing import Any

import click

from payvand.client import CALL_PAYMENTS_MAX, STATE_NAMES, parse_payment_id, payment_id_text
from payvand.switch.cli.display import named, reason_text
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import amount_text, moment, print_json, print_table
from payvand.v1.payment_service_pb2 import PaymentStatus

__all__ = ["status"]


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@as_json
@door_options(caller="participant")
def status(ids: tuple[str, ...], door: Door, as_json: bool) -> None:
    """Ask where payments stand, by their ids: 32 hexadecimal digits, with hyphens or without.

    A payment that isn't yours, or that nobody sent, is `unknown`.
    """
    if len(ids) > CALL_PAYMENTS_MAX:
        raise click.BadParameter(f"at most {CALL_PAYMENTS_MAX} ids", param_hint="ID")
    try:
        parsed = [parse_payment_id(text) for text in ids]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="ID") from error
    statuses = asyncio.run(_ask(door, parsed))
    if as_json:
        print_json({"payments": [_json_of(status) for status in statuses]})
        return
    print_table(
        ("payment", "state", "reason", "amount", "recorded"),
        (
            (
                payment_id_text(status.id),
                named("payment_state", STATE_NAMES[status.state]),
                reason_text(status.reason.code, status.reason.detail),
                amount_text(status.amount) if status.amount else "",
                moment(status.recorded_at),
            )
            for status in statuses
        ),
        numbers=3,
    )


async def _ask(door: Door, ids: list[bytes]) -> list[PaymentStatus]:
    async with door.bank() as bank:
        return await bank.status(ids)


def _json_of(status: PaymentStatus) -> dict[str, Any]:
    return {
        "id": status.id.hex(),
        "state": STATE_NAMES[status.state],
        "reason": {"code": status.reason.code, "detail": status.reason.detail},
        "amount": str(status.amount),
        "recorded_at": status.recorded_at,
    }
