"""TLS in front of a service that speaks none: real certificates, real handshakes, the bytes passed through."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from polelens.stack.address import HOST
from tests.relay import relay, serving

SSL_REQUEST = bytes.fromhex("00000008 04d2162f")  # what a Postgres client says first when it wants TLS


@dataclass(frozen=True, slots=True)
class Certificates:
    """An authority's certificate, and a certificate for 127.0.0.1 with its key."""

    authority: Path
    server: Path
    key: Path


def certificates(folder: Path) -> Certificates:
    """New ones, good for a day. A certificate that signs itself is its own authority."""
    folder.mkdir()
    made = Certificates(folder / "server.crt", folder / "server.crt", folder / "server.key")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={HOST}"]
    command += ["-addext", f"subjectAltName=IP:{HOST}", "-keyout", str(made.key), "-out", str(made.server)]
    subprocess.run(command, check=True, capture_output=True)
    return made


@contextmanager
def tls_front(port: int, made: Certificates) -> Iterator[int]:
    """The port of a TLS server that passes everything on to a port of this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server, made.key)

    def pass_on(client: socket.socket) -> None:
        if client.recv(8, socket.MSG_PEEK) == SSL_REQUEST:
            client.recv(8)
            client.sendall(b"S")
        with context.wrap_socket(client, server_side=True) as near, socket.create_connection((HOST, port)) as far:
            relay(near, far)

    with serving(pass_on) as front:
        yield front
