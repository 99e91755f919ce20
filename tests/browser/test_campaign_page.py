"""A campaign's page: what it does now and why not, and cancelling, duplicating and deleting it with due care."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk, accessibility_problems
from tests.browser.test_campaign_list import LOOKS, row
from tests.e2e.conftest import System

SLOW = {"max_simultaneous_calls": 1, "calls_per_second": 1}
NUMBERS = [f"+331990099{n:02}" for n in range(20, 30)]
NEVER_ENDS = "+33199009980"
PATIENT = 30_000
LONG_NAME = "Förlängning av avtal och uppföljning av kunder " * 4


def more(page: Page, item: str) -> None:
    """Choose an item of the menu of further actions."""
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name=item).click()


def test_a_draft_says_what_it_still_needs_and_where_to_give_it(desk: Desk, system: System) -> None:
    campaign = system.create(agent_id=None)
    page = desk.open(f"/campaigns/{campaign}")
    steps = page.get_by_role("region", name="Before it can start")
    expect(steps.get_by_role("listitem").filter(has_text="An agent")).to_contain_text("Missing")
    expect(steps.get_by_role("listitem").filter(has_text="A phone number")).to_contain_text("There")
    steps.get_by_role("link", name="Import a file of contacts").click()
    expect(page).to_have_url(re.compile("/import$"))


def test_a_start_that_is_refused_leads_to_where_it_is_mended(desk: Desk, system: System) -> None:
    page = desk.open(f"/campaigns/{system.create()}")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("no contacts")
    expect(page.get_by_role("link", name="Import contacts from a file")).to_be_visible()
    system_add = system.create(name="Blocked", requires_consent=True)
    system.add(system_add, [NUMBERS[0]])
    page = desk.open(f"/campaigns/{system_add}")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("no consent on record (1)")).to_be_visible()


def test_contacts_that_lack_a_variable_can_be_called_anyway(desk: Desk, system: System) -> None:
    campaign = system.create(custom_prompt="Good day {title}", limits=SLOW)
    system.add(campaign, NUMBERS)
    page = desk.open(f"/campaigns/{campaign}")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("title")
    page.get_by_role("button", name="Start anyway").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=PATIENT)


def test_a_running_campaign_shows_its_live_calls_against_its_limits(desk: Desk, system: System) -> None:
    campaign = system.create(limits={"max_simultaneous_calls": 3, "calls_per_second": 2})
    system.add(campaign, [NEVER_ENDS])
    system.order(campaign, "start")
    page = desk.open(f"/campaigns/{campaign}")
    expect(page.get_by_text("1 / 3", exact=True)).to_be_visible(timeout=PATIENT)
    expect(page.get_by_text(re.compile(r"^\S+ / 2$"))).to_be_visible()
    expect(page.get_by_role("region", name="Trunks")).to_contain_text("Calls go")


def test_a_campaign_that_waits_says_until_when_and_because_of_what(desk: Desk, system: System) -> None:
    campaign = system.create(schedule={"time_zone": "Europe/Berlin", "weekly": {"mon": [["00:00", "00:01"]]}})
    system.add(campaign, NUMBERS)
    system.order(campaign, "start")
    page = desk.open(f"/campaigns/{campaign}")
    now = page.get_by_role("status", name="Now")
    expect(now).to_contain_text("because it is outside the calling hours", timeout=PATIENT)
    expect(now.locator("time").first).to_be_visible()
    system.command("POST", "/v1/workspace/pause-all", expect=200)
    expect(now).to_contain_text("all calling of the workspace is paused", timeout=PATIENT)


def test_an_inbound_campaign_says_whether_it_answers(desk: Desk, system: System) -> None:
    campaign = system.create(name="Hotline", type="inbound")
    system.order(campaign, "start")
    page = desk.open(f"/campaigns/{campaign}")
    expect(page.get_by_role("status", name="Now")).to_contain_text("Answering calls", timeout=PATIENT)
    expect(page.get_by_text("Calls received")).to_be_visible()


def test_cancelling_warns_that_it_is_for_good(desk: Desk, system: System) -> None:
    campaign = system.create(limits=SLOW)
    system.add(campaign, NUMBERS)
    system.order(campaign, "start")
    system.order(campaign, "pause")
    page = desk.open(f"/campaigns/{campaign}")
    page.get_by_role("button", name="Cancel campaign…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("can never be started again")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Cancel campaign…").click()
    page.get_by_role("button", name="Cancel for good").dblclick()
    expect(page.get_by_text("Cancelled", exact=True)).to_be_visible(timeout=PATIENT)
    for gone in ("Start", "Pause", "Resume", "Cancel campaign…"):
        expect(page.get_by_role("button", name=gone, exact=True)).to_have_count(0)


def test_a_duplicate_takes_the_contacts_asked_for(desk: Desk, system: System) -> None:
    campaign = system.create(name="Renewals")
    system.add(campaign, NUMBERS)
    page = desk.open(f"/campaigns/{campaign}")
    more(page, "Duplicate…")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name of the duplicate").fill("Renewals, again")
    dialog.get_by_label("By status").check()
    expect(dialog.get_by_role("button", name="Duplicate")).to_be_disabled()
    dialog.get_by_label("Pending (10)").check()
    dialog.get_by_role("button", name="Duplicate").click()
    expect(page.get_by_role("heading", level=1, name="Renewals, again")).to_be_visible(timeout=PATIENT)
    expect(page).not_to_have_url(re.compile(campaign))
    expect(page.get_by_text("0 / 10 reached")).to_be_visible()


def test_deleting_wants_the_name_typed(desk: Desk, system: System) -> None:
    name = "بعد  الظهر " + LONG_NAME.strip()
    campaign = system.create(name=name)
    page = desk.open(f"/campaigns/{campaign}")
    more(page, "Delete…")
    dialog = page.get_by_role("dialog")
    button = dialog.get_by_role("button", name="Delete for good")
    expect(button).to_be_disabled()
    dialog.get_by_label("To confirm, type the campaign’s name").fill("another")
    expect(button).to_be_disabled()
    dialog.get_by_label("To confirm, type the campaign’s name").fill(name)
    button.click()
    expect(page).to_have_url(re.compile("/campaigns$"), timeout=PATIENT)
    expect(page.get_by_role("heading", name="No campaigns yet")).to_be_visible(timeout=PATIENT)


def test_a_running_campaign_says_why_it_is_not_deleted(desk: Desk, system: System) -> None:
    campaign = system.create(limits=SLOW)
    system.add(campaign, [NEVER_ENDS])
    system.order(campaign, "start")
    page = desk.open(f"/campaigns/{campaign}")
    more(page, "Delete…")
    expect(page.get_by_role("dialog")).to_contain_text("Pause it or cancel it first")
    expect(page.get_by_role("button", name="Delete for good")).to_have_count(0)


def test_a_test_call_rings_ones_own_number_and_shows_what_happens(desk: Desk, system: System) -> None:
    page = desk.open(f"/campaigns/{system.create()}")
    more(page, "Test call…")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your own number").fill("0199009900")
    dialog.get_by_role("button", name="Call now").click()
    expect(dialog.get_by_label("Your own number")).to_have_attribute("aria-invalid", "true", timeout=PATIENT)
    dialog.get_by_label("Your own number").fill("+33 1 99 00 99 00")
    dialog.get_by_role("button", name="Call now").click()
    expect(dialog.get_by_role("status", name="The test call")).to_contain_text("A person answered", timeout=PATIENT)


def test_a_viewer_sees_the_campaign_and_no_action(desk_of: Callable[..., Desk], system: System) -> None:
    campaign = system.create(name="Renewals")
    system.add(campaign, NUMBERS)
    page = desk_of("viewer").open(f"/campaigns/{campaign}")
    expect(page.get_by_role("heading", level=1, name="Renewals")).to_be_visible()
    for action in ("Start", "More"):
        expect(page.get_by_role("button", name=action, exact=True)).to_have_count(0)
    page.get_by_role("link", name="Contacts", exact=True).click()
    expect(page.get_by_role("table", name="Contacts")).to_contain_text("••••")
    expect(page.get_by_role("button", name="Add a contact")).to_have_count(0)


def test_the_log_tells_what_happened_in_order_and_in_plain_words(desk: Desk, system: System) -> None:
    campaign = system.create(limits=SLOW)
    for chunk in range(6):
        system.add(campaign, [f"+3319900{n:04}" for n in range(10 * chunk, 10 * chunk + 10)])
    for word in ("start", "pause", "cancel"):
        system.order(campaign, word)
    page = desk.open(f"/campaigns/{campaign}/log")
    entries = page.get_by_role("list", name="Log").get_by_role("listitem")
    expect(entries.first).to_contain_text("Created.")
    expect(entries.nth(1)).to_contain_text("10 contacts added.")
    expect(page.get_by_text("Cancelled for good. It was Paused.")).to_be_visible()
    entries.first.get_by_role("button", name="As stored").click()
    expect(entries.first).to_contain_text('"type": "CampaignCreated"')


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_page_and_its_dialogs_are_accessible(
    desk_of: Callable[..., Desk], system: System, scheme: str, width: int
) -> None:
    campaign = system.create(name=LONG_NAME.strip(), limits=SLOW)
    system.add(campaign, [NEVER_ENDS])
    system.order(campaign, "start")
    system.order(campaign, "pause")
    page = desk_of(color_scheme=scheme, viewport={"width": width, "height": 844}).open(f"/campaigns/{campaign}")
    expect(page.get_by_role("status", name="Now")).to_be_visible()
    assert accessibility_problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="Cancel campaign…").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert accessibility_problems(page) == []
    page.keyboard.press("Escape")
    for item in ("Duplicate…", "Delete…"):
        more(page, item)
        expect(page.get_by_role("dialog")).to_be_visible()
        assert accessibility_problems(page) == []
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_deleted_campaign_leaves_the_list_of_another_tab(desk: Desk, system: System) -> None:
    campaign = system.create(name="Renewals")
    other = desk.tab("/campaigns")
    expect(row(other, "Renewals")).to_be_visible()
    system.command("DELETE", f"/v1/campaigns/{campaign}?confirm={campaign}", expect=200)
    expect(row(other, "Renewals")).to_have_count(0, timeout=PATIENT)
