"""The audit in words, or as JSON lines: each call with its evidence, then the findings, then the sum."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from auditor.audit import Audited
from auditor.record import Call, Finding
from auditor.rules import evidence_of


def table(audited: Audited, *, campaign: UUID | None, with_calls: bool) -> Iterator[str]:
    """Lines for a person."""
    for call in _calls(audited, campaign) if with_calls else ():
        yield from _call_lines(_evidence(audited, call))
    for finding in audited.findings:
        where = f"position {finding.position}" if finding.position is not None else "call history"
        about = f", call {finding.call_id}" if finding.call_id else ""
        yield f"FINDING  {finding.code:<22} {where}{about}: {finding.text}"
    found = summary(audited, campaign=campaign)
    yield (
        f"{found['calls']:,} calls, {found['facts']:,} facts; sealed up to position {found['sealed_up_to']},"
        f" {found['anchors']} anchors; {found['findings']} findings"
    )
    if found["numbers_forgotten"]:
        yield f"{found['numbers_forgotten']:,} calls have lost their number: caps and lists can't be checked for them"
    if audited.last_anchor:
        yield f"newest anchor, to be kept elsewhere: {audited.last_anchor['up_to']} {audited.last_anchor['digest']}"


def lines(audited: Audited, *, campaign: UUID | None, with_calls: bool) -> Iterator[str]:
    """One JSON object a line, each with its `kind`: call, finding, and last summary."""
    for call in _calls(audited, campaign) if with_calls else ():
        yield json.dumps({"kind": "call", **_evidence(audited, call)}, ensure_ascii=False)
    for finding in audited.findings:
        yield json.dumps({"kind": "finding", **_plain(finding)}, ensure_ascii=False)
    yield json.dumps({"kind": "summary", **summary(audited, campaign=campaign)})


def summary(audited: Audited, *, campaign: UUID | None) -> dict[str, Any]:
    """The sum."""
    return {
        "calls": len(_calls(audited, campaign)),
        "facts": audited.facts,
        "sealed_up_to": audited.sealed_up_to,
        "anchors": audited.anchors,
        "last_anchor": audited.last_anchor,
        "numbers_forgotten": audited.forgotten,
        "findings": len(audited.findings),
        "by_code": dict(Counter(finding.code for finding in audited.findings)),
    }


def _calls(audited: Audited, campaign: UUID | None) -> list[Call]:
    return [call for call in audited.record.calls.values() if campaign in (None, call.campaign_id)]


def _evidence(audited: Audited, call: Call) -> dict[str, Any]:
    evidence, checks = evidence_of(call, audited.history), call.checks
    kept = evidence.kept
    return {
        "call_id": str(call.call_id),
        "campaign_id": str(call.campaign_id),
        "contact_id": str(call.contact_id),
        "permitted_at": call.at.isoformat(),
        "position": call.position,
        "attempt": call.attempt,
        "settings_version": call.settings_version,
        "began_at": evidence.began_at and evidence.began_at.isoformat(),
        "allowed_until": kept.not_after.isoformat() if kept and kept.not_after else None,
        "hours": evidence.hours,
        "zone_source": checks and checks.zone_source,
        "suppression": checks and checks.suppression,
        "consent": checks and checks.consent,
        "preset": checks and checks.preset and f"{checks.preset} {checks.preset_version}",
        "callback": checks and checks.callback,
        "caps": evidence.caps,
        "outcome": call.outcome and str(call.outcome),
        "contact_became": call.status and str(call.status),
    }


def _call_lines(evidence: dict[str, Any]) -> Iterator[str]:
    yield f"call {evidence['call_id']}  contact {evidence['contact_id']}  attempt {evidence['attempt']}"
    yield (
        f"  permitted {evidence['permitted_at']} (position {evidence['position']}), settings version"
        f" {evidence['settings_version']}"
    )
    yield f"  began {evidence['began_at'] or 'never'}; allowed until {evidence['allowed_until'] or '-'}"
    yield f"  hours: {evidence['hours']}; zone from the {evidence['zone_source'] or '(not said)'}"
    yield (
        f"  do-not-call list: {evidence['suppression'] or '(not said)'}; consent: {evidence['consent'] or '(not said)'}"
        f"; preset: {evidence['preset'] or 'none'}; caps: {evidence['caps']}"
    )
    yield f"  outcome: {evidence['outcome'] or 'not ended'}; the contact became {evidence['contact_became'] or '-'}"


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "text": finding.text,
        "position": finding.position,
        "campaign_id": finding.campaign_id and str(finding.campaign_id),
        "call_id": finding.call_id and str(finding.call_id),
    }
