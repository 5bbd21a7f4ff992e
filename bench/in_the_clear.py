"""The switch without TLS, to see what TLS costs: `python -m payvand.bench.in_the_clear COMMAND`.

The switch has no such mode: here, and nowhere else, a second port on the loopback listens in the
clear, and who calls there is whom the channel's user agent names. A file beside the data tells its
address. It ends with its standard input, as `payvand.switch.sandbox.tether` does.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from payvand.bench.fast_channel import FastChannel
from payvand.switch import app, identity, participants, server
from payvand.switch.cli import main
from payvand.switch.http2.grpc_server import Authentication, Connection, GrpcServer
from payvand.switch.http2.session import Stream
from payvand.switch.identity import certificate_in
from payvand.switch.registry.callers import Callers
from payvand.switch.sandbox.tether import tether

__all__ = ["PORT_FILE", "connect"]

PORT_FILE = "port_in_the_clear"
USER_AGENT = "user-agent"


async def connect(
    address: str, certificates: Path, *, tls: bool, role: str = "bank"
) -> FastChannel:
    """Connect to *address* as the holder of *certificates*, a folder named so."""
    name = f"{identity.URN_PREFIX}{role}:{certificates.name}"
    return await FastChannel.connect(address, certificates, name, tls=tls)


def _certificate_in(authentication: Mapping[str, Iterable[bytes]]) -> bytes:
    """Return the certificate of a client or, in the clear, whom its user agent names."""
    agents = tuple(authentication.get(USER_AGENT, ()))
    return agents[0].split()[0] if agents else certificate_in(authentication)


class _InTheClear(GrpcServer):
    """Tells the user agent of a client that has no certificate."""

    def authentication_of(self, connection: Connection, stream: Stream) -> Authentication:
        if connection.authentication:
            return connection.authentication
        agents = (value for key, value in stream.headers() if key == USER_AGENT.encode())
        return {USER_AGENT: tuple(agents)}


class _CallersInTheClear(Callers):
    """Takes whom a user agent names at its word."""

    def identify(self, certificate: bytes) -> identity.Caller:
        if not certificate.startswith(identity.URN_PREFIX.encode()):
            return super().identify(certificate)
        role, _, name = certificate.decode().removeprefix(identity.URN_PREFIX).partition(":")
        return identity.Caller(identity.Role(role), name)


class _ServerInTheClear(server.Server):
    """Listens in the clear too."""

    def _make(self, gathering: server.Gathering) -> GrpcServer:
        return _InTheClear(gathering)

    async def start(self, listen: str, certificates: Path) -> str:
        address = await super().start(listen, certificates)
        port = await self._server.listen("127.0.0.1", 0, None)
        (certificates.parent.parent / PORT_FILE).write_text(f"127.0.0.1:{port}")
        return address


if __name__ == "__main__":
    identity.certificate_in = _certificate_in
    setattr(participants, "Callers", _CallersInTheClear)  # noqa: B010 - as the next one
    setattr(app, "Server", _ServerInTheClear)  # noqa: B010 - not a name that app gives out
    tether()
    main(sys.argv[1:], prog_name="payvand")
