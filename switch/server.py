"""The gRPC server: mutual TLS, the caller's rights, health, reflection, and the bounds of the wire.

The busiest methods take or give bytes, which the servicer reads and writes itself; all others take
and give the messages of the generated code.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from inspect import isasyncgenfunction
from pathlib import Path
from typing import Any, Final, Protocol

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
from payvand.switch.identity import CertificateOwners, GuardedServer, caller_of
from payvand.switch.refusing import refuse
from payvand.switch.wire.faults import RequestMalformed

__all__ = ["MESSAGE_BYTES_MAX", "DatabaseBehind", "Server", "ServerFault", "method_handlers"]

MESSAGE_BYTES_MAX: Final = 16 * 1024 * 1024
"""Both ways, as in the client."""

CALLS_MAX: Final = 2_048
"""Calls and streams of all callers under way; more end with RESOURCE_EXHAUSTED."""

RETRY_AFTER_MS: Final = 1_000
"""When a call that can't be served now is worth another try."""

OPTIONS: Final = (
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_metadata_size", 16 * 1024),
    # Clients ping every 30 s, also on connections without a call.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    # The pings of a client whose stream is quiet would count as abuse all the same, and throw it
    # out after some minutes.
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    # A client that is gone is noticed within 40 s.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.so_reuseport", 0),
)

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


class Server:
    """The switch's gRPC server."""

    def __init__(self, *servicers: Servicer, owners: CertificateOwners) -> None:
        """Serve *servicers*, each a service of the contract, to those whom *owners* know."""
        self._server = grpc.aio.server(options=OPTIONS, maximum_concurrent_rpcs=CALLS_MAX)
        guarded = GuardedServer(self._server, owners)
        admission = Admission()
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

    async def start(self, listen: str, certificates: Path) -> str:
        """Listen at *listen* (`host:port`) with the files of *certificates*; return the address.

        Raises:
            ServerFault: a file is missing, or the address can't be listened on.
        """
        try:
            ca, certificate, key = (
                (certificates / name).read_bytes()
                for name in ("ca.pem", "certificate.pem", "key.pem")
            )
        except OSError as error:
            raise ServerFault(
                f"the switch's certificate can't be read: {error}",
                hint="issue one with `payvand certificates`",
            ) from error
        credentials = grpc.ssl_server_credentials(
            [(key, certificate)], root_certificates=ca, require_client_auth=True
        )
        try:
            port = self._server.add_secure_port(listen, credentials)
        except RuntimeError as error:
            raise ServerFault(
                f"the switch can't listen at {listen}: {error}",
                hint="choose a free port, or 0 for any",
            ) from error
        await self._server.start()
        await self._tell(health_pb2.HealthCheckResponse.SERVING)
        return f"{listen.rpartition(':')[0]}:{port}"

    async def stop(self, grace_s: float) -> None:
        """Take no more calls, and give those under way *grace_s* seconds."""
        await self._tell(health_pb2.HealthCheckResponse.NOT_SERVING)
        await self._server.stop(grace_s)

    async def _tell(self, status: "health_pb2.HealthCheckResponse.ServingStatus") -> None:
        for name in self._names:
            await self._health.set(name, status)


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
    match fault:
        case grpc.aio.AbortError():
            return
        case RequestMalformed():
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                fault.rule,
                fault.text,
                field=fault.field,
            )
        case TooManyCalls():
            await refuse(
                context,
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
            await refuse(
                context,
                grpc.StatusCode.INTERNAL,
                "switch.mistake",
                "a mistake in the switch; its log says more",
            )
    log.warning("a call can't be served now", fault=str(fault), kind=type(fault).__name__)
    await refuse(context, grpc.StatusCode.UNAVAILABLE, rule, text, retry_after_ms=RETRY_AFTER_MS)
