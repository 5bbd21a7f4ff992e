"""What can go wrong between a caller and the switch, as exceptions that say what to do next.

A payment that is refused or declined is no fault: its state stands in the reply.

    ClientFault
    ├── CertificatesMissing   the caller's own files
    ├── SwitchUnreachable     no switch answered in time; nothing is known to be lost, repeat
    ├── NotPermitted          the switch knows the caller and says no
    └── CallFailed            the switch answered the call as a whole with an error
"""

from dataclasses import dataclass

import grpc
import grpc.aio
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

__all__ = [
    "CallFailed",
    "CertificatesMissing",
    "ClientFault",
    "NotPermitted",
    "Refusal",
    "SwitchUnreachable",
    "ended_early",
    "fault_of",
    "is_broken_off",
]


ASKED_WRONGLY = frozenset(
    {
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
    }
)
"""What the same call would be answered with again."""


class ClientFault(Exception):
    """A call to the switch could not be made or was not answered."""

    def __init__(self, message: str, *, hint: str) -> None:
        """Say what happened in *message* and what to do about it in *hint*."""
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        """Return both, for people."""
        return f"{self.args[0]}; {self.hint}"


class CertificatesMissing(ClientFault):
    """The folder given as the caller's certificates lacks a file."""


class SwitchUnreachable(ClientFault):
    """No switch answered within the caller's patience.

    What was under way may have had its effect; the same call with the same ids may be made again.
    """


class NotPermitted(ClientFault):
    """The caller's certificate does not allow the call."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call was refused, for programs."""

    rule: str = ""
    """The id of the rule that said no, for example `id.form`; ids don't change."""
    field: str = ""
    """The path of the field at fault; empty where none is."""
    retry_after_ms: int | None = None
    """When the same call may succeed, where the switch knows."""


class CallFailed(ClientFault):
    """The switch answered the call with an error."""

    def __init__(self, message: str, *, hint: str, code: grpc.StatusCode, refusal: Refusal) -> None:
        """Keep the status *code* of grpc and the *refusal* beside the words."""
        super().__init__(message, hint=hint)
        self.code = code
        self.refusal = refusal


def _refusal_of(error: grpc.aio.AioRpcError) -> Refusal:
    """Return what the switch says in `google.rpc.Status`; empty where it says nothing."""
    rule, field, retry_after_ms = "", "", None
    for key, value in error.trailing_metadata():
        if key != "grpc-status-details-bin" or not isinstance(value, bytes):
            continue
        for detail in Status.FromString(value).details:
            info, request, retry = ErrorInfo(), BadRequest(), RetryInfo()
            if detail.Unpack(info):
                rule = info.reason
            elif detail.Unpack(request):
                field = next((each.field for each in request.field_violations), "")
            elif detail.Unpack(retry):
                retry_after_ms = retry.retry_delay.ToMilliseconds()
    return Refusal(rule, field, retry_after_ms)


def is_broken_off(error: grpc.aio.AioRpcError) -> bool:
    """Tell whether a call ended with its connection, and not by an answer of the switch.

    A write that meets the end of the call makes grpc.aio put a status of its own in the place of
    the one that came from the switch (grpc/grpc#36066); that one says nothing of the switch. A
    switch that stops cancels what its grace leaves over; no answer of it has that status.
    """
    return error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED) or (
        error.code() is grpc.StatusCode.INTERNAL and error.details() == "Internal error from Core"
    )


def fault_of(error: grpc.aio.AioRpcError, address: str) -> ClientFault:
    """Return the fault that *error*, of a call to the switch at *address*, stands for."""
    details = error.details() or "no details"
    if is_broken_off(error):
        return SwitchUnreachable(
            f"no switch answers at {address} ({details})",
            hint="start it with `payvand serve`, or give another address",
        )
    match error.code():
        case grpc.StatusCode.UNAUTHENTICATED | grpc.StatusCode.PERMISSION_DENIED:
            return NotPermitted(details, hint="call with a certificate of the role it needs")
        case code:
            return CallFailed(
                f"the switch at {address} answered {code.name}: {details}",
                hint="nothing was done: change what it says, then call again"
                if code in ASKED_WRONGLY
                else "the same call with the same ids may be made again",
                code=code,
                refusal=_refusal_of(error),
            )


def ended_early(address: str) -> SwitchUnreachable:
    """Return the fault of a switch that keeps ending a stream which has more to say."""
    return SwitchUnreachable(
        f"the switch at {address} ends the stream again and again",
        hint="it may be shutting down: look at its log, then make the call again",
    )
