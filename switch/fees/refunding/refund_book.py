"""Which refunds were asked for of which bill: an index over the proposals of the journal."""

from collections import defaultdict
from collections.abc import Sequence

from payvand.settlement.operator_acts import OperatorAct
from payvand.switch.approvals.proposal import Act
from payvand.switch.fees.refunding.request import REFUND_KIND, RefundRequest

__all__ = ["RefundBook"]


class RefundBook:
    """The ids of refunds by bill. One for each process; it `watch`es the acts of the journal."""

    def __init__(self) -> None:
        """Begin before the first act."""
        self._refunds: defaultdict[int, list[bytes]] = defaultdict(list)

    def watch(self, act: OperatorAct) -> None:
        """Follow an act."""
        if act.act == Act.PROPOSED and act.details.get("kind") == REFUND_KIND:
            self._refunds[RefundRequest.of(act.details["content"]).key].append(act.proposal)

    def of_bill(self, key: int) -> Sequence[bytes]:
        """Return the refunds of a bill, the newest first."""
        return self._refunds[key][::-1] if key in self._refunds else ()
