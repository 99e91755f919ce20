"""A manager's day at the page alone: everything from signing in to deleting, and nothing on the console."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from local_stack.processes import Stack
from tests.browser.conftest import Desk
from tests.browser.test_campaign_list import row
from tests.browser.test_campaign_page import NEVER_ENDS
from tests.browser.test_new_campaign import drag, step
from tests.e2e.conftest import System
from tests.e2e.test_story import CONTACTS

MESSY = Path(__file__).parents[1] / "data" / "messy"
PATIENT = 60_000
TABS = 8


def import_file(page: Page, file: Path) -> None:
    """Choose a file on the import's page, and import it."""
    with page.expect_file_chooser() as chooser:
        page.get_by_label("File of contacts").click()
    chooser.value.set_files(file)
    page.get_by_role("button", name="Import", exact=True).click(timeout=PATIENT)
    expect(page.get_by_role("region", name="Import").get_by_text("Completed")).to_be_visible(timeout=PATIENT)


def tab(page: Page, name: str) -> None:
    """One of the campaign's pages."""
    page.get_by_role("navigation", name="The campaign’s pages").get_by_role("link", name=name, exact=True).click()


def enter(page: Page, name: str) -> None:
    """From the list to a campaign's page."""
    expect(row(page, name)).to_be_visible(timeout=PATIENT)
    row(page, name).get_by_role("link").click()


def more(page: Page, item: str) -> None:
    """An item of the menu of further actions."""
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name=item).click()


def new_campaign(page: Page, name: str, *, at_one_time: int, a_second: int) -> None:
    """From the list to the import of a campaign that may call around the clock."""
    page.get_by_role("link", name="New campaign").or_(
        page.get_by_role("link", name="Create the first campaign")
    ).first.click()
    page.get_by_label("Name").fill(name)
    step(page, "Agent and numbers")
    page.get_by_label("Voice agent").fill("agent-1")
    page.get_by_role("combobox", name="Caller numbers").fill("+493023125000,")
    step(page, "Schedule and limits")
    drag(page, "Monday 00:00", "Sunday 23:30")
    expect(page.get_by_text("Mon–Sun 00:00–24:00")).to_be_visible()
    page.get_by_label("Calls at one time").fill(str(at_one_time))
    page.get_by_label("Calls begun per second").fill(str(a_second))
    step(page, "Contacts")
    page.get_by_role("button", name="Create the campaign").click()
    expect(page).to_have_url(re.compile(r"/campaigns/[0-9a-f-]{36}/import$"), timeout=PATIENT)


def test_a_managers_day(desk_of: Callable[..., Desk], stack: Stack, system: System) -> None:
    desk = desk_of(None)
    page = desk.open("/")
    page.get_by_label("Access token").fill(stack.token(workspace=system.workspace, role="operator"))
    page.get_by_role("button", name="Sign in", exact=True).click()

    # Two campaigns, and what a spreadsheet makes of a list.
    new_campaign(page, "Renewals", at_one_time=20, a_second=10)
    import_file(page, CONTACTS)
    page.get_by_role("button", name="Import another file").click()
    import_file(page, MESSY / "quoted-fixed.csv")
    page.get_by_role("link", name="← Campaigns").click()
    new_campaign(page, "Survey", at_one_time=2, a_second=2)
    import_file(page, CONTACTS)
    page.get_by_role("link", name="← Campaigns").click()

    # It moves while it is looked at.
    enter(page, "Renewals")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=PATIENT)
    expect(page.get_by_text(re.compile(r"^[1-9]\d* / 1,\d{3} reached"))).to_be_visible(timeout=PATIENT)

    # Paused, edited, resumed.
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=PATIENT)
    tab(page, "Settings")
    page.get_by_label("Calls at one time").fill("60", timeout=PATIENT)
    page.get_by_label("Calls begun per second").fill("100")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="Saved")).to_contain_text("2 settings changed", timeout=PATIENT)
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("A running campaign can’t be changed")).to_be_visible(timeout=PATIENT)

    # What it has come to.
    tab(page, "Analytics")
    expect(page.get_by_role("region", name="Figures")).to_be_visible(timeout=PATIENT)
    tab(page, "Contacts")
    expect(page.get_by_role("table", name="Contacts")).to_be_visible(timeout=PATIENT)
    tab(page, "Calls")
    expect(page.get_by_role("table").first).to_be_visible(timeout=PATIENT)

    # The other one ends for good; a duplicate takes its place, and goes as well.
    page.get_by_role("link", name="← Campaigns").click()
    enter(page, "Survey")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("button", name="Pause").click(timeout=PATIENT)
    page.get_by_role("button", name="Cancel campaign…").click()
    page.get_by_role("button", name="Cancel for good").click()
    expect(page.get_by_text("Cancelled", exact=True)).to_be_visible(timeout=PATIENT)
    more(page, "Duplicate…")
    page.get_by_label("Name of the duplicate").fill("Survey, again")
    page.get_by_label("All (1,000)").check()
    page.get_by_role("button", name="Duplicate", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Survey, again")).to_be_visible(timeout=PATIENT)
    more(page, "Delete…")
    page.get_by_label("To confirm, type the campaign’s name").fill("Survey, again")
    page.get_by_role("button", name="Delete for good").click()
    expect(page).to_have_url(re.compile("/campaigns$"), timeout=PATIENT)
    expect(row(page, "Survey")).to_contain_text("Cancelled", timeout=PATIENT)
    expect(row(page, "Survey, again")).to_have_count(0)
    expect(row(page, "Renewals")).to_contain_text(re.compile("Running|Completed"))


def test_eight_tabs_of_one_campaign_stay_live(desk: Desk, system: System) -> None:
    campaign = system.create(name="Seen by all")
    system.add(campaign, [NEVER_ENDS])
    pages = ["", "/analytics", "/contacts", "/import", "/calls", "/settings", "/log", ""]
    assert len(pages) == TABS
    tabs = [desk.tab(f"/campaigns/{campaign}{path}") for path in pages]
    for page in tabs:
        expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible(timeout=PATIENT)
    tabs[3].get_by_role("button", name="Start", exact=True).click()
    for page in tabs:
        expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=PATIENT)
        expect(page.get_by_role("status", name="Figures: Live")).to_be_visible()
    tabs[5].get_by_role("button", name="Pause").click()
    for page in tabs:
        expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=PATIENT)
