"""Streams with cursors that go on after a break, from where they were."""

from collections.abc import AsyncGenerator
from typing import Any

import grpc.aio

from payvand.client.backoff import Backoff
from payvand.client.faults import ended_early, fault_of, is_broken_off

__all__ = ["resumed"]


async def resumed(
    method: Any, request: Any, *, address: str, patience_s: float
) -> AsyncGenerator[Any]:
    """Yield a stream's messages, opening it again from the last cursor where it breaks.

    Args:
        method: the stub's method.
        request: with a `cursor`, which moves on with each message.
        address: of the switch, for faults.
        patience_s: how long in all to try without a message.

    Raises:
        ClientFault: no switch answered in time, or it refused the call.
    """
    backoff = Backoff(patience_s)
    while True:
        call = method(request)
        try:
            async for message in call:
                backoff.progress()
                request.cursor = message.cursor
                yield message
            if not await backoff.wait():
                raise ended_early(address)
        except grpc.aio.AioRpcError as error:
            if not is_broken_off(error) or not await backoff.wait():
                raise fault_of(error, address) from error
        finally:
            call.cancel()
