"""Traces of the running system, as a collector gets them: from a command to the view, from a permit to the report."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from local_stack import checks
from tests.e2e.conftest import System

MINE = "0af7651916cd43dd8448eb211c80319c"
NUMBERS = [f"+4930232{index:05d}" for index in range(3)]


@dataclass(frozen=True)
class Seen:
    """A span."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    linked: frozenset[str]
    """the traces of its links"""

    def concerns(self, trace: str) -> bool:
        return trace == self.trace or trace in self.linked


class Collector:
    """Keeps what services send by OTLP."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.bodies: list[bytes] = []

    @property
    def spans(self) -> list[Seen]:
        found = []
        for body in list(self.bodies):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                names = {one.key: one.value.string_value for one in resource.resource.attributes}
                for scope in resource.scope_spans:
                    for one in scope.spans:
                        linked = frozenset(link.trace_id.hex() for link in one.links)
                        ids = (one.trace_id.hex(), one.span_id.hex(), one.parent_span_id.hex())
                        found.append(Seen(names["service.name"], one.name, *ids, linked))
        return found

    def wait(self, *, trace: str, service: str, name: str, seconds: float = 30) -> Seen:
        """The first span of this name that belongs to the trace or is linked with it."""
        deadline = time.monotonic() + seconds
        while True:
            for one in self.spans:
                if (one.service, one.name) == (service, name) and one.concerns(trace):
                    return one
            shown = sorted({(one.service, one.name) for one in self.spans if one.concerns(trace)})
            assert time.monotonic() < deadline, f"no {name} of {service} in {trace}, but {shown}"
            time.sleep(0.2)


@contextmanager
def collector() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            here.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        here = Collector(server)
        Thread(target=server.serve_forever, daemon=True).start()
        yield here
        server.shutdown()


def test_a_command_and_a_call_can_be_followed_through_the_system(start_system: Callable[..., System]) -> None:
    with collector() as seen:
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": seen.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        names = ("campaign-command", "analytics-projector", "dialer", "webhooks")
        system = start_system(env=dict.fromkeys(names, told))
        campaign_id = system.create()
        system.add(campaign_id, NUMBERS)
        header = {"traceparent": f"00-{MINE}-b7ad6b7169203331-01"}
        system.command("POST", f"/v1/campaigns/{campaign_id}/start", headers=header, expect=200)
        system.wait(campaign_id, lambda view: view["status"] == "completed")

        # command -> fact -> view
        command = seen.wait(trace=MINE, service="campaign-command", name="POST /v1/campaigns/{campaign_id}/start")
        assert (command.trace, command.parent) == (MINE, "b7ad6b7169203331")
        seen.wait(trace=MINE, service="campaign-command", name="publish")
        for reader in ("analytics-projector", "dialer", "webhooks"):
            seen.wait(trace=MINE, service=reader, name=f"process {reader}")

        # permit -> call -> report -> view
        calls = {one.trace for one in seen.spans if (one.service, one.name) == ("dialer", "place call")}
        assert calls
        for call in calls:
            batch = seen.wait(trace=call, service="dialer", name="place calls")
            ask = seen.wait(trace=call, service="dialer", name="ask for permits")
            permit = seen.wait(trace=call, service="campaign-command", name="POST /internal/permits")
            assert (ask.parent, permit.parent) == (batch.id, ask.id)
            seen.wait(trace=call, service="dialer", name="publish")
            seen.wait(trace=call, service="campaign-command", name="process campaign-command")
            seen.wait(trace=call, service="analytics-projector", name="process analytics-projector")

        # The facts say the same: what a report led to belongs to the trace of its call.
        servers, prefix = system.stack.servers, system.stack.options.topic_prefix
        facts = asyncio.run(checks.read_log(servers.kafka_bootstrap, topic_prefix=prefix))
        traces = {
            event.type: {str(other.traceparent)[3:35] for other in facts if other.type == event.type} for event in facts
        }
        assert traces["CampaignStarted"] == {MINE}
        assert traces["ContactStatusChanged"] == calls

        sent = b"".join(seen.bodies)
        for personal in (*NUMBERS, "Secretname", "secretplan", "example.org"):
            assert personal.encode() not in sent
            assert personal.removeprefix("+").encode() not in sent
