"""The campaigns page: what it shows, how it is searched, that it is live, and who may do what there."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk, accessibility_problems
from tests.e2e.conftest import System

LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (1280, 390)]


def row(page: Page, name: str) -> Any:
    """The table's row of a campaign."""
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def test_an_empty_list_explains_the_first_step(desk: Desk) -> None:
    page = desk.open("/")
    expect(page).to_have_url(re.compile("/campaigns$"))
    expect(page.get_by_role("heading", name="No campaigns yet")).to_be_visible()
    page.get_by_role("link", name="Create the first campaign").click()
    expect(page).to_have_url(re.compile("/campaigns/new$"))


def test_a_campaign_shows_name_type_status_progress_and_date(desk: Desk, system: System) -> None:
    campaign = system.create(name="Renewals", description="Those of the spring")
    system.add(campaign, ["+33199009900", "+33199009901"])
    page = desk.open("/campaigns")
    shown = row(page, "Renewals")
    for text in ("Those of the spring", "Outbound", "Draft", "0 / 2 reached", "0 % worked"):
        expect(shown).to_contain_text(text)
    created = system.read(f"/v1/campaigns/{campaign}")["created_at"]
    expect(shown.locator("time")).to_have_attribute("datetime", created)
    expect(page.get_by_role("columnheader", name="Created")).to_contain_text("Europe/Berlin")


def test_filters_stand_in_the_url_and_survive_a_reload(desk: Desk, system: System) -> None:
    running = system.create(name="Spring")
    system.add(running, ["+33199009900"])
    system.create(name="Autumn")
    system.create(name="Hotline", type="inbound")
    page = desk.open("/campaigns")
    expect(page.get_by_text("3 campaigns", exact=True)).to_be_visible()
    page.get_by_role("radiogroup", name="Type").get_by_text("Inbound").click()
    expect(page).to_have_url(re.compile(r"\?type=inbound$"))
    expect(row(page, "Hotline")).to_be_visible()
    expect(row(page, "Spring")).to_have_count(0)
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_label("Search names and descriptions").fill("AUTU")
    expect(page).to_have_url(re.compile(r"\?q=AUTU$"))
    expect(row(page, "Spring")).to_have_count(0)
    page.get_by_role("group", name="Status").get_by_text("Draft").click()
    page.reload()
    expect(page).to_have_url(re.compile(r"\?q=AUTU&status=draft$"))
    expect(page.get_by_label("Search names and descriptions")).to_have_value("AUTU")
    expect(page.get_by_label("Draft", exact=True)).to_be_checked()
    expect(page.get_by_text("1 campaign found")).to_be_visible()
    page.get_by_label("Search names and descriptions").fill("nothing is called so")
    expect(page.get_by_role("heading", name="No campaign matches")).to_be_visible()
    page.get_by_role("button", name="Show all campaigns").click()
    expect(page.get_by_text("3 campaigns", exact=True)).to_be_visible()


def test_the_list_is_sorted_by_the_server(desk: Desk, system: System) -> None:
    for name in ("b", "C", "a"):
        system.create(name=name)
    page = desk.open("/campaigns")
    names = page.locator("tbody tr td:first-child a")
    expect(names).to_have_text(["a", "C", "b"])
    page.get_by_role("button", name="Name").click()
    expect(names).to_have_text(["a", "b", "C"])
    expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("button", name="Name").click()
    expect(page).to_have_url(re.compile(r"sort=name&order=desc$"))
    expect(names).to_have_text(["C", "b", "a"])


def test_a_long_list_comes_in_pages_that_keep_their_place(desk: Desk, system: System) -> None:
    for number in range(51):
        system.create(name=f"Campaign {number:02}")
    page = desk.open("/campaigns?sort=name")
    expect(page.get_by_text("1–50 of 51")).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("51–51 of 51")).to_be_visible()
    expect(row(page, "Campaign 50")).to_be_visible()
    expect(row(page, "Campaign 00")).to_have_count(0)
    page.reload()
    expect(row(page, "Campaign 50")).to_be_visible()
    page.get_by_role("button", name="Previous").click()
    expect(row(page, "Campaign 00")).to_be_visible()


def test_what_happens_elsewhere_appears_by_itself(desk: Desk, system: System) -> None:
    page = desk.open("/campaigns")
    expect(page.get_by_role("status", name="Figures: Live")).to_be_visible()
    campaign = system.create(name="Renewals")
    expect(row(page, "Renewals")).to_contain_text("Draft")
    system.add(campaign, ["+33199009900", "+33199009901"])
    expect(row(page, "Renewals")).to_contain_text("0 / 2 reached")
    system.order(campaign, "start")
    expect(row(page, "Renewals")).to_contain_text("Completed", timeout=60_000)
    expect(row(page, "Renewals")).to_contain_text("2 / 2 reached")
    expect(row(page, "Renewals")).to_contain_text("100 % worked")


def test_a_viewer_sees_the_campaigns_but_no_action(desk_of: Callable[..., Desk], system: System) -> None:
    page = desk_of("viewer").open("/campaigns")
    expect(page.get_by_role("heading", name="No campaigns yet")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("Create|New campaign"))).to_have_count(0)
    system.create(name="Renewals")
    expect(row(page, "Renewals")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("Create|New campaign"))).to_have_count(0)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_everybody_can_use_it(desk_of: Callable[..., Desk], system: System, scheme: str, width: int) -> None:
    desk = desk_of(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = desk.open("/campaigns")
    expect(page.get_by_role("heading", name="No campaigns yet")).to_be_visible()
    assert accessibility_problems(page) == []
    campaign = system.create(name="Renewals", description="Those of the spring")
    system.add(campaign, ["+33199009900", "+33199009901"])
    system.order(campaign, "start")
    system.create(name="Hotline", type="inbound")
    expect(page.get_by_role("link", name="Hotline")).to_be_visible()
    expect(page.get_by_text("Completed").last).to_be_visible(timeout=60_000)
    assert accessibility_problems(page) == []
    page.get_by_role("button", name=re.compile("^Account")).click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert accessibility_problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
