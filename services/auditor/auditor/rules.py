"""The rules of a call, checked afterwards.

| code | what was found |
|---|---|
| not_running | permitted while the campaign did not run, was deleted, or under settings that were not its newest |
| workspace_paused | permitted while all calling of the workspace was paused |
| outside_hours | began to ring while a deciding zone was closed |
| called_after_opt_out | permitted for a contact with do_not_call, or a number on the do-not-call list |
| not_waiting | permitted for a contact that was being called, was finished, or could not be called |
| not_due | permitted before the time of the next attempt |
| over_attempts, attempt_miscounted | more attempts than the settings allow, or a number that does not follow |
| over_cap | more calls to a number within a rolling window than a cap allows |
| two_live_calls | a call to a number while another to it was live |
| after_permit_end | placed after its permit (or the window) had ended |
| over_simultaneous, over_daily_limit | more calls than the campaign's limits allow |
| no_consent, no_checks, preset_not_kept | evidence that is missing, or settings looser than their preset |
| no_permit, no_call_record | a call that nobody permitted, or one that the call history does not know |

Calls a second and trunk ceilings are not checked (the carrier's times are too coarse), nor are wildcards of the
do-not-call list and the freshness of lists (facts hold no number to compare): the permit's own check stands for them.
What must stay true: nothing here is imported from those who decide.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from auditor.hours import closed_in, hours_at
from auditor.record import Call, Entry, Finding, Record, deciding_zones, stands
from campaign_events.presets import PRESETS, violations
from campaign_events.settings import CampaignStatus, ContactStatus, Outcome

CLOCKS = timedelta(seconds=1)
"""By so much the carrier's clock, the database's and the dialer's may differ."""
_WAITING = (ContactStatus.PENDING, ContactStatus.RESCHEDULED, ContactStatus.NO_ANSWER, ContactStatus.VOICEMAIL)
_NO_CALL = (Outcome.NOT_PLACED, Outcome.CARRIER_ERROR, Outcome.CONFIGURATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the call history keeps of a call. `number_hash` is null once it was forgotten."""

    call_id: UUID
    workspace: UUID
    campaign_id: UUID
    contact_id: UUID
    kind: str = "campaign"
    number_hash: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    not_after: datetime | None = None
    rang: bool = False
    outcome: str | None = None

    @property
    def is_call_to_person(self) -> bool:
        """Whether caps count it."""
        if self.kind != "campaign" or self.started_at is None or self.outcome in _NO_CALL:
            return False
        return self.rang or self.outcome != Outcome.CANCELLED


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a call was allowed, as values for a report."""

    call: Call
    kept: Kept | None
    began_at: datetime | None
    hours: str
    zones: tuple[str, ...]
    caps: str


class History:
    """The call history, by call and by number. Calls permitted after `until` may not be in it yet."""

    def __init__(self, kept: Iterable[Kept], *, until: datetime | None = None) -> None:
        self.until = until
        self.by_call = {one.call_id: one for one in kept}
        self.by_number: dict[tuple[UUID, str], list[Kept]] = defaultdict(list)
        for one in sorted(self.by_call.values(), key=lambda one: one.started_at or datetime.max.replace(tzinfo=UTC)):
            if one.number_hash is not None and one.started_at is not None and one.kind != "test":
                self.by_number[one.workspace, one.number_hash].append(one)

    def to_same_number(self, kept: Kept) -> Sequence[Kept]:
        """Every call to or from the number, in the order they began."""
        return () if kept.number_hash is None else self.by_number[kept.workspace, kept.number_hash]

    def counted(self, kept: Kept, window_seconds: int) -> int:
        """The calls to the number within the window that ends when this one began, this one included."""
        if kept.started_at is None or not kept.is_call_to_person:
            return 0
        since = kept.started_at - timedelta(seconds=window_seconds) + CLOCKS
        return sum(
            one.is_call_to_person and one.started_at is not None and since < one.started_at <= kept.started_at
            for one in self.to_same_number(kept)
        )


def findings_of(record: Record, history: History, *, campaign: UUID | None = None) -> list[Finding]:
    """Everything that is wrong with the calls of one campaign, or of all."""
    calls = [call for call in record.calls.values() if campaign in (None, call.campaign_id)]
    against: Mapping[str, list[Entry]] = _by_hash(record.entries.values())
    found = [one for one in record.findings if campaign in (None, one.campaign_id)]
    for call in calls:
        kept = history.by_call.get(call.call_id)
        found += [
            Finding(code, text, call.position, call.campaign_id, call.call_id)
            for code, text in (*_at_permit(call), *_at_call(call, kept, history, against))
        ]
    found += _limits(calls, history)
    found += _presets(record, campaign)
    found += [
        Finding("no_permit", "a call was placed that no fact permits", None, kept.campaign_id, kept.call_id)
        for kept in history.by_call.values()
        if kept.kind == "campaign"
        and kept.started_at is not None
        and kept.call_id not in record.calls
        and campaign in (None, kept.campaign_id)
    ]
    return sorted(found, key=lambda one: (one.position or 0, one.code))


def evidence_of(call: Call, history: History) -> Evidence:
    """The evidence of one call."""
    kept, zones = history.by_call.get(call.call_id), deciding_zones(call)
    began_at = began(call, kept)
    at, schedule = began_at or call.at, call.campaign.settings.schedule
    hours = [f"{zone} {hours_at(schedule, zone, at) or 'closed'}" for zone in zones]
    caps = [
        f"{history.counted(kept, cap.window_seconds)} of {cap.calls} in {cap.window_seconds} s"
        for cap in (*call.workspace_caps, *call.campaign.settings.frequency_caps)
        if kept is not None
    ]
    return Evidence(call, kept, began_at, ", ".join(hours) or "no known zone", zones, ", ".join(caps) or "none")


def began(call: Call, kept: Kept | None) -> datetime | None:
    """When the call began to ring at the earliest; None: it was never placed, as far as is known."""
    started_at = kept.started_at if kept is not None and kept.started_at is not None else call.started_at
    return started_at or (call.at if call.placed else None)


def _at_permit(call: Call) -> Iterator[tuple[str, str]]:
    campaign, contact, settings = call.campaign, call.contact, call.campaign.settings
    if campaign.deleted or campaign.status is not CampaignStatus.RUNNING:
        yield "not_running", f"permitted while the campaign was {'deleted' if campaign.deleted else campaign.status}"
    if call.settings_version != campaign.settings_version:
        yield (
            "not_running",
            f"under settings version {call.settings_version}, the newest was {campaign.settings_version}",
        )
    if call.workspace_paused:
        yield "workspace_paused", "permitted while all calling of the workspace was paused"
    if contact.status is ContactStatus.DO_NOT_CALL:
        yield "called_after_opt_out", "permitted for a contact with the status do_not_call"
    elif contact.status not in _WAITING:
        yield "not_waiting", f"permitted for a contact with the status {contact.status}"
    elif contact.status in (ContactStatus.NO_ANSWER, ContactStatus.VOICEMAIL) and contact.due_at is None:
        yield "not_waiting", f"permitted for a contact with the status {contact.status} and no next attempt"
    if not contact.callable:
        yield "not_waiting", "permitted for a contact that can't be called under these settings"
    if contact.due_at is not None and call.at < contact.due_at:
        yield "not_due", f"permitted at {_time(call.at)}, due at {_time(contact.due_at)}"
    if call.attempt != contact.attempt + 1:
        yield "attempt_miscounted", f"attempt {call.attempt} after attempt {contact.attempt}"
    allowed = settings.limits.max_attempts + (contact.status is ContactStatus.RESCHEDULED)  # a callback was asked for
    if call.attempt > allowed:
        yield "over_attempts", f"attempt {call.attempt} of at most {allowed}"
    if call.checks is None:
        yield "no_checks", "the permit says not what was checked"
        return
    if settings.requires_consent and call.checks.consent != "given":
        yield "no_consent", "consent is required, the permit names none"
    if (call.checks.preset, call.checks.preset_version) != (settings.preset, settings.preset_version):
        yield "preset_not_kept", f"permitted under the preset {call.checks.preset}, the settings say {settings.preset}"


def _at_call(
    call: Call, kept: Kept | None, history: History, against: Mapping[str, list[Entry]]
) -> Iterator[tuple[str, str]]:
    began_at, schedule = began(call, kept), call.campaign.settings.schedule
    if began_at is not None:
        zones = deciding_zones(call)
        closed = closed_in(schedule, zones, began_at)
        if closed and closed_in(schedule, zones, began_at - CLOCKS):
            yield "outside_hours", f"began at {_time(began_at)}, closed in {', '.join(closed)}"
    if kept is None:
        if call.placed and (history.until is None or call.at < history.until - CLOCKS):
            yield "no_call_record", "the call history does not know it"
        return
    if kept.contact_id != call.contact_id or kept.campaign_id != call.campaign_id:
        yield "no_permit", "the call history has it for another contact"
    if kept.number_hash is not None and any(stands(entry, call) for entry in against.get(kept.number_hash, ())):
        yield "called_after_opt_out", "the number was on the do-not-call list when the call was permitted"
    if kept.started_at is None:
        return
    if kept.not_after is not None and kept.started_at > kept.not_after + CLOCKS:
        yield "after_permit_end", f"began at {_time(kept.started_at)}, allowed until {_time(kept.not_after)}"
    for cap in (*call.workspace_caps, *call.campaign.settings.frequency_caps):
        count = history.counted(kept, cap.window_seconds)
        if count > cap.calls:
            yield "over_cap", f"{count} calls to the number within {cap.window_seconds} s, allowed: {cap.calls}"
    for before in history.to_same_number(kept):
        if before.started_at is None or before.call_id == kept.call_id or before.started_at > kept.started_at:
            continue
        if before.ended_at is not None and before.ended_at > kept.started_at + CLOCKS:
            yield "two_live_calls", f"the number's call {before.call_id} was live until {_time(before.ended_at)}"


def _limits(calls: Sequence[Call], history: History) -> Iterator[Finding]:
    by_campaign: dict[UUID, list[Call]] = defaultdict(list)
    for call in calls:
        by_campaign[call.campaign_id].append(call)
    for own in by_campaign.values():
        started = [(at, call) for call in own if (at := began(call, history.by_call.get(call.call_id))) is not None]
        started.sort(key=lambda one: (one[0], one[1].position))
        ends: list[datetime] = []
        days: Counter[date] = Counter()
        for at, call in started:
            limits, kept = call.campaign.settings.limits, history.by_call.get(call.call_id)
            ends = [end for end in ends if end > at]
            if len(ends) >= limits.max_simultaneous_calls:
                text = f"{len(ends) + 1} calls at once, allowed: {limits.max_simultaneous_calls}"
                yield Finding("over_simultaneous", text, call.position, call.campaign_id, call.call_id)
            if kept is not None and kept.ended_at is not None:
                ends.append(kept.ended_at)
            if not call.placed or call.day is None:
                continue
            days[call.day] += 1
            if limits.calls_per_day is not None and days[call.day] > limits.calls_per_day:
                text = f"call {days[call.day]} of {call.day}, allowed: {limits.calls_per_day}"
                yield Finding("over_daily_limit", text, call.position, call.campaign_id, call.call_id)


def _presets(record: Record, campaign: UUID | None) -> Iterator[Finding]:
    called = {(call.campaign_id, call.settings_version) for call in record.calls.values()}
    versions: Counter[UUID] = Counter()
    for position, campaign_id, settings in record.settings:
        versions[campaign_id] += 1
        if campaign not in (None, campaign_id) or (campaign_id, versions[campaign_id]) not in called:
            continue
        preset = PRESETS.get(settings.preset or "")
        if preset is not None and preset.version == settings.preset_version:
            for loose in violations(preset, settings):
                yield Finding("preset_not_kept", f"{loose.field}: {loose.message}", position, campaign_id)


def _by_hash(entries: Iterable[Entry]) -> Mapping[str, list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.number_hash].append(entry)
    return found


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
