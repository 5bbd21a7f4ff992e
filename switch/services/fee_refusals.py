"""How the services of fee collection tell what they refuse."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from payvand.switch.approvals.approvals import ProposalRefused
from payvand.switch.fees.bills.bill import BillRefused
from payvand.switch.refusing import refuse

__all__ = ["refusals_told"]


@asynccontextmanager
async def refusals_told(context: Any) -> AsyncIterator[None]:
    """End the call of *context* with the status of what the body refuses."""
    try:
        yield
    except BillRefused as refused:
        code = (
            grpc.StatusCode.NOT_FOUND
            if refused.rule == "bill.unknown"
            else grpc.StatusCode.FAILED_PRECONDITION
            if refused.rule.startswith(("bill.", "objection."))
            else grpc.StatusCode.INVALID_ARGUMENT
        )
        await refuse(context, code, refused.rule, refused.hint, field=refused.field)
    except ProposalRefused as refused:
        await refuse(
            context,
            grpc.StatusCode.FAILED_PRECONDITION,
            refused.rule,
            refused.hint,
            field=refused.field,
        )
