"""TLS: who is let in, and how a certificate is replaced while the server runs."""

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path

from payvand.switch.certificates import issue
from payvand.switch.http2.grpc_server import GrpcServer
from payvand.switch.http2.tls import tls_context
from payvand.switch.identity import Role


def server_context(home: Path) -> ssl.SSLContext:
    return tls_context(home / "ca.pem", home / "certificate.pem", home / "key.pem")


def client_context(home: Path, *, certificate: bool = True, alpn: str = "h2") -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=home / "ca.pem")
    if certificate:
        context.load_cert_chain(home / "certificate.pem", home / "key.pem")
    context.set_alpn_protocols([alpn])
    return context


async def greeted(port: int, context: ssl.SSLContext) -> tuple[bytes, int]:
    """Return the first bytes of a server and the serial number of its certificate."""
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    certificate = writer.get_extra_info("peercert")
    try:
        async with asyncio.timeout(60):
            return await reader.read(9), int(certificate["serialNumber"], 16)
    finally:
        writer.close()


def test_only_who_holds_a_certificate_and_speaks_http2_is_let_in(tmp_path: Path) -> None:
    async def run() -> None:
        home, bank = issue(tmp_path, "switch", Role.SWITCH), issue(tmp_path, "melli", Role.BANK)
        server = GrpcServer()
        port = await server.listen("127.0.0.1", 0, server_context(home))
        settings, _ = await greeted(port, client_context(bank))
        assert settings[3] == 4
        # In TLS 1.3 a client learns only behind its own handshake that it isn't let in.
        with suppress(ssl.SSLError, ConnectionError):
            nothing, _ = await greeted(port, client_context(bank, certificate=False))
            assert nothing == b""
        nothing, _ = await greeted(port, client_context(bank, alpn="http/1.1"))
        assert nothing == b""
        old = client_context(bank)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        assert (await greeted(port, old))[0] == settings
        await server.stop(0)

    asyncio.run(run())


def test_new_connections_meet_the_new_certificate_and_old_ones_go_on(tmp_path: Path) -> None:
    async def run() -> None:
        home, bank = issue(tmp_path, "switch", Role.SWITCH), issue(tmp_path, "melli", Role.BANK)
        server = GrpcServer()
        port = await server.listen("127.0.0.1", 0, server_context(home))
        _, before = await greeted(port, client_context(bank))
        reader, writer = await asyncio.open_connection("localhost", port, ssl=client_context(bank))
        (home / "certificate.pem").unlink()
        issue(tmp_path, "switch", Role.SWITCH)
        await server.replace_tls(server_context(home))
        _, after = await greeted(port, client_context(bank))
        assert after != before
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
        async with asyncio.timeout(60):
            assert len(await reader.readexactly(9)) == 9
        writer.close()
        await server.stop(0)

    asyncio.run(run())
