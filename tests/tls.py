"""TLS in front of a service that speaks none: real certificates, real handshakes, the bytes passed through."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from polelens.stack.address import HOST

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
    with socket.create_server((HOST, 0)) as listener:
        threading.Thread(target=_serve, args=(listener, context, port), daemon=True).start()
        yield int(listener.getsockname()[1])


def _serve(listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with suppress(OSError):  # closed: the test is over
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_pass_on, args=(client, context, port), daemon=True).start()


def _pass_on(client: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with suppress(OSError), client:
        if client.recv(8, socket.MSG_PEEK) == SSL_REQUEST:
            client.recv(8)
            client.sendall(b"S")
        with context.wrap_socket(client, server_side=True) as near, socket.create_connection((HOST, port)) as far:
            back = threading.Thread(target=_copy, args=(far, near), daemon=True)
            back.start()
            _copy(near, far)
            back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
