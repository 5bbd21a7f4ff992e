"""Who may call what, over real mutual TLS, for every method of the contract."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.descriptor import MethodDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from payvand.client.connection import open_channel
from payvand.switch.certificates import issue
from payvand.switch.identity import (
    METHOD_ROLES,
    Caller,
    CertificateOwners,
    GuardedServer,
    Role,
    Unauthenticated,
    caller_of,
)
from payvand.switch.participant import ROLE_NUMBERS, Participant
from payvand.switch.registry.callers import Callers, read_certificate

METHODS: list[MethodDescriptor] = [
    method
    for path in sorted(files("payvand.v1").iterdir(), key=lambda path: path.name)
    if path.name.endswith("_service_pb2.py")
    for service in import_module(
        f"payvand.v1.{path.name.removesuffix('.py')}"
    ).DESCRIPTOR.services_by_name.values()
    for method in service.methods
]


def path_of(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


def test_every_method_of_the_contract_has_a_rule_and_no_rule_lacks_a_method() -> None:
    ours = {path for path in METHOD_ROLES if path.startswith("/payvand.")}
    assert {path_of(method) for method in METHODS} == ours
    assert all(METHOD_ROLES.values())


def test_only_a_bank_sends_money_and_only_an_operator_closes_windows() -> None:
    for path, roles in METHOD_ROLES.items():
        if "/Submit" in path:
            assert roles == {Role.BANK}, path
        if path.endswith(("PutParticipants", "FundParticipant", "CloseWindow")):
            assert roles == {Role.OPERATOR}, path


@pytest.mark.parametrize(
    ("caller", "participant", "expected"),
    [
        (Caller(Role.BANK, "melli"), "melli", True),
        (Caller(Role.BANK, "melli"), "tejarat", False),
        (Caller(Role.AGENCY, "tax"), "tax", True),
        (Caller(Role.OPERATOR, "operator"), "melli", True),
        (Caller(Role.AUDITOR, "auditor"), "melli", True),
        (Caller(Role.SWITCH, "melli"), "melli", False),
    ],
)
def test_a_participant_speaks_for_itself_alone(
    caller: Caller, participant: str, expected: bool
) -> None:
    assert caller.speaks_for(participant) is expected


@pytest.mark.parametrize(
    ("caller", "agency"),
    [
        (Caller(Role.AGENCY, "tax"), "tax"),
        (Caller(Role.AGENCY_CLERK, "sara@tax"), "tax"),
        (Caller(Role.AGENCY_APPROVER, "reza@tax"), "tax"),
        (Caller(Role.AGENCY_CLERK, "sara"), ""),
        (Caller(Role.BANK, "tax"), ""),
        (Caller(Role.OPERATOR, "sara@tax"), ""),
    ],
)
def test_a_person_of_an_agency_acts_for_it_and_for_no_other(caller: Caller, agency: str) -> None:
    assert caller.agency == agency


class Echo(grpc.GenericRpcHandler):  # type: ignore[type-arg]
    """Answer every method of any service with the caller's role and name, as bytes."""

    def __init__(self) -> None:
        self.kinds = {path_of(m): (m.client_streaming, m.server_streaming) for m in METHODS}

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any] | None":
        async def one(request: Any, context: Any) -> bytes:
            caller = caller_of(context)
            return f"{caller.role}:{caller.name}".encode()

        async def many(request: Any, context: Any) -> AsyncIterator[bytes]:
            yield await one(request, context)

        if details.method.startswith("/grpc."):
            return None
        match self.kinds.get(details.method, (False, False)):
            case (False, False):
                return grpc.unary_unary_rpc_method_handler(one)
            case (False, True):
                return grpc.unary_stream_rpc_method_handler(many)
            case _:
                return grpc.stream_stream_rpc_method_handler(many)


def people(certificates: Path, *wanted: tuple[str, Role]) -> list[Participant]:
    """Return participants with the certificates that they are issued."""
    issued = [issue(certificates, name, role) / "certificate.pem" for name, role in wanted]
    return [
        Participant(
            number=1,
            name=name,
            role=ROLE_NUMBERS[role],
            display_name=name,
            certificates=(read_certificate(path.read_bytes())[0],),
        )
        for (name, role), path in zip(wanted, issued, strict=True)
    ]


def holders(certificates: Path, *wanted: tuple[str, Role]) -> Callers:
    """Return who knows the certificates that people are issued."""
    callers = Callers()
    callers.follow(people(certificates, *wanted))
    return callers


@asynccontextmanager
async def echo_server(certificates: Path, owners: CertificateOwners) -> AsyncIterator[str]:
    home = issue(certificates, "switch", Role.SWITCH)
    server = grpc.aio.server()
    guarded = GuardedServer(server, owners)
    guarded.add_generic_rpc_handlers([Echo()])
    health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), guarded)
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(
        reflection.aio.ReflectionServicer(["payvand.v1.PaymentService"]), guarded
    )
    credentials = grpc.ssl_server_credentials(
        [((home / "key.pem").read_bytes(), (home / "certificate.pem").read_bytes())],
        root_certificates=(home / "ca.pem").read_bytes(),
        require_client_auth=True,
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def call(channel: grpc.aio.Channel, path: str, kind: tuple[bool, bool]) -> bytes:
    match kind:
        case (False, False):
            return bytes(await channel.unary_unary(path)(b""))
        case (False, True):
            return bytes(await channel.unary_stream(path)(b"").read())
        case _:
            stream = channel.stream_stream(path)()
            await stream.write(b"")
            return bytes(await stream.read())


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SWITCH])
def test_each_role_reaches_the_methods_of_the_table_and_no_others(
    tmp_path: Path, role: Role
) -> None:
    async def run() -> None:
        owners = holders(tmp_path, ("someone", role))
        async with (
            echo_server(tmp_path, owners) as address,
            open_channel(address, issue(tmp_path, "someone", role)) as channel,
        ):
            for method in METHODS:
                path, kind = path_of(method), (method.client_streaming, method.server_streaming)
                if role in METHOD_ROLES[path]:
                    assert await call(channel, path, kind) == f"{role}:someone".encode()
                    continue
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await call(channel, path, kind)
                assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
                assert f"the {role} 'someone' may not call" in (refused.value.details() or "")

    asyncio.run(run())


def test_a_method_without_a_rule_is_shut(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            echo_server(tmp_path, holders(tmp_path, ("operator", Role.OPERATOR))) as address,
            open_channel(address, issue(tmp_path, "operator", Role.OPERATOR)) as channel,
        ):
            with pytest.raises(grpc.aio.AioRpcError, match="the method is shut"):
                await channel.unary_unary("/payvand.v1.PaymentService/DropEverything")(b"")

    asyncio.run(run())


def test_health_and_reflection_are_open_to_any_holder(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            echo_server(tmp_path, holders(tmp_path, ("tax", Role.AGENCY))) as address,
            open_channel(address, issue(tmp_path, "tax", Role.AGENCY)) as channel,
        ):
            stub = health_pb2_grpc.HealthStub(channel)
            request = health_pb2.HealthCheckRequest()
            assert (await stub.Check(request)).status == health_pb2.HealthCheckResponse.SERVING
            watched = stub.Watch(request)
            assert (await watched.read()).status == health_pb2.HealthCheckResponse.SERVING
            watched.cancel()
            path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
            assert await call(channel, path, (True, True))

    asyncio.run(run())


def test_a_certificate_of_another_authority_gets_no_connection(tmp_path: Path) -> None:
    async def run() -> None:
        async with echo_server(tmp_path / "ours", holders(tmp_path / "ours")) as address:
            stranger = issue(tmp_path / "theirs", "melli", Role.BANK)
            root = (tmp_path / "ours/switch/ca.pem").read_bytes()
            (stranger / "ca.pem").write_bytes(root)
            async with open_channel(address, stranger) as channel:
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await channel.unary_unary("/grpc.health.v1.Health/Check")(b"")
                assert refused.value.code() is grpc.StatusCode.UNAVAILABLE

    asyncio.run(run())


def test_a_certificate_that_nobody_registered_identifies_nobody(tmp_path: Path) -> None:
    async def run() -> None:
        issued = issue(tmp_path, "operator", Role.OPERATOR)
        async with (
            echo_server(tmp_path, holders(tmp_path, ("navid", Role.OPERATOR))) as address,
            open_channel(address, issued) as channel,
        ):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await channel.unary_unary("/grpc.health.v1.Health/Check")(b"")
            assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED

    asyncio.run(run())


def test_an_open_stream_ends_when_its_certificate_is_revoked(tmp_path: Path) -> None:
    async def run() -> None:
        tax, navid = ("tax", Role.AGENCY), ("navid", Role.OPERATOR)
        owners = Callers()
        owners.follow(people(tmp_path, tax, navid))
        async with (
            echo_server(tmp_path, owners) as address,
            open_channel(address, issue(tmp_path, "tax", Role.AGENCY)) as channel,
            open_channel(address, issue(tmp_path, "navid", Role.OPERATOR)) as other,
        ):
            watches = [
                health_pb2_grpc.HealthStub(one).Watch(health_pb2.HealthCheckRequest())
                for one in (channel, other)
            ]
            for watch in watches:
                assert await watch.read()
            owners.follow(people(tmp_path, navid))
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await watches[0].read()
            assert ended.value.code() is grpc.StatusCode.UNAUTHENTICATED
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await watches[1].read()

    asyncio.run(run())


def test_a_certificate_that_has_run_out_identifies_nobody(tmp_path: Path) -> None:
    certificate, says = read_certificate(
        (issue(tmp_path, "melli", Role.BANK) / "certificate.pem").read_bytes()
    )
    assert says == "bank:melli"
    now = [certificate.not_before]
    callers = Callers(clock=lambda: now[0])
    callers.follow(
        [
            Participant(
                number=1,
                name="melli",
                role=ROLE_NUMBERS[Role.BANK],
                display_name="x",
                certificates=(certificate,),
            )
        ]
    )
    der = ssl.PEM_cert_to_DER_cert((tmp_path / "melli/certificate.pem").read_text())
    assert callers.identify(der) == Caller(Role.BANK, "melli")
    for moment in (certificate.not_before - 1, certificate.not_after):
        now[0] = moment
        with pytest.raises(Unauthenticated):
            callers.identify(der)
