"""A receiver with TLS: the connection goes to the address that was judged, the certificate is checked for the name."""

import asyncio
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from webhooks.addresses import Address
from webhooks.poster import MAX_EXCERPT_BYTES, Poster

NAME = "receiver.example"


def certificate(folder: Path) -> Path:
    """A certificate of NAME and its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[tuple[int, Path, list[str]]]:
    """Its port, its certificate, and the hosts it was asked as."""
    hosts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            hosts.append(self.headers["host"])
            answer = b"a" * 100_000
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            try:
                self.wfile.write(answer)
            except OSError:
                self.close_connection = True  # only its beginning was read

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass  # a hand-shake that the sender broke off, a connection it closed

    path = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server.server_address[1], path, hosts
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", [NAME, "other.example"])
async def test_the_certificate_must_be_of_the_name_though_the_connection_is_made_to_an_address(
    name: str, receiver: tuple[int, Path, list[str]]
) -> None:
    port, path, hosts = receiver

    async def resolve(host: str, port: int) -> list[Address]:
        return [ip_address("127.0.0.1")]

    async with Poster(
        allow_local=True,
        timeout_seconds=5,
        max_connections=1,
        log=structlog.get_logger(),
        resolve=resolve,
        ssl_context=ssl.create_default_context(cafile=str(path)),
    ) as poster:
        for _ in range(2):
            answer = await poster.post(f"https://{name}:{port}/hook", headers={"webhook-id": "1"}, body=b"{}")
            if name == NAME:
                assert (answer.status_code, answer.error) == (200, None)
                assert answer.excerpt == "a" * MAX_EXCERPT_BYTES
            else:
                assert answer.error is not None
                assert "certificate" in answer.error.lower()
    assert hosts == ([f"{NAME}:{port}"] * 2 if name == NAME else [])
    await asyncio.sleep(0)  # the transports that were closed end in the loop's next turn
