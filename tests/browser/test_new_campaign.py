"""Creating a campaign: four steps, hours painted or written, refusals beside the field, and nothing typed is lost."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from local_stack.processes import Stack
from local_stack.services import DASHBOARD
from tests.browser.conftest import Desk, accessibility_problems
from tests.browser.test_campaign_list import LOOKS
from tests.e2e.conftest import System

STEPS = ("Basics", "Agent and numbers", "Schedule and limits", "Contacts")
PATIENT = 30_000


def step(page: Page, title: str) -> None:
    """Go to a step by its button, and see it."""
    page.get_by_role("navigation", name="Steps").get_by_role("button", name=title).click()
    expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()


def create(page: Page) -> None:
    """From the last step."""
    step(page, "Contacts")
    page.get_by_role("button", name="Create the campaign").click()


def cell(page: Page, name: str) -> Locator:
    """Half an hour of the grid, such as `Monday 08:00`."""
    return page.get_by_role("gridcell", name=re.compile(f"^{name}"))


def drag(page: Page, first: str, last: str) -> None:
    """Paint from one cell of the grid to another."""
    cell(page, first).scroll_into_view_if_needed()
    cell(page, first).hover()
    page.mouse.down()
    cell(page, last).hover()
    page.mouse.up()


def campaign_of(page: Page) -> str:
    """The id in the address."""
    found = re.search(r"/campaigns/([0-9a-f-]{36})", page.url)
    assert found, page.url
    return found[1]


def test_four_steps_make_a_campaign_and_lead_to_its_import(desk: Desk, system: System) -> None:
    page = desk.open("/campaigns/new")
    page.get_by_label("Name").fill("  Renewals of spring ")
    page.get_by_label("Description").fill("Contracts that end in March")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Voice agent").fill("agent-1")
    page.get_by_role("combobox", name="Caller numbers").fill("+49 30 23125000,")
    page.get_by_label("Prompt").fill("Greet {first_name}, speak of {plan}, write {{so}}.")
    expect(page.get_by_text("Each contact needs these variables")).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("Mon–Fri 09:00–18:00")).to_be_visible()
    drag(page, "Monday 17:00", "Wednesday 17:30")
    expect(page.get_by_text("Mon–Wed 09:00–17:00; Thu–Fri 09:00–18:00")).to_be_visible()
    drag(page, "Saturday 10:00", "Saturday 13:30")
    page.get_by_label("Calls per day").fill("500")
    page.get_by_role("textbox", name="Busy: try again after").fill("10 min, 1 h")
    page.get_by_role("button", name="Next").click()
    summary = page.get_by_role("form", name="Contacts")
    expect(summary).to_contain_text("after 10 min, 1 h, while attempts are left")
    page.get_by_role("button", name="Create the campaign").dblclick()
    expect(page).to_have_url(re.compile(r"/campaigns/[0-9a-f-]{36}/import$"), timeout=PATIENT)
    expect(page.get_by_role("heading", name="Renewals of spring")).to_be_visible(timeout=PATIENT)
    settings = system.read(f"/v1/campaigns/{campaign_of(page)}")["settings"]
    assert settings["name"] == "Renewals of spring"
    assert settings["caller_numbers"] == ["+493023125000"]
    assert settings["schedule"]["time_zone"] == "Europe/Berlin"
    assert settings["schedule"]["weekly"] == {
        **{day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed")},
        **{day: [["09:00", "18:00"]] for day in ("thu", "fri")},
        "sat": [["10:00", "14:00"]],
    }
    assert settings["limits"]["calls_per_day"] == 500
    assert settings["retry"]["busy"] == {"delays_seconds": [600, 3600], "max_retries": None}
    assert system.read("/v1/campaigns")["total"] == 1


def test_what_is_not_valid_is_said_beside_its_field_in_the_step_that_has_it(desk: Desk) -> None:
    page = desk.open("/campaigns/new")
    step(page, "Agent and numbers")
    page.get_by_role("combobox", name="Caller numbers").fill("030 2312,")
    step(page, "Schedule and limits")
    page.get_by_label("Attempts per contact").fill("21")
    page.get_by_role("textbox", name="Busy: try again after").fill("soon")
    create(page)
    expect(page.get_by_role("heading", name="Schedule and limits")).to_be_visible()
    expect(page.get_by_text("“soon” can’t be read")).to_be_visible()  # said before anything is sent
    page.get_by_role("textbox", name="Busy: try again after").fill("15 min")
    create(page)
    expect(page.get_by_role("heading", name="Basics")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_accessible_description(re.compile("at least 1 character"))
    page.get_by_label("Name").fill("Named")
    step(page, "Agent and numbers")
    expect(page.get_by_text("no. 1: String should match pattern")).to_be_visible()
    page.get_by_role("combobox", name="Caller numbers").press("Backspace")
    expect(page.get_by_text("no. 1: String should match pattern")).to_have_count(0)
    steps = page.get_by_role("navigation", name="Steps")
    expect(steps.get_by_role("button", name="Schedule and limits 1 to correct")).to_be_visible()
    step(page, "Schedule and limits")
    limit = page.get_by_label("Attempts per contact")
    expect(limit).to_have_accessible_description(re.compile("less than or equal to 20"))
    limit.fill("20")
    create(page)
    expect(page).to_have_url(re.compile("/import$"), timeout=PATIENT)


def test_a_schedule_that_never_opens_is_refused_where_it_is_set(desk: Desk) -> None:
    page = desk.open("/campaigns/new")
    page.get_by_label("Name").fill("Never")
    step(page, "Schedule and limits")
    page.get_by_label("Last day").fill("2020-01-01")
    create(page)
    expect(page.get_by_label("Last day")).to_have_accessible_description(
        re.compile("lies in the past"), timeout=PATIENT
    )
    page.get_by_label("Last day").fill("")
    drag(page, "Monday 09:00", "Friday 17:30")
    expect(page.get_by_text("closed all week")).to_be_visible()
    create(page)
    expect(page.get_by_role("alert")).to_contain_text("weekly has no open minute", timeout=PATIENT)


def test_what_is_typed_survives_leaving_and_a_reload(desk: Desk) -> None:
    page = desk.open("/campaigns/new")
    page.get_by_label("Name").fill("Half written")
    step(page, "Schedule and limits")
    drag(page, "Sunday 10:00", "Sunday 11:30")
    page.get_by_role("banner").get_by_role("link", name="Health").click()
    expect(page.get_by_role("heading", name="Health")).to_be_visible()
    desk.open("/campaigns/new")
    expect(page.get_by_role("heading", name="Schedule and limits")).to_be_visible()
    expect(page.get_by_text("Sun 10:00–12:00")).to_be_visible()
    page.reload()
    step(page, "Basics")
    expect(page.get_by_label("Name")).to_have_value("Half written")
    page.get_by_role("button", name="Start anew").click()
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("")


def test_a_preset_fills_in_its_hours_and_ceilings_and_says_where_they_come_from(desk: Desk, system: System) -> None:
    page = desk.open("/campaigns/new")
    page.get_by_label("Name").fill("Outre-Rhin")
    step(page, "Agent and numbers")
    country = page.get_by_role("combobox", name="Default country")
    country.click()
    country.fill("United States")
    page.get_by_role("option", name="United States (US)").click()
    step(page, "Schedule and limits")
    preset = page.get_by_role("combobox", name="Preset")
    expect(preset).to_have_value("us-strict")
    preset.click()
    page.get_by_role("option", name="france").click()
    card = page.get_by_role("note", name="What france asks for")
    for words in ("Mon–Fri 10:00–13:00, 14:00–20:00", "at most 4 in 30 d", "holidays in France", "décret 2022-1313"):
        expect(card).to_contain_text(words)
    drag(page, "Saturday 10:00", "Saturday 10:30")
    create(page)
    expect(page.get_by_text("Saturday: looser than the preset france")).to_be_visible(timeout=PATIENT)
    drag(page, "Saturday 10:00", "Saturday 10:30")
    create(page)
    expect(page).to_have_url(re.compile("/import$"), timeout=PATIENT)
    system.wait(campaign_of(page), lambda _: True)
    settings = system.read(f"/v1/campaigns/{campaign_of(page)}")["settings"]
    assert settings["preset"] == "france"
    assert settings["requires_consent"]
    assert settings["frequency_caps"] == [{"calls": 4, "window_seconds": 30 * 86_400}]
    assert settings["schedule"]["public_holidays"] == {"country": "FR", "subdivision": None}


def test_the_hours_can_be_set_without_a_pointer(desk: Desk) -> None:
    page = desk.open("/campaigns/new")
    step(page, "Schedule and limits")
    cell(page, "Monday 09:00").focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("Mon 09:30–18:00; Tue–Fri 09:00–18:00")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_text("Mon 09:30–18:00; Tue 10:00–18:00; Wed–Fri 09:00–18:00")).to_be_visible()


def test_on_a_phone_the_hours_are_written(desk_of: Callable[..., Desk], system: System) -> None:
    desk = desk_of(viewport={"width": 390, "height": 844}, has_touch=True)
    page = desk.open("/campaigns/new")
    page.get_by_label("Name").fill("From a phone")
    step(page, "Schedule and limits")
    expect(page.get_by_role("grid")).to_have_count(0)
    page.get_by_label("Monday to").fill("9:30")
    page.get_by_role("button", name="Remove 09:00–18:00 on Friday").click()
    page.get_by_role("button", name="Add hours on Monday").click()
    page.get_by_label("Monday from, 2").fill("22:00")
    page.get_by_label("Monday to, 2").fill("2:00")
    page.get_by_label("Monday from, 2").focus()
    expect(page.get_by_text("Mon 09:00–09:30, 22:00–02:00; Tue–Thu 09:00–18:00")).to_be_visible()
    create(page)
    expect(page).to_have_url(re.compile("/import$"), timeout=PATIENT)
    system.wait(campaign_of(page), lambda _: True)
    weekly = system.read(f"/v1/campaigns/{campaign_of(page)}")["settings"]["schedule"]["weekly"]
    assert weekly["mon"] == [["09:00", "09:30"], ["22:00", "02:00"]]
    assert "fri" not in weekly


def test_an_inbound_campaign_asks_for_what_concerns_it(desk: Desk, system: System) -> None:
    page = desk.open("/campaigns/new")
    page.get_by_label("Name").fill("Hotline")
    page.get_by_role("radio", name="Inbound").check()
    page.get_by_role("radio", name="Play a message of the carrier").check()
    step(page, "Schedule and limits")
    expect(page.get_by_label("Attempts per contact")).to_have_count(0)
    create(page)
    expect(page.get_by_label("Message", exact=True)).to_have_accessible_description(
        re.compile("is missing"), timeout=PATIENT
    )
    page.get_by_label("Message", exact=True).fill("closed-en")
    create(page)
    expect(page).to_have_url(re.compile("/campaigns/[0-9a-f-]{36}$"), timeout=PATIENT)
    system.wait(campaign_of(page), lambda _: True)
    settings = system.read(f"/v1/campaigns/{campaign_of(page)}")["settings"]
    assert settings["inbound"] == {"when_closed": "message", "message_id": "closed-en"}


def test_a_session_that_ends_in_mid_form_loses_nothing(desk: Desk, system: System, stack: Stack) -> None:
    desk.expected.add(401)
    page = desk.open("/campaigns/new")
    page.get_by_label("Name").fill("Goes on")
    step(page, "Contacts")
    desk.context.clear_cookies()
    page.get_by_role("button", name="Create the campaign").click()
    again = page.get_by_role("dialog", name="Sign in again")
    again.get_by_label("Access token").fill(stack.token(workspace=system.workspace, role="operator"))
    again.get_by_role("button", name="Sign in", exact=True).click()
    expect(again).to_have_count(0)
    step(page, "Basics")
    expect(page.get_by_label("Name")).to_have_value("Goes on")
    create(page)
    expect(page).to_have_url(re.compile("/import$"), timeout=PATIENT)


def test_a_server_that_restarts_in_mid_form_loses_nothing(desk: Desk, system: System, stack: Stack) -> None:
    desk.expected |= {502, 503, 504}
    page = desk.open("/campaigns/new")
    page.get_by_label("Name").fill("Goes on, too")
    step(page, "Contacts")
    stack.stop_service("campaign-command")
    try:
        page.get_by_role("button", name="Create the campaign").click()
        expect(page.get_by_role("alert")).to_contain_text("A service is away", timeout=PATIENT)
    finally:
        stack.start_service("campaign-command")
        stack.wait_until_ready()
    stack.stop_service(DASHBOARD.name)
    stack.start_service(DASHBOARD.name)
    stack.wait_until_ready()
    page.get_by_role("button", name="Create the campaign").click()
    expect(page).to_have_url(re.compile("/import$"), timeout=PATIENT)
    assert system.read("/v1/campaigns")["total"] == 1
    desk.problems[:] = [each for each in desk.problems if "ERR_CONNECTION" not in each and "ERR_INCOMPLETE" not in each]


def test_a_viewer_is_told_who_can_create_one(desk_of: Callable[..., Desk]) -> None:
    page = desk_of("viewer").open("/campaigns/new")
    expect(page.get_by_role("alert")).to_contain_text("Somebody with the role operator or admin")
    expect(page.get_by_label("Name")).to_have_count(0)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_everybody_can_create_one(desk_of: Callable[..., Desk], scheme: str, width: int) -> None:
    desk = desk_of(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = desk.open("/campaigns/new")
    step(page, "Schedule and limits")
    page.get_by_label("Attempts per contact").fill("21")
    preset = page.get_by_role("combobox", name="Preset")
    preset.click()
    page.get_by_role("option", name="france").click()
    create(page)
    expect(page.get_by_role("heading", name="Basics")).to_be_visible(timeout=PATIENT)
    found = {title: _problems(page, title) for title in STEPS}
    assert found == {title: [] for title in STEPS}


def _problems(page: Page, title: str) -> list[str]:
    step(page, title)
    return accessibility_problems(page)
