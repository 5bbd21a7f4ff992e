"""Send what a file instructs through one stream, and bring each answer back to its instructions."""

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from payvand.client import Bank
from payvand.switch.files.instruction import Instruction, LineError, to_payment
from payvand.v1.payment_pb2 import Payment
from payvand.v1.payment_service_pb2 import SubmitStreamResponse

__all__ = ["Part", "send"]

Tag = TypeVar("Tag")


@dataclass(frozen=True, slots=True)
class Part(Generic[Tag]):
    """A stretch of a file, with the switch's answer to those of it that could be read."""

    tag: Tag
    """What its source called it."""
    instructions: list[Instruction]
    payments: list[Payment]
    """The messages of `instructions`, in the same order."""
    errors: list[LineError]
    """What could not be read and was not sent."""
    response: SubmitStreamResponse
    """Its states and indexes count `instructions`."""


async def send(
    bank: Bank, stretches: AsyncIterable[tuple[Tag, Sequence[Instruction | LineError]]]
) -> AsyncIterator[Part[Tag]]:
    """Send *stretches* of a file as they come; yield each with its answer, in order.

    The instructions of a stretch are at most as many as a batch of the contract. Nothing is sent,
    and no connection is made, for a stretch of which nothing could be read.

    Raises:
        ClientFault: no switch answered in time, or it refused the stream as a whole.
        Exception: what the source raised, after what came before it was answered.
    """
    under_way: deque[Part[Tag]] = deque()

    async def payments() -> AsyncIterator[list[Payment]]:
        async for tag, stretch in stretches:
            read = [item for item in stretch if isinstance(item, Instruction)]
            errors = [item for item in stretch if isinstance(item, LineError)]
            messages = [to_payment(instruction) for instruction in read]
            under_way.append(Part(tag, read, messages, errors, SubmitStreamResponse()))
            if messages:
                yield messages

    batches = payments()
    # Up to the first stretch that has something to send there is nothing to connect for.
    first = await anext(batches, None)
    if first is not None:
        async for _, response in bank.submit_stream(_chained(first, batches)):
            while not under_way[0].payments:
                yield under_way.popleft()
            part = under_way.popleft()
            yield Part(part.tag, part.instructions, part.payments, part.errors, response)
    while under_way:
        yield under_way.popleft()


async def _chained(
    first: list[Payment], rest: AsyncIterator[list[Payment]]
) -> AsyncIterator[list[Payment]]:
    yield first
    async for batch in rest:
        yield batch
