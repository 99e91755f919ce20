"""Another team without Kafka is told of a whole campaign, in order, and of nothing else."""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import monotonic, sleep
from typing import Any

from standardwebhooks import Webhook

from campaign_events.facts import CAMPAIGN_FACTS
from tests.e2e.conftest import System


def test_a_receiver_is_told_of_a_campaign_from_its_draft_to_its_end(start_system: Callable[..., System]) -> None:
    got: list[tuple[bytes, dict[str, str]]] = []

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            got.append((self.rfile.read(int(self.headers["content-length"])), dict(self.headers)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        system = start_system()
        asked = {
            "address": f"http://127.0.0.1:{server.server_address[1]}/facts",
            "types": [fact.__name__ for fact in CAMPAIGN_FACTS],
        }
        webhooks = system.url("webhooks") + "/v1/webhooks"
        webhook = system.client.put(webhooks, json=asked).raise_for_status().json()
        campaign_id = system.create()
        system.add(campaign_id, ["+33199009900", "+33199009901"])
        system.order(campaign_id, "start")
        system.wait(campaign_id, lambda view: bool(view["status"] == "completed"))

        def told() -> list[dict[str, Any]]:
            return [Webhook(webhook["secret"]).verify(body, headers) for body, headers in list(got)]

        deadline = monotonic() + 30
        while not any(event["type"] == "CampaignCompleted" for event in told()):
            assert monotonic() < deadline, [event["type"] for event in told()]
            sleep(0.1)
        facts = system.command("GET", f"/v1/campaigns/{campaign_id}/facts?limit=200", expect=200)["items"]
        assert [int(event["position"]) for event in told()] == [int(fact["position"]) for fact in facts]
        assert "Secretname" not in json.dumps(told())
        page = system.client.get(f"{webhooks}/{webhook['id']}/deliveries").raise_for_status().json()
        assert {delivery["status"] for delivery in page["items"]} <= {"delivered", "pending"}
    finally:
        server.shutdown()
        server.server_close()
