"""The gateway's configuration, run by a real HAProxy before servers that say who they are."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local_stack.ports import HOST, free_port

FOLDER = Path(__file__).parents[2] / "deploy" / "gateway"
SECRET = "a secret of the tests, long enough for HS256"
WORKSPACE = "00000000-0000-4000-8000-000000000001"
SERVICES = ("campaign-command", "analytics-projector", "dialer", "webhooks", "dashboard")
HAPROXY = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
pytestmark = pytest.mark.skipif(
    HAPROXY is None,
    reason="haproxy is not installed (apt-get install haproxy): the gateway's configuration is not tried",
)

ROUTES = [
    ("GET", "/v1/campaigns", "analytics-projector"),
    ("GET", "/v1/campaigns/1", "analytics-projector"),
    ("GET", "/v1/campaigns/1/analytics", "analytics-projector"),
    ("GET", "/v1/events", "analytics-projector"),
    ("GET", "/v1/lag", "analytics-projector"),
    ("POST", "/v1/campaigns", "campaign-command"),
    ("PATCH", "/v1/campaigns/1", "campaign-command"),
    ("DELETE", "/v1/campaigns/1", "campaign-command"),
    ("POST", "/v1/campaigns/1/start", "campaign-command"),
    ("GET", "/v1/campaigns/1/contacts", "campaign-command"),
    ("GET", "/v1/campaigns/1/facts", "campaign-command"),
    ("GET", "/v1/imports/1", "campaign-command"),
    ("GET", "/v1/trunks", "campaign-command"),
    ("PUT", "/v1/phone-numbers", "campaign-command"),
    ("POST", "/v1/trunks/main/breaker/close", "dialer"),
    ("GET", "/v1/calls", "dialer"),
    ("POST", "/v1/calls/1/hangup", "dialer"),
    ("GET", "/v1/dialing/1", "dialer"),
    ("PUT", "/v1/webhooks", "webhooks"),
    ("GET", "/v1/webhooks/1/deliveries", "webhooks"),
    ("GET", "/", "dashboard"),
    ("GET", "/campaigns/1", "dashboard"),
    ("POST", "/session", "dashboard"),
]


class Server:
    """One service: says its name and what came, or streams."""

    def __init__(self, name: str) -> None:
        self.name, self.first_bytes, self.go_on = name, Event(), Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                if self.headers.get("Transfer-Encoding") == "chunked":
                    self.rfile.readline()
                    self.rfile.readline()
                    server.first_bytes.set()
                    while self.rfile.readline() != b"0\r\n":
                        pass
                    self.rfile.readline()
                else:
                    self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path == "/v1/events":
                    self.send_response(200)
                    self.send_header("Content-Type", "text/event-stream")
                    self.send_header("Connection", "close")
                    self.end_headers()
                    self.wfile.write(b"data: first\n\n")
                    self.wfile.flush()
                    server.go_on.wait(20)
                    self.wfile.write(b"data: second\n\n")
                    self.close_connection = True
                    return
                seen = {"service": server.name, "path": self.path, "headers": dict(self.headers.items())}
                body = json.dumps(seen).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - as http.server names them

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer((HOST, 0), Handler)
        self._http.daemon_threads = True
        self.address = f"{HOST}:{self._http.server_address[1]}"
        Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.go_on.set()
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def gateway(folder: Path, **environment: str) -> Iterator[tuple[httpx.Client, dict[str, Server]]]:
    """HAProxy before the services; a client of its address."""
    servers = {name: Server(name) for name in SERVICES}
    port = free_port()
    variables = {
        "GATEWAY_BIND": f"{HOST}:{port}",
        "COMMAND_ADDRESS": servers["campaign-command"].address,
        "PROJECTOR_ADDRESS": servers["analytics-projector"].address,
        "DIALER_ADDRESS": servers["dialer"].address,
        "WEBHOOKS_ADDRESS": servers["webhooks"].address,
        "DASHBOARD_ADDRESS": servers["dashboard"].address,
        "JWT_SECRET": SECRET,
        **environment,
    }
    assert HAPROXY is not None
    log = folder / "gateway.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [HAPROXY, "-db", "-C", str(FOLDER), "-f", "haproxy.cfg"],
            env={"PATH": os.environ["PATH"], **variables},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        with httpx.Client(base_url=f"http://{HOST}:{port}", timeout=20) as client:
            deadline = time.monotonic() + 10
            while not _is_up(client):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield client, servers
    finally:
        process.terminate()
        process.wait(10)
        for server in servers.values():
            server.close()


def _is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/livez").status_code == 200
    except httpx.TransportError:
        return False


def bearer(
    key: Any = SECRET, algorithm: str = "HS256", workspace: str = WORKSPACE, lasts: float = 60
) -> dict[str, str]:
    """The header of a token."""
    claims = {"sub": "ada", "workspace": workspace, "role": "admin", "exp": time.time() + lasts}
    return {"Authorization": f"Bearer {jwt.encode(claims, key, algorithm=algorithm)}"}


def test_each_route_leads_to_its_service(tmp_path: Path) -> None:
    with gateway(tmp_path) as (client, _):
        found = [
            (method, path, client.request(method, path, headers=bearer()).json().get("service"))
            for method, path, _ in ROUTES
            if path != "/v1/events"
        ]
        assert found == [route for route in ROUTES if route[1] != "/v1/events"]


@pytest.mark.parametrize("path", ["/internal/permits", "/internal/inbound-permits", "/metrics", "/readyz"])
def test_what_is_internal_is_not_there(path: str, tmp_path: Path) -> None:
    with gateway(tmp_path) as (client, _):
        answer = client.post(path, headers=bearer())
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_token_is_checked_at_the_edge(tmp_path: Path) -> None:
    with gateway(tmp_path) as (client, _):
        assert client.get("/v1/calls", headers=bearer()).status_code == 200
        for headers in (
            {},
            bearer("another secret, long enough for HS256 too"),
            bearer(lasts=-1),
            {"Authorization": "x"},
        ):
            answer = client.get("/v1/calls", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        unsigned = jwt.encode({"workspace": WORKSPACE, "exp": time.time() + 60}, "", algorithm="none")
        assert client.get("/v1/calls", headers={"Authorization": f"Bearer {unsigned}"}).status_code == 401
        # They carry credentials of their own, which the dialer checks.
        assert client.post("/v1/calls/1/outcome").json()["service"] == "dialer"
        assert client.post("/v1/carriers/simulated/events").json()["service"] == "dialer"
        assert client.get("/v1/schemas/CallEnded").json()["service"] == "campaign-command"


def test_a_token_of_a_published_key_is_checked_too(tmp_path: Path) -> None:
    key, stranger = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    pem = tmp_path / "key.pem"
    pem.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    with gateway(tmp_path, JWT_PUBLIC_KEY_FILE=str(pem)) as (client, _):
        assert client.get("/v1/calls", headers=bearer(key, "RS256")).status_code == 200
        assert client.get("/v1/calls", headers=bearer(stranger, "RS256")).status_code == 401
        assert client.get("/v1/calls", headers=bearer()).status_code == 401, "the shared secret is no key"


def test_a_workspace_that_asks_too_often_waits_and_the_others_do_not(tmp_path: Path) -> None:
    with gateway(tmp_path, REQUESTS_PER_SECOND="10") as (client, _):
        answers = [client.get("/v1/calls", headers=bearer()) for _ in range(30)]
        late = [answer for answer in answers if answer.status_code == 429]
        assert len(late) >= 10
        assert {(one.json()["code"], one.headers["Retry-After"]) for one in late} == {("rate_limited", "1")}
        other = bearer(workspace="00000000-0000-4000-8000-000000000002")
        assert client.get("/v1/calls", headers=other).status_code == 200


def test_a_body_has_a_limit_and_a_file_another(tmp_path: Path) -> None:
    with gateway(tmp_path) as (client, _):
        large = b"x" * 2_000_001
        refused = client.post("/v1/campaigns", headers=bearer(), content=large)
        assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
        taken = client.post("/v1/campaigns/1/imports", headers=bearer(), content=large)
        assert taken.json()["service"] == "campaign-command"


def test_browsers_of_named_origins_may_call(tmp_path: Path) -> None:
    with gateway(tmp_path, CORS_ORIGINS=r"^https://app\.example\.org$") as (client, _):
        asked = {"Access-Control-Request-Method": "POST"}
        mine = {"Origin": "https://app.example.org"}
        preflight = client.options("/v1/campaigns", headers=mine | asked)
        assert preflight.status_code == 204
        assert preflight.headers["Access-Control-Allow-Origin"] == "https://app.example.org"
        assert "Idempotency-Key" in preflight.headers["Access-Control-Allow-Headers"]
        answer = client.get("/v1/calls", headers=mine | bearer())
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.org"
        for origin in ("https://evil.example.org", "https://app.example.org.evil.example"):
            other = client.get("/v1/calls", headers={"Origin": origin} | bearer())
            assert "Access-Control-Allow-Origin" not in other.headers


def test_an_event_stream_and_a_file_pass_through_as_they_come(tmp_path: Path) -> None:
    with gateway(tmp_path) as (client, servers):
        projector, command = servers["analytics-projector"], servers["campaign-command"]
        with client.stream("GET", "/v1/events", headers=bearer()) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "data: first", "before the stream has ended"
            projector.go_on.set()
            assert [line for line in lines if line] == ["data: second"]

        def file() -> Iterator[bytes]:
            yield b"phone_number\n"
            assert command.first_bytes.wait(10), "the service has its first bytes before the file has ended"
            yield b"+493023125433\n"

        assert client.post("/v1/campaigns/1/imports", headers=bearer(), content=file()).status_code == 200


def test_each_request_has_an_id_that_goes_all_the_way(tmp_path: Path) -> None:
    with gateway(tmp_path) as (client, _):
        answer = client.get("/v1/calls", headers=bearer() | {"X-Request-Id": "mine-1234", "X-Forwarded-For": "1.2.3.4"})
        seen = {name.lower(): value for name, value in answer.json()["headers"].items()}
        assert (answer.headers["X-Request-Id"], seen["x-request-id"]) == ("mine-1234", "mine-1234")
        assert seen["x-forwarded-for"] == HOST, "what the client says of itself is not believed"
        made = client.get("/v1/calls", headers=bearer() | {"X-Request-Id": "no id; at all"})
        assert made.headers["X-Request-Id"] != "no id; at all"
        refused = client.get("/v1/calls")
        assert len(refused.headers["X-Request-Id"]) == 36


async def test_the_log_says_who_asked_and_no_token(tmp_path: Path, eventually: Callable[..., Any]) -> None:
    headers = bearer()

    def lines() -> list[str]:
        return [line for line in (tmp_path / "gateway.log").read_text().splitlines() if '"request"' in line]

    def entries() -> list[dict[str, Any]]:
        return [entry for entry in map(json.loads, lines()) if entry["path"] == "/v1/calls"]

    with gateway(tmp_path) as (client, _):
        client.get("/v1/calls?contact_id=secret", headers=headers)
        entry = (await eventually(entries, within_seconds=10))[0]
    assert (entry["workspace"], entry["backend"], entry["status"]) == (WORKSPACE, "dialer", 200)
    text = "\n".join(lines())
    assert headers["Authorization"].split()[1] not in text
    assert "secret" not in text


def test_a_service_that_is_away_is_said_so(tmp_path: Path) -> None:
    with gateway(tmp_path) as (client, servers):
        servers["dialer"].close()
        answer = client.get("/v1/calls", headers=bearer())
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "2"
        assert client.get("/v1/campaigns", headers=bearer()).status_code == 200
