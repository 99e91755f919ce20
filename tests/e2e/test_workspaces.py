"""Two workspaces on one system: whatever route is tried, nothing of the other one is seen or touched."""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx

from tests.e2e.conftest import System

SERVICES = ("campaign-command", "analytics-projector", "dialer", "webhooks")
# Health, the two internal routes with credentials of their own, and the endless stream.
OPEN = {"/livez", "/readyz", "/metrics", "/internal/permits", "/v1/carriers/simulated/events", "/v1/events"}
# The contract of the topics is public.
OPEN |= {"/v1/schemas", "/v1/schemas/{name}", "/v1/schemas/{name}/sample", "/v1/asyncapi.json", "/v1/asyncapi"}
# What belongs to no workspace; and each workspace has a trunk `default` without being set.
SAME_FOR_ALL = {"/v1/presets", "/v1/breakers"}
BODIES: dict[str, Any] = {
    "/v1/campaigns/{campaign_id}/contacts": {"contacts": [{"number": "+33199009900"}]},
    "/v1/calls/{call_id}/outcome": {"outcome": "goal_met"},
    "/v1/webhooks/{webhook_id}/replay": {"from": "2020-01-01T00:00:00Z"},
}


def test_another_workspaces_things_do_not_exist_on_any_route(start_system: Callable[..., System]) -> None:
    system = start_system()
    campaign_id = system.create(name="Unmistakable")
    contact_id = system.add(campaign_id, ["+33199009900"])["+33199009900"]
    imported = system.command(
        "POST",
        f"/v1/campaigns/{campaign_id}/imports",
        content=b"phone\n+33199009901\n",
        headers={"Content-Type": "text/csv"},
        expect=202,
    )
    suppressed = system.command("POST", "/v1/suppressions", json={"numbers": ["+33199009999"]}, expect=201)
    csv = {"content": b"number\n+33199009998\n", "headers": {"Content-Type": "text/csv"}}
    listed = system.command("POST", "/v1/suppression-lists?name=own", expect=202, **csv)
    erased = system.command("POST", "/v1/erasures", json={"number": "+33199009997"}, expect=201)
    system.command("PUT", "/v1/trunks", json={"trunks": [{"id": "unmistakable", "name": "Unmistakable"}]}, expect=200)
    hook = {"address": "http://127.0.0.1:9/", "types": ["CampaignCancelled"]}
    webhook = system.client.put(system.url("webhooks") + "/v1/webhooks", json=hook).raise_for_status().json()
    deadline = time.monotonic() + 30
    while imported["state"] != "completed":
        assert time.monotonic() < deadline, imported
        imported = system.command("GET", f"/v1/imports/{imported['import_id']}", expect=200)
    system.order(campaign_id, "start")
    system.wait(campaign_id, lambda view: bool(view["status"] == "completed"))
    before = system.read(f"/v1/campaigns/{campaign_id}")
    ids = {
        "campaign_id": campaign_id,
        "contact_id": contact_id,
        "import_id": imported["import_id"],
        "suppression_id": suppressed["entries"][0]["id"],
        "list_id": listed["list_id"],
        "erasure_id": erased["id"],
        "call_id": system.calls(campaign_id)[0]["id"],
        "webhook_id": webhook["id"],
        "trunk_id": "unmistakable",
    }
    with system.of(str(uuid4())) as stranger:
        tried = try_every_route(system, stranger, ids)
    assert len(tried) > 20
    assert system.read(f"/v1/campaigns/{campaign_id}") == before


def try_every_route(system: System, stranger: System, ids: dict[str, str]) -> list[tuple[str, str]]:
    """Ask each route of each service for the other workspace's things, and once without a token."""
    tried = []
    for service in SERVICES:
        paths = system.client.get(system.url(service) + "/openapi.json").json()["paths"]
        for path, operations in paths.items():
            if path in OPEN:
                continue
            for method in set(operations) - {"parameters"}:
                url = system.url(service) + path.format(**ids)
                anonymous = system.client.request(method, url, headers={"Authorization": ""})
                assert anonymous.status_code == 401, (method, path, anonymous.text)
                answer = stranger.client.request(method, url, **request_for(method, path, ids))
                if "{" in path:
                    assert answer.status_code == 404, (method, path, answer.text)
                elif method == "get" and path not in SAME_FOR_ALL:
                    assert answer.status_code == 200, (method, path, answer.text)
                    assert rows_of(answer) == [], (method, path, answer.text)
                assert "Unmistakable" not in answer.text, (method, path)
                tried.append((method, path))
    return tried


def rows_of(answer: httpx.Response) -> list[Any]:
    """What a list or an export holds; a workspace's own settings hold nothing of others."""
    if answer.headers["content-type"].startswith("text/csv"):
        return answer.text.splitlines()[1:]
    return list(answer.json().get("items", []))


def request_for(method: str, path: str, ids: dict[str, str]) -> dict[str, Any]:
    """A request that would succeed for the owner."""
    if method == "get":
        return {}
    if method == "delete":
        return {"params": {"confirm": ids["campaign_id"]}}
    if path.endswith(("/imports", "/imports/preview", "/suppression-lists")):
        return {"content": b"phone\n+33199009901\n", "headers": {"Content-Type": "text/csv"}}
    if path.endswith("/contacts/remove"):
        return {"json": {"contact_ids": [ids["contact_id"]]}}
    return {"json": BODIES.get(path, {})}
