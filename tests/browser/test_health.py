"""Health: what works and what doesn't, the switch that stops all calling, and what holds for the whole workspace."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from local_stack.processes import Stack
from tests.browser.conftest import Desk, accessibility_problems
from tests.browser.test_campaign_list import LOOKS
from tests.browser.test_new_campaign import PATIENT
from tests.e2e.conftest import System


def test_services_are_ready_or_say_what_is_missing(desk: Desk, stack: Stack) -> None:
    desk.expected |= {502, 503, 504}
    page = desk.open("/health")
    services = page.get_by_role("region", name="Services")
    for name in ("Campaigns and contacts", "Dialling", "Figures"):
        expect(services.get_by_role("listitem", name=name)).to_contain_text("Ready", timeout=PATIENT)
    expect(services).to_contain_text("Lists and figures are up to date.", timeout=PATIENT)
    stack.stop_service("dialer")
    try:
        dialling = services.get_by_role("listitem", name="Dialling")
        expect(dialling).to_contain_text("Not ready", timeout=PATIENT)
        expect(dialling).to_contain_text("can't be reached")
        expect(dialling).to_contain_text("No call starts; calls in progress go on.")
        assert accessibility_problems(page) == []
    finally:
        stack.start_service("dialer")
        stack.wait_until_ready()
    expect(dialling).to_contain_text("answers in", timeout=PATIENT)


def test_pause_all_asks_first_stops_all_calling_and_is_undone(desk_of: Callable[..., Desk], system: System) -> None:
    desk = desk_of("operator")
    page = desk.open("/health")
    page.get_by_role("button", name="Pause all…").click(timeout=PATIENT)
    dialog = page.get_by_role("dialog", name="Pause all calling?")
    expect(dialog).to_contain_text("No new call starts in any campaign")
    assert accessibility_problems(page) == []
    dialog.get_by_role("button", name="Go on calling").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Pause all…").click()
    dialog.get_by_role("button", name="Pause all", exact=True).dblclick()
    expect(page.get_by_text("All calling of this workspace is paused")).to_be_visible(timeout=PATIENT)
    assert system.command("GET", "/v1/workspace", expect=200)["paused_all"]
    page.get_by_role("button", name="Resume all…").click()
    page.get_by_role("dialog").get_by_role("button", name="Resume all", exact=True).click()
    expect(page.get_by_role("button", name="Pause all…")).to_be_visible(timeout=PATIENT)
    assert not system.command("GET", "/v1/workspace", expect=200)["paused_all"]


def test_a_viewer_sees_and_switches_nothing(desk_of: Callable[..., Desk]) -> None:
    page = desk_of("viewer").open("/health")
    workspace = page.get_by_role("region", name="Workspace")
    expect(workspace).to_contain_text("Calls to one number: no cap", timeout=PATIENT)
    expect(page.get_by_role("group", name="Trunk default")).to_contain_text("Works")
    expect(page.get_by_role("button", name="Pause all…")).to_have_count(0)
    expect(workspace.get_by_role("textbox")).to_have_count(0)


def test_an_admin_sets_caps_trunks_and_numbers(desk: Desk, system: System) -> None:
    page = desk.open("/health")
    general = page.get_by_role("group", name="Caps and retention")
    general.get_by_role("button", name="Add a cap").click(timeout=PATIENT)
    general.get_by_label("Cap 1: calls").fill("2")
    general.get_by_label("Cap 1: within").fill("36 h")
    general.get_by_label("The call history keeps numbers for").fill("9999")
    general.get_by_role("button", name="Save").click()
    retention = general.get_by_label("The call history keeps numbers for")
    expect(retention).to_have_accessible_description(re.compile("less than or equal to 3653"), timeout=PATIENT)
    retention.fill("90")
    general.get_by_role("button", name="Save").click()
    expect(general.get_by_role("button", name="Save")).to_have_count(0, timeout=PATIENT)
    trunks = page.get_by_role("group", name="Trunks", exact=True)
    trunks.get_by_role("button", name="Add a trunk").click()
    trunks.get_by_label("Id").fill("Berlin 1")
    trunks.get_by_label("Calls at most").fill("30")
    trunks.get_by_role("button", name="Save").click()
    expect(trunks.get_by_label("Id")).to_have_accessible_description(re.compile("match pattern"), timeout=PATIENT)
    trunks.get_by_label("Id").fill("berlin-1")
    trunks.get_by_role("button", name="Save").click()
    expect(trunks.get_by_role("button", name="Save")).to_have_count(0, timeout=PATIENT)
    numbers = page.get_by_role("group", name="Phone numbers", exact=True)
    numbers.get_by_role("button", name="Add a number").click()
    numbers.get_by_label("Number", exact=True).fill("+49 30 23980000")
    numbers.get_by_role("combobox", name="Trunk").fill("hamburg")
    numbers.get_by_role("button", name="Save").click()
    expect(numbers.get_by_role("combobox", name="Trunk")).to_have_accessible_description(
        re.compile("there is no trunk 'hamburg'; allowed: berlin-1, default"), timeout=PATIENT
    )
    numbers.get_by_role("combobox", name="Trunk").fill("berlin-1")
    numbers.get_by_label("Label").fill("Office")
    numbers.get_by_role("button", name="Save").click()
    expect(numbers.get_by_role("button", name="Save")).to_have_count(0, timeout=PATIENT)
    workspace = system.command("GET", "/v1/workspace", expect=200)
    assert workspace["caps"] == [{"calls": 2, "window_seconds": 36 * 3600}]
    assert workspace["retention_days"] == 90
    assert [(trunk["id"], trunk["max_calls"]) for trunk in workspace["trunks"]] == [("berlin-1", 30)]
    assert workspace["phone_numbers"] == [{"number": "+493023980000", "trunk": "berlin-1", "label": "Office"}]
    expect(page.get_by_role("group", name="Trunk berlin-1")).to_contain_text("at most 30", timeout=PATIENT)


def test_somebody_elses_change_is_not_overwritten(desk: Desk, system: System) -> None:
    page = desk.open("/health")
    general = page.get_by_role("group", name="Caps and retention")
    general.get_by_label("The call history keeps numbers for").fill("90", timeout=PATIENT)
    system.command("PATCH", "/v1/workspace", json={"retention_days": 30}, expect=200)
    expect(general.get_by_role("alert")).to_contain_text("Somebody else has changed this", timeout=PATIENT)
    expect(general.get_by_role("button", name="Save")).to_be_disabled()
    general.get_by_role("button", name="Show theirs").click()
    expect(general.get_by_label("The call history keeps numbers for")).to_have_value("30 days")


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_everybody_can_read_it(desk_of: Callable[..., Desk], system: System, scheme: str, width: int) -> None:
    look = LOOKS.index((scheme, width))  # a number is one workspace's only
    numbers = [{"number": f"+4930239{look}{n:04}", "label": "مكتب"} for n in range(25)]
    system.command("PUT", "/v1/phone-numbers", json={"phone_numbers": numbers}, expect=200)
    desk = desk_of(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = desk.open("/health")
    numbers_shown = page.get_by_role("group", name="Phone numbers", exact=True)
    expect(numbers_shown).to_contain_text("1–20 of 25", timeout=PATIENT)
    numbers_shown.get_by_label("Label").first.fill("changed")
    expect(numbers_shown.get_by_role("button", name="Save")).to_be_visible()
    assert accessibility_problems(page) == []
