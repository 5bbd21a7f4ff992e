"""`payvand routing explain`: which rail carries a payment, rule by rule, as of any moment."""

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click

from payvand.client import parse_payment_id, payment_id_text
from payvand.core.records import Operation, u128_array
from payvand.core.segments import JournalReader
from payvand.switch.cli.display import display, said, told
from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.options import as_json, switch_options
from payvand.switch.cli.printing import amount_text, print_json, print_table
from payvand.switch.cli.rules_then import RulesThen, rules_then
from payvand.switch.files import Instruction, open_payment_file
from payvand.switch.identifiers import iban
from payvand.switch.identifiers.identifier_error import IdentifierError
from payvand.switch.rules.choosing import Choice, Order, choose
from payvand.switch.rules.rails import CHANNELS, REMOTE, Rail
from payvand.switch.rules.solar_hijri import DateError, local, moment_at, moment_text, parse_moment
from payvand.v1.payment_pb2 import Payment

__all__ = ["routing"]

ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F-]{36}")
WISH = re.compile(r"(\d{1,20}):(\w{3,26}):(\w{3,26})", re.ASCII)
BANK_CODE = re.compile(r"\d{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The payment that is asked about."""

    title: str
    amount: int
    debtor_bank: str
    creditor_bank: str
    recorded_at: datetime | None
    """When the switch recorded it; None where it did not."""


@click.group()
def routing() -> None:
    """Ask which rail carries a payment, and why."""


@routing.command()
@click.argument("payment", metavar="PAYMENT")
@click.option(
    "--at", metavar="TIME", help="As of when: 1404-02-31 13:44, 2025-05-21T13:44, ISO 8601."
)
@click.option(
    "--channel",
    type=click.Choice(CHANNELS),
    default=REMOTE,
    show_default=True,
    help="How the order came in.",
)
@click.option("--urgent", is_flag=True, help="It can't wait for a cycle.")
@click.option("--down", metavar="CODE", multiple=True, help="A bank that is down, by its code.")
@click.option("--position", type=click.IntRange(min=1), default=1, help="Which one of a file.")
@click.option(
    "--rules",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="A folder of tables to go by instead of those that were in force.",
)
@as_json
@switch_options(named=False)
def explain(
    payment: str,
    at: str | None,
    channel: str,
    urgent: bool,
    down: tuple[str, ...],
    position: int,
    rules: Path | None,
    as_json: bool,
    address: str | None,
    certificates: Path | None,
    data: Path,
) -> None:
    """Print which rail carries PAYMENT, rule by rule with the dates of the rows that say so.

    \b
    PAYMENT is one of
      an id          32 hexadecimal digits, of a payment that the switch in --data recorded
      a file         pain.001 or CSV; its first instruction, or the one at --position
      AMOUNT:FROM:TO in rial, from and to an IBAN or a bank code: 500000000:017:062

    As of now, who is signed off from the switch counts as down (`payvand availability`).

    Without --at it is as of the time when the payment was recorded, or now. The tables are the
    versions that were in force then, of the switch that runs on --data; where none runs, those
    that come along, if the journal there says that they were in force. The exit code is 1 where
    no rail carries it.
    """
    asked = _asked(payment, position, data)
    moment = _moment(at) or asked.recorded_at or datetime.now(UTC)
    then = rules_then(
        moment,
        folder=rules,
        address=address,
        certificates=certificates,
        data=data,
        is_now=at is None and not asked.recorded_at,
    )
    order = Order(
        amount=asked.amount,
        debtor_bank=asked.debtor_bank,
        creditor_bank=asked.creditor_bank,
        channel=channel,
        is_urgent=urgent,
    )
    choice = choose(then.rulebook, order, moment, unreachable=then.signed_off | frozenset(down))
    if as_json:
        print_json(_json_of(asked, order, moment, then, choice))
    else:
        _print(asked, moment, then, choice)
    if choice.rail is None:
        raise click.exceptions.Exit(ANSWER_IS_NO)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_moment(text)
    except DateError as error:
        raise click.BadParameter(error.hint, param_hint="--at") from error


def _asked(text: str, position: int, data: Path) -> _Asked:
    """Find out what *text* means, by its form."""
    wish = WISH.fullmatch(text)
    if wish is not None:
        return _Asked("a payment", int(wish[1]), _bank_code(wish[2]), _bank_code(wish[3]), None)
    if ID.fullmatch(text) and not Path(text).exists():
        return _recorded(text, data)
    results = open_payment_file(text).read()
    result = next(islice(results, position - 1, None), None)
    if result is None:
        raise click.BadParameter(f"the file has no instruction {position}", param_hint="--position")
    if not isinstance(result, Instruction):
        hint = f"instruction {position} can't be read: {result.path}: {result.rule}: {result.hint}"
        raise click.BadParameter(hint, param_hint="PAYMENT")
    return _Asked(
        f"instruction {position} of {Path(text).name}",
        result.amount,
        _bank_code(result.debtor_iban),
        _bank_code(result.creditor_iban),
        None,
    )


def _recorded(text: str, data: Path) -> _Asked:
    """Look for a payment in the journal of a data folder."""
    try:
        id = parse_payment_id(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="PAYMENT") from error
    wanted = u128_array([int.from_bytes(id)])[0]
    for frame in JournalReader(data / "journal"):
        if frame.operation is not Operation.CREATE_TRANSFERS:
            continue
        ids = frame.records["id"]
        for index in (ids == wanted).nonzero()[0].tolist():
            payload = frame.payload(index)
            if not payload:
                continue  # money that the switch moved itself, not a payment
            payment = Payment.FromString(payload)
            at_ns = frame.timestamp - len(ids) + 1 + index
            return _Asked(
                f"payment {payment_id_text(id)}",
                payment.amount,
                _bank_code(payment.debtor_iban),
                _bank_code(payment.creditor_iban),
                moment_at(at_ns),
            )
    raise click.BadParameter(f"{data} holds no payment {text}", param_hint="PAYMENT")


def _bank_code(text: str) -> str:
    """Return the bank code that *text* is, or that is in it where it is an IBAN."""
    if BANK_CODE.fullmatch(text):
        return text
    try:
        return iban.parse(text).bank_code
    except IdentifierError as error:
        raise click.BadParameter(f"{error.rule}: {error.hint}", param_hint="PAYMENT") from error


def _print(asked: _Asked, moment: datetime, then: RulesThen, choice: Choice) -> None:
    banks = {bank.name_en: bank.name_fa for bank in then.rulebook.banks.banks.values()}
    print_table(
        ("rail", "rule", "holds", "why", "in force", "by"),
        (
            (
                step.rail,
                step.rule,
                said("yes") if step.holds else said("no"),
                told(step.text, banks),
                told(step.validity),
                told(step.source),
            )
            for step in choice.steps
        ),
        title=said(
            "{payment}: {amount} rial, as of {solar} ({local}, Tehran)",
            payment=told(asked.title),
            amount=amount_text(asked.amount),
            solar=moment_text(moment),
            local=f"{local(moment):%Y-%m-%d %H:%M}",
        ),
    )
    if choice.rail is None or choice.carried_at is None:
        click.echo(said("no rail carries it"))
    else:
        rail, at = _rail_title(choice.rail), moment_text(choice.carried_at)
        click.echo(said("{rail}: carried at {at}", rail=rail, at=at))
        if choice.fee is None:
            click.echo(said("tariff not known"))
        else:
            click.echo(said("fee {fee} rial", fee=amount_text(choice.fee)))
    click.echo(said("by the rules {digest}", digest=then.rulebook.digest[:16]))
    for table, number in then.versions.items():
        click.echo(
            said(
                "    {table}: version {number}, in force from {since}",
                table=table,
                number=number,
                since=_since_text(then, table),
            )
        )


def _rail_title(rail: Rail) -> str:
    return rail.title_fa if display().is_persian else rail.title_en


def _since_text(then: RulesThen, table: str) -> str:
    return moment_text(moment_at(then.since[table]))


def _json_of(
    asked: _Asked, order: Order, moment: datetime, then: RulesThen, choice: Choice
) -> dict[str, Any]:
    carried_at = choice.carried_at
    return {
        "payment": {
            "title": asked.title,
            "amount": str(order.amount),
            "debtor_bank": order.debtor_bank,
            "creditor_bank": order.creditor_bank,
            "channel": order.channel,
            "urgent": order.is_urgent,
        },
        "at": local(moment).isoformat(),
        "at_solar": moment_text(moment),
        "rules": then.rulebook.digest,
        "versions": {
            table: {"number": number, "since": then.since[table]}
            for table, number in then.versions.items()
        },
        "rail": choice.rail.name if choice.rail else None,
        "carried_at": carried_at.isoformat() if carried_at else None,
        "carried_at_solar": moment_text(carried_at) if carried_at else None,
        "fee": None if choice.fee is None else str(choice.fee),
        "steps": [asdict(step) for step in choice.steps],
    }
