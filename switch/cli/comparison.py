"""What a version of a table changes, as `payvand data diff` shows it."""

from typing import Any

import click

from payvand.switch.cli.display import named, said
from payvand.switch.cli.printing import amount_text, print_table
from payvand.switch.cli.table_version import version_json
from payvand.switch.cli.version_texts import print_rows, rows_json, solar
from payvand.v1.rule_table_service_pb2 import CompareVersionResponse, SettlementMove

__all__ = ["comparison_json", "print_comparison"]


def print_comparison(told: CompareVersionResponse) -> None:
    """Print what a version changes, and what that would do to live traffic."""
    click.echo(
        said(
            "version {version} of {table} beside version {in_force}, which is in force\n",
            version=told.version.number,
            table=told.version.table,
            in_force=told.in_force,
        )
    )
    if told.overtaken:
        click.echo(
            said("It was made on top of an earlier version and can't come in force: import anew\n")
        )
    for number in told.overtakes:
        click.echo(
            said("Version {number} waits, and could not come in force behind it\n", number=number)
        )
    print_rows(told.rows)
    click.echo(said("\nAs of {at}:", at=solar(told.at)))
    click.echo(said("bank codes that lead elsewhere: {count}", count=len(told.routes)))
    for route in told.routes:
        click.echo(f"    {route.bank_code}: {route.before} → {route.after}")
    _print_shifts(told)
    if told.HasField("settlement"):
        _print_settlement(told.settlement)
    click.echo(
        said(
            "planned times of rails in the next 30 days that move: {count}; all others stay",
            count=len(told.moves),
        )
    )
    for move in told.moves:
        click.echo(f"    {move.rail}: {_time(move.before)} → {_time(move.after)}")


def _print_shifts(told: CompareVersionResponse) -> None:
    click.echo(
        said(
            "of the last {payments} payments, {open} of them under way, {shifted} would have gone "
            "another way",
            payments=f"{told.payments_seen:,}",
            open=f"{told.open_payments_seen:,}",
            shifted=f"{sum(one.payments for one in told.shifts):,}",
        )
    )
    if told.shifts:
        print_table(
            ("by", "from", "to", "payments", "amount", "under way"),
            (
                (
                    *(named("heading", one.what), one.before, one.after, f"{one.payments:,}"),
                    *(amount_text(one.amount), f"{one.open_payments:,}"),
                )
                for one in told.shifts
            ),
            numbers=3,
        )


def _print_settlement(move: SettlementMove) -> None:
    amount, at = amount_text(move.amount), _time(move.before)
    if move.before == move.after:
        click.echo(
            said(
                "window {window}, {amount} rial by now, stays due at {at} ({rail})",
                window=move.window,
                amount=amount,
                at=at,
                rail=move.rail,
            )
        )
    else:
        click.echo(
            said(
                "window {window}, {amount} rial by now, would be due at {after}, not {at} ({rail})",
                window=move.window,
                amount=amount,
                after=_time(move.after),
                at=at,
                rail=move.rail,
            )
        )


def _time(at: int) -> str:
    return solar(at) if at else said("no time is known")


def comparison_json(told: CompareVersionResponse) -> dict[str, Any]:
    """Return the same for scripts."""
    return {
        "version": version_json(told.version),
        "in_force": told.in_force,
        "overtaken": told.overtaken,
        "overtakes": list(told.overtakes),
        "rows": rows_json(told.rows),
        "at": told.at,
        "routes": [
            {"bank_code": one.bank_code, "before": one.before, "after": one.after}
            for one in told.routes
        ],
        "payments_seen": told.payments_seen,
        "open_payments_seen": told.open_payments_seen,
        "shifts": [
            {
                "what": one.what,
                "before": one.before,
                "after": one.after,
                "payments": one.payments,
                "amount": one.amount,
                "open_payments": one.open_payments,
            }
            for one in told.shifts
        ],
        "moves": [
            {"rail": one.rail, "before": one.before, "after": one.after or None}
            for one in told.moves
        ],
        "settlement": {
            "window": told.settlement.window,
            "rail": told.settlement.rail,
            "amount": told.settlement.amount,
            "before": told.settlement.before or None,
            "after": told.settlement.after or None,
        }
        if told.HasField("settlement")
        else None,
    }
