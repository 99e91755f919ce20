"""Progress over time, and what holds for every valid history of contacts."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from operator import add
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_projector import answers, campaign_analytics, campaign_list, oracle
from analytics_projector.figures import ENDS, NOTHING, CallFigures
from campaign_events.envelope import Event, wrap
from campaign_events.facts import (
    CampaignCreated,
    CampaignDeleted,
    CampaignEdited,
    CampaignFact,
    CampaignStarted,
    ContactCorrected,
    ContactsAdded,
    ContactsRemoved,
    ContactStatusChanged,
    Verdict,
)
from campaign_events.settings import CampaignSettings, ContactStatus, Limits, Outcome

LOG, WORKSPACE, CAMPAIGN = UUID(int=1), UUID(int=2), UUID(int=3)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
FACT: dict[str, Any] = {"at": NOON, "campaign_id": CAMPAIGN}
PENDING, IN_PROGRESS = ContactStatus.PENDING, ContactStatus.IN_PROGRESS
DO_NOT_CALL, RESCHEDULED = ContactStatus.DO_NOT_CALL, ContactStatus.RESCHEDULED
RETRIED = (ContactStatus.NO_ANSWER, ContactStatus.VOICEMAIL)
BY_A_PERSON = (ContactStatus.COMPLETED, ContactStatus.FAILED, DO_NOT_CALL, RESCHEDULED)


@dataclass
class Person:
    """A contact of the model: what the writer knows of it."""

    id: UUID
    status: ContactStatus = PENDING
    attempt: int = 0
    due_at: datetime | None = None
    reached: bool = False
    before: tuple[ContactStatus, datetime | None] = (PENDING, None)
    last_call: tuple[Verdict, date] | None = None

    def is_open(self, max_attempts: int) -> bool:
        if self.status in RETRIED:
            return self.due_at is not None and self.attempt < max_attempts
        return self.status in (PENDING, IN_PROGRESS, RESCHEDULED)


@dataclass
class Story:
    """A campaign told by its writer: each deed appends valid facts and keeps the model."""

    events: list[Event[Any]] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    max_attempts: int = 3
    placed: Counter[date] = field(default_factory=Counter)
    names: int = 0

    def tell(self, fact: CampaignFact) -> None:
        position = len(self.events) + 1
        self.events.append(
            wrap(
                fact,
                log=LOG,
                position=position,
                prior=position - 1,
                stream_version=1,
                workspace=WORKSPACE,
                correlation_id=None,
                causation_id=None,
            )
        )

    def create(self) -> None:
        self.tell(CampaignCreated(**FACT, workspace=WORKSPACE, settings=self.settings()))
        self.tell(CampaignStarted(**FACT, settings_version=1))

    def settings(self) -> CampaignSettings:
        return CampaignSettings(name="Spring", limits=Limits(max_attempts=self.max_attempts))

    def add(self, count: int, do_not_call: int) -> None:
        new = [Person(uuid5(LOG, str(self.names + n))) for n in range(count)]
        self.names += count
        for person in new[:do_not_call]:
            person.status = DO_NOT_CALL
        self.people += new
        suppressed = tuple(p.id for p in new if p.status is DO_NOT_CALL)
        self.tell(
            ContactsAdded(
                **FACT,
                contact_ids=tuple(p.id for p in new),
                zone_lists=(("UTC",),),
                zone_index=(0,) * count,
                do_not_call=suppressed,
                pending_count=count - len(suppressed),
                do_not_call_count=len(suppressed),
            )
        )

    def change(
        self, person: Person, status: ContactStatus, *, attempt: int, due_at: datetime | None, **more: Any
    ) -> None:
        self.tell(
            ContactStatusChanged(
                **FACT,
                contact_id=person.id,
                previous=person.status,
                previous_attempt=person.attempt,
                previous_due_at=person.due_at,
                status=status,
                attempt=attempt,
                due_at=due_at,
                **more,
            )
        )
        person.status, person.attempt, person.due_at = status, attempt, due_at

    def permit(self, person: Person) -> None:
        if person.status is not IN_PROGRESS and person.is_open(self.max_attempts):
            person.before = (person.status, person.due_at)
            self.change(person, IN_PROGRESS, attempt=person.attempt + 1, due_at=None)

    def not_placed(self, person: Person) -> None:
        if person.status is IN_PROGRESS:
            status, due_at = person.before
            self.change(person, status, attempt=person.attempt - 1, due_at=due_at)

    def end(
        self,
        person: Person,
        status: ContactStatus,
        *,
        again: bool,
        day: date,
        seconds: float | None,
        outcome: Outcome | None = None,
    ) -> None:
        if person.status is not IN_PROGRESS:
            return
        answered = status in BY_A_PERSON
        due_at = NOON + timedelta(hours=1) if again and status in (*RETRIED, RESCHEDULED) else None
        seconds = seconds if answered else None
        first, person.reached = answered and not person.reached, person.reached or answered
        self.change(
            person,
            status,
            attempt=person.attempt,
            due_at=due_at,
            placed=True,
            answered=answered,
            first_reached=first,
            duration_seconds=seconds,
            day=day,
            outcome=outcome,
        )
        person.last_call = (
            Verdict(
                status=status,
                answered=answered,
                reached=person.reached,
                duration_seconds=seconds,
                abandoned=outcome is Outcome.ABANDONED,
            ),
            day,
        )
        self.placed[day] += 1

    def correct(self, person: Person, status: ContactStatus, *, again: bool, seconds: float | None) -> None:
        if person.last_call is None or person.status is IN_PROGRESS or person.status is DO_NOT_CALL:
            return
        old, day = person.last_call
        answered = status in BY_A_PERSON
        due_at = NOON + timedelta(hours=1) if again and status in (*RETRIED, RESCHEDULED) else None
        new = Verdict(
            status=status,
            answered=answered,
            reached=person.reached or answered,
            duration_seconds=seconds if answered else None,
        )
        self.tell(
            ContactCorrected(
                **FACT,
                contact_id=person.id,
                call_id=person.id,
                old=old,
                new=new,
                day=day,
                attempt=person.attempt,
                previous_due_at=person.due_at,
                due_at=due_at,
            )
        )
        person.status, person.due_at, person.reached, person.last_call = status, due_at, new.reached, (new, day)

    def opt_out(self, person: Person) -> None:
        if person.status in (PENDING, RESCHEDULED, *RETRIED):
            person.last_call = None
            self.change(person, DO_NOT_CALL, attempt=person.attempt, due_at=None)

    def remove(self, person: Person) -> None:
        if person.status is IN_PROGRESS:
            return
        self.people.remove(person)
        retries = {person.attempt: 1} if person.status in RETRIED and person.due_at else {}
        self.tell(
            ContactsRemoved(
                **FACT,
                contact_ids=(person.id,),
                counts={person.status: 1},
                reached=int(person.reached),
                retries=retries,
            )
        )

    def edit(self, max_attempts: int) -> None:
        self.max_attempts = max_attempts
        self.tell(CampaignEdited(**FACT, settings=self.settings(), settings_version=2, changed=("limits",)))


DEEDS = st.tuples(
    st.sampled_from(
        ["add", "permit", "permit", "end", "end", "end", "correct", "not_placed", "opt_out", "remove", "edit"]
    ),
    st.integers(0, 50),
    st.sampled_from(ENDS),
    st.booleans(),
    st.sampled_from([MONDAY, TUESDAY]),
    st.one_of(st.none(), st.floats(0, 3600)),
)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    story = Story()
    story.create()
    story.add(draw(st.integers(1, 6)), 0)
    for deed, number, status, again, day, seconds in draw(st.lists(DEEDS, max_size=60)):
        if deed == "add":
            story.add(number % 4 + 1, number % 2)
        elif deed == "edit":
            story.edit(number % 4 + 1)
        elif story.people:
            person = story.people[number % len(story.people)]
            match deed:
                case "permit":
                    story.permit(person)
                case "not_placed":
                    story.not_placed(person)
                case "end":
                    story.permit(person)
                    left_alone = status is ContactStatus.FAILED and number % 2
                    outcome = Outcome.ABANDONED if left_alone else None
                    story.end(person, status, again=again, day=day, seconds=seconds, outcome=outcome)
                case "correct":
                    story.correct(person, status, again=again, seconds=seconds)
                case "opt_out":
                    story.opt_out(person)
                case "remove":
                    story.remove(person)
    return story


def folded(events: list[Event[Any]]) -> oracle.View:
    return oracle.views(events)[CAMPAIGN]


@given(stories())
@settings(deadline=None)
def test_the_eight_statuses_sum_to_the_total_at_every_position(story: Story) -> None:
    row = None
    for event in story.events:
        row = campaign_list.evolve(row, event)
        assert row is not None
        assert sum(row.contacts.of(status) for status in ContactStatus) == row.contacts.total
        assert min(row.contacts.of(status) for status in ContactStatus) >= 0


@given(stories())
@settings(deadline=None)
def test_the_row_counts_the_contacts_as_the_writer_knows_them(story: Story) -> None:
    row = folded(story.events).row
    counted = Counter(person.status for person in story.people)
    assert {status: row.contacts.of(status) for status in ContactStatus} == {s: counted[s] for s in ContactStatus}
    assert row.reached == sum(person.reached for person in story.people)
    waiting = Counter(p.attempt for p in story.people if p.status in RETRIED and p.due_at is not None)
    assert row.retries == dict(waiting)
    closed = sum(not person.is_open(story.max_attempts) for person in story.people)
    assert campaign_list.worked(row) == (closed / len(story.people) if story.people else None)


@given(stories())
@settings(deadline=None)
def test_the_days_sum_to_the_campaign_and_the_verdicts_to_the_calls_placed(story: Story) -> None:
    view = folded(story.events)
    assert reduce(add, view.days.values(), NOTHING) == view.row.calls
    for day, calls in view.days.items():
        assert calls.placed == story.placed[day]
        assert sum(getattr(calls, status.value) for status in ENDS) == calls.placed
        assert 0 <= calls.answered <= calls.placed
        assert calls.talk_calls <= calls.answered


@given(stories())
@settings(deadline=None)
def test_a_repeated_log_changes_nothing(story: Story) -> None:
    assert oracle.views([*story.events, *story.events]) == oracle.views(story.events)


def test_each_day_shows_its_calls_and_how_many_were_reached_so_far() -> None:
    story = Story()
    story.create()
    story.add(3, 0)
    anna, ben, carl = story.people
    for person in (anna, ben, carl):
        story.permit(person)
    story.end(anna, ContactStatus.COMPLETED, again=False, day=MONDAY, seconds=90)
    story.end(ben, ContactStatus.NO_ANSWER, again=True, day=MONDAY, seconds=None)
    story.end(carl, RESCHEDULED, again=True, day=MONDAY, seconds=30)
    story.permit(ben)
    story.end(ben, ContactStatus.FAILED, again=False, day=TUESDAY, seconds=None)
    story.permit(carl)
    story.end(carl, ContactStatus.VOICEMAIL, again=False, day=TUESDAY, seconds=None)

    answer = folded(story.events).analytics()

    shown = (
        "day",
        "placed",
        "answered",
        "completed",
        "failed",
        "no_answer",
        "voicemail",
        "reached",
        "cumulative_reached",
    )
    assert [tuple(day[name] for name in shown) for day in answer["days"]] == [
        ("2026-03-02", 3, 2, 1, 0, 1, 0, 2, 2),
        ("2026-03-03", 2, 1, 0, 1, 0, 1, 1, 3),
    ]
    figures = answer["figures"]
    assert (figures["placed"], figures["answered"], figures["completed"], figures["reached"]) == (5, 3, 1, 3)
    assert (figures["success_rate"], figures["answer_rate"], figures["conversion"]) == (1 / 5, 3 / 5, 1 / 3)
    assert figures["average_call_duration_seconds"] == 60, "only calls with a final duration"
    assert (figures["progress"], figures["worked"]) == (1.0, 1.0)


def test_an_average_is_taken_over_calls_with_a_final_duration() -> None:
    story = Story()
    story.create()
    story.add(3, 0)
    anna, ben, carl = story.people
    for person in (anna, ben, carl):
        story.permit(person)
    assert folded(story.events).analytics()["figures"]["average_call_duration_seconds"] is None
    story.end(anna, ContactStatus.COMPLETED, again=False, day=MONDAY, seconds=90)
    story.end(ben, ContactStatus.COMPLETED, again=False, day=MONDAY, seconds=None)
    assert folded(story.events).analytics()["figures"]["average_call_duration_seconds"] == 90
    story.end(carl, ContactStatus.COMPLETED, again=False, day=TUESDAY, seconds=30)
    assert folded(story.events).analytics()["figures"]["average_call_duration_seconds"] == 60


def test_a_correction_moves_the_figures_of_the_day_the_call_started() -> None:
    story = Story()
    story.create()
    story.add(1, 0)
    (anna,) = story.people
    story.permit(anna)
    story.end(anna, ContactStatus.COMPLETED, again=False, day=MONDAY, seconds=12.345)
    anna.reached = False  # nobody answered after all
    story.correct(anna, ContactStatus.VOICEMAIL, again=False, seconds=None)
    assert folded(story.events).days == {MONDAY: CallFigures(placed=1, voicemail=1)}


def abandoned_story(days: dict[date, tuple[int, int]]) -> Story:
    """Per day: calls answered by a person, and how many of them nobody on our side attended."""
    story = Story()
    story.create()
    for day, (answered, abandoned) in days.items():
        before = len(story.people)
        story.add(answered, 0)
        for n, person in enumerate(story.people[before:]):
            story.permit(person)
            left_alone = n < abandoned
            status = ContactStatus.FAILED if left_alone else ContactStatus.COMPLETED
            outcome = Outcome.ABANDONED if left_alone else Outcome.HUMAN
            story.end(person, status, again=False, day=day, seconds=5, outcome=outcome)
    return story


def test_the_abandoned_rate_is_that_of_the_last_thirty_days() -> None:
    first, before = MONDAY - timedelta(days=29), MONDAY - timedelta(days=30)
    view = folded(abandoned_story({before: (5, 5), first: (10, 1), MONDAY: (10, 0), TUESDAY: (3, 3)}).events)
    assert view.settings is not None
    answer = answers.analytics_of(view.row, view.settings, view.days, today=MONDAY)
    assert answer.abandoned_30_days == answers.Abandoned(
        since=first, until=MONDAY, answered=20, abandoned=1, rate=0.05, ceiling=None, above_ceiling=False
    )
    assert answer.figures.abandoned == 9
    assert [day.abandoned for day in answer.days] == [5, 1, 0, 3]
    detail = answers.detail_of(view.row, view.settings, view.days, today=MONDAY)
    assert detail.abandoned_30_days == answer.abandoned_30_days


@pytest.mark.parametrize(
    ("preset", "ceiling", "above"),
    [
        ("us-strict", 0.03, True),
        ("canada", 0.05, False),
        ("uk", 0.0, True),
        ("australia", None, False),
        (None, None, False),
    ],
)
def test_the_ceiling_of_the_preset_stands_beside_the_abandoned_rate(
    preset: str | None, ceiling: float | None, above: bool
) -> None:
    view = folded(abandoned_story({MONDAY: (20, 1)}).events)
    config = CampaignSettings(name="Spring", preset=preset)
    shown = answers.analytics_of(view.row, config, view.days, today=MONDAY).abandoned_30_days
    assert (shown.rate, shown.ceiling, shown.above_ceiling) == (0.05, ceiling, above)


def test_without_an_answered_call_there_is_no_abandoned_rate_and_nothing_is_above_it() -> None:
    view = folded(abandoned_story({}).events)
    uk = CampaignSettings(name="Spring", preset="uk")
    shown = answers.analytics_of(view.row, uk, view.days, today=MONDAY).abandoned_30_days
    assert (shown.answered, shown.rate, shown.above_ceiling) == (0, None, False)


def test_the_thirty_days_are_those_of_the_campaigns_zone() -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    assert answers.today_of("Europe/Berlin", late) == TUESDAY
    assert answers.today_of("America/New_York", late) == MONDAY
    assert answers.today_of("Europe/Atlantis", late) == MONDAY, "a stored name that is no zone counts as UTC"


def test_a_correction_takes_an_abandoned_call_back_on_its_day() -> None:
    story = abandoned_story({MONDAY: (1, 1)})
    (anna,) = story.people
    anna.reached = False
    story.correct(anna, ContactStatus.VOICEMAIL, again=False, seconds=None)
    assert folded(story.events).days == {MONDAY: CallFigures(placed=1, voicemail=1)}


def test_a_deleted_campaign_has_no_days() -> None:
    story = Story()
    story.create()
    story.add(1, 0)
    story.permit(story.people[0])
    story.end(story.people[0], ContactStatus.COMPLETED, again=False, day=MONDAY, seconds=1)
    story.tell(CampaignDeleted(**FACT, previous="paused"))
    assert folded(story.events).days == {}


def test_a_batch_needs_only_the_days_it_touches() -> None:
    story = Story()
    story.create()
    story.add(2, 0)
    for day in (MONDAY, TUESDAY):
        story.permit(story.people[0])
        story.end(story.people[0], ContactStatus.NO_ANSWER, again=True, day=day, seconds=None)
    last = story.events[-1]
    assert campaign_analytics.day_of(last) == TUESDAY
    assert campaign_analytics.evolve(None, last) == {TUESDAY: folded(story.events).days[TUESDAY]}


def test_the_formulas_stand_in_the_api_documentation() -> None:
    described = answers.Figures.model_json_schema()["properties"]
    assert all(
        "/" in described[name]["description"] for name in ("success_rate", "answer_rate", "conversion", "progress")
    )
    assert all(described[name].get("description") for name in described)
