"""A whole system of one's own for each test: servers of the session, databases, topics, ports and state of the test."""

import asyncio
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from campaign_events.envelope import Event
from campaign_service.topic_admin import delete_topics
from local_stack import checks
from local_stack.gateway import gateway
from local_stack.postgres import createdb
from local_stack.processes import LOCAL_WORKSPACE, Options, Stack
from local_stack.servers import Servers
from local_stack.services import GATEWAY_NAME, SERVICES

GATEWAY = gateway()
SPEED = 150
ALL_DAY = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
ONE_SECOND = {"delays_seconds": [1]}


class System:
    """The running system as its users see it: public APIs with a token, and the carrier's ledger."""

    def __init__(self, stack: Stack, *, workspace: str, logs: Path) -> None:
        self.stack, self.workspace, self.logs = stack, workspace, logs
        self.client = httpx.Client(headers={"Authorization": f"Bearer {stack.token(workspace=workspace)}"}, timeout=30)

    @contextmanager
    def of(self, workspace: str) -> Iterator["System"]:
        """The same system, seen by another workspace."""
        other = System(self.stack, workspace=workspace, logs=self.logs)
        try:
            yield other
        finally:
            other.client.close()

    def url(self, service: str) -> str:
        """Where a service listens itself."""
        return self.stack.url(service)

    def api(self, service: str) -> str:
        """Where its users reach a service: through the gateway, where there is one."""
        has_gateway = GATEWAY is not None and GATEWAY in self.stack.options.services
        return self.stack.url(GATEWAY_NAME if has_gateway else service)

    def command(self, method: str, path: str, *, expect: int, **kwargs: Any) -> dict[str, Any]:
        """A request to campaign-command."""
        answer = self.client.request(method, self.api("campaign-command") + path, **kwargs)
        assert answer.status_code == expect, answer.text
        result: dict[str, Any] = answer.json()
        return result

    def read(self, path: str, **params: Any) -> dict[str, Any]:
        """A read of analytics-projector."""
        answer = self.client.get(self.api("analytics-projector") + path, params=params)
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result

    def create(self, **changes: Any) -> str:
        """A Draft that calls around the clock and tries again after a second."""
        limits = {"max_simultaneous_calls": 40, "calls_per_second": 100, "max_attempts": 3} | changes.pop("limits", {})
        settings = {
            "name": "Spring offer",
            "agent_id": "agent-1",
            "caller_numbers": ["+493023125000"],
            "limits": limits,
            "retry": {
                "no_answer": ONE_SECOND,
                "busy": ONE_SECOND,
                "declined": {"delays_seconds": [1], "max_retries": 1},
                "voicemail": {"delays_seconds": [1], "max_retries": 0},
                "carrier_error": {"delays_seconds": [1], "max_retries": 2},
            },
            "callback_delay_seconds": 1,
            "schedule": {"time_zone": "Europe/Berlin", "weekly": ALL_DAY},
            **changes,
        }
        return str(self.command("POST", "/v1/campaigns", json=settings, expect=201)["id"])

    def add(self, campaign_id: str, numbers: Sequence[str]) -> dict[str, str]:
        """Add contacts by JSON; their ids by number."""
        contacts = [
            {"number": number, "first_name": f"Secretname{index}", "email": f"person{index}@example.org"}
            | {"variables": {"plan": f"secretplan{index}"}}
            for index, number in enumerate(numbers)
        ]
        answer = self.command("POST", f"/v1/campaigns/{campaign_id}/contacts", json={"contacts": contacts}, expect=200)
        assert answer["accepted"] == len(numbers), answer
        return {result["number"]: result["contact_id"] for result in answer["results"]}

    def order(self, campaign_id: str, word: str) -> dict[str, Any]:
        """start, pause, resume or cancel."""
        return self.command("POST", f"/v1/campaigns/{campaign_id}/{word}", expect=200)

    def contacts(self, campaign_id: str) -> dict[str, dict[str, Any]]:
        """All contacts of a campaign by number."""
        found: dict[str, dict[str, Any]] = {}
        params: dict[str, Any] = {"limit": 200}
        while True:
            answer = self.client.get(
                f"{self.api('campaign-command')}/v1/campaigns/{campaign_id}/contacts", params=params
            )
            page = answer.raise_for_status().json()
            found |= {contact["number"]: contact for contact in page["items"]}
            if page["next_cursor"] is None:
                return found
            params["cursor"] = page["next_cursor"]

    def ledger(self) -> list[dict[str, Any]]:
        """The carrier's own record of phones rung."""
        key = self.stack.secret("CARRIER_API_KEY")
        return checks.read_ledger(self.client, self.url("simulated-carrier"), key)

    def calls(self, campaign_id: str) -> list[dict[str, Any]]:
        """The call history of a campaign."""
        return checks.read_calls(self.client, self.api("dialer"), campaign_id)

    def facts(self, campaign_id: str) -> list[Event[Any]]:
        """The campaign's log, as the API shows it."""
        url = self.api("campaign-command")
        return checks.read_facts(self.client, url, campaign_id, workspace=UUID(self.workspace))

    def wait(
        self, campaign_id: str, until: Callable[[dict[str, Any]], bool], *, seconds: float = 90, position: int = 0
    ) -> dict[str, Any]:
        """Poll the read API until the campaign is as wanted."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                view = self.read(f"/v1/campaigns/{campaign_id}", min_position=position)
            except (httpx.TransportError, AssertionError):
                view = {}  # a service that was killed is on its way back
            if view and until(view):
                return view
            assert time.monotonic() < deadline, f"not within {seconds} s: {view}"
            time.sleep(0.1)

    def problems(self, campaign_id: str) -> dict[str, list[str]]:
        """What the auditor's checks find, by check; empty lists everywhere when all is well."""
        campaign, analytics = (
            self.read(f"/v1/campaigns/{campaign_id}"),
            self.read(f"/v1/campaigns/{campaign_id}/analytics"),
        )
        servers, prefix = self.stack.servers, self.stack.options.topic_prefix
        log = asyncio.run(checks.read_log(servers.kafka_bootstrap, topic_prefix=prefix))
        calls, ledger = self.calls(campaign_id), self.ledger()
        mine = {call["id"] for call in calls}
        return {
            "sum": checks.statuses_sum_to_total(campaign["contacts"]),
            "log": checks.read_model_equals_log(log, campaign, analytics),
            "once": checks.each_call_once(ledger),
            "api's log": checks.read_model_equals_log(self.facts(campaign_id), campaign, analytics),
            "one at a time": checks.one_call_at_a_time(calls),
            "history": checks.history_equals_ledger(calls, [entry for entry in ledger if entry["call_id"] in mine]),
            "unknown to us": [entry["call_id"] for entry in ledger if entry["call_id"] not in mine],
        }


@pytest.fixture
def start_system(servers: Servers) -> Iterator[Callable[..., System]]:
    """Start a system; `env` gives variables by service, `stored` a folder with a dump of each database to begin with.
    Everything is gone after the test."""
    started: list[tuple[Stack, Path, str]] = []
    systems: list[System] = []

    def start(
        *, env: Mapping[str, Mapping[str, str]] | None = None, stored: Path | None = None, **options: Any
    ) -> System:
        name = secrets.token_hex(4)
        folder = Path(tempfile.mkdtemp(prefix="calling-campaigns-e2e-"))
        given = dict(env or {})
        variables = {
            "simulated-carrier": {"CARRIER_SPEED": str(SPEED)} | dict(given.pop("simulated-carrier", {})),
            "campaign-command": {"SPOOL_DIR": str(folder / "spool")} | dict(given.pop("campaign-command", {})),
            "dialer": {"RECONCILE_SECONDS": "2", "OUTCOME_GRACE_SECONDS": "2"} | dict(given.pop("dialer", {})),
            GATEWAY_NAME: {"REQUESTS_PER_SECOND": "10000"} | dict(given.pop(GATEWAY_NAME, {})),
            **given,
        }
        options = {"services": SERVICES if GATEWAY is None else (*SERVICES, GATEWAY)} | options
        stack = Stack(
            servers,
            state_folder=folder,
            options=Options(database_prefix=f"e2e_{name}_", topic_prefix=f"e2e-{name}-", env=variables, **options),
            report=lambda line: None,
        )
        started.append((stack, folder, f"e2e-{name}-"))
        for dump in sorted(stored.glob("*.sql")) if stored else ():
            dsn = createdb(servers.postgres_dsn, f"e2e_{name}_{dump.stem.replace('-', '_')}")
            with psycopg.connect(dsn) as connection:
                connection.execute(dump.read_text().encode())
        stack.start()
        systems.append(System(stack, workspace=LOCAL_WORKSPACE, logs=folder / "logs"))
        return systems[-1]

    yield start
    for system in systems:
        system.client.close()
    for stack, folder, prefix in started:
        stack.stop()
        stack.drop_databases()
        asyncio.run(delete_topics(servers.kafka_bootstrap, topic_prefix=prefix))
        shutil.rmtree(folder)
