"""Who calls, and which methods that caller may use.

A caller is what its client certificate says: the certificate's URI `urn:payvand:<role>:<name>`,
which only the switch's own authority signs (see `certificates`). Nothing in a request can change
it. What is not in `METHOD_ROLES` is denied, so a method added to the contract stays shut until
somebody decides who may use it.

Whose payments and statements a caller sees is the servicer's matter: see `Caller.speaks_for`.
"""

import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import grpc
import grpc.aio

from payvand.switch.refusing import refuse

__all__ = ["METHOD_ROLES", "OF_AGENCY", "Caller", "GuardedServer", "Role", "caller_of"]

URN_PREFIX: Final = "urn:payvand:"
NAMES_PROPERTY: Final = "x509_subject_alternative_name"


class Role(StrEnum):
    """What the holder of a certificate is."""

    BANK = "bank"
    AGENCY = "agency"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    """Reads what operators read, and does nothing."""
    AGENCY_CLERK = "agency-clerk"
    """A person of an agency, who proposes; named `person@agency`."""
    AGENCY_APPROVER = "agency-approver"
    """Another person of an agency, who approves what a clerk proposes; named as a clerk is."""
    TREASURY = "treasury"
    """A person of the treasury: approves what agencies charge, and takes what is swept to it."""
    SWITCH = "switch"


_BANK = frozenset({Role.BANK})
OF_AGENCY: Final = frozenset({Role.AGENCY_CLERK, Role.AGENCY_APPROVER})
"""The roles of people whose certificate says of which agency they are."""

_CLERK = frozenset({Role.AGENCY_CLERK})
_APPROVER = frozenset({Role.AGENCY_APPROVER})
_TREASURY = frozenset({Role.TREASURY})
_DECIDERS = _APPROVER | {Role.AGENCY}
_ISSUERS = frozenset({Role.AGENCY, Role.AGENCY_CLERK})
_PARTICIPANTS = frozenset({Role.BANK, Role.AGENCY})
_OPERATOR = frozenset({Role.OPERATOR})
_READERS = frozenset({Role.OPERATOR, Role.AUDITOR})
_PARTICIPANTS_AND_READERS = _PARTICIPANTS | _READERS
_FEE_READERS = _PARTICIPANTS_AND_READERS | OF_AGENCY | {Role.TREASURY}
_EVERYBODY = frozenset(Role)

METHOD_ROLES: Final[Mapping[str, frozenset[Role]]] = {
    "/payvand.v1.PaymentService/Submit": _BANK,
    "/payvand.v1.PaymentService/SubmitStream": _BANK,
    "/payvand.v1.PaymentService/Answer": _PARTICIPANTS,
    "/payvand.v1.PaymentService/Follow": _PARTICIPANTS,
    "/payvand.v1.PaymentService/GetStatus": _PARTICIPANTS,
    "/payvand.v1.ReturnService/CreateReturn": _PARTICIPANTS,
    "/payvand.v1.ReturnService/CreateRecall": _BANK,
    "/payvand.v1.DirectoryService/LookUp": _PARTICIPANTS,
    "/payvand.v1.DirectoryService/RegisterAliases": _BANK,
    "/payvand.v1.DirectoryService/RemoveAliases": _BANK,
    "/payvand.v1.DirectoryService/OpenClaim": _BANK,
    "/payvand.v1.DirectoryService/ConfirmClaim": _BANK,
    "/payvand.v1.DirectoryService/CompleteClaim": _BANK,
    "/payvand.v1.DirectoryService/CancelClaim": _BANK,
    "/payvand.v1.DirectoryService/ListClaims": _BANK,
    "/payvand.v1.DirectoryService/GetNodes": _PARTICIPANTS,
    "/payvand.v1.DirectoryService/CompareLeaf": _PARTICIPANTS,
    "/payvand.v1.ParticipantService/PutParticipants": _OPERATOR,
    "/payvand.v1.ParticipantService/ListParticipants": _PARTICIPANTS_AND_READERS,
    "/payvand.v1.ParticipantService/FundParticipant": _OPERATOR,
    "/payvand.v1.SettlementService/CloseWindow": _OPERATOR,
    "/payvand.v1.SettlementService/ListWindows": _READERS,
    "/payvand.v1.BusinessDayService/CloseDay": _OPERATOR,
    "/payvand.v1.StatementService/GetStatement": _PARTICIPANTS_AND_READERS,
    "/payvand.v1.BookService/GetTotals": _READERS,
    "/payvand.v1.ApprovalService/Propose": _OPERATOR,
    "/payvand.v1.ApprovalService/Approve": _OPERATOR,
    "/payvand.v1.ApprovalService/Refuse": _OPERATOR,
    "/payvand.v1.ApprovalService/Schedule": _OPERATOR,
    "/payvand.v1.ApprovalService/Cancel": _OPERATOR,
    "/payvand.v1.ApprovalService/GetProposal": _READERS,
    "/payvand.v1.ApprovalService/ListProposals": _READERS,
    "/payvand.v1.BillService/IssueBills": _ISSUERS,
    "/payvand.v1.BillService/FindBills": _FEE_READERS,
    "/payvand.v1.BillService/AmendBill": _DECIDERS,
    "/payvand.v1.BillService/ObjectToBill": _BANK,
    "/payvand.v1.BillService/ListActs": _FEE_READERS,
    "/payvand.v1.FeePaymentService/PayBills": _BANK,
    "/payvand.v1.FeeCatalogueService/ImportSchedule": _CLERK,
    "/payvand.v1.FeeCatalogueService/ReviewSchedule": _APPROVER,
    "/payvand.v1.FeeCatalogueService/ApproveSchedule": _TREASURY,
    "/payvand.v1.FeeCatalogueService/RefuseSchedule": OF_AGENCY | _TREASURY,
    "/payvand.v1.FeeCatalogueService/CompareSchedule": _FEE_READERS,
    "/payvand.v1.FeeCatalogueService/ListSchedules": _FEE_READERS,
    "/payvand.v1.FeeCatalogueService/GetSchedule": _FEE_READERS,
    "/payvand.v1.FeeAssessmentService/Assess": _FEE_READERS,
    "/payvand.v1.RefundService/RequestRefund": OF_AGENCY,
    "/payvand.v1.RefundService/ApproveRefund": _APPROVER,
    "/payvand.v1.RefundService/RefuseRefund": OF_AGENCY,
    "/payvand.v1.RefundService/ListRefunds": _FEE_READERS,
    "/payvand.v1.FeeDeviceService/EnrolDevices": _CLERK,
    "/payvand.v1.FeeDeviceService/RevokeDevice": OF_AGENCY,
    "/payvand.v1.FeeDeviceService/ListDevices": OF_AGENCY | _READERS | {Role.AGENCY},
    "/payvand.v1.FeeDeviceService/BringCharges": _ISSUERS,
    "/payvand.v1.RuleTableService/ImportTable": _OPERATOR,
    "/payvand.v1.RuleTableService/RestoreVersion": _OPERATOR,
    "/payvand.v1.RuleTableService/CompareVersion": _READERS,
    "/payvand.v1.RuleTableService/ListVersions": _READERS,
    "/payvand.v1.RuleTableService/GetVersion": _READERS,
    "/payvand.v1.RuleTableService/GetRulebook": _READERS,
    # Standard services, open to whoever holds a certificate of this switch.
    "/grpc.health.v1.Health/Check": _EVERYBODY,
    "/grpc.health.v1.Health/List": _EVERYBODY,
    "/grpc.health.v1.Health/Watch": _EVERYBODY,
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": _EVERYBODY,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": _EVERYBODY,
}
"""The roles that may call each method, by its full path. A method not listed is denied to all."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of the client certificate of a call."""

    role: Role
    name: str
    """The short name: a participant's for a bank or an agency, `person@agency` for a clerk."""

    @property
    def agency(self) -> str:
        """The short name of the agency that the caller is, or is a person of; empty for none."""
        if self.role is Role.AGENCY:
            return self.name
        return self.name.partition("@")[2] if self.role in OF_AGENCY else ""

    @property
    def reads_all(self) -> bool:
        """Whether the caller reads what concerns any participant."""
        return self.role in _READERS

    def speaks_for(self, participant: str) -> bool:
        """Tell whether the caller may ask about *participant*: itself, or all if it reads all."""
        return self.reads_all or (self.role in _PARTICIPANTS and self.name == participant)


class Unauthenticated(Exception):
    """The call's certificate doesn't say who the caller is; the caller needs another one."""


_CALLER: ContextVar[tuple[Any, Caller] | None] = ContextVar("caller", default=None)
"""The call that a task serves and who made it: grpc takes the certificate apart each time."""


def names_of(context: Any) -> tuple[bytes, ...]:
    """Return the names that the certificate of a call carries."""
    return tuple(context.auth_context().get(NAMES_PROPERTY, ()))


def caller_of(context: Any) -> Caller:
    """Return who makes the call of *context*, a servicer context of grpc.

    Raises:
        Unauthenticated: the certificate carries no single name of a known form. The
            guard refuses such calls, so servicers behind it never see this.
    """
    of_call = _CALLER.get()
    if of_call is not None and of_call[0] is context:
        return of_call[1]
    caller = _caller_named(names_of(context))
    _CALLER.set((context, caller))
    return caller


@lru_cache(maxsize=4096)
def _caller_named(names: tuple[bytes, ...]) -> Caller:
    texts = [name.decode("ascii", "replace") for name in names]
    ours = [text.removeprefix(URN_PREFIX) for text in texts if text.startswith(URN_PREFIX)]
    if len(ours) != 1:
        raise Unauthenticated(
            f"the client certificate must carry one name {URN_PREFIX}<role>:<name>, "
            f"and carries {len(ours)}; issue one with `payvand certificates`"
        )
    role, _, name = ours[0].partition(":")
    if role not in set(Role) or not name:
        raise Unauthenticated(
            f"the client certificate's name {ours[0]!r} isn't <role>:<name> with a role of "
            f"{', '.join(Role)}; issue one with `payvand certificates`"
        )
    return Caller(Role(role), name)


class GuardedServer:
    """A server of grpc.aio whose every method stands behind a check of the caller.

    A call reaches its servicer only where `METHOD_ROLES` allows it to the caller. Otherwise it ends
    with UNAUTHENTICATED or PERMISSION_DENIED and a text that says who was refused what, and
    which role would be needed. Methods are guarded once, when they are added: an interceptor
    would cost each call a task's worth of work.
    """

    def __init__(
        self, server: grpc.aio.Server, roles: Mapping[str, frozenset[Role]] = METHOD_ROLES
    ) -> None:
        """Guard what is added to *server* by *roles*; add nothing to it in another way."""
        self._server = server
        self._roles = roles

    def add_generic_rpc_handlers(self, handlers: "Iterable[grpc.GenericRpcHandler]") -> None:
        """Add handlers that are asked for each method, behind the guard."""
        self._server.add_generic_rpc_handlers(
            [_GuardedHandler(handler, self._roles) for handler in handlers]
        )

    def add_registered_method_handlers(
        self, service: str, handlers: "Mapping[str, grpc.RpcMethodHandler[Any, Any]]"
    ) -> None:
        """Add the methods of a service by their names, behind the guard."""
        guarded = {
            name: _guarded(handler, method, self._roles.get(method, frozenset()))
            for name, handler in handlers.items()
            for method in [f"/{service}/{name}"]
        }
        self._server.add_registered_method_handlers(service, guarded)


class _GuardedHandler(grpc.GenericRpcHandler):
    """Guards whatever another handler has for a method."""

    def __init__(
        self,
        handler: "grpc.GenericRpcHandler",
        roles: Mapping[str, frozenset[Role]],
    ) -> None:
        self._handler = handler
        self._roles = roles

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        handler = self._handler.service(handler_call_details)
        if handler is None:  # No such method here: grpc answers UNIMPLEMENTED.
            return None
        method = handler_call_details.method
        return _guarded(handler, method, self._roles.get(method, frozenset()))


async def _authorise(context: Any, method: str, allowed: frozenset[Role]) -> None:
    try:
        caller = caller_of(context)
    except Unauthenticated as fault:
        await refuse(context, grpc.StatusCode.UNAUTHENTICATED, "caller.certificate", str(fault))
    if caller.role not in allowed:
        needed = " or ".join(sorted(allowed)) or "one that nobody has: the method is shut"
        await refuse(
            context,
            grpc.StatusCode.PERMISSION_DENIED,
            "caller.role",
            f"the {caller.role} {caller.name!r} may not call {method.lstrip('/')}; "
            f"the call needs the role {needed}",
        )


def _guarded(
    handler: "grpc.RpcMethodHandler[Any, Any]", method: str, allowed: frozenset[Role]
) -> "grpc.RpcMethodHandler[Any, Any]":
    """Wrap the one behaviour that *handler* has, whichever of the four kinds it is."""
    kinds: dict[str, Callable[..., grpc.RpcMethodHandler[Any, Any]]] = {
        "unary_unary": grpc.unary_unary_rpc_method_handler,
        "unary_stream": grpc.unary_stream_rpc_method_handler,
        "stream_unary": grpc.stream_unary_rpc_method_handler,
        "stream_stream": grpc.stream_stream_rpc_method_handler,
    }
    kind = next(kind for kind in kinds if getattr(handler, kind) is not None)
    behaviour = getattr(handler, kind)

    async def answering(request: Any, context: Any) -> Any:
        await _authorise(context, method, allowed)
        return await behaviour(request, context)

    async def streaming(request: Any, context: Any) -> AsyncIterator[Any]:
        await _authorise(context, method, allowed)
        async with aclosing(behaviour(request, context)) as messages:
            async for message in messages:
                yield message

    # A streaming behaviour may also be a coroutine that writes to the context (health's is).
    wrapped = streaming if inspect.isasyncgenfunction(behaviour) else answering
    return kinds[kind](
        wrapped,
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )
