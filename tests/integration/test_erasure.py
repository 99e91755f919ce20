"""Deleting a campaign and erasing a person, on real databases: what is left nowhere, and what stays on purpose."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from campaign_command.campaign import Refused
from campaign_command.contacts import NewContact, add_contacts
from campaign_command.erasures import finish_erasures, forget_words, request_erasure
from campaign_command.housekeeping import purge
from campaign_command.idempotency import key_of, once
from campaign_command.permits import Granted, NotGranted
from campaign_command.store import now_of
from campaign_command.suppressions import suppress
from campaign_events.envelope import wrap
from campaign_events.facts import (
    CampaignDeleted,
    PersonErased,
    WorkspaceFact,
    WorkspacePaused,
    WorkspaceResumed,
    WorkspaceSettingsChanged,
)
from campaign_events.positions import Received
from campaign_events.settings import Outcome
from campaign_events.topics import SUPPRESSION_EVENTS
from campaign_service.logs import configure_logs
from dialer import retention
from dialer.database import Pool, migrate, open_pool
from dialer.dialing_status import read_status
from dialer.workspaces import Workspaces

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

NUMBER, OTHER = "+493023111111", "+493023111112"
WORDS = ("3023111111", "Hanaeller", "hana@example.com", "goldenplan")


def _add(desk: "Desk", campaign_id: UUID, *numbers: str) -> None:
    new = [
        NewContact(
            number=number,
            time_zones=("Europe/Berlin",),
            zone_source="number",
            **({"first_name": "Hanaeller", "email": "hana@example.com", "variables": {"plan": "goldenplan"}})  # type: ignore[arg-type]
            if number == NUMBER
            else {},
        )
        for number in numbers
    ]
    desk.do(lambda tx: add_contacts(tx, campaign_id, new, now=now_of(tx.cursor)))


def _draft(desk: "Desk", *numbers: str) -> UUID:
    campaign_id = desk.draft(0)
    _add(desk, campaign_id, *numbers)
    return campaign_id


def _erase(desk: "Desk", number: str = NUMBER) -> dict[str, Any]:
    answer: dict[str, Any] = desk.do(
        lambda tx: request_erasure(tx, number, workspace=desk.workspace, requested_by="ada")
    )
    forget_words(desk.store)
    return answer


def _found(desk: "Desk", *words: str) -> set[str]:
    """The tables in which a word is found, in a text or in bytes."""
    names = [
        row["name"]
        for row in desk.rows(
            "SELECT format('%%I', table_name) AS name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
    ]
    assert {"contacts", "suppressions", "import_rows", "idempotency_keys", "campaign_command_events"} <= set(names)
    found = set()
    for name in names:
        text = " ".join(row["row"] for row in desk.rows(f"SELECT t::text AS row FROM {name} t"))
        for word in words:
            if word in text or word.encode().hex() in text:
                found.add(name)
    return found


def _answered(desk: "Desk", campaign_id: UUID, *numbers: str) -> bytes:
    """An answer that is kept under an idempotency key, and says the numbers."""
    path = f"/v1/campaigns/{campaign_id}/contacts"
    key = key_of(workspace=desk.workspace, key=str(uuid4()), method="POST", target=f"{path}?", body=b"x")
    answer = {"results": [{"number": number, "contact_id": str(uuid4())} for number in numbers]}
    return bytes(desk.do(lambda tx: once(tx, key, 200, lambda _: answer)).body)


def _rejected_row(desk: "Desk", campaign_id: UUID, *cells: str) -> None:
    import_id = uuid4()
    desk.do(
        lambda tx: tx.cursor.execute(
            "INSERT INTO imports (id, workspace, campaign_id, state, options) VALUES (%s, %s, %s, 'completed', '{}')",
            (import_id, desk.workspace, campaign_id),
        )
    )
    desk.do(
        lambda tx: tx.cursor.execute(
            "INSERT INTO import_rows (import_id, line, result, reason, row_values) VALUES (%s, 2, 'rejected', 'x', %s)",
            (import_id, list(cells)),
        )
    )


# --- erasing one person -------------------------------------------------------------------------------------------


def test_nothing_is_left_of_an_erased_person_in_any_campaign(desk: "Desk") -> None:
    draft, running, completed = (_draft(desk, NUMBER, OTHER) for _ in range(3))
    alone = _draft(desk, NUMBER)
    deleted = _draft(desk, NUMBER)
    for campaign_id in (running, completed, alone):
        desk.start(campaign_id)
    for contact in desk.contacts(completed):
        desk.report(desk.ended(desk.granted(contact), Outcome.HUMAN))
    desk.delete(deleted)
    kept = _answered(desk, draft, "030 2311 1111", OTHER)
    _rejected_row(desk, draft, "Hanaeller", "030/23111111 or so")
    _rejected_row(desk, draft, "Kim", "030/23111112 or so")
    assert _found(desk, *WORDS, "030 2311 1111") == {"contacts", "idempotency_keys", "import_rows"}

    answer = _erase(desk)

    assert (answer["state"], answer["contacts"], answer["on_do_not_call_list"]) == ("done", 5, False)
    assert NUMBER not in str(answer)
    assert _found(desk, *WORDS, "030 2311 1111") == set()
    # Everybody else is still there, and the figures add up: removed is removed, in whatever status.
    assert [len(desk.contacts(one)) for one in (draft, running, completed, alone)] == [1, 1, 1, 0]
    assert desk.campaign(alone).status == "completed", "nobody is left to call"
    assert desk.campaign(running).status == "running"
    counted = desk.rows("SELECT campaign_id, sum(contacts)::int AS n FROM contact_counts GROUP BY 1")
    left = {row["campaign_id"]: row["n"] for row in counted if row["n"] and row["campaign_id"] != deleted}
    assert left == dict.fromkeys((draft, running, completed), 1)
    assert OTHER in str(kept)
    assert OTHER in str(desk.rows("SELECT convert_from(body, 'UTF8') AS body FROM idempotency_keys"))
    assert len(desk.rows("SELECT * FROM import_rows WHERE row_values IS NOT NULL")) == 1
    # Nothing follows a deletion; the others are told by their own facts, and call history by one that says no number.
    assert isinstance(desk.facts(deleted)[-1], CampaignDeleted)
    (told,) = [fact for fact in desk.facts() if isinstance(fact, PersonErased)]
    assert len(told.contact_ids) == 5
    assert told.number_hash == desk.do(lambda tx: tx.hash_number(desk.workspace, NUMBER))
    assert "23111111" not in told.model_dump_json()


def test_an_erased_person_who_asked_not_to_be_called_is_still_not_called(desk: "Desk") -> None:
    _draft(desk, NUMBER)
    desk.do(
        lambda tx: suppress(
            tx, [NUMBER], workspace=desk.workspace, source="api", now=now_of(tx.cursor), reason="Hanaeller said so"
        )
    )
    answer = _erase(desk)
    assert answer["on_do_not_call_list"] is True
    assert _found(desk, *WORDS) == set()
    (entry,) = desk.rows("SELECT number, number_hash, reason, lifted_at FROM suppressions")
    assert (entry["number"], entry["reason"], entry["lifted_at"]) == (None, None, None)
    later = _draft(desk, NUMBER, OTHER)
    assert [contact.status for contact in desk.contacts(later)] == ["do_not_call", "pending"]


def test_a_live_call_ends_first_and_no_other_begins_meanwhile(desk: "Desk") -> None:
    first, second = _draft(desk, NUMBER), _draft(desk, NUMBER, OTHER)
    desk.start(first)
    desk.start(second)
    ask = desk.granted(desk.contact(first))
    waiting = _erase(desk)
    assert (waiting["state"], waiting["done_at"]) == ("waiting_for_call", None)
    assert _erase(desk)["id"] == waiting["id"], "asked again, it is the same erasure"
    assert desk.do(finish_erasures) == 0
    assert desk.contact(first).status == "in_progress"
    # The call ends with nothing said; its retry, or another campaign, must not come before the erasure.
    desk.report(desk.ended(ask, Outcome.NOT_PLACED))
    for campaign_id in (first, second):
        (answer,) = desk.permits(desk.ask_for(desk.contact(campaign_id)))
        assert isinstance(answer, NotGranted)
        assert (answer.kind, answer.code) == ("temporary", "being_erased")
    (other,) = desk.permits(desk.ask_for(desk.contacts(second)[1]))
    assert isinstance(other, Granted)
    assert desk.do(finish_erasures) == 1
    forget_words(desk.store)
    assert _found(desk, *WORDS) == set()
    assert desk.contacts(first) == []


def test_erasing_a_stranger_still_tells_call_history(desk: "Desk") -> None:
    """Their campaign may be long deleted, the call not."""
    answer = _erase(desk)
    assert (answer["state"], answer["contacts"]) == ("done", 0)
    assert [type(fact).__name__ for fact in desk.facts()] == ["PersonErased"]


def test_another_workspace_keeps_its_own_contact(desk: "Desk") -> None:
    theirs = _draft(desk, NUMBER)
    mine, desk.workspace = desk.workspace, uuid4()
    _erase(desk)
    desk.workspace = mine
    assert len(desk.contacts(theirs)) == 1


# --- deleting a campaign ------------------------------------------------------------------------------------------


def test_nothing_is_left_of_a_deleted_campaigns_contacts(desk: "Desk") -> None:
    campaign_id, other = _draft(desk, NUMBER, OTHER), _draft(desk, OTHER)
    desk.start(campaign_id)
    desk.report(desk.ended(desk.granted(desk.contact(campaign_id)), Outcome.HUMAN))
    desk.pause(campaign_id)
    _answered(desk, campaign_id, NUMBER)
    kept = _answered(desk, other, OTHER)
    desk.do(
        lambda tx: suppress(
            tx, [NUMBER], workspace=desk.workspace, source="api", now=now_of(tx.cursor), scope=campaign_id
        )
    )
    desk.delete(campaign_id)
    purge(desk.store, before=desk.now() - timedelta(hours=24))
    assert _found(desk, *WORDS) == set()
    assert len(desk.contacts(other)) == 1
    assert kept in {bytes(row["body"]) for row in desk.rows("SELECT body FROM idempotency_keys")}
    with pytest.raises(Refused):
        desk.start(campaign_id)


# --- call history -------------------------------------------------------------------------------------------------


@pytest.fixture
async def pool(database: Callable[[], str]) -> AsyncIterator[Pool]:
    dsn = database()
    await migrate(dsn)
    made = await open_pool(dsn)
    yield made
    await made.close()


class History:
    """The dialer's call history of one workspace, and what it hears of campaign-command."""

    def __init__(self, pool: Pool) -> None:
        self.pool, self.workspace, self.log, self.position = pool, uuid4(), uuid4(), 0
        self.changed: set[UUID] = set()
        self.workspaces = Workspaces(
            pool, changed=self.changed.update, log=configure_logs("dialer", level="error", log_format="json")
        )

    async def call(
        self, *, days_ago: float = 0, state: str = "settled", campaign: UUID | None = None, **more: Any
    ) -> UUID:
        call_id: UUID = uuid4()
        values = {"number_hash": "h-hana", "workspace": self.workspace, "contact_id": uuid4()} | more
        await self.pool.execute(
            "INSERT INTO calls (id, workspace, campaign_id, contact_id, partition, epoch, attempt, settings_version,"
            " success_rule, day, created_at, state, number, number_hash, summary, raw_reason, outcome)"
            " VALUES ($1, $2, $3, $4, 0, 1, 1, 1, 'answered', current_date, now() - make_interval(secs => $5), $6, $7,"
            " $8, 'Hanaeller was glad', 'to +493023111111', 'human')",
            call_id,
            values["workspace"],
            campaign or uuid4(),
            values["contact_id"],
            days_ago * 86_400,
            state,
            NUMBER,
            values["number_hash"],
        )
        return call_id

    async def hears(self, *facts: WorkspaceFact) -> None:
        received = []
        for fact in facts:
            event = wrap(
                fact,
                log=self.log,
                position=self.position + 1,
                prior=self.position,
                stream_version=1,
                workspace=self.workspace,
                correlation_id=None,
                causation_id=None,
            )
            self.position += 1
            received.append(Received(SUPPRESSION_EVENTS, 0, self.position, event))
        await self.workspaces.apply(received)
        await self.workspaces.apply(received)  # once more: it changes nothing

    async def kept(self) -> dict[UUID, str]:
        """What is kept of each call: `number`, `words`, both, or nothing."""
        rows = await self.pool.fetch("SELECT * FROM calls")
        return {
            row["id"]: "+".join(
                name
                for name, there in (
                    ("number", row["number"] or row["number_hash"]),
                    ("words", row["summary"] or row["raw_reason"]),
                )
                if there
            )
            for row in rows
        }


@pytest.fixture
def history(pool: Pool) -> History:
    return History(pool)


def _at(history: History) -> dict[str, Any]:
    return {"at": datetime.now(UTC), "workspace": history.workspace}


async def test_call_history_forgets_an_erased_person_and_keeps_the_calls(history: History) -> None:
    contact = uuid4()
    by_hash, before_hashes, other = (
        await history.call(),
        await history.call(number_hash=None, contact_id=contact),
        await history.call(number_hash="h-kim"),
    )
    elsewhere = await history.call(workspace=uuid4())
    await history.hears(PersonErased(**_at(history), erasure_id=uuid4(), number_hash="h-hana", contact_ids=(contact,)))
    both = "number+words"
    assert await history.kept() == {by_hash: "", before_hashes: "", other: both, elsewhere: both}
    # The agent reports late: what it says of the person does not stay either.
    await history.pool.execute("UPDATE calls SET summary = 'Hanaeller again' WHERE id = $1", by_hash)
    await retention.forget_words(history.pool, again=True)
    assert (await history.kept())[by_hash] == ""


async def test_numbers_are_kept_as_many_days_as_the_workspace_says(history: History) -> None:
    other = uuid4()
    ages = (0.1, 29.9, 30.1, 1825, 1827)
    mine = [await history.call(days_ago=days) for days in ages]
    theirs = [await history.call(days_ago=days, workspace=other) for days in ages]
    live = await history.call(days_ago=40, state="answered", contact_id=uuid4())
    await history.hears(
        WorkspaceSettingsChanged(**_at(history), settings_version=1, retention_days=30, changed=("retention_days",))
    )
    assert await retention.forget_old(history.pool) == 4
    both = "number+words"
    kept = await history.kept()
    assert [kept[one] for one in mine] == [both, both, "", "", ""]
    assert [kept[one] for one in theirs] == [both, both, both, both, ""], "1826 days unless something else is said"
    assert kept[live] == both, "an open call keeps what it needs"
    assert await retention.forget_old(history.pool) == 0


async def test_the_calls_of_a_deleted_campaign_keep_the_number_and_lose_the_words(history: History) -> None:
    deleted, other = uuid4(), uuid4()
    call, stays = await history.call(campaign=deleted), await history.call(campaign=other)
    live = await history.call(campaign=deleted, state="ended")
    await history.pool.execute("INSERT INTO wordless_campaigns (campaign_id) VALUES ($1)", deleted)
    assert await retention.forget_words(history.pool, again=False) == 1
    kept = await history.kept()
    assert (kept[call], kept[live], kept[stays]) == ("number", "number+words", "number+words")
    # One that was live at the deletion is looked at again when it is over.
    await history.pool.execute("UPDATE calls SET state = 'settled' WHERE id = $1", live)
    assert await retention.forget_words(history.pool, again=False) == 0
    assert await retention.forget_words(history.pool, again=True) == 1
    assert (await history.kept())[live] == "number"


async def test_a_paused_workspace_is_not_dialled_and_says_so(history: History) -> None:
    from campaign_events.settings import CampaignSettings
    from dialer.caller import RUNNING

    campaign = uuid4()
    settings = CampaignSettings.model_validate({"name": "Reminders"}).model_dump_json()
    await history.pool.execute(
        "INSERT INTO campaigns (id, workspace, partition, status, settings, settings_version)"
        " VALUES ($1, $2, 0, 'running', $3::jsonb, 1)",
        campaign,
        history.workspace,
        settings,
    )

    async def dialled() -> list[UUID]:
        return [row["id"] for row in await history.pool.fetch(RUNNING, [0], None)]

    assert await dialled() == [campaign]
    await history.hears(WorkspacePaused(**_at(history)))
    assert await dialled() == []
    assert history.changed == {campaign}
    status = await read_status(history.pool, history.workspace, campaign)
    assert (status.status, status.state, status.reason) == ("running", "waiting", "workspace_paused")
    await history.hears(WorkspaceResumed(**_at(history)))
    assert await dialled() == [campaign]


async def test_contacts_held_back_by_a_cap_are_looked_at_again_under_other_caps(history: History) -> None:
    campaign, held, claimed = uuid4(), uuid4(), uuid4()
    await history.pool.execute(
        "INSERT INTO campaigns (id, workspace, partition, status, settings, settings_version)"
        " VALUES ($1, $2, 0, 'running', '{}', 1)",
        campaign,
        history.workspace,
    )
    for contact, seconds in ((held, 86_400), (claimed, 20)):
        await history.pool.execute(
            "INSERT INTO queue (campaign_id, contact_id, zones_key, status, attempt, added_at, callable, changed_at,"
            " hold_until) VALUES ($1, $2, 1, 'pending', 0, now(), true, now(), now() + make_interval(secs => $3))",
            campaign,
            contact,
            seconds,
        )
    await history.hears(
        WorkspaceSettingsChanged(**_at(history), settings_version=1, retention_days=1826, changed=("caps",))
    )
    rows = await history.pool.fetch("SELECT contact_id FROM queue WHERE hold_until IS NULL")
    assert [row["contact_id"] for row in rows] == [held]
