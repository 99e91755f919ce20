"""Whether a campaign's figures are true: they are compared with the log in Kafka, the carrier's ledger and the history.

Uses only what an auditor has: the topics, the public APIs and the carrier's own ledger. Each check returns what is
wrong, one line each; an empty list means that it holds.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from aiokafka import AIOKafkaConsumer

from analytics_projector.oracle import views
from campaign_events.envelope import Event, wrap
from campaign_events.facts import FACTS
from campaign_events.schedule import STORED
from campaign_events.settings import ContactStatus
from campaign_events.topics import CAMPAIGN_EVENTS
from campaign_service.subscription import read

READ_SECONDS = 30.0
PLACED_STATES = frozenset({"placed", "ringing", "answered", "ended", "settled"})
REFUSED = frozenset({"not_placed", "carrier_error", "configuration"})
"""What a call comes to that the carrier did not take."""
_MAX_SHOWN = 5


async def read_topic(bootstrap: str, topic: str, *, topic_prefix: str) -> list[Event[Any]]:
    """Everything a topic holds now, partition by partition, in order."""
    name = topic_prefix + topic
    # Without a group the consumer is given every partition, and reads each from its beginning.
    consumer = AIOKafkaConsumer(
        name, bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = sorted(consumer.assignment())
        ends = await consumer.end_offsets(partitions)
        events: list[Event[Any]] = []
        async with asyncio.timeout(READ_SECONDS):
            while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    events += [read(record, topic_prefix=topic_prefix).event for record in records]
        return events
    finally:
        await consumer.stop()


def statuses_sum_to_total(contacts: Mapping[str, int]) -> list[str]:
    """The eight statuses sum to the total."""
    summed = sum(contacts[status] for status in ContactStatus)
    return [] if summed == contacts["total"] else [f"the statuses sum to {summed}, the total is {contacts['total']}"]


def read_model_equals_log(
    events: Iterable[Event[Any]], campaign: Mapping[str, Any], analytics: Mapping[str, Any]
) -> list[str]:
    """What the read API answers equals an offline fold of the log."""
    view = views(events)[UUID(campaign["id"])]
    return [
        f"{name}.{field}: the API says {answer.get(field)!r}, the log {expected[field]!r}"
        for name, answer, expected in (
            ("campaign", campaign, view.campaign()),
            ("analytics", analytics, view.analytics()),
        )
        for field in expected
        if answer.get(field) != expected[field]
    ]


def each_call_once(ledger: Iterable[Mapping[str, Any]]) -> list[str]:
    """Each call id rang one phone once, and no phone had two live calls at a time."""
    found: list[str] = []
    entries = sorted(_rung(ledger), key=lambda entry: entry["n"])
    for call_id, times in Counter(entry["call_id"] for entry in entries).items():
        if times > 1:
            found.append(f"call {call_id} stands in the ledger {times} times")
    busy_until: dict[str, datetime] = {}
    for entry in entries:
        arrived_at = datetime.fromisoformat(entry["arrived_at"])
        if arrived_at < busy_until.get(entry["to"], arrived_at):
            found.append(f"call {entry['call_id']} rang a phone that still had a live call")
        busy_until[entry["to"]] = _instant(entry["ended_at"]) or arrived_at
    return found


def history_equals_ledger(calls: Iterable[Mapping[str, Any]], ledger: Iterable[Mapping[str, Any]]) -> list[str]:
    """The call history knows exactly the calls the carrier took, with the carrier's times and codes."""
    known = {call["id"]: call for call in placed(calls)}
    taken = {entry["call_id"]: entry for entry in _rung(ledger)}
    found = [f"call {call_id} is in the history, not in the ledger" for call_id in known.keys() - taken.keys()]
    found += [f"call {call_id} is in the ledger, not in the history" for call_id in taken.keys() - known.keys()]
    for call_id in known.keys() & taken.keys():
        call, entry = known[call_id], taken[call_id]
        for ours, theirs in (("answered_at", "answered_at"), ("ended_at", "ended_at")):
            if _instant(call[ours]) != _instant(entry[theirs]):
                found.append(f"call {call_id}: {ours} is {call[ours]} in the history, {entry[theirs]} in the ledger")
        if (call["number"], call["sip_code"]) != (entry["to"], entry["sip_code"]):
            found.append(f"call {call_id}: number or SIP code differ between history and ledger")
    return found[:_MAX_SHOWN]


def placed(calls: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The calls of the history that rang a phone."""
    return [
        call
        for call in calls
        if call["kind"] != "inbound"
        and call["status"] in PLACED_STATES
        and (call["started_at"] is not None or call["outcome"] not in REFUSED)
    ]


def one_call_at_a_time(calls: Iterable[Mapping[str, Any]]) -> list[str]:
    """By the call history: each call once, and no contact was called while a call to them was live."""
    rung = sorted(placed(calls), key=lambda call: datetime.fromisoformat(call["started_at"]))
    found = [f"call {id_} is there {times} times" for id_, times in Counter(c["id"] for c in rung).items() if times > 1]
    busy_until: dict[str, datetime] = {}
    for call in rung:
        started_at = datetime.fromisoformat(call["started_at"])
        if started_at < busy_until.get(call["contact_id"], started_at):
            found.append(f"call {call['id']} rang a contact who still had a live call")
        busy_until[call["contact_id"]] = _instant(call["ended_at"]) or started_at
    return found[:_MAX_SHOWN]


def busiest_second(ledger: Iterable[Mapping[str, Any]]) -> int:
    """The most calls that arrived at the carrier within any sliding second."""
    arrivals = sorted(float(entry["monotonic_arrived"]) for entry in _rung(ledger))
    most, begin = 0, 0
    for end, arrival in enumerate(arrivals):
        while arrival - arrivals[begin] >= 1.0:
            begin += 1
        most = max(most, end - begin + 1)
    return most


def read_ledger(client: httpx.Client, url: str, api_key: str) -> list[dict[str, Any]]:
    """The carrier's whole ledger, in order of arrival."""
    entries: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        answer = client.get(
            f"{url}/v1/ledger", params={"after": after, "limit": 5000}, headers={"Authorization": f"Bearer {api_key}"}
        )
        page = answer.raise_for_status().json()
        entries += page["entries"]
        after = page["next"]
    return entries


def read_calls(client: httpx.Client, url: str, campaign_id: str) -> list[dict[str, Any]]:
    """The campaign's whole call history. The client carries the token."""
    calls: list[dict[str, Any]] = []
    params: dict[str, str | int] = {"campaign_id": campaign_id, "limit": 200}
    while True:
        page = client.get(f"{url}/v1/calls", params=params).raise_for_status().json()
        calls += page["items"]
        if page["next_cursor"] is None:
            return calls
        params["cursor"] = page["next_cursor"]


def read_facts(client: httpx.Client, url: str, campaign_id: str, *, workspace: UUID) -> list[Event[Any]]:
    """The campaign's facts, as the API shows them. The client carries the token."""
    events: list[Event[Any]] = []
    after: int | None = 0
    while after is not None:
        params = {"after": after, "limit": 200}
        page = client.get(f"{url}/v1/campaigns/{campaign_id}/facts", params=params).raise_for_status().json()
        for item in page["items"]:
            fact = FACTS[item["type"]].model_validate(item["data"], context=STORED)
            # Where it stands in its partition and stream, the API does not say; the views don't ask.
            events.append(
                wrap(
                    fact,
                    log=UUID(int=0),
                    position=item["position"],
                    prior=0,
                    stream_version=0,
                    workspace=workspace,
                    correlation_id=None,
                    causation_id=None,
                )
            )
        after = page["next_after"]
    return events


async def read_log(bootstrap: str, *, topic_prefix: str) -> list[Event[Any]]:
    """The facts about campaigns, as Kafka holds them."""
    return await read_topic(bootstrap, CAMPAIGN_EVENTS, topic_prefix=topic_prefix)


def _rung(ledger: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The phones that were rung: all but the calls that came in."""
    return [entry for entry in ledger if entry.get("direction") != "inbound"]


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
