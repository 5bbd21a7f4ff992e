"""Which rail carries an order, and that its reasons can be told with the rows that gave them."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payvand.switch.rules.choosing import Choice, Order, choose
from payvand.switch.rules.rulebook import load
from payvand.switch.rules.solar_hijri import TEHRAN, parse_moment

BOOK = load()
ORDER = Order(amount=1_000_000, debtor_bank="017", creditor_bank="012")


def choice(at: str, unreachable: frozenset[str] = frozenset(), **changes: object) -> Choice:
    order = replace(ORDER, **changes)  # type: ignore[arg-type]
    return choose(BOOK, order, parse_moment(at), unreachable=unreachable)


def name(chosen: Choice) -> str:
    return chosen.rail.name if chosen.rail else ""


def refusals(chosen: Choice) -> list[tuple[str, str]]:
    return [(step.rail, step.rule) for step in chosen.steps if not step.holds]


@pytest.mark.parametrize(
    ("at", "amount", "rail", "carried_at"),
    [
        ("1404-02-31 13:44", 100_000_000, "pol", "1404-02-31 13:44"),
        ("1404-02-31 13:44", 500_000_000, "paya", "1404-02-31 18:45"),
        ("1404-02-31 13:44", 1_000_000_001, "satna", "1404-02-31 13:44"),
        ("1404-03-01 13:44", 500_000_000, "pol", "1404-03-01 13:44"),
        ("1404-03-01 13:44", 2_000_000_000, "paya", "1404-03-01 18:45"),
        ("1404-03-01 13:44", 2_000_000_001, "satna", "1404-03-01 13:44"),
        # A Friday, and the two days of a feast before a Saturday.
        ("1404-03-02 13:44", 2_000_000_000, "paya", "1404-03-03 03:45"),
        ("1404-03-02 10:00", 2_000_000_000, "paya", "1404-03-02 12:45"),
        ("1404-03-01 15:00", 2_000_000_001, "satna", "1404-03-03 07:00"),
    ],
)
def test_amount_and_hour_choose_the_rail_by_the_rules_of_the_day(
    at: str, amount: int, rail: str, carried_at: str
) -> None:
    chosen = choice(at, amount=amount)
    assert name(chosen) == rail
    assert chosen.carried_at == parse_moment(carried_at)


def test_the_question_what_was_the_rule_has_an_answer_with_its_dates() -> None:
    chosen = choice("1404-02-31 13:44", amount=500_000_000)
    told = {(step.rail, step.rule): step for step in chosen.steps}
    limit = told["pol", "rail.customer_day_max"]
    assert not limit.holds
    assert limit.validity == "1401-01-01 to 1404-02-31"
    assert "100,000,000" in limit.text
    assert told["paya", "rail.order_max"].validity == "1400-10-25 to 1404-02-31"
    assert told["paya", "rail.cycle"].text == "waits until 1404-02-31 18:45"
    assert chosen.fee == 50_000


def test_an_urgent_order_goes_gross_before_it_waits_for_a_cycle() -> None:
    amount = 1_500_000_000
    assert name(choice("1404-03-03 09:00", amount=amount)) == "paya"
    assert name(choice("1404-03-03 09:00", amount=amount, is_urgent=True)) == "satna"


def test_the_channel_and_what_the_customer_paid_before_count() -> None:
    at = "1404-03-03 09:00"
    assert name(choice(at, amount=600_000_000)) == "paya"
    assert name(choice(at, amount=600_000_000, channel="branch")) == "pol"
    assert name(choice(at, customer_day_amount=499_000_000)) == "pol"
    assert name(choice(at, customer_day_amount=499_000_001)) == "paya"
    assert name(choice(at, beneficiary_day_orders=4)) == "pol"
    assert name(choice(at, beneficiary_day_orders=5)) == "paya"


def test_an_order_that_waits_must_keep_the_limits_of_the_day_it_is_carried() -> None:
    # In the evening the floor is 500 million; in the morning, when the rail opens, a billion.
    chosen = choice("1404-02-31 20:00", amount=600_000_000, is_urgent=True)
    assert name(chosen) == "paya"
    assert ("satna", "rail.order_min") in refusals(chosen)


def test_an_order_falls_back_to_a_rail_that_keeps_it_while_the_creditors_bank_is_down() -> None:
    at = "1404-03-03 09:00"
    assert name(choice(at)) == "pol"
    down = choice(at, unreachable=frozenset({"012"}))
    assert name(down) == "paya"
    assert ("pol", "rail.reach") in refusals(down)
    assert name(choice(at, unreachable=frozenset({"017"}))) == "pol"


def test_a_successor_that_is_down_holds_up_the_codes_it_succeeded_to() -> None:
    before, after = "1404-08-01 09:00", "1404-08-03 09:00"
    melli = frozenset({"017"})
    assert name(choice(before, melli, creditor_bank="062", debtor_bank="012")) == "pol"
    assert name(choice(after, melli, creditor_bank="062", debtor_bank="012")) == "paya"


def test_the_central_banks_orders_are_outside_the_limits() -> None:
    chosen = choice("1404-03-03 09:00", amount=10**15, creditor_bank="010")
    assert name(chosen) == "pol"
    assert "rail.exempt" in {step.rule for step in chosen.steps}


def test_nothing_is_chosen_for_a_bank_that_is_none_or_an_amount_that_none_carries() -> None:
    chosen = choice("1404-03-03 09:00", creditor_bank="296")
    assert (chosen.rail, refusals(chosen)) == (None, [("", "bank_code.unknown")])
    too_early = choice("1398-01-01 09:00")
    assert (too_early.rail, refusals(too_early)) == (None, [("", "preference")])
    unknown_hours = choice("1401-05-01 10:00", amount=10**12)
    assert unknown_hours.rail is None
    assert ("satna", "rail.hours") in refusals(unknown_hours)


@given(
    st.datetimes(datetime(2025, 3, 21), datetime(2026, 2, 1)),
    st.integers(1, 10**12),
    st.sampled_from(["remote", "branch"]),
    st.booleans(),
    st.sampled_from(sorted(BOOK.banks.banks)),
    st.frozensets(st.sampled_from(sorted(BOOK.banks.banks))),
)
def test_the_last_word_on_the_chosen_rail_is_that_every_rule_holds(
    at: datetime,
    amount: int,
    channel: str,
    is_urgent: bool,
    creditor_bank: str,
    unreachable: frozenset[str],
) -> None:
    order = replace(
        ORDER, amount=amount, channel=channel, is_urgent=is_urgent, creditor_bank=creditor_bank
    )
    moment = at.replace(tzinfo=TEHRAN)
    chosen = choose(BOOK, order, moment, unreachable=unreachable)
    assert chosen == choose(BOOK, order, moment, unreachable=unreachable)
    if chosen.rail is None:
        # Each rail that was tried has a rule that it broke.
        assert {step.rail for step in chosen.steps if not step.holds} >= {"pol", "satna"}
        return
    assert all(step.holds for step in chosen.steps if step.rail == chosen.rail.name)
    assert chosen.carried_at is not None
    assert moment <= chosen.carried_at < moment + timedelta(days=15)
    for step in chosen.steps:
        assert step.text
        assert step.holds or step.rail != chosen.rail.name
