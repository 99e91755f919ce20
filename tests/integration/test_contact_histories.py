"""Whatever happens to campaigns, contacts and calls, in whatever order: the rows are the fold of the log, the eight
statuses sum to the total, nobody is called twice at once, and no campaign runs with nothing left to do.
"""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from campaign_command import commands
from campaign_command.campaign import Refused, evolve
from campaign_command.campaign import ends_at as ends_of
from campaign_command.contact import (
    DO_NOT_CALL,
    IN_PROGRESS,
    NO_ANSWER,
    VOICEMAIL,
    Contact,
    fold_contacts,
    is_waiting,
    may_be_tried,
)
from campaign_command.contact import evolve as evolve_contact
from campaign_command.contacts import row_of
from campaign_command.duplicates import Chosen, duplicate
from campaign_command.housekeeping import settle_overdue
from campaign_command.permits import Ask, Granted
from campaign_command.store import Transaction, now_of
from campaign_command.suppressions import lift, suppress
from campaign_events.facts import (
    CallCorrected,
    CampaignDeleted,
    ContactCallabilityChanged,
    ContactCorrected,
    ContactFact,
    ContactNotCallable,
    ContactsAdded,
    ContactsRemoved,
    ContactStatusChanged,
    SuppressionFact,
)
from campaign_events.settings import ContactStatus, Conversation, Outcome

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

NUMBERS = tuple(f"+4930231111{index:02d}" for index in range(12))
UPLOAD = UUID(int=1)
numbers = st.sampled_from(NUMBERS)
places = st.integers(0, 4)
outcomes = st.sampled_from(list(Outcome))
conversations = st.sampled_from([None, None, *Conversation])
COMMANDS = ("start", "start", "start", "pause", "resume", "resume", "resume", "cancel", "delete")
RETRY = {
    name: {"delays_seconds": [1], "max_retries": most}
    for name, most in (("no_answer", None), ("busy", 2), ("declined", 1), ("voicemail", 1), ("carrier_error", 1))
}


class Histories(RuleBasedStateMachine):
    """One workspace and its dialer. A command that a rule forbids changes nothing, which the invariants see."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__()
        self.desk = desk
        desk.workspace = uuid4()
        self.start_of_log = desk.log()[-1][0] if (last := desk.row(_LAST)) and last["last"] else 0
        self.calls: list[Ask] = []
        self.last_batch: Any = ()

    # --- commands

    @rule(
        attempts=st.integers(1, 3),
        success=st.sampled_from(["answered", "reported"]),
        listed=st.lists(numbers, min_size=2, max_size=5, unique=True),
        starts=st.sampled_from([True, True, False]),
    )
    def create(self, attempts: int, success: str, listed: list[str], starts: bool) -> None:
        campaign_id = self.desk.draft(listed, max_attempts=attempts, success_rule=success, retry=RETRY)
        if starts:
            self.try_to(lambda: self.desk.start(campaign_id))

    @initialize(attempts=st.integers(1, 3))
    def begin(self, attempts: int) -> None:
        self.create(attempts=attempts, success="answered", listed=list(NUMBERS[:5]), starts=True)

    @rule(campaign=places, listed=st.lists(numbers, min_size=1, max_size=3))
    def add(self, campaign: int, listed: list[str]) -> None:
        campaign_id = self.one(campaign)
        self.try_to(lambda: self.desk.add(campaign_id, listed))

    @rule(campaign=places, at=st.lists(places, min_size=1, max_size=3))
    def remove(self, campaign: int, at: list[int]) -> None:
        campaign_id = self.one(campaign)
        found = self.some(campaign_id, at)
        if found:
            ids = list({contact.contact_id for contact in found})
            self.try_to(lambda: self.desk.do(lambda tx: commands.remove(tx, self.desk.target(campaign_id), ids)))

    @rule(campaign=places, attempts=st.integers(1, 4), goes_on=st.booleans())
    def edit(self, campaign: int, attempts: int, goes_on: bool) -> None:
        campaign_id = self.one(campaign)
        self.try_to(lambda: self.desk.pause(campaign_id))
        self.try_to(lambda: self.desk.edit(campaign_id, {"limits": {"max_attempts": attempts}}))
        if goes_on:
            self.try_to(lambda: self.desk.resume(campaign_id))

    @rule(campaign=places, command=st.sampled_from(COMMANDS))
    def command(self, campaign: int, command: str) -> None:
        campaign_id = self.one(campaign)
        self.try_to(lambda: getattr(self.desk, command)(campaign_id))

    @rule(campaign=places, statuses=st.sets(st.sampled_from(list(ContactStatus)), max_size=8))
    def duplicate(self, campaign: int, statuses: set[ContactStatus]) -> None:
        campaign_id, new_id = self.one(campaign), uuid4()
        self.try_to(
            lambda: self.desk.do(
                lambda tx: duplicate(
                    tx,
                    self.desk.target(campaign_id),
                    campaign_id=new_id,
                    name=None,
                    contacts=Chosen(statuses=sorted(statuses)),
                )
            )
        )

    # --- calls

    @rule(campaign=places, at=st.lists(places, min_size=1, max_size=4), off_by=st.sampled_from([0, 0, 0, 1]))
    def ask(self, campaign: int, at: list[int], off_by: int) -> None:
        asks = [self.desk.ask_for(c, attempt=c.attempt + 1 + off_by) for c in self.some(self.one(campaign), at)]
        if asks:
            answers = self.desk.permits(*asks)
            self.calls += [ask for ask, answer in zip(asks, answers, strict=True) if isinstance(answer, Granted)]

    @rule(campaign=places, at=st.lists(st.tuples(places, outcomes, conversations), min_size=1, max_size=5))
    def call(self, campaign: int, at: list[tuple[int, Outcome, Conversation | None]]) -> None:
        """A few calls from their permits to their ends."""
        before = len(self.calls)
        self.ask(campaign=campaign, at=[place for place, _, _ in at], off_by=0)
        new = self.calls[before:]
        self.report([self.ended(ask, outcome, says) for ask, (_, outcome, says) in zip(new, at, strict=False)])

    @rule(
        at=st.lists(st.integers(0, 20), min_size=1, max_size=4),
        outcome=outcomes,
        says=conversations,
        rang=st.booleans(),
    )
    def end(self, at: list[int], outcome: Outcome, says: Conversation | None, rang: bool) -> None:
        self.report([self.ended(ask, outcome, says, rang=rang) for ask in self.called(at)])

    @rule(at=st.lists(st.integers(0, 20), min_size=1, max_size=3), outcome=outcomes, says=conversations)
    def correct(self, at: list[int], outcome: Outcome, says: Conversation | None) -> None:
        self.report([self.ended(ask, outcome, says, kind=CallCorrected) for ask in self.called(at)])

    @rule(at=st.lists(st.integers(0, 20), min_size=1, max_size=3))
    def place(self, at: list[int]) -> None:
        self.report([self.desk.placed(ask) for ask in self.called(at)])

    @rule()
    def hear_the_same_again(self) -> None:
        end = self.desk.row(_LAST)
        assert self.desk.feed(self.last_batch) == 0
        assert self.desk.row(_LAST) == end

    @rule(campaign=places, at=st.lists(places, min_size=1, max_size=2))
    def find_no_open_minute(self, campaign: int, at: list[int]) -> None:
        campaign_id = self.one(campaign)
        self.report(
            [
                ContactNotCallable(
                    at=self.desk.now(),
                    campaign_id=campaign_id,
                    contact_id=contact.contact_id,
                    reason="no_open_minute",
                    settings_version=self.desk.campaign(campaign_id).settings_version,
                )
                for contact in self.some(campaign_id, at)
            ]
        )

    @rule(at=st.lists(st.integers(0, 20), min_size=1, max_size=2))
    def let_the_deadline_pass(self, at: list[int]) -> None:
        ids = [ask.call_id for ask in self.called(at)]
        self.desk.do(
            lambda tx: tx.cursor.execute(
                "UPDATE live_calls SET deadline_at = now() - interval '1 second' WHERE call_id = ANY(%s)", (ids,)
            )
        )
        self.desk.do(settle_overdue)

    # --- do not call

    @rule(listed=st.lists(numbers, min_size=1, max_size=2), by_upload=st.booleans())
    def opt_out(self, listed: list[str], by_upload: bool) -> None:
        more: dict[str, Any] = {"source": "list", "list_id": UPLOAD} if by_upload else {"source": "api"}
        self.desk.do(lambda tx: suppress(tx, listed, workspace=self.desk.workspace, now=now_of(tx.cursor), **more))

    @rule(most=st.integers(1, 3))
    def lift(self, most: int) -> None:
        entries = self.desk.rows(
            "SELECT suppression_id FROM suppressions WHERE workspace = %s AND lifted_at IS NULL LIMIT %s",
            (self.desk.workspace, most),
        )
        for entry in entries:
            suppression_id, workspace = entry["suppression_id"], self.desk.workspace
            self.desk.do(partial(_lift, suppression_id=suppression_id, workspace=workspace))

    # --- what is always true

    @invariant()
    def all_is_well(self) -> None:
        desk = self.desk
        log: list[tuple[int, Any]] = [
            (position, recorded.fact)
            for position, recorded in desk.log(self.start_of_log)
            if recorded.workspace == desk.workspace
        ]
        facts = [fact for _, fact in log]
        where = "WHERE workspace = %s"
        rows = [row_of(row) for row in desk.rows(f"SELECT * FROM contacts {where}", (desk.workspace,))]
        contacts = {row.contact.contact_id: row.contact for row in rows}
        numbers_of = {row.contact.contact_id: row.number for row in rows}
        assert contacts == fold_contacts(facts), "the table is the fold of the log"

        campaigns: dict[UUID, Any] = {}
        last: dict[UUID, int] = {}
        for position, fact in log:
            if isinstance(fact, SuppressionFact):
                continue
            assert not (fact.campaign_id in campaigns and campaigns[fact.campaign_id].deleted), "nothing follows"
            last[fact.campaign_id] = position
            if not isinstance(fact, ContactFact | ContactsAdded | ContactsRemoved):
                campaigns[fact.campaign_id] = evolve(campaigns.get(fact.campaign_id), fact)
        found = desk.rows(f"SELECT * FROM campaigns {where}", (desk.workspace,))
        lists = Counter(f.campaign_id for f in facts if isinstance(f, ContactsAdded | ContactsRemoved))
        assert {row["campaign_id"]: row for row in found} == {
            campaign_id: {
                "campaign_id": campaign_id,
                "workspace": desk.workspace,
                "status": campaign.status,
                "type": campaign.settings.type,
                "max_attempts": campaign.settings.limits.max_attempts,
                "settings_version": campaign.settings_version,
                "list_version": lists[campaign_id],
                "position": last[campaign_id],
                "ends_at": ends_of(campaign.settings),
                "deleted": campaign.deleted,
            }
            for campaign_id, campaign in campaigns.items()
        }, "the campaign's row is the fold of its stream"

        self.figures_follow_from_the_facts_alone(facts, contacts)
        self.nobody_is_called_twice_at_once(contacts, numbers_of, campaigns)
        standing = {
            row["number"]
            for row in desk.rows(
                f"SELECT number FROM suppressions {where} AND lifted_at IS NULL",
                (desk.workspace,),
            )
        }
        for campaign_id, campaign in campaigns.items():
            mine = [contact for contact in contacts.values() if contact.campaign_id == campaign_id]
            most = campaign.settings.limits.max_attempts
            if campaign.status == "running":
                assert any(c.status is IN_PROGRESS or may_be_tried(c, most) for c in mine), "something is left to do"
            if not campaign.is_final:
                waiting = {numbers_of[contact.contact_id] for contact in mine if is_waiting(contact, most)}
                assert not waiting & standing, "an opt-out reaches all who wait"

    def figures_follow_from_the_facts_alone(self, facts: Sequence[Any], contacts: dict[UUID, Contact]) -> None:
        """As a projection moves its counters: with no look-up, and right at every position."""
        counts: Counter[tuple[UUID, str]] = Counter()
        folded: dict[UUID, Contact] = {}
        deleted: set[UUID] = set()
        for fact in facts:
            if isinstance(fact, SuppressionFact):
                continue
            campaign_id = fact.campaign_id
            match fact:
                case ContactsAdded():
                    folded |= fold_contacts([fact])
                    counts[campaign_id, "pending"] += fact.pending_count
                    counts[campaign_id, "do_not_call"] += fact.do_not_call_count
                    counts[campaign_id, "total"] += len(fact.contact_ids)
                case ContactsRemoved():
                    for status, count in fact.counts.items():
                        counts[campaign_id, status] -= count
                    for attempt, count in fact.retries.items():
                        counts[campaign_id, f"retries {attempt}"] -= count
                    counts[campaign_id, "reached"] -= fact.reached
                    counts[campaign_id, "total"] -= len(fact.contact_ids)
                    for contact_id in fact.contact_ids:
                        del folded[contact_id]
                case ContactStatusChanged() | ContactCorrected():
                    before = folded[fact.contact_id]
                    after = folded[fact.contact_id] = evolve_contact(before, fact)
                    assert fact.previous_due_at == before.due_at
                    if isinstance(fact, ContactCorrected):
                        assert (fact.old.status, fact.old.reached) == (before.status, before.reached_by is not None)
                        assert fact.attempt == before.attempt == after.attempt
                        counts[campaign_id, "reached"] += fact.new.reached - fact.old.reached
                    else:
                        assert (fact.previous, fact.previous_attempt) == (before.status, before.attempt)
                        assert fact.placed <= (fact.day is not None)
                        counts[campaign_id, "reached"] += fact.first_reached
                    if before.status is DO_NOT_CALL:
                        assert (before.reason, before.call, after.status) == ("list", None, "pending"), "absorbing"
                    counts[campaign_id, before.status] -= 1
                    counts[campaign_id, after.status] += 1
                    for contact, step in ((before, -1), (after, 1)):
                        if contact.status in (NO_ANSWER, VOICEMAIL) and contact.due_at is not None:
                            counts[campaign_id, f"retries {contact.attempt}"] += step
                case ContactCallabilityChanged():
                    folded[fact.contact_id] = evolve_contact(folded[fact.contact_id], fact)
                case CampaignDeleted():
                    deleted.add(campaign_id)
            statuses = sum(counts[campaign_id, status] for status in ContactStatus)
            assert statuses == counts[campaign_id, "total"]
            assert all(count >= 0 for count in counts.values())
        real: Counter[tuple[UUID, str]] = Counter()
        for contact in contacts.values():
            real[contact.campaign_id, contact.status] += 1
            real[contact.campaign_id, "total"] += 1
            real[contact.campaign_id, "reached"] += contact.reached_by is not None
            if contact.status in (NO_ANSWER, VOICEMAIL) and contact.due_at is not None:
                real[contact.campaign_id, f"retries {contact.attempt}"] += 1
        assert +counts == +real

    def nobody_is_called_twice_at_once(
        self, contacts: dict[UUID, Contact], numbers_of: dict[UUID, str], campaigns: dict[UUID, Any]
    ) -> None:
        live = {
            row["call_id"]: row
            for row in self.desk.rows("SELECT * FROM live_calls WHERE workspace = %s", (self.desk.workspace,))
        }
        in_progress = [contact for contact in contacts.values() if contact.status is IN_PROGRESS]
        for call in live.values():
            contact = contacts.get(call["contact_id"])
            if contact is None or campaigns[contact.campaign_id].deleted:
                continue  # the call outlives the campaign
            assert contact.status is IN_PROGRESS, "a live call is a contact's in progress"
            assert contact.call is not None
            assert (contact.call.call_id, numbers_of[contact.contact_id]) == (call["call_id"], call["number"])
        for contact in in_progress:
            if not campaigns[contact.campaign_id].deleted:
                assert contact.call is not None
                assert contact.call.call_id in live, "the deadline finds every contact in progress"
        assert len({call["number"] for call in live.values()}) == len(live), "no number is live twice"

    # --- in other words

    def try_to(self, command: Any) -> bool:
        try:
            command()
        except Refused:
            return False
        return True

    def one(self, at: int) -> UUID:
        """One of the campaigns; most often one that lives."""
        found = self.desk.rows(
            "SELECT campaign_id FROM campaigns WHERE workspace = %s ORDER BY deleted, array_position("
            "ARRAY['running', 'paused', 'draft', 'completed', 'cancelled'], status), position LIMIT 3",
            (self.desk.workspace,),
        )
        campaign_id: UUID = found[at % len(found)]["campaign_id"]
        return campaign_id

    def some(self, campaign_id: UUID, at: list[int]) -> list[Contact]:
        found = self.desk.contacts(campaign_id)
        return [found[index % len(found)] for index in at] if found else []

    def called(self, at: list[int]) -> list[Ask]:
        """Calls, the newest under 0."""
        return [self.calls[-1 - index % len(self.calls)] for index in at] if self.calls else []

    def ended(self, ask: Ask, outcome: Outcome, says: Conversation | None, **more: Any) -> Any:
        # An hour ago, so that a retry is due at once.
        at = self.desk.now() - timedelta(hours=1)
        says = says if outcome is Outcome.HUMAN else None
        times: dict[str, Any] = {"started_at": at - timedelta(seconds=30), "ended_at": at}
        return self.desk.ended(ask, outcome, conversation=says, **times, **more)

    def report(self, facts: Sequence[Any]) -> None:
        self.last_batch = self.desk.dialer.received(*facts, workspace=self.desk.workspace)
        self.desk.feed(self.last_batch)


def _lift(tx: Transaction, *, suppression_id: UUID, workspace: UUID) -> bool:
    return lift(tx, suppression_id, workspace=workspace, now=now_of(tx.cursor), reason=None)


_LAST = "SELECT max(notification_id) AS last FROM campaign_command_events"


def test_whatever_happens_the_rows_are_the_fold_of_the_log(desk: "Desk") -> None:
    made: Any = lambda: Histories(desk)  # noqa: E731 - hypothesis types it as a class
    run_state_machine_as_test(
        made,
        settings=settings(
            max_examples=30,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        ),
    )


@pytest.mark.parametrize("seed", range(5))
def test_whatever_happens_for_long_the_rows_are_the_fold_of_the_log(desk: "Desk", seed: int) -> None:
    """The same steps, more of them and more of those that call, than a search that also shrinks would take."""
    dice = random.Random(seed)
    histories = Histories(desk)

    def some(most: int, at_most: int) -> list[int]:
        return [dice.randrange(most) for _ in range(dice.randint(1, at_most))]

    def several(at_most: int) -> list[str]:
        return dice.sample(NUMBERS, dice.randint(1, at_most))

    def outcome() -> Outcome:
        outcomes: list[Outcome] = [*Outcome, Outcome.NO_ANSWER, *[Outcome.HUMAN] * 5, Outcome.MACHINE]
        return dice.choice(outcomes)

    def says() -> Conversation | None:
        reports: list[Conversation | None] = [None, None, Conversation.CALLBACK, *Conversation]
        return dice.choice(reports)

    def one() -> int:
        return dice.randrange(3)

    do: Any = histories  # rules are untyped once hypothesis has decorated them
    steps: list[tuple[int, Any]] = [
        (5, lambda: do.create(dice.randint(1, 3), dice.choice(["answered", "reported"]), several(5), starts=True)),
        (1, lambda: do.add(one(), several(3))),
        (1, lambda: do.remove(one(), some(5, 2))),
        (2, lambda: do.edit(one(), dice.randint(1, 4), goes_on=dice.random() < 0.8)),
        (2, lambda: do.command(one(), dice.choice(COMMANDS))),
        (1, lambda: do.duplicate(one(), set(dice.sample(list(ContactStatus), 4)))),
        (7, lambda: do.ask(one(), some(5, 4), dice.choice([0, 0, 0, 1]))),
        (10, lambda: do.call(one(), [(place, outcome(), says()) for place in some(5, 4)])),
        (9, lambda: do.end(some(4, 4), outcome(), says(), dice.random() < 0.5)),
        (5, lambda: do.correct(some(12, 3), outcome(), says())),
        (2, lambda: do.place(some(4, 3))),
        (2, lambda: do.hear_the_same_again()),
        (1, lambda: do.find_no_open_minute(one(), some(5, 2))),
        (1, lambda: do.let_the_deadline_pass(some(4, 2))),
        (1, lambda: do.opt_out(several(1), dice.random() < 0.5)),
        (2, lambda: do.lift(3)),
    ]
    do.create(3, "answered", list(NUMBERS[:5]), starts=True)
    for _ in range(300):
        dice.choices([step for _, step in steps], [weight for weight, _ in steps])[0]()
        do.all_is_well()
    kinds = Counter(fact.status for fact in desk.facts() if isinstance(fact, ContactStatusChanged))
    assert min(kinds[status] for status in ContactStatus) > 0, f"a history without much in it: {kinds}"
