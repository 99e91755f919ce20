"""The queue is a fold of the facts: each fact is row operations, and how facts are batched changes nothing."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from campaign_events.facts import (
    CampaignCancelled,
    CampaignCompleted,
    CampaignCreated,
    CampaignDeleted,
    CampaignEdited,
    CampaignPaused,
    CampaignResumed,
    CampaignStarted,
    ContactCallabilityChanged,
    ContactCorrected,
    ContactsAdded,
    ContactsRemoved,
    ContactStatusChanged,
    ContactTimeZonesChanged,
    Fact,
    NumberSuppressed,
    Verdict,
)
from campaign_events.settings import CampaignSettings, CampaignStatus, ContactStatus
from dialer.queue import (
    AddContacts,
    DropCampaign,
    Operation,
    PutCampaign,
    RemoveContacts,
    SetCallable,
    SetCampaignStatus,
    SetSettings,
    SetStates,
    SetZones,
    operations,
    zones_key,
)

NOW = datetime(2030, 1, 7, 12, tzinfo=UTC)
SPACE = UUID("00000000-0000-4000-8000-000000000001")
CAMPAIGN, OTHER = uuid5(SPACE, "campaign"), uuid5(SPACE, "other")
CONTACTS = tuple(uuid5(SPACE, f"contact {n}") for n in range(4))
SETTINGS = CampaignSettings(name="Reminders")


@dataclass(frozen=True)
class Row:
    """A row of the queue."""

    zones: tuple[str, ...]
    status: ContactStatus
    added_at: datetime
    attempt: int = 0
    due_at: datetime | None = None
    callable: bool = True
    call_id: UUID | None = None


@dataclass
class Tables:
    """The tables the operations are for, in memory."""

    campaigns: dict[UUID, tuple[CampaignStatus, str, int]]
    queue: dict[tuple[UUID, UUID], Row]

    def carry_out(self, operation: Operation) -> None:
        match operation:
            case PutCampaign(campaign_id, _, settings, version):
                self.campaigns[campaign_id] = (CampaignStatus.DRAFT, settings.name, version)
            case SetSettings(campaign_id, settings, version):
                self.campaigns[campaign_id] = (self.campaigns[campaign_id][0], settings.name, version)
            case SetCampaignStatus(campaign_id, status):
                self.campaigns[campaign_id] = (status, *self.campaigns[campaign_id][1:])
            case DropCampaign(campaign_id):
                del self.campaigns[campaign_id]
                self.queue = {key: row for key, row in self.queue.items() if key[0] != campaign_id}
            case AddContacts(contacts):
                for new in contacts:
                    self.queue[new.campaign_id, new.contact_id] = Row(new.zones, new.status, new.added_at)
            case RemoveContacts(campaign_id, contact_ids):
                for contact_id in contact_ids:
                    del self.queue[campaign_id, contact_id]
            case SetZones(campaign_id, contact_id, zones):
                self._change(campaign_id, contact_id, zones=zones)
            case SetCallable(campaign_id, contact_id, is_callable):
                self._change(campaign_id, contact_id, callable=is_callable)
            case SetStates(states):
                for one in states:
                    key = (one.campaign_id, one.contact_id)
                    attempt = self.queue[key].attempt if one.attempt is None else one.attempt
                    self._change(*key, status=one.status, attempt=attempt, due_at=one.due_at, call_id=one.call_id)

    def _change(self, campaign_id: UUID, contact_id: UUID, **fields: object) -> None:
        self.queue[campaign_id, contact_id] = replace(self.queue[campaign_id, contact_id], **fields)  # type: ignore[arg-type]


def fold(facts: list[Fact], *, batch: int = 1000) -> Tables:
    tables = Tables({}, {})
    for start in range(0, len(facts), batch):
        for operation in operations(facts[start : start + batch]):
            tables.carry_out(operation)
    return tables


def created(campaign: UUID = CAMPAIGN) -> Fact:
    return CampaignCreated(at=NOW, campaign_id=campaign, workspace=SPACE, settings=SETTINGS)


def added(campaign: UUID = CAMPAIGN) -> Fact:
    return ContactsAdded(
        at=NOW,
        campaign_id=campaign,
        contact_ids=CONTACTS,
        zone_lists=(("Europe/Berlin",), ("America/New_York", "America/Chicago")),
        zone_index=(0, 1, 0, 1),
        do_not_call=(CONTACTS[3],),
        pending_count=3,
        do_not_call_count=1,
    )


def status(
    contact: UUID, now: ContactStatus, *, attempt: int = 1, due_at: datetime | None = None, campaign: UUID = CAMPAIGN
) -> Fact:
    return ContactStatusChanged(
        at=NOW,
        campaign_id=campaign,
        contact_id=contact,
        previous=ContactStatus.PENDING,
        status=now,
        attempt=attempt,
        due_at=due_at,
    )


def test_a_campaign_follows_its_lifecycle() -> None:
    lifecycle: list[tuple[Fact, CampaignStatus]] = [
        (created(), CampaignStatus.DRAFT),
        (CampaignStarted(at=NOW, campaign_id=CAMPAIGN, settings_version=1), CampaignStatus.RUNNING),
        (CampaignPaused(at=NOW, campaign_id=CAMPAIGN), CampaignStatus.PAUSED),
        (CampaignResumed(at=NOW, campaign_id=CAMPAIGN, settings_version=1), CampaignStatus.RUNNING),
        (CampaignCompleted(at=NOW, campaign_id=CAMPAIGN), CampaignStatus.COMPLETED),
        (CampaignCancelled(at=NOW, campaign_id=CAMPAIGN, previous=CampaignStatus.RUNNING), CampaignStatus.CANCELLED),
    ]
    facts: list[Fact] = []
    for fact, expected in lifecycle:
        facts.append(fact)
        assert fold(facts).campaigns[CAMPAIGN][0] is expected


def test_an_edit_brings_its_settings_and_their_version() -> None:
    edited = SETTINGS.model_copy(update={"name": "Surveys"})
    edit = CampaignEdited(at=NOW, campaign_id=CAMPAIGN, settings=edited, settings_version=2, changed=("name",))
    assert fold([created(), edit]).campaigns[CAMPAIGN] == (CampaignStatus.DRAFT, "Surveys", 2)


def test_added_contacts_wait_in_the_order_of_their_list() -> None:
    queue = fold([created(), added()]).queue
    rows = [queue[CAMPAIGN, contact] for contact in CONTACTS]
    assert [row.status for row in rows] == [ContactStatus.PENDING] * 3 + [ContactStatus.DO_NOT_CALL]
    assert [row.zones for row in rows] == [("Europe/Berlin",), ("America/New_York", "America/Chicago")] * 2
    assert [row.added_at - NOW for row in rows] == [timedelta(microseconds=n) for n in range(4)]
    assert {row.attempt for row in rows} == {0}


def test_attempt_and_due_at_come_from_the_fact() -> None:
    due = NOW + timedelta(hours=2)
    queue = fold([created(), added(), status(CONTACTS[0], ContactStatus.NO_ANSWER, attempt=2, due_at=due)]).queue
    row = queue[CAMPAIGN, CONTACTS[0]]
    assert (row.status, row.attempt, row.due_at) == (ContactStatus.NO_ANSWER, 2, due)


def test_a_correction_changes_the_status_and_leaves_the_attempt() -> None:
    def verdict(of: ContactStatus) -> Verdict:
        return Verdict(status=of, answered=True, reached=True)

    corrected = ContactCorrected(
        at=NOW,
        campaign_id=CAMPAIGN,
        contact_id=CONTACTS[0],
        call_id=SPACE,
        old=verdict(ContactStatus.COMPLETED),
        new=verdict(ContactStatus.VOICEMAIL),
        day=NOW.date(),
        due_at=NOW,
    )
    facts = [created(), added(), status(CONTACTS[0], ContactStatus.COMPLETED, attempt=3), corrected]
    for batch in (1, 10):
        row = fold(facts, batch=batch).queue[CAMPAIGN, CONTACTS[0]]
        assert (row.status, row.attempt, row.due_at) == (ContactStatus.VOICEMAIL, 3, NOW)


def test_a_removed_contact_and_a_deleted_campaign_leave_nothing() -> None:
    removed = ContactsRemoved(at=NOW, campaign_id=CAMPAIGN, contact_ids=CONTACTS[:2], counts={})
    facts = [created(), added(), created(OTHER), added(OTHER), removed]
    assert set(fold(facts).queue) == {(CAMPAIGN, c) for c in CONTACTS[2:]} | {(OTHER, c) for c in CONTACTS}
    deleted = CampaignDeleted(at=NOW, campaign_id=OTHER, previous=CampaignStatus.DRAFT)
    tables = fold([*facts, deleted])
    assert set(tables.campaigns) == {CAMPAIGN}
    assert set(tables.queue) == {(CAMPAIGN, c) for c in CONTACTS[2:]}


def test_zones_and_callability_change_by_their_facts() -> None:
    zones = ContactTimeZonesChanged(at=NOW, campaign_id=CAMPAIGN, contact_id=CONTACTS[0], time_zones=("Asia/Tokyo",))
    closed = ContactCallabilityChanged(
        at=NOW, campaign_id=CAMPAIGN, contact_id=CONTACTS[0], callable=False, settings_version=1
    )
    row = fold([created(), added(), zones, closed]).queue[CAMPAIGN, CONTACTS[0]]
    assert (row.zones, row.callable) == (("Asia/Tokyo",), False)


def test_a_fact_that_says_nothing_about_calling_does_nothing() -> None:
    suppressed = NumberSuppressed(at=NOW, workspace=SPACE, suppression_id=SPACE, number_hash="h", source="api")
    assert operations([suppressed]) == []


def test_neighbouring_status_changes_are_one_operation_with_each_contact_once() -> None:
    facts = [status(contact, ContactStatus.IN_PROGRESS) for contact in CONTACTS[:3]]
    facts.append(status(CONTACTS[0], ContactStatus.COMPLETED))
    [operation] = operations(facts)
    assert isinstance(operation, SetStates)
    assert {one.contact_id: one.status for one in operation.states} == {
        CONTACTS[0]: ContactStatus.COMPLETED,
        CONTACTS[1]: ContactStatus.IN_PROGRESS,
        CONTACTS[2]: ContactStatus.IN_PROGRESS,
    }


changes = st.builds(
    status,
    st.sampled_from(CONTACTS),
    st.sampled_from(list(ContactStatus)),
    attempt=st.integers(0, 5),
    due_at=st.none() | st.integers(0, 9).map(lambda hours: NOW + timedelta(hours=hours)),
    campaign=st.sampled_from([CAMPAIGN, OTHER]),
)
closings = st.builds(
    lambda contact, is_callable: ContactCallabilityChanged(
        at=NOW, campaign_id=CAMPAIGN, contact_id=contact, callable=is_callable, settings_version=1
    ),
    st.sampled_from(CONTACTS),
    st.booleans(),
)


@given(facts=st.lists(changes | closings, max_size=30), batch=st.integers(1, 10))
def test_however_facts_are_batched_the_queue_is_the_same(facts: list[Fact], batch: int) -> None:
    log = [created(), added(), created(OTHER), added(OTHER), *facts]
    assert fold(log, batch=batch) == fold(log, batch=1)


@given(st.lists(st.text(alphabet="ABC/", max_size=5), max_size=4))
def test_the_key_of_a_list_of_zones_fits_a_bigint_and_tells_lists_apart(zones: list[str]) -> None:
    key = zones_key(zones)
    assert -(2**63) <= key < 2**63
    assert key == zones_key(tuple(zones))
    assert key != zones_key([*zones, "Europe/Berlin"])
