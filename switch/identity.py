"""Who calls, and which methods that caller may use.

A caller is whom its client certificate is registered to (see `registry/callers`). Nothing in a
request can change it. What is not in `METHOD_ROLES` is denied, so a method added to the contract
stays shut until somebody decides who may use it.

Whose payments and statements a caller sees is the servicer's matter: see `Caller.speaks_for`.
"""

import asyncio
import inspect
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, Protocol

import grpc
import grpc.aio

from payvand.switch.refusing import Refusal

__all__ = [
    "METHOD_ROLES",
    "OF_AGENCY",
    "Caller",
    "CertificateOwners",
    "GuardedServer",
    "Role",
    "Unauthenticated",
    "authorised",
    "caller_of",
    "certificate_in",
    "revoked",
]

URN_PREFIX: Final = "urn:payvand:"
CERTIFICATE_PROPERTY: Final = "x509_pem_cert"


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
    CENTRAL_BANK = "central-bank"
    """Reads what operators read."""
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
_READERS = frozenset({Role.OPERATOR, Role.AUDITOR, Role.CENTRAL_BANK})
_PARTICIPANTS_AND_READERS = _PARTICIPANTS | _READERS
_FEE_READERS = _PARTICIPANTS_AND_READERS | OF_AGENCY | {Role.TREASURY}
_EVERYBODY = frozenset(Role)

METHOD_ROLES: Final[Mapping[str, frozenset[Role]]] = {
    "/payvand.v1.PaymentService/Submit": _BANK,
    "/payvand.v1.PaymentService/SubmitStream": _BANK,
    "/payvand.v1.PaymentService/Answer": _PARTICIPANTS,
    "/payvand.v1.PaymentService/Follow": _PARTICIPANTS,
    "/payvand.v1.PaymentService/GetStatus": _PARTICIPANTS,
    "/payvand.v1.AvailabilityService/WatchAvailability": _PARTICIPANTS_AND_READERS,
    "/payvand.v1.AvailabilityService/SayAvailability": _PARTICIPANTS | _OPERATOR,
    "/payvand.v1.SignatureService/SubmitSigned": _BANK,
    "/payvand.v1.SignatureService/GetSignedRequest": _PARTICIPANTS_AND_READERS,
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
    "/payvand.v1.ParticipantService/ListParticipantVersions": _PARTICIPANTS_AND_READERS,
    "/payvand.v1.SettlementService/CloseWindow": _OPERATOR,
    "/payvand.v1.SettlementService/ListWindows": _READERS,
    "/payvand.v1.BusinessDayService/CloseDay": _OPERATOR,
    "/payvand.v1.StatementService/GetStatement": _PARTICIPANTS_AND_READERS,
    "/payvand.v1.StatementService/FollowStatement": _PARTICIPANTS_AND_READERS,
    "/payvand.v1.PositionService/GetPosition": _PARTICIPANTS_AND_READERS,
    "/payvand.v1.PositionService/FollowPosition": _PARTICIPANTS_AND_READERS,
    "/payvand.v1.PositionService/FollowAlerts": _PARTICIPANTS_AND_READERS,
    "/payvand.v1.QuoteService/Quote": _PARTICIPANTS,
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
    "/payvand.v1.ReceiptService/GetReceipt": _FEE_READERS,
    "/payvand.v1.TreasuryService/SweepWindow": _TREASURY,
    "/payvand.v1.TreasuryService/AcknowledgePosting": _TREASURY,
    "/payvand.v1.TreasuryService/ListPostings": _TREASURY | _READERS,
    "/payvand.v1.FeeEventService/FollowBills": _ISSUERS,
    "/payvand.v1.FeeEventService/PutWebhook": _DECIDERS,
    "/payvand.v1.FeeEventService/GetWebhook": OF_AGENCY | {Role.AGENCY},
    "/payvand.v1.FeeEventService/RemoveWebhook": _DECIDERS,
    "/payvand.v1.FeeReportService/GetDailyReport": _FEE_READERS,
    "/payvand.v1.FeeReportService/GetDailyTotals": _FEE_READERS - _BANK,
    "/payvand.v1.ReportService/ListReports": _READERS,
    "/payvand.v1.ReportService/RunReport": _READERS,
    "/payvand.v1.ReportService/SaveReport": _OPERATOR,
    "/payvand.v1.ReportService/RemoveReport": _OPERATOR,
    "/payvand.v1.ReportService/ScheduleReport": _OPERATOR,
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


class CertificateOwners(Protocol):
    """Who knows whom a certificate is of; `registry.callers.Callers` does."""

    def identify(self, certificate: bytes) -> Caller:
        """Return who holds a certificate in DER form; raises `Unauthenticated` for nobody."""

    def watch(self, listener: Callable[[], None]) -> None:
        """Call *listener* when certificates were registered or revoked."""


_CALLER: ContextVar[tuple[Any, Caller] | None] = ContextVar("caller", default=None)
"""The call that a task serves, and who makes it: the guard has identified it."""


def certificate_in(authentication: Mapping[str, Iterable[bytes]]) -> bytes:
    """Return the certificate of a client in DER form, of what a servicer context knows of it.

    Raises:
        Unauthenticated: there is none.
    """
    pem = tuple(authentication.get(CERTIFICATE_PROPERTY, ()))
    if not pem:
        raise Unauthenticated("come with a client certificate")
    return _der(pem[0])


@lru_cache(maxsize=4096)
def _der(pem: bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem.decode("ascii"))


def caller_of(context: Any) -> Caller:
    """Return who makes the call of *context*, a servicer context of grpc, as the guard found.

    Raises:
        Unauthenticated: the call came by no guard.
    """
    of_call = _CALLER.get()
    if of_call is None or of_call[0] is not context:
        raise Unauthenticated("nobody was identified for this call")
    return of_call[1]


class MethodServer(Protocol):
    """A server of gRPC, as far as methods are added to it."""

    def add_generic_rpc_handlers(self, handlers: Iterable[Any], /) -> None:
        """Add handlers that are asked for each method."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any], /) -> None:
        """Add the methods of a service by their names."""


class GuardedServer:
    """A server of gRPC whose every method stands behind a check of the caller.

    A call reaches its servicer only where `METHOD_ROLES` allows it to the caller. Otherwise it ends
    with UNAUTHENTICATED or PERMISSION_DENIED and a text that says who was refused what, and
    which role would be needed. Methods are guarded once, when they are added: an interceptor
    would cost each call a task's worth of work. A stream whose certificate is revoked ends.
    """

    def __init__(
        self,
        server: MethodServer,
        owners: CertificateOwners,
        roles: Mapping[str, frozenset[Role]] = METHOD_ROLES,
    ) -> None:
        """Guard what is added to *server* by *roles*; add nothing to it in another way."""
        self._server = server
        self._guard = _Guard(owners, roles)

    def add_generic_rpc_handlers(self, handlers: "Iterable[grpc.GenericRpcHandler]") -> None:
        """Add handlers that are asked for each method, behind the guard."""
        self._server.add_generic_rpc_handlers(
            [_GuardedHandler(handler, self._guard) for handler in handlers]
        )

    def add_registered_method_handlers(
        self, service: str, handlers: "Mapping[str, grpc.RpcMethodHandler[Any, Any]]"
    ) -> None:
        """Add the methods of a service by their names, behind the guard."""
        guarded = {
            name: self._guard.guarded(handler, f"/{service}/{name}")
            for name, handler in handlers.items()
        }
        self._server.add_registered_method_handlers(service, guarded)


def authorised(
    authentication: Mapping[str, Iterable[bytes]],
    owners: CertificateOwners,
    method: str,
    allowed: frozenset[Role],
) -> tuple[bytes, Caller]:
    """Return the certificate of a call's client and who that is.

    Raises:
        Refusal: it is nobody, or may not call *method*, which is for *allowed*.
    """
    try:
        certificate = certificate_in(authentication)
        caller = owners.identify(certificate)
    except Unauthenticated as fault:
        raise Refusal(grpc.StatusCode.UNAUTHENTICATED, "caller.certificate", str(fault)) from fault
    if caller.role not in allowed:
        needed = " or ".join(sorted(allowed)) or "one that nobody has: the method is shut"
        raise Refusal(
            grpc.StatusCode.PERMISSION_DENIED,
            "caller.role",
            f"the {caller.role} {caller.name!r} may not call {method.lstrip('/')}; "
            f"the call needs the role {needed}",
        )
    return certificate, caller


def revoked() -> Refusal:
    """Return why a stream ends whose certificate was revoked."""
    text = "the certificate of this stream identifies nobody any more"
    return Refusal(grpc.StatusCode.UNAUTHENTICATED, "caller.certificate", text)


class _GuardedHandler(grpc.GenericRpcHandler):
    """Guards whatever another handler has for a method."""

    def __init__(self, handler: "grpc.GenericRpcHandler", guard: "_Guard") -> None:
        self._handler = handler
        self._guard = guard

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        handler = self._handler.service(handler_call_details)
        if handler is None:  # No such method here: grpc answers UNIMPLEMENTED.
            return None
        return self._guard.guarded(handler, handler_call_details.method)


class _Guard:
    """Lets a call through to whoever may make it, and ends the streams of who may no more."""

    def __init__(self, owners: CertificateOwners, roles: Mapping[str, frozenset[Role]]) -> None:
        self._owners = owners
        self._roles = roles
        self._streams: dict[asyncio.Task[Any], bytes] = {}
        self._ended: set[asyncio.Task[Any]] = set()
        owners.watch(self._end_strangers)

    def guarded(
        self, handler: "grpc.RpcMethodHandler[Any, Any]", method: str
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
        allowed = self._roles.get(method, frozenset())

        async def once(request: Any, context: Any) -> Any:
            await self._authorise(context, method, allowed)
            return await behaviour(request, context)

        async def answering(request: Any, context: Any) -> Any:
            certificate = await self._authorise(context, method, allowed)
            with self._open(certificate) as stream:
                try:
                    return await behaviour(request, context)
                except asyncio.CancelledError:
                    await self._tell_end(stream, context)
                    raise

        async def streaming(request: Any, context: Any) -> AsyncIterator[Any]:
            certificate = await self._authorise(context, method, allowed)
            with self._open(certificate) as stream:
                try:
                    async with aclosing(behaviour(request, context)) as messages:
                        async for message in messages:
                            yield message
                except asyncio.CancelledError:
                    await self._tell_end(stream, context)
                    raise

        wrapped: Callable[[Any, Any], Any] = once
        if kind != "unary_unary":
            # A streaming behaviour may also be a coroutine that writes to the context.
            wrapped = streaming if inspect.isasyncgenfunction(behaviour) else answering
        return kinds[kind](
            wrapped,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    async def _authorise(self, context: Any, method: str, allowed: frozenset[Role]) -> bytes:
        """Return the certificate of who may make this call; end the call of anybody else."""
        try:
            certificate, caller = authorised(context.auth_context(), self._owners, method, allowed)
        except Refusal as refusal:
            await refusal.end(context)
        _CALLER.set((context, caller))
        return certificate

    @contextmanager
    def _open(self, certificate: bytes) -> Iterator[asyncio.Task[Any]]:
        stream = asyncio.current_task()
        assert stream is not None, "grpc serves each call in a task"
        self._streams[stream] = certificate
        try:
            yield stream
        finally:
            del self._streams[stream]
            self._ended.discard(stream)

    def _end_strangers(self) -> None:
        for stream, certificate in self._streams.items():
            try:
                self._owners.identify(certificate)
            except Unauthenticated:
                self._ended.add(stream)
                stream.cancel()

    async def _tell_end(self, stream: "asyncio.Task[Any]", context: Any) -> None:
        """Say why where a stream was ended here."""
        if stream in self._ended:
            stream.uncancel()
            await revoked().end(context)
