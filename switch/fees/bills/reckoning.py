"""What comes on top of a bill, or off it, on the day on which it is paid.

It is a notice, which the payment's own chain writes down right before the payment: so a bill's acts
say what was charged for lateness and when, and all that is true of lines is true of those.
"""

from datetime import date

from payvand.switch.fees.assessment.lateness import Unpaid
from payvand.switch.fees.assessment.lines import LineKind
from payvand.switch.fees.bills.bill import BillLine
from payvand.switch.fees.bills.notice import Notice, What
from payvand.switch.fees.bills.state import Standing
from payvand.switch.fees.bills.tariff import Tariff

__all__ = ["reckoned"]

_BEARING = ("fee", "value_added_tax")


def reckoned(standing: Standing, tariff: Tariff, day: date) -> Notice | None:
    """Return what the day makes of what is unpaid, by the terms of *tariff*; None for nothing.

    After the due day penalties and interest are lines of their own. Before it a rebate takes off
    what a line asks, where nothing was paid yet: who pays in parts gets none.
    """
    bill = standing.bill
    if not standing.outstanding or not tariff.changes_with_time(bill.service, standing.due, day):
        return None
    if day <= standing.due and standing.paid:
        return None
    left = dict(standing.apportion(standing.outstanding))
    unpaid = [
        Unpaid(line.fee, LineKind(line.kind), left[place], line.share_tree)
        for place, line in enumerate(standing.lines)
        if place in left and line.kind in _BEARING
    ]
    made = tariff.at_payment(bill.service, unpaid, standing.due, day, standing.reckoned_on)
    if not made:
        return None
    if made[0].kind is not LineKind.REBATE:
        more = tuple(
            BillLine(line.fee, str(line.kind), line.amount, line.share_tree) for line in made
        )
        return Notice(What.ACCRUED, "late", "", lines=standing.lines + more, on=day)
    off = {line.fee: line.amount for line in made}
    lines = tuple(
        BillLine(line.fee, line.kind, line.amount - off.get(line.fee, 0), line.share_tree)
        if line.kind == LineKind.FEE
        else line
        for line in standing.lines
    )
    return Notice(What.REBATED, "early", "", lines=lines, on=day)
