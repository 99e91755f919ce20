"""The auditor's rules, each broken once: built from facts and call records, and found."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from auditor.integrity import Chain, Published, Seal, contradictions, differences, summary_of
from auditor.record import Record
from auditor.rules import History, Kept, evidence_of, findings_of
from campaign_events.facts import (
    CampaignCreated,
    CampaignDeleted,
    CampaignEdited,
    CampaignPaused,
    CampaignResumed,
    CampaignStarted,
    ContactCallabilityChanged,
    ContactsAdded,
    ContactStatusChanged,
    Fact,
    NumberSuppressed,
    PermitChecks,
    SuppressionLifted,
    WorkspacePaused,
    WorkspaceResumed,
    WorkspaceSettingsChanged,
)
from campaign_events.presets import FrequencyCap
from campaign_events.schedule import Schedule
from campaign_events.seals import NOTHING, StoredFact, digest
from campaign_events.settings import CampaignSettings, ContactStatus, Limits, Outcome

WORKSPACE, CAMPAIGN, ANNA, BEN = (UUID(int=n) for n in range(1, 5))
MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
HASH = {ANNA: "aa" * 32, BEN: "bb" * 32}
PENDING, IN_PROGRESS = ContactStatus.PENDING, ContactStatus.IN_PROGRESS
NO_ANSWER, COMPLETED = ContactStatus.NO_ANSWER, ContactStatus.COMPLETED
CLEAR = PermitChecks(zone_source="number")


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def wanted(**changes: Any) -> CampaignSettings:
    limits = {"max_attempts": 3, "max_simultaneous_calls": 2} | changes.pop("limits", {})
    return CampaignSettings(
        name="Spring", schedule=Schedule(time_zone="Europe/Berlin"), limits=Limits(**limits), **changes
    )


@dataclass
class Story:
    """A log and a call history, told sentence by sentence; clean as long as nothing is bent."""

    facts: list[Fact] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    contacts: dict[UUID, dict[str, Any]] = field(default_factory=dict)

    def begin(
        self, settings: CampaignSettings | None = None, *, zones: tuple[str, ...] = ("Europe/Berlin",)
    ) -> "Story":
        base = {"at": MONDAY - minutes(60), "campaign_id": CAMPAIGN}
        self.facts += [
            CampaignCreated(workspace=WORKSPACE, settings=settings or wanted(), **base),
            ContactsAdded(contact_ids=(ANNA, BEN), zone_lists=(zones,), zone_index=(0, 0), pending_count=2, **base),
            CampaignStarted(settings_version=1, **base),
        ]
        self.contacts = {one: {"status": PENDING, "attempt": 0, "due_at": None} for one in (ANNA, BEN)}
        return self

    def permit(self, at: datetime, contact: UUID = ANNA, **changes: Any) -> UUID:
        known, call_id = self.contacts[contact], uuid4()
        values = {
            "previous": known["status"],
            "previous_attempt": known["attempt"],
            "status": IN_PROGRESS,
            "attempt": known["attempt"] + 1,
            "call_id": call_id,
            "settings_version": 1,
            "checks": CLEAR,
        } | changes
        self.facts.append(ContactStatusChanged(at=at, campaign_id=CAMPAIGN, contact_id=contact, **values))
        known |= {"status": IN_PROGRESS, "attempt": values["attempt"], "due_at": None}
        return call_id

    def end(
        self,
        call_id: UUID,
        at: datetime,
        contact: UUID = ANNA,
        *,
        status: ContactStatus = NO_ANSWER,
        due_at: datetime | None = None,
        **changes: Any,
    ) -> None:
        known = self.contacts[contact]
        values = {
            "placed": True,
            "day": at.date(),
            "outcome": Outcome.NO_ANSWER,
            "started_at": at - minutes(1),
        } | changes
        self.facts.append(
            ContactStatusChanged(
                at=at,
                campaign_id=CAMPAIGN,
                contact_id=contact,
                previous=IN_PROGRESS,
                previous_attempt=known["attempt"],
                status=status,
                attempt=known["attempt"],
                call_id=call_id,
                due_at=due_at,
                **values,
            )
        )
        known |= {"status": status, "due_at": due_at}

    def record(self, call_id: UUID, at: datetime, contact: UUID = ANNA, **changes: Any) -> None:
        values: dict[str, Any] = {
            "started_at": at,
            "ended_at": at + minutes(1),
            "not_after": at + timedelta(seconds=2),
            "rang": True,
            "outcome": "no_answer",
            "number_hash": HASH.get(contact),
        }
        self.kept.append(
            Kept(call_id=call_id, workspace=WORKSPACE, campaign_id=CAMPAIGN, contact_id=contact, **(values | changes))
        )

    def call(self, at: datetime, contact: UUID = ANNA, *, due_at: datetime | None = None, **changes: Any) -> UUID:
        """A whole call of a minute; `changes` bend its permit."""
        call_id = self.permit(at, contact, **changes)
        self.record(call_id, at, contact)
        self.end(call_id, at + minutes(1), contact, due_at=due_at)
        return call_id

    def say(self, *facts: Fact) -> None:
        self.facts += facts

    def found(self) -> set[str]:
        record = Record()
        for position, fact in enumerate(self.facts, start=1):
            record.take(position, fact)
        return {one.code for one in findings_of(record, History(self.kept), campaign=CAMPAIGN)}


def two_calls() -> Story:
    story = Story().begin()
    story.call(MONDAY, due_at=MONDAY + minutes(30))
    story.call(MONDAY + minutes(30))
    story.call(MONDAY + minutes(40), BEN)
    return story


def test_a_log_that_keeps_the_rules_has_no_finding() -> None:
    assert two_calls().found() == set()


def _paused(story: Story) -> None:
    story.say(CampaignPaused(at=MONDAY, campaign_id=CAMPAIGN))
    story.call(MONDAY + minutes(1))


def _deleted(story: Story) -> None:
    story.say(CampaignDeleted(at=MONDAY, campaign_id=CAMPAIGN, previous="paused"))
    story.call(MONDAY + minutes(1))


def _old_settings(story: Story) -> None:
    base = {"at": MONDAY, "campaign_id": CAMPAIGN}
    story.say(
        CampaignPaused(**base),
        CampaignEdited(settings=wanted(description="new"), settings_version=2, changed=("description",), **base),
        CampaignResumed(settings_version=2, **base),
    )
    story.call(MONDAY + minutes(1))


def _workspace_paused(story: Story) -> None:
    story.say(WorkspacePaused(at=MONDAY, workspace=WORKSPACE))
    story.call(MONDAY + minutes(1))


def _out_of_hours(story: Story) -> None:
    story.call(MONDAY + timedelta(hours=12))


def _asked_not_to_be_called(story: Story) -> None:
    call_id = story.permit(MONDAY)
    story.record(call_id, MONDAY)
    story.end(call_id, MONDAY + minutes(1), status=ContactStatus.DO_NOT_CALL, outcome=Outcome.HUMAN)
    story.call(MONDAY + minutes(5))


def _number_suppressed(story: Story) -> None:
    story.say(_entry())
    story.call(MONDAY + minutes(1))


def _finished(story: Story) -> None:
    call_id = story.permit(MONDAY)
    story.record(call_id, MONDAY)
    story.end(call_id, MONDAY + minutes(1), status=COMPLETED, outcome=Outcome.HUMAN, answered=True)
    story.call(MONDAY + minutes(5))


def _in_progress(story: Story) -> None:
    story.permit(MONDAY)
    story.permit(MONDAY + minutes(1))


def _not_callable(story: Story) -> None:
    story.say(
        ContactCallabilityChanged(
            at=MONDAY, campaign_id=CAMPAIGN, contact_id=ANNA, callable=False, reason="no_time_zone", settings_version=1
        )
    )
    story.call(MONDAY + minutes(1))


def _too_early(story: Story) -> None:
    story.call(MONDAY, due_at=MONDAY + minutes(30))
    story.call(MONDAY + minutes(29))


def _too_often(story: Story) -> None:
    for number in range(4):
        story.call(MONDAY + minutes(10 * number), due_at=MONDAY + minutes(10 * number + 5))


def _attempt_skipped(story: Story) -> None:
    story.call(MONDAY, attempt=2)


def _over_cap(story: Story) -> None:
    caps = (FrequencyCap(calls=1, window_seconds=3600),)
    story.say(
        WorkspaceSettingsChanged(
            at=MONDAY, workspace=WORKSPACE, settings_version=1, caps=caps, retention_days=30, changed=("caps",)
        )
    )
    story.call(MONDAY, due_at=MONDAY + minutes(5))
    story.call(MONDAY + minutes(30))


def _number_twice_at_once(story: Story) -> None:
    first, second = story.permit(MONDAY), story.permit(MONDAY, BEN)
    story.record(first, MONDAY)
    story.record(second, MONDAY + timedelta(seconds=30), BEN, number_hash=HASH[ANNA])


def _permit_over(story: Story) -> None:
    call_id = story.permit(MONDAY)
    story.record(call_id, MONDAY + timedelta(seconds=5), not_after=MONDAY + timedelta(seconds=2))


def _three_at_once(story: Story) -> None:
    for number in range(3):
        contact = (ANNA, BEN, UUID(int=9))[number]
        if contact not in story.contacts:
            story.contacts[contact] = {"status": PENDING, "attempt": 0, "due_at": None}
            story.say(
                ContactsAdded(
                    at=MONDAY,
                    campaign_id=CAMPAIGN,
                    contact_ids=(contact,),
                    zone_lists=(("Europe/Berlin",),),
                    zone_index=(0,),
                    pending_count=1,
                )
            )
        call_id = story.permit(MONDAY, contact)
        story.record(call_id, MONDAY + timedelta(seconds=number), contact, number_hash=f"{number:064d}")


def _no_checks(story: Story) -> None:
    story.call(MONDAY, checks=None)


def _other_preset(story: Story) -> None:
    story.call(MONDAY, checks=PermitChecks(preset="uk", preset_version=1))


def _nobody_permitted(story: Story) -> None:
    story.record(uuid4(), MONDAY)


def _not_in_the_history(story: Story) -> None:
    call_id = story.permit(MONDAY)
    story.end(call_id, MONDAY + minutes(1))


def _of_another_contact(story: Story) -> None:
    story.record(story.permit(MONDAY), MONDAY, BEN)


def _wrong_before(story: Story) -> None:
    story.call(MONDAY, previous=NO_ANSWER)


def _wrong_count(story: Story) -> None:
    story.call(MONDAY, previous_attempt=5)


def _entry(**changes: Any) -> NumberSuppressed:
    values = {"number_hash": HASH[ANNA], "source": "api", "suppression_id": UUID(int=77)} | changes
    return NumberSuppressed(at=MONDAY, workspace=WORKSPACE, **values)


BROKEN: dict[str, tuple[Callable[[Story], None], str]] = {
    "a call of a paused campaign": (_paused, "not_running"),
    "a call of a deleted campaign": (_deleted, "contradicts_log"),
    "a call under old settings": (_old_settings, "not_running"),
    "a call while the workspace is paused": (_workspace_paused, "workspace_paused"),
    "a call out of hours": (_out_of_hours, "outside_hours"),
    "a call after they asked not to be called": (_asked_not_to_be_called, "called_after_opt_out"),
    "a call to a suppressed number": (_number_suppressed, "called_after_opt_out"),
    "a call to a finished contact": (_finished, "not_waiting"),
    "a second call to a contact": (_in_progress, "not_waiting"),
    "a call to who can't be called": (_not_callable, "not_waiting"),
    "a call before its time": (_too_early, "not_due"),
    "a fourth attempt of three": (_too_often, "over_attempts"),
    "an attempt that was skipped": (_attempt_skipped, "attempt_miscounted"),
    "a call over a cap": (_over_cap, "over_cap"),
    "two live calls to a number": (_number_twice_at_once, "two_live_calls"),
    "a call after its permit": (_permit_over, "after_permit_end"),
    "a third call of two at once": (_three_at_once, "over_simultaneous"),
    "a permit without its checks": (_no_checks, "no_checks"),
    "a permit under another preset": (_other_preset, "preset_not_kept"),
    "a call without a permit": (_nobody_permitted, "no_permit"),
    "a call that is not in the history": (_not_in_the_history, "no_call_record"),
    "a call to another contact than permitted": (_of_another_contact, "no_permit"),
    "a status that does not follow": (_wrong_before, "contradicts_log"),
    "an attempt that does not follow": (_wrong_count, "contradicts_log"),
}


@pytest.mark.parametrize(("break_it", "code"), BROKEN.values(), ids=BROKEN)
def test_a_broken_rule_is_found(break_it: Callable[[Story], None], code: str) -> None:
    story = Story().begin()
    break_it(story)
    assert code in story.found()


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (wanted(requires_consent=True), "no_consent"),
        (wanted(limits={"calls_per_day": 1}), "over_daily_limit"),
        (wanted(preset="france", preset_version=1), "preset_not_kept"),
        (wanted(frequency_caps=(FrequencyCap(calls=1, window_seconds=86_400),)), "over_cap"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_rule_of_the_settings_that_is_broken_is_found(settings: CampaignSettings, code: str) -> None:
    story = Story().begin(settings)
    story.call(MONDAY, due_at=MONDAY + minutes(5))
    story.call(MONDAY + minutes(20))
    assert code in story.found()


def test_what_only_looks_like_a_broken_rule_is_none() -> None:
    story = Story().begin(wanted(frequency_caps=(FrequencyCap(calls=1, window_seconds=3600),)))
    story.say(_entry(expires_at=MONDAY - timedelta(hours=7)))  # expired
    story.say(_entry(suppression_id=UUID(int=78), scope=UUID(int=999)))  # of another campaign
    story.say(
        _entry(suppression_id=UUID(int=79)),
        SuppressionLifted(at=MONDAY, workspace=WORKSPACE, number_hash=HASH[ANNA], suppression_id=UUID(int=79)),
    )
    story.say(WorkspacePaused(at=MONDAY, workspace=WORKSPACE), WorkspaceResumed(at=MONDAY, workspace=WORKSPACE))
    not_placed = story.permit(MONDAY - timedelta(hours=6))  # permitted, and then nobody was rung: no hours, no cap
    story.end(not_placed, MONDAY, placed=False, outcome=Outcome.NOT_PLACED, status=PENDING, started_at=None, day=None)
    story.facts[-1] = story.facts[-1].model_copy(update={"attempt": 0})
    story.contacts[ANNA] |= {"attempt": 0}
    story.record(not_placed, MONDAY, started_at=None, ended_at=None, outcome="not_placed", rang=False)
    story.record(uuid4(), MONDAY, kind="test")
    story.record(uuid4(), MONDAY - minutes(5), kind="inbound")
    story.call(MONDAY)
    assert story.found() == set()


def test_a_callback_may_go_over_the_attempts_once() -> None:
    story = Story().begin(wanted(limits={"max_attempts": 1}))
    first = story.permit(MONDAY)
    story.record(first, MONDAY)
    due_at = MONDAY + minutes(30)
    story.end(first, MONDAY + minutes(1), status=ContactStatus.RESCHEDULED, due_at=due_at, outcome=Outcome.HUMAN)
    story.call(due_at)
    assert story.found() == set()


def test_a_call_has_its_evidence() -> None:
    story = Story().begin(wanted(frequency_caps=(FrequencyCap(calls=3, window_seconds=86_400),)))
    call_id = story.call(MONDAY)
    record = Record()
    for position, fact in enumerate(story.facts, start=1):
        record.take(position, fact)
    evidence = evidence_of(record.calls[call_id], History(story.kept))
    assert evidence.hours == "Europe/Berlin Mon 09:00-18:00"
    assert evidence.caps == "1 of 3 in 86400 s"
    assert evidence.began_at == MONDAY
    assert evidence.call.checks == CLEAR


# --- the log's integrity --------------------------------------------------------------------------------------------

STREAM = UUID(int=5)
ROWS = [StoredFact(position, STREAM, position, "CampaignPaused", b'{"data":%d}' % position) for position in range(1, 8)]


def sealed(rows: list[StoredFact]) -> list[Seal]:
    seals, before, previous = [], 0, NOTHING
    for end in (3, 6):
        previous = digest(previous, [row for row in rows if before < row.position <= end])
        seals.append(Seal(before, end, end, previous))
        before = end
    return seals


def chain_of(rows: list[StoredFact], seals: list[Seal]) -> Chain:
    chain = Chain(seals)
    for row in rows:
        chain.take(row)
    chain.end()
    return chain


def test_a_sealed_log_is_what_was_sealed() -> None:
    assert chain_of(ROWS, sealed(ROWS)).findings == []


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [replace(row, state=b'{"data":9}') if row.position == 2 else row for row in rows],
        lambda rows: [replace(row, name="CampaignResumed") if row.position == 2 else row for row in rows],
        lambda rows: [row for row in rows if row.position != 2],
        lambda rows: [rows[0], StoredFact(2, UUID(int=6), 1, "CampaignPaused", b""), *rows[2:]],
    ],
    ids=["bytes", "name", "removed", "replaced"],
)
def test_a_changed_fact_breaks_the_seal_of_its_chunk_alone(change: Callable[[Any], Any]) -> None:
    findings = chain_of(change(ROWS), sealed(ROWS)).findings
    assert [one.position for one in findings if one.code == "seal_broken"] == [3]


def test_a_removed_fact_leaves_a_gap_in_its_stream_sealed_or_not() -> None:
    assert {one.code for one in chain_of([*ROWS[:4], *ROWS[5:]], []).findings} == {"stream_gap"}


def test_a_chain_made_anew_contradicts_the_published_anchor() -> None:
    forged = [replace(row, state=b"forged") if row.position == 5 else row for row in ROWS]
    anchors = [(7, {"up_to": 6, "digest": sealed(ROWS)[1].digest.hex()})]
    assert list(contradictions(anchors, chain_of(ROWS, sealed(ROWS)))) == []
    chain = chain_of(forged, sealed(forged))
    assert chain.findings == []
    assert [one.code for one in contradictions(anchors, chain)] == ["anchor_contradicted"]


def test_table_and_topic_are_compared_fact_by_fact() -> None:
    stored = {1: b"a", 2: b"b", 3: b"c", 4: b"old"}
    published = {1: b"a", 2: b"x", 4: b"new", 5: b"e"}
    found = differences(stored, published, same=lambda position: position == 4)
    assert [(one.code, one.position) for one in found] == [("altered", 2), ("not_published", 3), ("not_stored", 5)]


def test_a_partition_with_a_gap_or_another_second_publication_is_found() -> None:
    published = Published()
    for position, prior, text in ((1, 0, b"a"), (3, 1, b"c"), (1, 0, b"a"), (7, 5, b"e"), (3, 1, b"other")):
        published.take(("campaign-events", 0), position=position, prior=prior, name="X", canonical=text)
    assert [one.code for one in published.findings] == ["topic_gap", "altered"]
    assert published.facts[3] == summary_of("X", b"c")
