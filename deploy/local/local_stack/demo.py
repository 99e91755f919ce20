"""`make demo`: one campaign from a contacts file to its figures, through the public APIs only, and then the proof.

Exit 0 only if the figures add up, the read model equals the log, and the carrier's ledger shows each call once. With an
address (`make demo API=…`) it uses the system that runs there, and proves what can be seen through its gateway.
"""

import asyncio
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any
from uuid import UUID

import httpx
import jwt
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from campaign_events.envelope import Event
from campaign_events.settings import ContactStatus
from campaign_service.topic_admin import delete_topics
from local_stack import checks, env_file, state
from local_stack.processes import LOCAL_WORKSPACE, Options, Stack, token
from local_stack.servers import servers
from local_stack.services import DASHBOARD, WITH_DASHBOARD
from local_stack.state import StackError

CONTACTS = state.CHECKOUT / "samples" / "contacts-1000.csv"
SPEED = "150"
TIME_NOTE = f" (simulated time runs {SPEED} times faster)"
PAUSE_SECONDS = 3.0
DEADLINE_SECONDS = 180.0
"""so long without any contact's status changing"""
ALL_DAY = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
TWO_SECONDS = {"delays_seconds": [2]}
SETTINGS: Mapping[str, Any] = {
    "name": "Spring renewal",
    "description": "The demo's campaign",
    "type": "outbound",
    "agent_id": "renewal-agent",
    "caller_numbers": ["+493023125000"],
    "custom_prompt": "Greet {first_name} and offer to renew the {plan} plan.",
    "limits": {"max_simultaneous_calls": 40, "calls_per_second": 60, "max_attempts": 3},
    "retry": {
        "no_answer": TWO_SECONDS,
        "busy": TWO_SECONDS,
        "declined": {"delays_seconds": [2], "max_retries": 1},
        "voicemail": {"delays_seconds": [2], "max_retries": 1},
        "carrier_error": {"delays_seconds": [2], "max_retries": 2},
    },
    "callback_delay_seconds": 2,
    "schedule": {"time_zone": "Europe/Berlin", "use_callee_time_zone": True, "weekly": ALL_DAY},
}
STATUS_STYLES = {
    "pending": "dim",
    "in_progress": "cyan",
    "completed": "green",
    "failed": "red",
    "no_answer": "yellow",
    "voicemail": "magenta",
    "do_not_call": "red",
    "rescheduled": "blue",
}


class Unfinished(StackError):
    """The campaign did not get where it should."""


@dataclass(frozen=True, slots=True)
class Apis:
    """The public addresses, and a client that carries the token. Of a system elsewhere, the carrier can't be asked."""

    client: httpx.Client
    command: str
    reads: str
    dialer: str
    carrier: str | None = None
    carrier_key: str = ""

    def post(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """A command; StackError with the problem's own words when it is refused."""
        answer = self.client.post(self.command + path, **kwargs)
        if answer.is_error:
            raise Unfinished(f"POST {path} was answered {answer.status_code}: {answer.text[:500]}")
        result: dict[str, Any] = answer.json()
        return result

    def get(self, url: str, **params: Any) -> dict[str, Any]:
        """A read."""
        answer = self.client.get(url, params=params)
        if answer.is_error:
            raise Unfinished(f"GET {url} was answered {answer.status_code}: {answer.text[:500]}")
        result: dict[str, Any] = answer.json()
        return result

    def rung(self, campaign_id: str) -> int:
        """How many calls the carrier has received; if it can't be asked, those of the campaign's call history."""
        if self.carrier is None:
            return len(checks.placed(checks.read_calls(self.client, self.dialer, campaign_id)))
        answer = self.client.get(
            f"{self.carrier}/v1/ledger", params={"limit": 1}, headers={"Authorization": f"Bearer {self.carrier_key}"}
        )
        return int(answer.raise_for_status().json()["total"])


def main(arguments: list[str]) -> int:
    """Run the demo: against the system at an address, or with its own stack, servers and state, gone afterwards."""
    # Where nobody watches, tables get the room they need.
    console = Console(width=None if sys.stdout.isatty() else 110)
    match arguments:
        case []:
            pass
        case ["--api", address] if address.startswith(("http://", "https://")):
            return _elsewhere(console, address.rstrip("/"))
        case _:
            raise StackError("make demo takes no arguments but API=http://…")
    signal.signal(signal.SIGTERM, _end)
    folder = state.prepare(state.state_folder() / "demo")
    shutil.rmtree(folder, ignore_errors=True)
    folder = state.prepare(folder)
    # Named servers are shared with others: the demo keeps to names of its own, and removes them.
    shared = bool(os.environ.get("POSTGRES_DSN") or os.environ.get("KAFKA_BOOTSTRAP"))
    prefix = f"demo-{secrets.token_hex(3)}-" if shared else ""
    began = time.monotonic()
    with servers(state_folder=folder) as both:
        console.print(f"PostgreSQL and Kafka are up ({time.monotonic() - began:.1f} s).")
        options = Options(
            database_prefix=prefix.replace("-", "_"),
            topic_prefix=prefix,
            env={"simulated-carrier": {"CARRIER_SPEED": SPEED}},
            services=WITH_DASHBOARD,
        )
        stack = Stack(both, state_folder=folder, options=options, report=console.print)
        try:
            with stack.running():
                console.print(f"The services are ready ({time.monotonic() - began:.1f} s).")
                console.print(f"Meanwhile, the dashboard shows it: {stack.url(DASHBOARD.name)}")
                with httpx.Client(headers={"Authorization": f"Bearer {stack.token()}"}, timeout=30) as client:
                    apis = _apis(stack, client)

                    def proof(campaign_id: str, answers: Answers) -> Results:
                        log = asyncio.run(checks.read_log(both.kafka_bootstrap, topic_prefix=prefix))
                        return _proof_by_ledger(apis, campaign_id, answers, log)

                    holds = _run(console, apis, proof)
        finally:
            if shared:
                stack.drop_databases()
                asyncio.run(delete_topics(both.kafka_bootstrap, topic_prefix=prefix))
    console.print(f"Everything has ended ({time.monotonic() - began:.1f} s).")
    return 0 if holds else 1


def _elsewhere(console: Console, address: str) -> int:
    given = os.environ.get("TOKEN", "")
    secret = env_file.read().get("JWT_SECRET", "")
    if not given and not secret:
        raise StackError("no token: give an operator's with TOKEN=…, or have the JWT_SECRET in docker compose's .env")
    bearer = given or token(secret, workspace=LOCAL_WORKSPACE, role="admin")
    try:
        workspace = UUID(jwt.decode(bearer, options={"verify_signature": False})["workspace"])
    except (jwt.PyJWTError, KeyError, ValueError):
        raise StackError("TOKEN is no token of this system: it names no workspace") from None
    with httpx.Client(headers={"Authorization": f"Bearer {bearer}"}, timeout=30) as client:
        apis = Apis(client=client, command=address, reads=address, dialer=address)

        def proof(campaign_id: str, answers: Answers) -> Results:
            return _proof_from_outside(apis, campaign_id, answers, workspace)

        try:
            return 0 if _run(console, apis, proof) else 1
        except httpx.TransportError as error:
            raise StackError(f"{address} does not answer ({type(error).__name__}): is the system up?") from None


@dataclass(frozen=True, slots=True)
class Answers:
    """What the read API says in the end."""

    contacts: Mapping[str, int]
    campaign: Mapping[str, Any]
    analytics: Mapping[str, Any]


Results = dict[str, list[str]]
"""What is checked -> what is wrong about it."""


def _run(console: Console, apis: Apis, proof: Callable[[str, Answers], Results]) -> bool:
    campaign = apis.post("/v1/campaigns", json=SETTINGS)
    campaign_id = campaign["id"]
    total = _import(console, apis, campaign_id)
    started = apis.post(f"/v1/campaigns/{campaign_id}/start")
    console.print(f"Started: {total} contacts, at most 40 calls at a time and 60 a second.")
    with _progress(console) as progress:
        bar = progress.add_task("calling", total=total, statuses="")
        show = _shower(console, progress, bar)
        _follow(apis, campaign_id, lambda view: show(view) >= total / 2, position=started["position"])
        silent = _pause(console, apis, campaign_id)
        view = _follow(apis, campaign_id, lambda view: (show(view), view["status"] == "completed")[1])
    _show_list(console, apis)
    analytics = apis.get(f"{apis.reads}/v1/campaigns/{campaign_id}/analytics")
    _show_analytics(console, analytics, time_note="" if apis.carrier is None else TIME_NOTE)
    contacts = view["contacts"]
    answers = Answers(contacts, apis.get(f"{apis.reads}/v1/campaigns/{campaign_id}"), analytics)
    results = {
        f"no call reached the carrier in the {PAUSE_SECONDS:.0f} s between the pause's answer and the resume": silent,
        f"the eight statuses sum to the total ({contacts['total']})": checks.statuses_sum_to_total(contacts),
        **proof(campaign_id, answers),
    }
    for text, problems in results.items():
        console.print(f"[bold red]✗[/] {text}" if problems else f"[bold green]✓[/] {text}")
        for problem in problems:
            console.print(f"    {problem}")
    return not any(results.values())


def _proof_by_ledger(apis: Apis, campaign_id: str, answers: Answers, log: list[Event[Any]]) -> Results:
    assert apis.carrier is not None
    ledger = checks.read_ledger(apis.client, apis.carrier, apis.carrier_key)
    calls = checks.read_calls(apis.client, apis.dialer, campaign_id)
    return {
        f"the read model equals an offline fold of the log ({len(log)} facts read from Kafka)": (
            checks.read_model_equals_log(log, answers.campaign, answers.analytics)
        ),
        f"the carrier's ledger shows each call once ({len(ledger)} calls)": checks.each_call_once(ledger),
        f"the ledger equals the call history ({len(calls)} calls)": checks.history_equals_ledger(calls, ledger),
        f"no sliding second has more than 60 calls (the busiest has {checks.busiest_second(ledger)})": (
            [] if checks.busiest_second(ledger) <= 60 else ["the limit was crossed"]
        ),
    }


def _proof_from_outside(apis: Apis, campaign_id: str, answers: Answers, workspace: UUID) -> Results:
    calls = checks.read_calls(apis.client, apis.dialer, campaign_id)
    log = checks.read_facts(apis.client, apis.command, campaign_id, workspace=workspace)
    placed = answers.campaign["figures"]["placed"]
    rung = len(checks.placed(calls))
    return {
        f"the read model equals an offline fold of the log ({len(log)} facts read from the API)": (
            checks.read_model_equals_log(log, answers.campaign, answers.analytics)
        ),
        f"the call history has each call once, and no contact in two at a time ({len(calls)} calls)": (
            checks.one_call_at_a_time(calls)
        ),
        f"the figures count no more calls than the history has ({placed} of {rung})": (
            [] if 0 < placed <= rung else ["they do"]
        ),
    }


def _import(console: Console, apis: Apis, campaign_id: str) -> int:
    answer = apis.post(
        f"/v1/campaigns/{campaign_id}/imports", content=CONTACTS.read_bytes(), headers={"Content-Type": "text/csv"}
    )
    deadline = time.monotonic() + 60
    while True:
        found = apis.get(f"{apis.command}/v1/imports/{answer['import_id']}")
        if found["state"] not in ("uploading", "queued", "running"):
            break
        if time.monotonic() > deadline:
            raise Unfinished("the import did not finish within 60 s")
        time.sleep(0.1)
    if found["state"] != "completed":
        raise Unfinished(f"the import ended as {found['state']}")
    console.print(f"Imported {CONTACTS.name}: {found['accepted']} accepted, {found['duplicate']} duplicate.")
    return int(found["accepted"])


def _pause(console: Console, apis: Apis, campaign_id: str) -> list[str]:
    asked = time.monotonic()
    apis.post(f"/v1/campaigns/{campaign_id}/pause")
    took = time.monotonic() - asked
    before = apis.rung(campaign_id)
    time.sleep(PAUSE_SECONDS)
    during = apis.rung(campaign_id) - before
    apis.post(f"/v1/campaigns/{campaign_id}/resume")
    console.print(
        f"Paused half way (answered in {took * 1000:.0f} ms): {during} calls reached the carrier until the resume."
    )
    return [f"{during} calls did"] if during else []


def _follow(
    apis: Apis, campaign_id: str, until: Callable[[dict[str, Any]], bool], *, position: int | None = None
) -> dict[str, Any]:
    changed, contacts = time.monotonic(), None
    params = {} if position is None else {"min_position": position}
    while True:
        view = apis.get(f"{apis.reads}/v1/campaigns/{campaign_id}", **params)
        if until(view):
            return view
        if view["contacts"] != contacts:
            changed, contacts = time.monotonic(), view["contacts"]
        elif time.monotonic() - changed > DEADLINE_SECONDS:
            raise Unfinished(f"the campaign got no further within {DEADLINE_SECONDS:.0f} s: {contacts}")
        time.sleep(0.2)


def _progress(console: Console) -> Progress:
    columns: list[ProgressColumn] = [
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[statuses]}"),
    ]
    return Progress(*columns, console=console, transient=False)


def _shower(console: Console, progress: Progress, bar: Any) -> Callable[[dict[str, Any]], int]:
    last = time.monotonic()

    def show(view: dict[str, Any]) -> int:
        nonlocal last
        contacts: dict[str, int] = view["contacts"]
        done = contacts["completed"] + contacts["failed"] + contacts["do_not_call"]
        if view["status"] == "completed":
            done = contacts["total"]
        elif view["figures"]["worked"] is not None:
            done = round(view["figures"]["worked"] * contacts["total"])
        shown = " ".join(f"[{STATUS_STYLES[s]}]{s} {contacts[s]}[/]" for s in ContactStatus if contacts[s])
        progress.update(bar, completed=done, statuses=shown, description=view["status"])
        if not console.is_terminal and time.monotonic() - last > 2:
            last = time.monotonic()
            console.print(f"{view['status']} {done}/{contacts['total']}: {shown}")
        return done

    return show


def _show_list(console: Console, apis: Apis) -> None:
    table = Table(title="Campaigns", title_justify="left")
    for heading in ("name", "status", "contacts", "reached", "worked", "placed", "success", "answer rate"):
        table.add_column(heading)
    for item in apis.get(f"{apis.reads}/v1/campaigns")["items"]:
        figures, contacts = item["figures"], item["contacts"]
        table.add_row(
            item["name"],
            item["status"],
            str(contacts["total"]),
            str(figures["reached"]),
            _percent(figures["worked"]),
            str(figures["placed"]),
            _percent(figures["success_rate"]),
            _percent(figures["answer_rate"]),
        )
    console.print(table)


def _show_analytics(console: Console, analytics: dict[str, Any], *, time_note: str) -> None:
    contacts, figures = analytics["contacts"], analytics["figures"]
    breakdown = Table(title="Contacts by status", title_justify="left")
    breakdown.add_column("status")
    breakdown.add_column("contacts", justify="right")
    breakdown.add_column("share", justify="right")
    for status in ContactStatus:
        share = _percent(contacts[status] / contacts["total"])
        breakdown.add_row(f"[{STATUS_STYLES[status]}]{status}[/]", str(contacts[status]), share)
    breakdown.add_section()
    breakdown.add_row("total", str(contacts["total"]), "100.0 %")
    console.print(breakdown)
    average = figures["average_call_duration_seconds"]
    console.print(
        f"success rate {_percent(figures['success_rate'])} · answer rate {_percent(figures['answer_rate'])}"
        f" · conversion {_percent(figures['conversion'])}"
        f" · average call {'–' if average is None else f'{average:.2f} s'}{time_note}"
    )
    days = Table(title=f"Per day ({analytics['time_zone']})", title_justify="left")
    names = ("placed", "answered", "completed", "failed", "no_answer", "voicemail", "cumulative_reached")
    for heading in ("day", *names):
        days.add_column(heading.replace("_", " "), justify="left" if heading == "day" else "right")
    for day in analytics["days"]:
        days.add_row(day["day"], *(str(day[name]) for name in names))
    console.print(days)


def _percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio * 100:.1f} %"


def _apis(stack: Stack, client: httpx.Client) -> Apis:
    return Apis(
        client=client,
        command=stack.url("campaign-command"),
        reads=stack.url("analytics-projector"),
        dialer=stack.url("dialer"),
        carrier=stack.url("simulated-carrier"),
        carrier_key=stack.secret("CARRIER_API_KEY"),
    )


def _end(_: int, __: FrameType | None) -> None:
    sys.exit(143)
