"""The least that any Python gRPC service does: `python -m payvand.bench.echo CERTIFICATES`.

A bare grpc.aio server under the switch's own certificate and mutual TLS. It gives a small message
back as it came and of a large one the first bytes, and looks into neither. It prints its
addresses, with TLS and in the clear, and runs until standard input ends.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
import uvloop

from payvand.client.connection import MESSAGE_BYTES_MAX

OPTIONS = (
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.so_reuseport", 0),
)
ECHO_BYTES_MAX = 4096
ACKNOWLEDGEMENT_BYTES = 16


def _reply(request: bytes) -> bytes:
    return request if len(request) <= ECHO_BYTES_MAX else request[:ACKNOWLEDGEMENT_BYTES]


async def _unary(request: bytes, _: object) -> bytes:
    return _reply(request)


async def _stream(requests: AsyncIterator[bytes], _: object) -> AsyncIterator[bytes]:
    async for request in requests:
        yield _reply(request)


async def _serve(certificates: Path) -> None:
    ca, certificate, key = (
        (certificates / name).read_bytes() for name in ("ca.pem", "certificate.pem", "key.pem")
    )
    server = grpc.aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                "payvand.v1.PaymentService",
                {
                    "Submit": grpc.unary_unary_rpc_method_handler(_unary),
                    "SubmitStream": grpc.stream_stream_rpc_method_handler(_stream),
                },
            ),
        )
    )
    clear = server.add_insecure_port("127.0.0.1:0")
    port = server.add_secure_port(
        "127.0.0.1:0",
        grpc.ssl_server_credentials(
            [(key, certificate)], root_certificates=ca, require_client_auth=True
        ),
    )
    await server.start()
    print(json.dumps([f"127.0.0.1:{port}", f"127.0.0.1:{clear}"]), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(None)


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1])))
