"""The gRPC server: mutual TLS, the caller's rights, health, reflection.

The busiest methods take or give bytes, which the servicer reads and writes itself; all others take
and give the messages of the generated code.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing
from inspect import isasyncgenfunction
from pathlib import Path
from ssl import SSLContext
from typing import Any, Final, Protocol, runtime_checkable

import asyncpg
import grpc
import grpc.aio
import structlog
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH
from grpc_health.v1.health import aio as health
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from payvand.core.errors import EngineClosed, JournalFault, PayvandFault
from payvand.settlement.errors import SettlementFault
from payvand.switch.admission import Admission, TooManyCalls
from payvand.switch.http2.grpc_server import Authentication, GrpcServer, status_on_wire
from payvand.switch.http2.session import Stream
from payvand.switch.http2.tls import tls_context
from payvand.switch.identity import (
    METHOD_ROLES,
    CertificateOwners,
    GuardedServer,
    Unauthenticated,
    authorised,
    caller_of,
    revoked,
)
from payvand.switch.refusing import Refusal
from payvand.switch.wire.faults import RequestMalformed
from payvand.switch.wire.requests import Requests

__all__ = ["DatabaseBehind", "Server", "ServerFault", "method_handlers"]

RETRY_AFTER_MS: Final = 1_000
"""When a call that can't be served now is worth another try."""

READ_BY_SERVICER: Final = frozenset({"Submit", "SubmitStream", "Answer"})
"""Methods whose servicer takes the bytes of requests."""
WRITTEN_BY_SERVICER: Final = frozenset({"Submit", "SubmitStream", "Answer", "Follow"})
"""Methods whose servicer gives the bytes of responses."""

log = structlog.get_logger("payvand.switch")


class ServerFault(PayvandFault):
    """The server can't listen."""


class DatabaseBehind(PayvandFault):
    """The database doesn't keep up with the ledger; what needs it has to wait."""


class Servicer(Protocol):
    """What serves the methods of a service of the contract, each under its name."""

    @property
    def SERVICE(self) -> ServiceDescriptor:
        """The service."""


@runtime_checkable
class GatheringServicer(Servicer, Protocol):
    """A servicer of some methods whose messages are served together."""

    @property
    def GATHERED(self) -> frozenset[str]:
        """Their names."""

    def take(self, requests: Requests) -> None:
        """Serve messages; `requests.debtors` are the callers."""

    def open_stream(self, path: str) -> Callable[[], None]:
        """Note that a stream of such a method is open; return what is called where it ends."""


class Server:
    """The switch's gRPC server."""

    def __init__(self, *servicers: Servicer, owners: CertificateOwners) -> None:
        """Serve *servicers*, each a service of the contract, to those whom *owners* know."""
        admission = Admission()
        self._server = self._make(Gathering(servicers, admission, owners))
        guarded = GuardedServer(self._server, owners)
        self._health = health.HealthServicer()
        for servicer in servicers:
            guarded.add_registered_method_handlers(
                servicer.SERVICE.full_name, method_handlers(servicer, admission)
            )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, guarded)
        names = (*(servicer.SERVICE.full_name for servicer in servicers), HEALTH)
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(
            reflection.aio.ReflectionServicer((*names, reflection.SERVICE_NAME)), guarded
        )
        self._names = ("", *names)

    def _make(self, gathering: "Gathering") -> GrpcServer:
        return GrpcServer(gathering)

    async def start(self, listen: str, certificates: Path) -> str:
        """Listen at *listen* (`host:port`) with the files of *certificates*; return the address.

        Raises:
            ServerFault: a file is missing, or the address can't be listened on.
        """
        host, _, port = listen.rpartition(":")
        tls = _tls(certificates)
        try:
            taken = await self._server.listen(host.strip("[]"), int(port), tls)
        except OSError as error:
            raise ServerFault(
                f"the switch can't listen at {listen}: {error}",
                hint="choose a free port, or 0 for any",
            ) from error
        await self._tell(health_pb2.HealthCheckResponse.SERVING)
        return f"{host}:{taken}"

    async def renew_certificate(self, certificates: Path) -> None:
        """Let new connections meet the certificate and the authority of *certificates*.

        Those there are stay; raises `ServerFault` where a file is missing, and nothing changes.
        """
        await self._server.replace_tls(_tls(certificates))

    async def stop(self, grace_s: float) -> None:
        """Take no more calls, and give those under way *grace_s* seconds."""
        self._server.refuse_more()
        await self._tell(health_pb2.HealthCheckResponse.NOT_SERVING)
        await self._server.stop(grace_s)

    async def _tell(self, status: "health_pb2.HealthCheckResponse.ServingStatus") -> None:
        for name in self._names:
            await self._health.set(name, status)


class Gathering:
    """The methods whose messages of a turn of the loop are served together."""

    def __init__(
        self, servicers: Iterable[Servicer], admission: Admission, owners: CertificateOwners
    ) -> None:
        """Gather for those of *servicers* that have such methods, of whom *owners* know."""
        self._admission = admission
        self._owners = owners
        self._streams: dict[Stream, bytes] = {}
        """Those that are open, by what certificate."""
        owners.watch(self._end_strangers)
        self._servicers = {
            f"/{servicer.SERVICE.full_name}/{name}": servicer
            for servicer in servicers
            if isinstance(servicer, GatheringServicer)
            for name in servicer.GATHERED
        }
        self.methods = {path: self._method(path).client_streaming for path in self._servicers}

    def _method(self, path: str) -> MethodDescriptor:
        return self._servicers[path].SERVICE.methods_by_name[path.rpartition("/")[2]]

    def admit(
        self, stream: Stream, authentication: Authentication, path: str
    ) -> Callable[[], None]:
        """Let a call in, and return what is called when it is over; raises `Refusal`."""
        allowed = METHOD_ROLES.get(path, frozenset())
        certificate, caller = authorised(authentication, self._owners, path, allowed)
        stream.session.caller = caller
        many = self.methods[path]
        try:
            leave = self._admission.enter(caller, stream=many)
        except TooManyCalls as fault:
            raise refusal_of(fault) from fault
        if not many:
            return leave
        self._streams[stream] = certificate
        close = self._servicers[path].open_stream(path)

        def end() -> None:
            del self._streams[stream]
            close()
            leave()

        return end

    def _end_strangers(self) -> None:
        for stream, certificate in tuple(self._streams.items()):
            try:
                self._owners.identify(certificate)
            except Unauthenticated:
                stream.finish(*status_on_wire(revoked()))

    def take(self, gathered: Requests) -> None:
        """Serve the messages of one turn."""
        (servicer,) = set(self._servicers.values())
        servicer.take(gathered)

    def refusal_of(self, fault: BaseException) -> Refusal:
        """Return with what status a message fails."""
        return refusal_of(fault)


def _tls(certificates: Path) -> SSLContext:
    try:
        return tls_context(
            *(certificates / name for name in ("ca.pem", "certificate.pem", "key.pem"))
        )
    except OSError as error:  # What isn't PEM raises SSLError, which is one.
        raise ServerFault(
            f"the switch's certificate in {certificates} can't be read: {error}",
            hint="issue one with `payvand certificates`",
        ) from error


def method_handlers(
    servicer: Servicer, admission: Admission
) -> "dict[str, grpc.RpcMethodHandler[Any, Any]]":
    """Return the methods of a service of the contract: each by its name in *servicer*."""
    kinds: dict[tuple[bool, bool], Callable[..., grpc.RpcMethodHandler[Any, Any]]] = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }
    return {
        method.name: kinds[method.client_streaming, method.server_streaming](
            _bounded(getattr(servicer, method.name), method, admission),
            request_deserializer=None
            if method.name in READ_BY_SERVICER
            else GetMessageClass(method.input_type).FromString,
            response_serializer=None
            if method.name in WRITTEN_BY_SERVICER
            else GetMessageClass(method.output_type).SerializeToString,
        )
        for method in servicer.SERVICE.methods
        if method.name not in getattr(servicer, "GATHERED", ())
    }


def _bounded(
    behaviour: Callable[[Any, Any], Any], method: MethodDescriptor, admission: Admission
) -> Callable[[Any, Any], Any]:
    """Wrap a method: within the caller's share, and faults reach it as a status with a text.

    UNAVAILABLE is for what passes: the call may be made again, with the same ids.
    """
    stream = method.client_streaming or method.server_streaming

    async def answering(request: Any, context: Any) -> Any:
        try:
            with admission.admit(caller_of(context), stream=stream):
                return await behaviour(request, context)
        except Exception as fault:
            await _tell_fault(fault, context)
            raise

    async def streaming(request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            with admission.admit(caller_of(context), stream=stream):
                async with aclosing(behaviour(request, context)) as messages:
                    async for message in messages:
                        yield message
        except Exception as fault:
            await _tell_fault(fault, context)
            raise

    # A behaviour of a stream may also be a coroutine that writes to the context.
    return streaming if isasyncgenfunction(behaviour) else answering


async def _tell_fault(fault: Exception, context: Any) -> None:
    """End the call with the status of *fault*; return where a servicer has ended it already."""
    if not isinstance(fault, grpc.aio.AbortError):
        await refusal_of(fault).end(context)


def refusal_of(fault: BaseException) -> Refusal:
    """Return what a caller is told of a fault."""
    match fault:
        case Refusal():
            return fault
        case RequestMalformed():
            return Refusal(
                grpc.StatusCode.INVALID_ARGUMENT, fault.rule, fault.text, field=fault.field
            )
        case TooManyCalls():
            return Refusal(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                "calls.share",
                str(fault),
                retry_after_ms=RETRY_AFTER_MS,
            )
        case EngineClosed() | JournalFault():
            rule, text = "switch.stopping", f"the switch is stopping: {fault}"
        case DatabaseBehind() | SettlementFault():
            rule, text = "database.behind", str(fault)
        case asyncpg.PostgresError() | asyncpg.InterfaceError() | OSError() | TimeoutError():
            rule, text = "database.silent", f"the database doesn't answer: {type(fault).__name__}"
        case _:
            log.error("a call failed", exc_info=fault)
            return Refusal(
                grpc.StatusCode.INTERNAL,
                "switch.mistake",
                "a mistake in the switch; its log says more",
            )
    log.warning("a call can't be served now", fault=str(fault), kind=type(fault).__name__)
    return Refusal(grpc.StatusCode.UNAVAILABLE, rule, text, retry_after_ms=RETRY_AFTER_MS)
