"""A request for a refund: what of which payment is to go back, and why."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from payvand.switch.approvals.approvals import ProposalRefused
from payvand.switch.fees.bills.number import bill_number, parse_number
from payvand.switch.identifiers.identifier_error import IdentifierError

__all__ = ["REFUND_KIND", "RefundRequest"]

REFUND_KIND: Final = "fees.refund"
"""Of proposals; it stands in the journal for ever."""
_REASON: Final = re.compile("[A-Z0-9]{4}")


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """What one person asks for and another approves."""

    key: int
    """The bill's."""
    act: int
    """The number of the payment among the bill's acts."""
    amount: int
    lines: Mapping[int, int]
    """By the place of the bill's line how much goes back of it; empty where all who have a share
    give back in proportion. They add up to the amount."""
    reason_code: str
    """An ISO 20022 return reason code, for the payer's bank."""

    def content(self) -> dict[str, Any]:
        """Return it as the content of a proposal."""
        return {
            "bill": bill_number(self.key),
            "act": str(self.act),
            "amount": str(self.amount),
            "lines": {str(line): str(amount) for line, amount in sorted(self.lines.items())},
            "reason_code": self.reason_code,
        }

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Return what `content` gave; raises `ProposalRefused` where it isn't such."""
        try:
            request = cls(
                key=parse_number(content["bill"]),
                act=int(content["act"]),
                amount=int(content["amount"]),
                lines={int(line): int(amount) for line, amount in content["lines"].items()},
                reason_code=str(content["reason_code"]),
            )
        except IdentifierError as error:
            raise ProposalRefused("number", error.rule, error.hint) from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ProposalRefused("content", "refund.form", f"{error!r}") from error
        if not _REASON.fullmatch(request.reason_code):
            hint = "write an ISO 20022 code, for example CUST or DUPL"
            raise ProposalRefused("reason_code", "reason.form", hint)
        if request.amount <= 0 or any(amount <= 0 for amount in request.lines.values()):
            raise ProposalRefused("amount", "amount.zero", "give back more than nothing")
        if request.lines and sum(request.lines.values()) != request.amount:
            raise ProposalRefused("lines", "refund.lines", "they add up to the amount")
        return request
