"""Ending a call with a status that a program can read as well as a person.

Every refusal carries `google.rpc.Status` in the trailing metadata: an `ErrorInfo` whose reason is
the rule's id, a `BadRequest` with the path of the field where one is to blame, and a `RetryInfo`
where the same call may succeed later. The text says the same in words: `field: rule: text`.
"""

from typing import Any, Final, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

__all__ = ["DOMAIN", "Refusal", "refuse", "refuse_participant", "status_metadata"]

DOMAIN: Final = "payvand"
"""The domain of `ErrorInfo.reason`: rule ids are ours."""

DETAILS_KEY: Final = "grpc-status-details-bin"
"""Where gRPC carries a `google.rpc.Status`."""


def status_metadata(
    code: grpc.StatusCode,
    rule: str,
    text: str,
    *,
    field: str = "",
    retry_after_ms: int | None = None,
) -> tuple[str, tuple[tuple[str, bytes], ...]]:
    """Return a refusal in words and as trailing metadata; arguments as in `refuse`."""
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=rule, domain=DOMAIN)]
    if field:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=field, description=text, reason=rule
        )
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if retry_after_ms is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(retry_after_ms)
        details.append(retry)
    words = ": ".join(part for part in (field, rule, text) if part)
    status = status_pb2.Status(code=code.value[0], message=words)
    for detail in details:
        packed = Packed()
        packed.Pack(detail)
        status.details.append(packed)
    return words, ((DETAILS_KEY, status.SerializeToString()),)


class Refusal(Exception):
    """A call that ends with a status other than OK; raised where no context is at hand."""

    def __init__(
        self,
        code: grpc.StatusCode,
        rule: str,
        text: str,
        *,
        field: str = "",
        retry_after_ms: int | None = None,
    ) -> None:
        """Refuse; arguments as in `refuse`."""
        self.code = code
        self.words, self.metadata = status_metadata(
            code, rule, text, field=field, retry_after_ms=retry_after_ms
        )
        super().__init__(self.words)

    async def end(self, context: Any) -> NoReturn:
        """End the call of *context*, a servicer context of gRPC; raises `grpc.aio.AbortError`."""
        await context.abort(self.code, self.words, self.metadata)
        raise AssertionError("abort raises")


async def refuse(
    context: Any,
    code: grpc.StatusCode,
    rule: str,
    text: str,
    *,
    field: str = "",
    retry_after_ms: int | None = None,
) -> NoReturn:
    """End the call of *context*.

    Args:
        context: The servicer context of grpc.
        code: The status.
        rule: The id of the rule that says no, for example `id.form`. Ids don't change.
        text: What to do about it, for people.
        field: The path of the field at fault, for example `payments[3].amount`.
        retry_after_ms: When the same call may succeed, where that is known.

    Raises:
        grpc.aio.AbortError: always.
    """
    await Refusal(code, rule, text, field=field, retry_after_ms=retry_after_ms).end(context)


async def refuse_participant(context: Any, name: str) -> NoReturn:
    """End the call of *context*: nobody is called *name*."""
    await refuse(
        context,
        grpc.StatusCode.NOT_FOUND,
        "participant.unknown",
        f"no participant is called {name!r}",
        field="participant",
    )
