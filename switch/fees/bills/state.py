"""Where a bill stands: a fold of its acts over what was issued."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from payvand.switch.fees.bills.accounts import REFUND_CODE
from payvand.switch.fees.bills.bill import Bill, BillLine, BillRefused
from payvand.switch.fees.bills.notice import Notice, What
from payvand.switch.fees.bills.standing import Act

__all__ = ["BillState", "Standing", "stand"]


class BillState(StrEnum):
    """Where a bill stands."""

    OPEN = "open"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Standing:
    """A bill with all that happened to it."""

    bill: Bill
    acts: Sequence[Act]
    notices: Mapping[int, Notice]
    """What those acts say that move nothing, by their numbers."""
    lines: tuple[BillLine, ...]
    """What it asks by now."""
    due: date
    paid: int
    """What came in, less what went back."""
    refunded: int
    ended: BillState | None
    """Cancelled or expired; None while it can be paid."""
    reckoned_on: date | None = None
    """Up to which day lateness is in its lines; None where none is."""
    notice: Notice | None = None
    """What the next payment writes down before itself; None for nothing."""

    @property
    def amount(self) -> int:
        """What it asks by now."""
        return sum(line.amount for line in self.lines)

    @property
    def outstanding(self) -> int:
        """What is left to be paid of its lines."""
        return 0 if self.ended else max(self.amount - self.paid, 0)

    @property
    def credit(self) -> int:
        """What was paid beyond what it asks."""
        return max(self.paid - self.amount, 0)

    @property
    def state(self) -> BillState:
        """Where it stands."""
        if self.ended:
            return self.ended
        if self.paid >= self.amount:
            return BillState.PAID
        return BillState.PARTLY_PAID if self.paid else BillState.OPEN

    @property
    def next_act(self) -> int:
        """The number that a payment of it takes."""
        return len(self.acts) + 1 + (self.notice is not None)

    def having(self, notice: Notice | None) -> "Standing":
        """Return how it stands if it is paid with *notice* before."""
        if notice is None:
            return self
        lines = self.lines if notice.lines is None else notice.lines
        return replace(self, lines=lines, reckoned_on=notice.on, notice=notice)

    @property
    def is_rebated(self) -> bool:
        """Whether what it asks holds only if the whole is paid now."""
        return self.notice is not None and self.notice.what is What.REBATED

    def part(self, asked: int, *, beyond: bool) -> int:
        """Return how much of it *asked* pays, 0 for all; raises `BillRefused` where it can't."""
        outstanding = self.outstanding
        if self.ended:
            raise BillRefused("number", f"bill.{self.ended}", f"the bill is {self.ended}")
        if not outstanding and not (beyond and asked):
            raise BillRefused(
                "number", "bill.paid", "the bill is paid: nothing is to be paid of it"
            )
        amount = asked or outstanding
        if amount > outstanding and not beyond:
            raise BillRefused("amount", "bill.amount", f"{outstanding} is outstanding")
        if amount < outstanding and not self._is_part(amount):
            raise BillRefused(
                "amount", "bill.partial", f"it is paid as a whole: {outstanding} is outstanding"
            )
        return amount

    def _is_part(self, amount: int) -> bool:
        """Tell whether the bill may be paid up to so much more."""
        if self.bill.allows_partial:
            return True
        sums = 0
        for instalment in self.bill.instalments:
            sums += instalment.amount
            if sums == self.paid + amount:
                return True
        return False

    def apportion(self, amount: int) -> list[tuple[int, int]]:
        """Divide a payment among the lines: (place of the line, amount), in the lines' order.

        Each line is paid before the next. What is beyond all of them is of no line: place -1.
        """
        parts: list[tuple[int, int]] = []
        begin, end = self.paid, self.paid + amount
        below = 0
        for place, line in enumerate(self.lines):
            above = below + line.amount
            part = min(end, above) - max(begin, below)
            if part > 0:
                parts.append((place, part))
            below = above
        if end > max(begin, below):
            parts.append((-1, end - max(begin, below)))
        return parts


def stand(bill: Bill, acts: Sequence[Act], notices: Mapping[int, Notice]) -> Standing:
    """Return how *bill* stands after *acts*; *notices* tells what those say that move nothing."""
    paid = refunded = 0
    lines, due, ended, reckoned_on = bill.lines, bill.due, None, None
    for act in acts:
        if act.is_payment:
            paid += act.amount
        elif act.code == REFUND_CODE:
            refunded += act.amount
        elif act.is_notice:
            notice = notices[act.number]
            lines = lines if notice.lines is None else notice.lines
            due = due if notice.due is None else notice.due
            ended = BillState(notice.ends) if notice.ends else ended
            reckoned_on = reckoned_on if notice.on is None else notice.on
    return Standing(bill, acts, notices, lines, due, paid - refunded, refunded, ended, reckoned_on)
