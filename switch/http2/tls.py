"""TLS of the server: HTTP/2 alone, and no client without a certificate."""

import ssl
from pathlib import Path

__all__ = ["tls_context"]


def tls_context(ca: Path, certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a context for the holder of *certificate*, whose clients *ca* has signed.

    Raises:
        OSError: a file can't be read.
        ssl.SSLError: a file isn't what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION
    # A session that is resumed would outlive the certificate it began with.
    context.num_tickets = 0
    context.set_alpn_protocols(["h2"])
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ca)
    context.load_cert_chain(certificate, key)
    return context
