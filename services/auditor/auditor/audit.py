"""One audit: reads everything once, checks it, and says what was found."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from auditor import sources
from auditor.integrity import Chain, contradictions, differences, summary_of
from auditor.record import Finding, Record
from auditor.rules import History, findings_of
from auditor.sources import Topics, canonical, partition_of
from campaign_events.facts import FACTS, SUPPRESSION_FACTS
from campaign_events.schedule import STORED
from campaign_events.topics import CAMPAIGN_EVENTS

_OF_WORKSPACES = {fact.__name__ for fact in SUPPRESSION_FACTS}


class Refused(Exception):
    """There is nothing to audit."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What was looked at, and what was found."""

    record: Record
    history: History
    findings: list[Finding]
    facts: int
    sealed_up_to: int
    anchors: int
    last_anchor: Mapping[str, Any] | None
    forgotten: int
    """Calls whose number was forgotten: what concerns the number can't be checked for them."""


async def audit(
    command: "asyncpg.Connection[asyncpg.Record]",
    calls: "asyncpg.Connection[asyncpg.Record]",
    topics: Topics,
    log: sources.Log,
    *,
    campaign: UUID | None,
) -> Audited:
    """Check one campaign, or all. `log` was read before. Refused for a campaign that the log does not know."""
    workspace = None if campaign is None else await sources.workspace_of(command, campaign)
    if campaign is not None and workspace is None:
        raise Refused(f"there is no campaign {campaign} in this log")
    # The history first: a call that it knows was permitted before, so the permit is found in what is read later.
    until = await sources.now_of(calls)
    history = History(await sources.calls_of(calls, workspace), until=until)
    published = await topics.published()
    chain, record, stored = Chain(log.seals), Record(), dict[int, bytes]()
    count, unreadable = 0, list[Finding]()

    @cache
    def is_read(owner: str) -> bool:
        return (CAMPAIGN_EVENTS, partition_of(owner)) in topics.partitions

    async for row in sources.rows_of(command):
        chain.take(row)
        count += 1
        try:
            kept = orjson.loads(row.state)
            data, owner, of_workspace = kept["data"], kept["data"].get("campaign_id"), row.name in _OF_WORKSPACES
            if row.position <= log.published and (of_workspace or is_read(owner)):
                stored[row.position] = summary_of(row.name, canonical(data))
            if campaign is None or owner == str(campaign) or (of_workspace and kept["workspace"] == str(workspace)):
                record.take(row.position, FACTS[row.name].model_validate_json(orjson.dumps(data), context=STORED))
        except (ValueError, KeyError, AttributeError) as error:  # a fact that was tampered with can be anything
            unreadable.append(Finding("unreadable", f"{row.name}: {type(error).__name__}", row.position))
    chain.end()
    # What the relay had said it had published before the topics were read must be there; what came later may be.
    anchors = [(position, data) for position, data in published.anchors if position <= log.published]
    known = {position: digest for position, digest in published.facts.items() if position <= log.published}
    doubtful = {position for position, digest in stored.items() if known.get(position, digest) != digest}
    alike = await _alike(command, topics, doubtful) if doubtful else set()
    findings = [
        *chain.findings,
        *unreadable,
        *published.findings,
        *contradictions(anchors, chain),
        *differences(stored, known, same=alike.__contains__),
        *findings_of(record, history, campaign=campaign),
    ]
    return Audited(
        record=record,
        history=history,
        findings=findings,
        facts=count,
        sealed_up_to=log.seals[-1].up_to if log.seals else 0,
        anchors=len(anchors),
        last_anchor=anchors[-1][1] if anchors else None,
        forgotten=sum(kept.number_hash is None for kept in history.by_call.values() if kept.kind == "campaign"),
    )


async def _alike(command: "asyncpg.Connection[asyncpg.Record]", topics: Topics, positions: set[int]) -> set[int]:
    """Of the facts that differ as bytes those that say the same: a later writer adds fields with their defaults."""
    said = await topics.data_of(positions)
    alike = set()
    rows = await command.fetch(
        "SELECT notification_id, topic, state FROM campaign_command_events WHERE notification_id = ANY($1)",
        sorted(positions),
    )
    for position, name, state in rows:
        try:
            stored = FACTS[name].model_validate_json(orjson.dumps(orjson.loads(state)["data"]), context=STORED)
            published = FACTS[name].model_validate_json(orjson.dumps(said[position]), context=STORED)
        except (ValueError, KeyError):
            continue  # a fact that can't be read says nothing alike
        if stored == published:
            alike.add(position)
    return alike
