"""The rules of a campaign on a real PostgreSQL: presets, consent, variables, edits of contacts, duplicates, results."""

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import jwt
import orjson
import pytest

from campaign_command import commands
from campaign_command.api import create_app
from campaign_command.campaign import Edit, Refused
from campaign_command.contact import fold_contacts
from campaign_command.contact_updates import update_contacts
from campaign_command.contacts import NewContact
from campaign_command.duplicates import Chosen, duplicate
from campaign_command.gate import Gate
from campaign_command.permits import Granted, NotGranted
from campaign_command.results_api import COLUMNS, MAX_VARIABLE_COLUMNS, OTHER_VARIABLES, PAGE
from campaign_command.silence import Silence
from campaign_command.workers import Workers
from campaign_events.facts import ContactCallabilityChanged, ContactDetailsChanged, ContactTimeZonesChanged
from campaign_events.settings import Outcome
from campaign_service.health import Health
from campaign_service.tokens import Verifier

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

JWT_SECRET = "a secret of the tests, long enough for HS256"
SETTINGS = {"name": "Spring offer", "agent_id": "agent-1", "caller_numbers": ["+493023125000"]}
ANNA, BEN, CEM, DORA, EMIL = (f"+49302311111{n}" for n in range(5))
Call = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def call(desk: "Desk") -> AsyncIterator[Call]:
    app = create_app(Health())
    commands = Workers("commands", threads=4)
    state = app.state
    state.store, state.commands, state.gate, state.terms = desk.store, commands, Gate(desk.store, commands), desk.terms
    state.silence = Silence(desk.store, commands, place_timeout_seconds=desk.terms.place_timeout_seconds)
    state.verifier = Verifier(secret=JWT_SECRET)
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://command")

    async def request(method: str, path: str, body: Any = None, *, role: str = "operator", **params: Any) -> Any:
        expires = datetime.now(UTC) + timedelta(minutes=5)
        claims = {"sub": "ada", "role": role, "workspace": str(desk.workspace), "exp": expires}
        headers = {"Authorization": f"Bearer {jwt.encode(claims, JWT_SECRET, algorithm='HS256')}"}
        content = None if body is None else orjson.dumps(body)
        return await http.request(method, path, content=content, headers=headers, params=params)

    yield request
    await http.aclose()
    commands.close()


async def _draft(call: Call, *contacts: dict[str, Any], **settings: Any) -> str:
    """The path of a Draft with these contacts."""
    created = await call("POST", "/v1/campaigns", SETTINGS | settings)
    assert created.status_code == 201, created.text
    path = f"/v1/campaigns/{created.json()['id']}"
    if contacts:
        added = await call("POST", f"{path}/contacts", {"contacts": list(contacts)})
        assert added.json()["accepted"] == len(contacts), added.text
    return path


def _id(path: str) -> UUID:
    return UUID(path.split("/")[3])


def _code(answer: Granted | NotGranted) -> str:
    return "granted" if isinstance(answer, Granted) else f"{answer.kind}:{answer.code}"


def _wrong(answer: httpx.Response) -> list[str]:
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text
    assert all("allowed" in error["message"] for error in answer.json()["errors"])
    return [error["field"] for error in answer.json()["errors"]]


# --- presets ------------------------------------------------------------------------------------------------------


async def test_a_campaign_picks_a_preset_tightens_it_and_may_not_loosen_it(call: Call, desk: "Desk") -> None:
    path = await _draft(call, preset="france")
    created = desk.campaign(_id(path)).settings
    assert (created.preset, created.preset_version, created.requires_consent) == ("france", 1, True)
    tighter = await call("PATCH", path, {"schedule": {"weekly": {"tue": [["10:00", "12:00"]], "mon": []}}})
    assert tighter.status_code == 200, tighter.text
    assert [change["field"] for change in tighter.json()["changes"]] == ["schedule"]
    looser = {"schedule": {"weekly": {"sun": [["10:00", "12:00"]]}}, "frequency_caps": [], "requires_consent": False}
    answer = await call("PATCH", path, looser)
    assert _wrong(answer) == ["schedule.weekly.sun", "requires_consent", "frequency_caps"]
    assert answer.json()["errors"][1]["value"] is False
    assert _wrong(await call("POST", "/v1/campaigns", SETTINGS | {"preset": "france"} | looser))
    assert desk.campaign(_id(path)).settings_version == 2


async def test_the_presets_are_listed_with_version_and_source(call: Call) -> None:
    answer = await call("GET", "/v1/presets", role="viewer")
    items = {item["name"]: item for item in answer.json()["items"]}
    assert list(items) == ["us-federal", "us-strict", "canada", "france", "australia", "uk"]
    assert items["france"]["weekly"]["mon"] == [["10:00", "13:00"], ["14:00", "20:00"]]
    assert items["us-strict"]["frequency_caps"] == [{"calls": 3, "window_seconds": 86_400}]
    assert all(item["version"] == 1 and item["source"] for item in items.values())


async def test_what_is_no_rule_is_refused_with_field_and_what_is_allowed(call: Call) -> None:
    past = (datetime.now(UTC) - timedelta(days=3)).date().isoformat()
    bad: list[tuple[dict[str, Any], str]] = [
        ({"schedule": {"end_date": past}}, "schedule.end_date"),
        ({"schedule": {"public_holidays": {"country": "XX"}}}, "schedule.public_holidays.country"),
        (
            {"schedule": {"public_holidays": {"country": "DE", "subdivision": "Q"}}},
            "schedule.public_holidays.subdivision",
        ),
        ({"preset": "mars"}, "preset"),
        ({"custom_prompt": "".join(f"{{v{n}}}" for n in range(65))}, "custom_prompt"),
    ]
    path = await _draft(call)
    for settings, field in bad:
        assert _wrong(await call("POST", "/v1/campaigns", SETTINGS | settings)) == [field]
        assert _wrong(await call("PATCH", path, settings)) == [field]


def test_a_call_keeps_what_was_checked_before_it(desk: "Desk") -> None:
    campaign_id = desk.running([ANNA], preset="uk")
    desk.granted(desk.contact(campaign_id))
    checks = desk.facts(campaign_id)[-1].checks  # type: ignore[attr-defined]
    assert checks.model_dump() == {
        "suppression": "clear",
        "consent": "not_required",
        "zone_source": "number",
        "preset": "uk",
        "preset_version": 1,
        "callback": None,
    }


def test_a_cap_of_the_preset_holds_for_its_campaign(desk: "Desk") -> None:
    strict, free = (desk.running([ANNA], **more) for more in ({"frequency_caps": [_one_an_hour()]}, {}))
    desk.report(desk.ended(desk.granted(desk.contact(free)), Outcome.NO_ANSWER))
    assert _code(desk.permits(desk.ask_for(desk.contact(strict)))[0]) == "temporary:frequency_cap"


def _one_an_hour() -> dict[str, int]:
    return {"calls": 1, "window_seconds": 3600}


# --- consent --------------------------------------------------------------------------------------------------------


async def test_without_consent_nobody_is_called_where_it_is_required(call: Call, desk: "Desk") -> None:
    contacts = [{"number": ANNA, "consent_basis": "opt-in"}, {"number": BEN}, {"number": CEM, "consent_basis": "no"}]
    path = await _draft(call, *contacts, requires_consent=True)
    started = await call("POST", f"{path}/start")
    assert started.json()["blocked"] == {"no_consent": 2}
    answers = desk.permits(*map(desk.ask_for, desk.contacts(_id(path))))
    assert [_code(answer) for answer in answers] == ["granted", "permanent:no_consent", "permanent:no_consent"]
    assert [contact.callable for contact in desk.contacts(_id(path))] == [True, False, False]
    assert [contact.status for contact in desk.contacts(_id(path))] == ["in_progress", "pending", "pending"]
    assert desk.permits(desk.ask_for(desk.contact(_id(path), 1)))[0].code == "not_callable"  # type: ignore[union-attr]
    folded = fold_contacts(desk.facts(_id(path)))
    assert {contact.contact_id: contact for contact in desk.contacts(_id(path))} == folded
    # They don't hold up completion.
    [live] = desk.live()
    ask = desk.ask_for(desk.contact(_id(path)), call_id=live["call_id"], attempt=1)
    desk.report(desk.ended(ask, Outcome.HUMAN))
    assert desk.campaign(_id(path)).status == "completed"


async def test_a_campaign_in_which_nobody_consented_does_not_start(call: Call) -> None:
    path = await _draft(call, {"number": ANNA}, {"number": BEN}, requires_consent=True)
    answer = await call("POST", f"{path}/start")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_callable_contacts")
    assert answer.json()["reasons"] == {"no_consent": 2}


def test_consent_that_comes_later_opens_the_contact_again(desk: "Desk") -> None:
    campaign_id = desk.draft([ANNA, BEN, CEM], requires_consent=True)
    desk.do(lambda tx: tx.cursor.execute("UPDATE contacts SET consent_basis = 'yes' WHERE number = %s", (CEM,)))
    desk.start(campaign_id)
    desk.permits(*map(desk.ask_for, desk.contacts(campaign_id)[:2]))
    desk.pause(campaign_id)
    anna, ben, _ = desk.contacts(campaign_id)
    assert (anna.callable, ben.callable) == (False, False)
    given = NewContact(number=ANNA, time_zones=("Europe/Berlin",), zone_source="number", consent_basis="opt-in")
    desk.do(lambda tx: update_contacts(tx, campaign_id, {anna.contact_id: given}))
    assert [contact.callable for contact in desk.contacts(campaign_id)] == [True, False, True]
    desk.edit(campaign_id, {"requires_consent": False})
    assert [contact.callable for contact in desk.contacts(campaign_id)] == [True, True, True]


# --- the prompt's variables -----------------------------------------------------------------------------------------

PROMPT = "Hello {first_name}, about your {plan} ({{not this}})"


async def test_a_start_is_refused_while_contacts_lack_what_the_prompt_names(call: Call, desk: "Desk") -> None:
    contacts: list[dict[str, Any]] = [
        {"number": ANNA, "first_name": "Anna", "variables": {"plan": "A"}},
        {"number": BEN, "first_name": "  ", "variables": {"plan": "A"}},
        {"number": CEM, "variables": {"Plan": "A"}},
        {"number": DORA},
    ]
    path = await _draft(call, *contacts, custom_prompt=PROMPT)
    assert (await call("POST", "/v1/suppressions", {"numbers": [DORA]})).status_code == 201
    answer = await call("POST", f"{path}/start")
    assert (answer.status_code, answer.json()["code"]) == (409, "missing_variables")
    ids = [str(contact.contact_id) for contact in desk.contacts(_id(path))]
    assert answer.json()["count"] == 2
    assert answer.json()["by_variable"] == {"first_name": 2, "plan": 1}
    assert answer.json()["contacts"] == [
        {"contact_id": ids[1], "missing": ["first_name"]},
        {"contact_id": ids[2], "missing": ["first_name", "plan"]},
    ]
    assert desk.campaign(_id(path)).status == "draft"
    assert (await call("POST", f"{path}/start", ignore_missing_variables=True)).json()["status"] == "running"
    assert (await call("POST", f"{path}/start")).status_code == 200, "what runs already is not asked again"


async def test_a_complete_list_starts_and_a_completed_one_too(call: Call, desk: "Desk") -> None:
    path = await _draft(call, {"number": ANNA, "first_name": "Anna"}, custom_prompt=PROMPT)
    assert (await call("POST", f"{path}/start")).json()["by_variable"] == {"plan": 1}
    contact = f"{path}/contacts/{desk.contact(_id(path)).contact_id}"
    assert (await call("PATCH", contact, {"variables": {"plan": "B"}})).status_code == 200
    assert (await call("POST", f"{path}/start")).status_code == 200
    (granted,) = desk.permits(desk.ask_for(desk.contact(_id(path))))
    assert isinstance(granted, Granted)
    assert (granted.prompt, granted.context["variables"]) == (PROMPT, {"plan": "B"})


# --- editing a contact ------------------------------------------------------------------------------------------------


async def test_an_edit_of_a_contact_answers_with_the_differences(call: Call, desk: "Desk") -> None:
    contact = {"number": ANNA, "first_name": "Ana", "email": "a@example.com", "variables": {"plan": "A", "old": "1"}}
    path = await _draft(call, contact)
    one = f"{path}/contacts/{desk.contact(_id(path)).contact_id}"
    patch = {
        "first_name": "Anna",
        "email": None,
        "time_zone": "Europe/Lisbon",
        "consent_basis": "opt-in",
        "consent_at": "2026-03-02T09:00:00Z",
        "variables": {"plan": "B", "old": None, "new": "2"},
    }
    answer = await call("PATCH", one, patch)
    assert answer.status_code == 200, answer.text
    assert {change["field"]: (change["from"], change["to"]) for change in answer.json()["changes"]} == {
        "first_name": ("Ana", "Anna"),
        "email": ("a@example.com", None),
        "consent_basis": (None, "opt-in"),
        "consent_at": (None, "2026-03-02T09:00:00+00:00"),
        "variables.plan": ("A", "B"),
        "variables.old": ("1", None),
        "variables.new": (None, "2"),
        "time_zones": (["Europe/Berlin"], ["Europe/Lisbon"]),
    }
    zones, details = desk.facts(_id(path))[-2:]
    assert isinstance(zones, ContactTimeZonesChanged)
    assert isinstance(details, ContactDetailsChanged)
    assert details.changed == ("first_name", "email", "consent_basis", "consent_at", "variables")
    assert answer.json()["position"] == desk.log()[-1][0]
    shown = (await call("GET", one)).json()
    assert (shown["first_name"], shown["email"], shown["variables"]) == ("Anna", None, {"plan": "B", "new": "2"})
    assert (shown["time_zones"], shown["zone_source"]) == (["Europe/Lisbon"], "contact")
    # The same again changes nothing, and the zone can be given back to the number.
    again = await call("PATCH", one, {name: value for name, value in patch.items() if name != "variables"})
    assert (again.json()["changes"], again.json()["position"]) == ([], answer.json()["position"])
    back = await call("PATCH", one, {"time_zone": None, "variables": None})
    assert {change["field"] for change in back.json()["changes"]} == {"variables.plan", "variables.new", "time_zones"}
    assert (await call("GET", one)).json()["zone_source"] == "number"
    folded = fold_contacts(desk.facts(_id(path)))
    assert {each.contact_id: each for each in desk.contacts(_id(path))} == folded
    for row in desk.rows("SELECT convert_from(state, 'UTF8') AS state FROM campaign_command_events"):
        assert not any(secret in row["state"] for secret in ("Anna", "a@example.com", "plan", ANNA))


async def test_an_edit_lets_the_rules_look_again_at_a_contact_that_was_not_callable(call: Call, desk: "Desk") -> None:
    contacts = [{"number": ANNA}, {"number": BEN, "consent_basis": "opt-in"}]
    path = await _draft(call, *contacts, requires_consent=True)
    await call("POST", f"{path}/start")
    desk.permits(desk.ask_for(desk.contact(_id(path))))
    one = f"{path}/contacts/{desk.contact(_id(path)).contact_id}"
    running = await call("PATCH", one, {"first_name": "Anna"})
    assert (running.status_code, running.json()["code"]) == (409, "campaign_not_editable")
    await call("POST", f"{path}/pause")
    await call("PATCH", one, {"first_name": "Anna"})
    assert not desk.contact(_id(path)).callable
    await call("PATCH", one, {"consent_basis": "opt-in"})
    assert desk.contact(_id(path)).callable
    assert isinstance(desk.facts(_id(path))[-1], ContactCallabilityChanged)


async def test_an_edit_that_is_not_valid_is_refused(call: Call, desk: "Desk") -> None:
    path = await _draft(call, {"number": ANNA, "variables": {f"v{n}": "" for n in range(60)}})
    one = f"{path}/contacts/{desk.contact(_id(path)).contact_id}"
    bad: list[tuple[dict[str, Any], str]] = [
        ({"number": BEN}, "number"),
        ({"status": "completed"}, "status"),
        ({"time_zone": "Mars/X"}, "time_zone"),
        ({"consent_at": "2026-03-02T09:00:00"}, "consent_at"),
        ({"first_name": "x" * 4097}, "first_name"),
        ({"first_name": "\0"}, "first_name"),
        ({"variables": {"a": "x" * 4097}}, "variables.a"),
        ({"variables": {f"w{n}": "" for n in range(5)}}, "variables"),
        ({"variables": {f"v{n}": "x" * 4000 for n in range(5)}}, "variables"),
    ]
    for patch, field in bad:
        answer = await call("PATCH", one, patch)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text
        assert answer.json()["errors"][0]["field"] == field
    assert (await call("PATCH", one, {"first_name": "A"}, role="viewer")).status_code == 403
    stranger = await call("PATCH", f"{path}/contacts/{_id(path)}", {"first_name": "A"})
    assert (stranger.status_code, stranger.json()["code"]) == (404, "unknown_contact")
    assert "ContactDetailsChanged" not in desk.names(_id(path))


# --- duplicates -----------------------------------------------------------------------------------------------------


async def test_a_duplicate_of_those_never_reached_has_only_who_can_still_be_called(call: Call, desk: "Desk") -> None:
    numbers = [f"+4930231122{n:02d}" for n in range(8)]
    campaign_id = desk.running(numbers, max_attempts=1)
    ends: list[tuple[Outcome, bool]] = [
        (Outcome.HUMAN, False),
        (Outcome.NO_ANSWER, True),
        (Outcome.MACHINE, True),
        (Outcome.INVALID_NUMBER, False),
    ]
    for contact, (outcome, _) in zip(desk.contacts(campaign_id), ends, strict=False):
        desk.report(desk.ended(desk.granted(contact), outcome))
    # The fifth is suppressed, the sixth was reached and asked to be called back, two wait.
    await call("POST", "/v1/suppressions", {"numbers": [numbers[4]]})
    ask = desk.granted(desk.contact(campaign_id, 5))
    desk.report(desk.ended(ask, Outcome.HUMAN, conversation="callback"))
    assert desk.contact(campaign_id, 5).status == "rescheduled"
    answer = await call("POST", f"/v1/campaigns/{campaign_id}/duplicate", {"contacts": "never_reached"})
    assert answer.status_code == 201, answer.text
    copies = desk.rows(
        "SELECT number, status FROM contacts WHERE campaign_id = %s ORDER BY seq", (answer.json()["id"],)
    )
    wanted = [number for number, (_, kept) in zip(numbers, ends, strict=False) if kept] + numbers[6:]
    assert [row["number"] for row in copies] == wanted
    assert {row["status"] for row in copies} == {"pending"}


async def test_who_was_suppressed_stays_so_in_the_duplicate_whatever_became_of_the_entry(
    call: Call, desk: "Desk"
) -> None:
    path = await _draft(call, {"number": ANNA}, {"number": BEN}, {"number": CEM})
    listed = await call("POST", "/v1/suppressions", {"numbers": [ANNA]})
    only_here = {"numbers": [BEN], "campaign_id": str(_id(path))}
    assert (await call("POST", "/v1/suppressions", only_here)).status_code == 201
    lifted = await call("DELETE", f"/v1/suppressions/{listed.json()['entries'][0]['id']}")
    assert lifted.status_code == 204, lifted.text
    copied = (await call("POST", f"{path}/duplicate", {"contacts": "all"})).json()
    assert [contact.status for contact in desk.contacts(UUID(copied["id"]))] == [
        "do_not_call",
        "do_not_call",
        "pending",
    ]
    by_status = (await call("POST", f"{path}/duplicate", {"contacts": ["pending"]})).json()
    assert len(desk.contacts(UUID(by_status["id"]))) == 1
    none = (await call("POST", f"{path}/duplicate", {})).json()
    assert desk.contacts(UUID(none["id"])) == []
    bad = await call("POST", f"{path}/duplicate", {"contacts": "some"})
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid_request")
    folded = fold_contacts(desk.facts(UUID(copied["id"])))
    assert {each.contact_id: each for each in desk.contacts(UUID(copied["id"]))} == folded


def test_a_duplicate_of_an_ended_campaign_is_a_draft_that_must_be_extended(desk: "Desk") -> None:
    campaign_id, new_id = desk.draft([ANNA]), UUID(int=7)
    over = (desk.now() - timedelta(days=9)).date()
    settings = desk.campaign(campaign_id).settings
    ended = settings.model_copy(update={"schedule": settings.schedule.model_copy(update={"end_date": over})})
    desk.do(lambda tx: commands.carry_out(tx, tx.campaign(campaign_id), Edit(ended)))
    chosen = Chosen(statuses=["pending"])
    desk.do(lambda tx: duplicate(tx, desk.target(campaign_id), campaign_id=new_id, name=None, contacts=chosen))
    assert desk.start_refusal(new_id) == "schedule_ended"
    desk.edit(new_id, {"schedule": {"end_date": None}})
    desk.start(new_id)
    with pytest.raises(Refused):
        desk.edit(new_id, {"name": "Running"})


# --- results ----------------------------------------------------------------------------------------------------------


def _table(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def test_the_results_are_a_line_a_contact_that_is_safe_in_a_spreadsheet(call: Call, desk: "Desk") -> None:
    contacts: list[dict[str, Any]] = [
        {"number": ANNA, "first_name": "=cmd()", "external_id": "-1", "variables": {"plan": "+1", "status": "mine"}},
        {"number": BEN, "name": 'Ben "B", Jr.\nline', "variables": {"@city": "Köln"}},
    ]
    path = await _draft(call, *contacts)
    await call("POST", f"{path}/start")
    desk.report(desk.ended(desk.granted(desk.contact(_id(path))), Outcome.BUSY))
    answer = await call("GET", f"{path}/results.csv")
    anna, ben = _table(answer)
    assert list(anna) == [*COLUMNS, "'@city", "plan", "variables.status"]
    assert (anna["number"], anna["status"], anna["attempts"], anna["reason"]) == (ANNA, "no_answer", "1", "busy")
    assert (anna["first_name"], anna["external_id"], anna["plan"], anna["variables.status"]) == (
        "'=cmd()",
        "'-1",
        "'+1",
        "mine",
    )
    assert (anna["reached"], anna["last_call_answered"], anna["next_attempt_at"][-1]) == ("no", "no", "Z")
    assert (ben["name"], ben["'@city"], ben["plan"], ben["attempts"]) == ('Ben "B", Jr.\nline', "Köln", "", "0")
    assert f"campaign-{_id(path)}-results.csv" in answer.headers["content-disposition"]
    (hidden, _) = _table(await call("GET", f"{path}/results.csv", role="viewer"))
    assert hidden["number"].lstrip("'").startswith(ANNA[:4])
    assert "•" in hidden["number"]
    assert (await call("GET", f"/v1/campaigns/{UUID(int=1)}/results.csv")).status_code == 404


async def test_the_results_of_a_long_list_come_whole_and_in_order(call: Call, desk: "Desk") -> None:
    numbers = [f"+49302320{n:04d}" for n in range(PAGE + 2)]
    campaign_id = desk.draft(numbers[:1000])
    desk.add(campaign_id, numbers[1000:])
    rows = _table(await call("GET", f"/v1/campaigns/{campaign_id}/results.csv"))
    assert [row["number"] for row in rows] == numbers
    empty = desk.draft(0)
    assert _table(await call("GET", f"/v1/campaigns/{empty}/results.csv")) == []


async def test_variables_beyond_the_last_column_stand_together(call: Call) -> None:
    contacts = [
        {"number": f"+4930232{n:05d}", "variables": {f"v{n:02d}_{m:02d}": "x" for m in range(60)}} for n in range(5)
    ]
    path = await _draft(call, *contacts)
    rows = _table(await call("GET", f"{path}/results.csv"))
    assert len(rows[0]) == len(COLUMNS) + MAX_VARIABLE_COLUMNS + 1
    assert rows[0][OTHER_VARIABLES] == ""
    shown = [name for name, value in rows[4].items() if value == "x"]
    assert len(shown) + len(orjson.loads(rows[4][OTHER_VARIABLES])) == 60
