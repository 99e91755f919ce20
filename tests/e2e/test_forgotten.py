"""After a deletion and an erasure: every table, topic and log of every service is looked through."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from campaign_events.topics import CALL_EVENTS, CAMPAIGN_EVENTS, SUPPRESSION_EVENTS
from local_stack import checks
from tests.e2e.conftest import System
from tests.e2e.test_story import numbers

TABLES = "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'"


def found_in_tables(system: System, secret: re.Pattern[str]) -> set[str]:
    """Where it is found, as service.table.column; bytes are read as the text they may be."""
    found: set[str] = set()
    for service, dsn in system.stack.databases.items():
        with psycopg.connect(dsn, row_factory=dict_row) as connection:
            for table in connection.execute(TABLES).fetchall():
                rows = connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table["name"])))
                for row in rows.fetchall():
                    found |= {
                        f"{service}.{table['name']}.{column}"
                        for column, value in row.items()
                        if secret.search(_text(value))
                    }
    return found


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def patiently(look: Callable[[], set[str]], expected: set[str]) -> set[str]:
    """Services forget within seconds: the last answer, or the first that is as expected."""
    deadline = time.monotonic() + 30
    while (found := look()) != expected and time.monotonic() < deadline:
        time.sleep(0.3)
    return found


def test_what_is_deleted_or_erased_is_found_in_no_table_topic_or_log(start_system: Callable[..., System]) -> None:
    system = start_system()
    deleted, kept = system.create(), system.create()
    called = numbers(ranges=1)
    erased = called[0]
    contacts = [
        {"number": number, "first_name": f"Secretname{n}", "email": f"person{n}@example.org"}
        for n, number in enumerate(called)
    ]
    for campaign_id in (deleted, kept):
        path = f"/v1/campaigns/{campaign_id}/contacts"
        system.command("POST", path, json={"contacts": contacts}, headers={"Idempotency-Key": path}, expect=200)
    system.order(deleted, "start")
    system.wait(deleted, lambda view: bool(view["status"] == "completed"))
    calls = [call for call in system.calls(deleted) if call["status"] == "settled"]
    for call in calls[:3]:  # a word about the person, from the agent
        body = {"outcome": call["conversation"] or "goal_met", "summary": "Secretname0 at +" + erased[1:]}
        system.client.post(f"{system.url('dialer')}/v1/calls/{call['id']}/outcome", json=body)
    words = re.compile("|".join([*(number[1:] for number in called), "Secretname", "@example"]))
    assert {
        "campaign-command.contacts.number",
        "campaign-command.contacts.first_name",
        "campaign-command.idempotency_keys.body",
        "dialer.calls.number",
        "dialer.calls.summary",
    } <= found_in_tables(system, words), "what is looked for can be found"

    system.command("DELETE", f"/v1/campaigns/{deleted}", params={"confirm": deleted}, expect=200)
    answer = system.command("POST", "/v1/erasures", json={"number": erased}, expect=201)
    assert answer["state"] == "done"
    assert answer["contacts"] in (1, 2), "the deleted campaign's rows may be purged already"

    # Of the erased person nothing is left anywhere, the history of calls included.
    person = re.compile(re.escape(erased[1:]) + "|Secretname0\\b|person0@")
    assert patiently(lambda: found_in_tables(system, person), set()) == set()
    assert erased not in system.contacts(kept)
    # Of the others, when their last campaign is gone, the history of calls keeps the number: as long as it is to.
    system.command("DELETE", f"/v1/campaigns/{kept}", params={"confirm": kept}, expect=200)
    expected = {"dialer.calls.number"}
    do_not_call = system.command("GET", "/v1/suppressions", expect=200)["total"]
    if do_not_call:  # who asked not to be called stays on the list
        expected.add("campaign-command.suppressions.number")
    assert patiently(lambda: found_in_tables(system, words), expected) == expected
    history = system.calls(deleted)
    assert len(history) >= len(calls), "the calls themselves are kept"
    assert {call["number"] for call in history} - {None} <= set(called) - {erased}
    assert None in {call["number"] for call in history}

    for log in system.logs.glob("*.log"):
        assert words.search(log.read_text()) is None, log.name
    servers, prefix = system.stack.servers, system.stack.options.topic_prefix
    for topic in (CAMPAIGN_EVENTS, CALL_EVENTS, SUPPRESSION_EVENTS):
        events = asyncio.run(checks.read_topic(servers.kafka_bootstrap, topic, topic_prefix=prefix))
        assert events, topic
        assert not [event.id for event in events if words.search(event.model_dump_json())]
