"""`payvand fees bills`: issue bills, find them, pay them, change them, and what becomes of them."""

import asyncio
import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from payvand.client import payment_of
from payvand.client.bills import MESSAGE_BILLS_MAX
from payvand.switch.cli.display import named
from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import amount_text, moment, print_json, print_table
from payvand.switch.fees.bills.contract import LINE_KIND_NUMBERS
from payvand.switch.identifiers.persian_text import normalise_identifier
from payvand.v1.bill_pb2 import Bill, BillIdParts, BillLine, BillState, NewBill
from payvand.v1.bill_service_pb2 import IssueBillsResponse
from payvand.v1.payment_pb2 import PaymentState

__all__ = ["bills"]

STATES: Final = {
    number: name.removeprefix("BILL_STATE_").lower() for name, number in BillState.items()
}
_SETTLED: Final = PaymentState.PAYMENT_STATE_SETTLED


@click.group()
def bills() -> None:
    """Issue bills, find them, and pay them."""


@bills.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@door_options(caller="participant")
def issue(file: Path, door: Door, as_json: bool) -> None:
    """Issue the bills of FILE, a CSV file with a heading; each line has its own result.

    Columns: reference, service, and as they are needed payer_id, fee, amount, facts (a JSON
    object), due_date, file_code, period. Without an amount the schedule says what is owed.
    Exit code 1 where a line was refused.
    """
    results = asyncio.run(_issue(door, list(_lines(file))))
    refused = [one for one in results if "rule" in one]
    if as_json:
        print_json({"bills": results, "issued": len(results) - len(refused)})
    else:
        print_table(
            ("line", "reference", "bill", "refused because"),
            (
                (str(one["line"]), one["reference"], one.get("number", ""), one.get("rule", ""))
                for one in results
            ),
        )
    if refused:
        sys.exit(ANSWER_IS_NO)


@bills.command()
@click.argument("number", required=False)
@click.option("--payer", metavar="ID", help="What this person or firm owes to all agencies.")
@click.option("--settled", is_flag=True, help="Also those of which nothing is to be paid.")
@as_json
@door_options(caller="participant")
def find(number: str | None, payer: str | None, settled: bool, door: Door, as_json: bool) -> None:
    """Show the bill of thirty digits NUMBER, or those of a payer."""
    if bool(number) == bool(payer):
        raise click.UsageError("give the number of a bill, or --payer")
    found = asyncio.run(_find(door, number, payer, settled))
    if as_json:
        print_json({"bills": [_json_of(bill) for bill in found]})
    else:
        print_table(
            ("bill", "agency", "service", "due", "state", "amount", "outstanding"),
            (
                (
                    bill.number,
                    bill.agency,
                    bill.service,
                    bill.due_date,
                    named("bill_state", STATES[bill.state]),
                    amount_text(bill.amount),
                    amount_text(bill.outstanding),
                )
                for bill in found
            ),
            numbers=2,
        )
    if number and not found:
        sys.exit(ANSWER_IS_NO)


@bills.command()
@click.argument("numbers", metavar="NUMBER...", nargs=-1, required=True)
@click.option("--from", "debtor_iban", required=True, metavar="IBAN", help="The account debited.")
@as_json
@door_options(caller="participant")
def pay(numbers: tuple[str, ...], debtor_iban: str, door: Door, as_json: bool) -> None:
    """Pay all that is outstanding of the bills of thirty digits, all of them or none.

    Exit code 1 where nothing was paid.
    """
    told = asyncio.run(_pay(door, numbers, normalise_identifier(debtor_iban)))
    if as_json:
        print_json(told)
    elif told["state"] == "settled":
        print_table(
            ("bill", "act", "amount", "paid at"),
            (
                (one["number"], str(one["act"]), amount_text(int(one["amount"])), one["paid_at"])
                for one in told["bills"]
            ),
        )
    else:
        click.echo(f"{named('payment_state', told['state'])}: {told['why']}")
    if told["state"] != "settled":
        sys.exit(ANSWER_IS_NO)


@bills.command()
@click.argument("number")
@as_json
@door_options(caller="participant")
def acts(number: str, door: Door, as_json: bool) -> None:
    """Show what happened to the bill of thirty digits NUMBER."""

    async def run() -> list[dict[str, str]]:
        async with door.bank() as bank:
            return [
                {
                    "act": str(act.number),
                    "at": moment(act.at),
                    "what": act.WhichOneof("what") or "",
                    "amount": str(act.paid or act.refunded),
                    "reason": act.notice.reason,
                    "made_by": act.notice.made_by,
                }
                for act in await bank.bills.acts(number)
            ]

    found = asyncio.run(run())
    if as_json:
        print_json({"acts": found})
    else:
        print_table(
            ("act", "at", "what", "amount", "reason", "by"), (tuple(one.values()) for one in found)
        )


def _lines(file: Path) -> Iterator[NewBill]:
    """Yield the bills of a CSV file."""
    with file.open(encoding="utf-8-sig", newline="") as source:
        for row in csv.DictReader(source):
            told = {name: (value or "").strip() for name, value in row.items() if name}
            bill = NewBill(
                reference=told.get("reference", ""),
                service=told.get("service", ""),
                payer_id=normalise_identifier(told.get("payer_id", "")),
                facts=told.get("facts", ""),
                due_date=told.get("due_date", ""),
            )
            if amount := normalise_identifier(told.get("amount", "")):
                line = BillLine(
                    fee=told.get("fee", ""),
                    kind=LINE_KIND_NUMBERS["fee"],  # type: ignore[arg-type]  # an open enum
                    amount=int(amount) if amount.isdecimal() else 0,
                )
                bill.lines.append(line)
            if code := told.get("file_code"):
                period = normalise_identifier(told.get("period", ""))
                bill.id_parts.CopyFrom(
                    BillIdParts(file_code=code, period=int(period) if period.isdecimal() else 0)
                )
            yield bill


async def _issue(door: Door, asked: list[NewBill]) -> list[dict[str, Any]]:
    """Issue bills, and return a result for each line."""
    batches = [
        asked[first : first + MESSAGE_BILLS_MAX]
        for first in range(0, len(asked), MESSAGE_BILLS_MAX)
    ]
    results: list[dict[str, Any]] = []
    async with door.bank() as bank:
        async for reply in bank.bills.issue(batches):
            results += _results(reply, asked, len(results))
    return results


def _results(
    reply: IssueBillsResponse, asked: list[NewBill], first: int
) -> Iterator[dict[str, Any]]:
    refusals = {refusal.index: refusal for refusal in reply.refusals}
    for place, bill in enumerate(reply.bills):
        told = {"line": first + place + 1, "reference": asked[first + place].reference}
        if refusal := refusals.get(place):
            yield told | {"field": refusal.field, "rule": refusal.rule, "hint": refusal.hint}
        else:
            yield told | {
                "number": bill.number,
                "bill_id": bill.bill_id,
                "payment_id": bill.payment_id,
            }


async def _find(door: Door, number: str | None, payer: str | None, settled: bool) -> list[Bill]:
    async with door.bank() as bank:
        if number:
            found = await bank.bills.find(normalise_identifier(number))
            return [] if found is None else [found]
        who = normalise_identifier(payer or "")
        return [bill async for bill in bank.bills.of_payer(who, settled=settled)]


async def _pay(door: Door, numbers: tuple[str, ...], debtor_iban: str) -> dict[str, Any]:
    async with door.bank() as bank:
        found = [await bank.bills.find(normalise_identifier(number)) for number in numbers]
        known = [bill for bill in found if bill is not None]
        if len(known) < len(numbers):
            raise click.UsageError("no bill has one of these numbers")
        (result,) = await bank.bills.pay([payment_of(known, debtor_iban)])
    return {
        "state": PaymentState.Name(result.state).removeprefix("PAYMENT_STATE_").lower(),
        "why": result.refusal.hint or result.reason.detail,
        "bills": [
            {
                "number": one.number,
                "act": one.act,
                "amount": str(one.amount),
                "paid_at": moment(one.paid_at),
            }
            for one in result.bills
        ],
    }


def _json_of(bill: Bill) -> dict[str, Any]:
    return {
        "number": bill.number,
        "agency": bill.agency,
        "service": bill.service,
        "reference": bill.reference,
        "state": STATES[bill.state],
        "amount": str(bill.amount),
        "paid": str(bill.paid),
        "refunded": str(bill.refunded),
        "outstanding": str(bill.outstanding),
        "credit": str(bill.credit),
        "payable": bill.payable,
        "payment_under_way": bill.payment_under_way,
        "due_date": bill.due_date,
        "bill_id": bill.bill_id,
        "payment_id": bill.payment_id,
        "lines": [{"fee": line.fee, "amount": str(line.amount)} for line in bill.lines],
    }
