"""campaign-command on a database of its own, spoken to below its HTTP API: commands, permits, reports, the log."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from campaign_command import commands
from campaign_command.campaign import Refused
from campaign_command.commands import Target
from campaign_command.contact import Contact
from campaign_command.contacts import NewContact, add_contacts, row_of
from campaign_command.permits import Ask, Granted, NotGranted, Terms, answer_asks
from campaign_command.reports import apply_reports
from campaign_command.store import Recorded, Store, Transaction, now_of
from campaign_events.envelope import wrap
from campaign_events.facts import CallEnded, CallFact, CallPlaced, Fact
from campaign_events.positions import Received
from campaign_events.settings import CampaignSettings, Outcome
from campaign_events.topics import CALL_EVENTS
from campaign_service.migrations import read_migrations
from campaign_service.publisher import partition_of

MIGRATIONS = Path(__file__).parents[2] / "services" / "campaign-command" / "migrations"
HASH_KEY = "the key of the tests' hashes"
OFFICE = "+493023125000"


def always(**changes: Any) -> CampaignSettings:
    """Settings that are ready to start; `max_attempts` and other limits by their name."""
    limits = {name: changes.pop(name) for name in ("max_attempts", "ring_timeout_seconds") if name in changes}
    given = {
        "name": "Spring offer",
        "agent_id": "agent-1",
        "caller_numbers": (OFFICE,),
        "schedule": {"time_zone": "Europe/Berlin", "weekly": {day: [["00:00", "24:00"]] for day in ("mon", "sun")}},
        "limits": limits,
        **changes,
    }
    return CampaignSettings.model_validate(given)


def number_of(index: int) -> str:
    """The index-th number of a contact, E.164."""
    return f"+4930231{index:05d}"


class DialerLog:
    """What the dialer would publish: its facts with the positions of its own log."""

    def __init__(self, *, log: UUID | None = None) -> None:
        self.log, self.position = log or uuid4(), 0
        self._last: dict[int, int] = defaultdict(int)

    def received(self, *facts: CallFact, workspace: UUID) -> list[Received]:
        """The facts as they come from Kafka."""
        found = []
        for fact in facts:
            self.position += 1
            partition = partition_of(str(fact.campaign_id))
            event = wrap(
                fact,
                log=self.log,
                position=self.position,
                prior=self._last[partition],
                stream_version=1,
                workspace=workspace,
                correlation_id=None,
                causation_id=None,
            )
            self._last[partition] = self.position
            found.append(Received(CALL_EVENTS, partition, self.position, event))
        return found


class Desk:
    """A store, and the few sentences the tests say to it."""

    def __init__(self, dsn: str) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            for migration in read_migrations(MIGRATIONS):
                connection.execute(migration.sql.encode())
        self.dsn = dsn
        self.store = Store(dsn, pool_size=16, hash_key=HASH_KEY)
        self.workspace = uuid4()
        self.terms = Terms(permit_seconds=2.0, place_timeout_seconds=2.0, in_progress_deadline_seconds=3600.0)
        self.dialer = DialerLog()
        self._numbers = 0

    # --- commands

    def do(self, work: Callable[[Transaction], Any]) -> Any:
        """One deciding transaction."""
        return self.store.transact(work)

    def append(self, facts: Sequence[Fact], versions: Mapping[UUID, int] | None = None) -> list[int]:
        """Facts as they are, in one transaction."""
        return self.store.transact(lambda tx: tx.append(facts, workspace=self.workspace, versions=versions or {}))

    def start_refusal(self, campaign_id: UUID) -> str:
        """The code of the refusal of Start; the test fails if it is not refused."""
        with pytest.raises(Refused) as refused:
            self.start(campaign_id)
        return refused.value.code

    def target(self, campaign_id: UUID) -> Target:
        return Target(campaign_id, self.workspace)

    def draft(self, contacts: int | Sequence[str] = 1, **changes: Any) -> UUID:
        """A Draft with so many contacts, or with these numbers."""
        campaign_id = uuid4()
        settings = always(**changes)
        self.do(lambda tx: commands.create(tx, campaign_id=campaign_id, workspace=self.workspace, settings=settings))
        if isinstance(contacts, int):
            numbers = [number_of(self._numbers + index) for index in range(contacts)]
            self._numbers += contacts
        else:
            numbers = list(contacts)
        if numbers:
            self.add(campaign_id, numbers)
        return campaign_id

    def running(self, contacts: int | Sequence[str] = 1, **changes: Any) -> UUID:
        """A Running campaign."""
        campaign_id = self.draft(contacts, **changes)
        self.start(campaign_id)
        return campaign_id

    def add(self, campaign_id: UUID, numbers: Sequence[str]) -> Any:
        new = [NewContact(number=n, time_zones=("Europe/Berlin",), zone_source="number") for n in numbers]
        return self.do(lambda tx: add_contacts(tx, campaign_id, new, now=now_of(tx.cursor)))

    def start(self, campaign_id: UUID) -> Any:
        return self.do(lambda tx: commands.start(tx, self.target(campaign_id)))

    def pause(self, campaign_id: UUID) -> Any:
        return self.do(lambda tx: commands.pause(tx, self.target(campaign_id)))

    def resume(self, campaign_id: UUID) -> Any:
        return self.do(lambda tx: commands.resume(tx, self.target(campaign_id)))

    def cancel(self, campaign_id: UUID) -> Any:
        return self.do(lambda tx: commands.cancel(tx, self.target(campaign_id)))

    def edit(self, campaign_id: UUID, patch: dict[str, Any]) -> Any:
        return self.do(lambda tx: commands.edit(tx, self.target(campaign_id), patch))

    def delete(self, campaign_id: UUID) -> Any:
        return self.do(lambda tx: commands.delete(tx, self.target(campaign_id), confirm=str(campaign_id)))

    # --- permits and reports

    def ask_for(self, contact: Contact, *, call_id: UUID | None = None, **changes: Any) -> Ask:
        """The ask of a dialer that knows everything."""
        campaign = self.campaign(contact.campaign_id)
        values = {
            "call_id": call_id or uuid4(),
            "campaign_id": contact.campaign_id,
            "contact_id": contact.contact_id,
            "attempt": contact.attempt + 1,
            "settings_version": campaign.settings_version,
        }
        return Ask(**(values | changes))

    def permits(self, *asks: Ask) -> list[Granted | NotGranted]:
        return self.store.transact(lambda tx: answer_asks(tx, asks, self.terms))

    def granted(self, contact: Contact) -> Ask:
        """A permit for the contact's next call; the test fails if it is refused."""
        ask = self.ask_for(contact)
        (answer,) = self.permits(ask)
        assert isinstance(answer, Granted), answer
        return ask

    def ended(self, ask: Ask, outcome: Outcome, *, kind: type[Any] = CallEnded, **more: Any) -> Any:
        """The report of a call's end, ten seconds after it was answered if anybody did."""
        now = self.now()
        answered = outcome in (Outcome.HUMAN, Outcome.MACHINE, Outcome.FAX, Outcome.ABANDONED)
        values: dict[str, Any] = {
            "started_at": now - timedelta(seconds=20),
            "answered_at": now - timedelta(seconds=10) if answered else None,
            "ended_at": now,
            "duration_seconds": 10.0 if answered else None,
            **more,
        }
        return kind(
            at=now,
            campaign_id=ask.campaign_id,
            contact_id=ask.contact_id,
            call_id=ask.call_id,
            attempt=ask.attempt,
            settings_version=ask.settings_version,
            outcome=outcome,
            **values,
        )

    def placed(self, ask: Ask) -> CallPlaced:
        return CallPlaced(
            at=self.now(),
            campaign_id=ask.campaign_id,
            contact_id=ask.contact_id,
            call_id=ask.call_id,
            attempt=ask.attempt,
            settings_version=ask.settings_version,
        )

    def report(self, *facts: CallFact) -> int:
        """Apply what the dialer publishes now, as one batch."""
        return self.feed(self.dialer.received(*facts, workspace=self.workspace))

    def feed(self, received: Sequence[Received]) -> int:
        return self.store.transact(lambda tx: apply_reports(tx, received))

    # --- what is there

    def now(self) -> datetime:
        return self.store.read(now_of)

    def campaign(self, campaign_id: UUID) -> Any:
        found = self.store.read(lambda cursor: self.store.load_campaign(cursor, campaign_id))
        assert found is not None
        return found

    def contacts(self, campaign_id: UUID) -> list[Contact]:
        """As the table has them, in the order of the list."""
        query = "SELECT * FROM contacts WHERE campaign_id = %s ORDER BY seq"
        return [row_of(row).contact for row in self.rows(query, (campaign_id,))]

    def contact(self, campaign_id: UUID, index: int = 0) -> Contact:
        return self.contacts(campaign_id)[index]

    def rows(self, query: str, values: Any = ()) -> list[dict[str, Any]]:
        return self.store.read(lambda cursor: cursor.execute(query.encode(), values).fetchall())

    def row(self, query: str, values: Any = ()) -> dict[str, Any] | None:
        found = self.rows(query, values)
        return found[0] if found else None

    def log(self, after: int = 0) -> list[tuple[int, Recorded]]:
        return self.store.read(lambda cursor: self.store.facts(cursor, after=after, limit=1_000_000))

    def facts(self, campaign_id: UUID | None = None, *, after: int = 0) -> list[Fact]:
        """The log in order, or what one campaign has of it."""
        return [
            recorded.fact
            for _, recorded in self.log(after)
            if campaign_id is None or getattr(recorded.fact, "campaign_id", None) == campaign_id
        ]

    def names(self, campaign_id: UUID) -> list[str]:
        return [type(fact).__name__ for fact in self.facts(campaign_id)]

    def live(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM live_calls ORDER BY granted_at")


@pytest.fixture
def desk(database: Callable[[], str]) -> Iterator[Desk]:
    """campaign-command's store on an empty database."""
    made = Desk(database())
    yield made
    made.store.close()
