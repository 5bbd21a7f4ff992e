"""The scoring rules of a sandbox switch: few, and tight enough that a day of payments meets them.

The rules that come with Payvand are made for real traffic, which hardly ever meets them. Those here
have a ceiling, a velocity and a block list that the day's files break on purpose (`day`). The file
is the same for the same directory, so it may be written anew before every start.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from payvand.risk.rules import account_key
from payvand.switch.directory_file import ParticipantEntry
from payvand.switch.sandbox.accounts import blocked_iban

__all__ = ["CEILING", "VELOCITY_COUNT_MAX", "write_rules"]

CEILING: Final = 100_000_000_000_000
"""The greatest amount of a payment, above any net debit cap, so that the caps can be met too."""
VELOCITY_COUNT_MAX: Final = 40
"""Payments of one account in a minute."""

_RULES: Final = """\
format = 1
pack = "payvand-sandbox"
version = 1

[[rule]]
id = "sandbox.ceiling"
number = 1001
kind = "amount"
action = "decline"
reason = "AM13"
valid_from = 2022-01-01T00:00:00+03:30
text.en = "Above what a payment may carry here"
text.fa = "بیش از سقف هر پرداخت"
ledger = 364
amount_max = {ceiling}

[[rule]]
id = "sandbox.velocity"
number = 1002
kind = "velocity"
action = "decline"
reason = "AM14"
valid_from = 2022-01-01T00:00:00+03:30
text.en = "Too many payments of one account within a minute"
text.fa = "پرداخت‌های بیش از اندازه از یک حساب در یک دقیقه"
window_s = 60
count_max = {count}

[[rule]]
id = "sandbox.blocked"
number = 1003
kind = "blocked"
action = "decline"
reason = "AC06"
valid_from = 2022-01-01T00:00:00+03:30
text.en = "The account is blocked by order"
text.fa = "حساب به دستور مرجع صالح مسدود است"
debtors = []
creditors = [{creditors}]
"""


def write_rules(directory: Sequence[ParticipantEntry], path: Path) -> Path:
    """Write the rules for the banks of *directory* to *path* and return it."""
    keys = [
        f'"{account_key(blocked_iban(code)):016x}"'
        for entry in directory
        for code in entry.bank_codes
    ]
    text = _RULES.format(ceiling=CEILING, count=VELOCITY_COUNT_MAX, creditors=", ".join(keys))
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    return fresh.replace(path)
