"""The analytics of a campaign: the API's numbers, their formulas, pictures of them, and both to take away."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk, accessibility_problems
from tests.browser.test_campaign_list import LOOKS
from tests.e2e.conftest import System

PATIENT = 30_000
NUMBERS = ["+33199009900", "+33199009901", "+33199009910", "+33199009930"]


@pytest.fixture
def finished(system: System) -> str:
    """A campaign that has called everybody it can."""
    campaign = system.create(name="Renewals")
    system.add(campaign, NUMBERS)
    system.order(campaign, "start")
    system.wait(campaign, lambda view: bool(view["status"] == "completed"))
    return campaign


def test_figures_are_those_of_the_api_each_with_its_formula(desk: Desk, system: System, finished: str) -> None:
    page = desk.open(f"/campaigns/{finished}/analytics")
    figures = system.read(f"/v1/campaigns/{finished}")["figures"]
    shown = page.get_by_role("region", name="Figures")
    expect(shown).to_contain_text(f"{figures['completed']} / {figures['placed']} calls")
    expect(shown).to_contain_text("2 of 4 reached")
    page.get_by_role("button", name="How success rate is computed").focus()
    expect(page.get_by_role("tooltip").filter(has_text="Completed calls / calls placed")).to_be_visible()
    page.get_by_role("button", name="How answer rate is computed").hover()
    expect(page.get_by_role("tooltip").filter(has_text="Calls answered by a person / calls placed")).to_be_visible()


def test_the_statuses_sum_to_all_and_lead_to_their_contacts(desk: Desk, finished: str) -> None:
    page = desk.open(f"/campaigns/{finished}/analytics")
    table = page.get_by_role("table", name="Contacts by status")
    rows = table.get_by_role("row")
    expect(rows).to_have_count(10)
    counts = [int(text) for text in rows.locator("td:nth-child(2)").all_inner_texts()]
    assert sum(counts[:-1]) == counts[-1] == len(NUMBERS)
    table.get_by_role("link", name="Voicemail: show these contacts").click()
    expect(page).to_have_url(re.compile(r"/contacts\?status=voicemail$"))
    expect(page.get_by_role("table", name="Contacts").get_by_role("row")).to_have_count(2)


def test_the_days_stand_as_numbers_and_as_pictures_and_can_be_exported(
    desk: Desk, system: System, finished: str, tmp_path: Path
) -> None:
    page = desk.open(f"/campaigns/{finished}/analytics")
    expect(page.get_by_text("Days in Europe/Berlin")).to_be_visible()
    expect(page.get_by_role("table", name="Day by day").get_by_role("row")).to_have_count(2)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export CSV").click()
    assert saved.value.suggested_filename == "Renewals-days.csv"
    saved.value.save_as(tmp_path / "days.csv")
    [day] = csv.DictReader((tmp_path / "days.csv").read_text(encoding="utf-8-sig").splitlines())
    [known] = system.read(f"/v1/campaigns/{finished}/analytics")["days"]
    assert (day["placed"], day["completed"]) == (str(known["placed"]), str(known["completed"]))
    expect(page.get_by_role("img", name=re.compile("Calls a day"))).to_be_visible(timeout=PATIENT)
    expect(page.locator("path.recharts-rectangle").first).to_be_visible(timeout=PATIENT)
    with page.expect_download(timeout=PATIENT) as saved:
        page.get_by_role("button", name="Export PNG").click()
    saved.value.save_as(tmp_path / "days.png")
    picture = (tmp_path / "days.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000, "the picture is empty"


def test_a_campaign_without_calls_shows_dashes_not_zeros(desk: Desk, system: System) -> None:
    page = desk.open(f"/campaigns/{system.create()}/analytics")
    expect(page.get_by_text("No calls yet")).to_be_visible()
    figure = page.locator("dl").filter(has_text="Success rate")
    expect(figure).to_contain_text("–")
    expect(page.get_by_role("button", name="Export CSV")).to_have_count(0)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_analytics_are_accessible(desk_of: Callable[..., Desk], finished: str, scheme: str, width: int) -> None:
    desk = desk_of(color_scheme=scheme, viewport={"width": width, "height": 844})
    page = desk.open(f"/campaigns/{finished}/analytics")
    expect(page.locator("path.recharts-rectangle").first).to_be_visible(timeout=PATIENT)
    assert accessibility_problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
