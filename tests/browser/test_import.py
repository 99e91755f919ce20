"""Contacts from a file: seen before it is sent, mapped by hand, imported, and every row answered."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk, accessibility_problems
from tests.browser.test_campaign_list import LOOKS
from tests.e2e.conftest import System
from tests.e2e.test_story import CONTACTS

MESSY = Path(__file__).parents[1] / "data" / "messy"
PATIENT = 40_000


def choose(page: Page, file: Path) -> None:
    """Choose a file of contacts as a user does."""
    with page.expect_file_chooser() as chooser:
        page.get_by_label("File of contacts").click()
    chooser.value.set_files(file)


def test_a_file_is_seen_before_it_is_imported(desk: Desk, system: System) -> None:
    campaign = system.create()
    page = desk.open(f"/campaigns/{campaign}/import")
    choose(page, CONTACTS)
    expect(page.get_by_role("heading", name="The first 20 rows, as they would be read")).to_be_visible(timeout=PATIENT)
    expect(page.get_by_label("What “phone_number” is")).to_have_value("phone")
    expect(page.get_by_label("What “plan” is")).to_have_value("variable")
    expect(page.get_by_role("table", name="First rows")).to_contain_text("+493023125433")
    assert system.read(f"/v1/campaigns/{campaign}")["contacts"]["total"] == 0
    page.get_by_role("button", name="Import", exact=True).dblclick()
    expect(page.get_by_role("region", name="Import").get_by_text("Completed")).to_be_visible(timeout=PATIENT)
    expect(page).to_have_url(re.compile("import="))
    expect(page.get_by_text("0 / 1,000 reached")).to_be_visible(timeout=PATIENT)
    page.get_by_role("button", name="Import another file").click()
    expect(page.get_by_role("table", name="Imports").get_by_role("row")).to_have_count(2)


def test_a_messy_file_is_tried_first_and_its_bad_rows_can_be_had(desk: Desk, system: System, tmp_path: Path) -> None:
    campaign = system.create()
    page = desk.open(f"/campaigns/{campaign}/import")
    choose(page, MESSY / "written-by-hand.csv")
    rows = page.get_by_role("table", name="First rows")
    expect(rows).to_contain_text("A national number, and no default country", timeout=PATIENT)
    page.get_by_role("combobox", name="Country of national numbers").fill("United Kingdom")
    page.get_by_role("option", name="United Kingdom (GB)").click()
    expect(rows).to_contain_text("+442079460201")
    expect(rows).to_contain_text("the number of line 2")
    page.get_by_label("Only try it").check()
    page.get_by_role("button", name="Try the import").click()
    shown = page.get_by_role("region", name="Import")
    expect(shown.get_by_text("Completed")).to_be_visible(timeout=PATIENT)
    expect(shown).to_contain_text("Only a trial")
    assert system.read(f"/v1/campaigns/{campaign}")["contacts"]["total"] == 0
    page.get_by_role("button", name="Now import it").click()
    page.get_by_role("combobox", name="Country of national numbers").fill("United Kingdom")
    page.get_by_role("option", name="United Kingdom (GB)").click()
    expect(rows).to_contain_text("+442079460201", timeout=PATIENT)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(shown.get_by_text("Completed")).to_be_visible(timeout=PATIENT)
    expect(page.get_by_role("list", name="By reason")).to_contain_text("Rejected: A premium-rate number")
    expect(page.get_by_role("table", name="Rows")).to_contain_text("Letters in the number")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download the rejected rows (CSV)").click()
    saved.value.save_as(tmp_path / "errors.csv")
    assert "premium_rate" in (tmp_path / "errors.csv").read_text(encoding="utf-8-sig")
    page.get_by_role("radiogroup", name="Rows with the result").get_by_text("Duplicate").click()
    expect(page).to_have_url(re.compile("result=duplicate"))
    expect(page.get_by_role("table", name="Rows")).to_contain_text("the number of line 2")


def test_a_file_whose_number_column_is_not_clear_is_mapped_by_hand(desk: Desk, system: System) -> None:
    page = desk.open(f"/campaigns/{system.create()}/import")
    choose(page, MESSY / "two-phone-columns.csv")
    expect(page.get_by_role("alert")).to_be_visible(timeout=PATIENT)
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_disabled()
    page.get_by_label("What “mobile” is").select_option("phone")
    expect(page.get_by_role("table", name="First rows")).to_contain_text("+14155550182", timeout=PATIENT)
    expect(page.get_by_label("What “phone” is")).to_have_value("variable")
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_enabled()


def test_a_file_that_is_none_is_refused_in_words(desk: Desk, system: System) -> None:
    page = desk.open(f"/campaigns/{system.create()}/import")
    choose(page, MESSY / "empty.csv")
    expect(page.get_by_role("alert")).to_contain_text("Please correct this", timeout=PATIENT)
    choose(page, CONTACTS)
    expect(page.get_by_role("table", name="First rows")).to_be_visible(timeout=PATIENT)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_large_file_is_seen_without_being_sent_and_its_import_can_be_ended(
    desk: Desk, system: System, tmp_path: Path
) -> None:
    large = tmp_path / "large.csv"
    with large.open("w") as file:
        file.write("phone,name\n")
        file.writelines(f"+4930{23_000_000 + n},Somebody {n}\n" for n in range(300_000))
    campaign = system.create()
    page = desk.open(f"/campaigns/{campaign}/import")
    choose(page, large)
    expect(page.get_by_role("table", name="First rows")).to_be_visible(timeout=PATIENT)
    page.get_by_role("button", name="Import", exact=True).click()
    shown = page.get_by_role("region", name="Import")
    page.get_by_role("button", name="Cancel the import").click(timeout=PATIENT)
    expect(shown.get_by_text("Cancelled")).to_be_visible(timeout=PATIENT)


def test_a_running_campaign_and_a_viewer_import_nothing(desk_of: Callable[..., Desk], system: System) -> None:
    campaign = system.create(limits={"max_simultaneous_calls": 1, "calls_per_second": 1})
    system.add(campaign, ["+33199009980"])
    viewer = desk_of("viewer").open(f"/campaigns/{campaign}/import")
    expect(viewer.get_by_text("role operator or admin can import")).to_be_visible()
    system.order(campaign, "start")
    page = desk_of().open(f"/campaigns/{campaign}/import")
    expect(page.get_by_text("Pause it to import contacts")).to_be_visible()
    expect(page.get_by_label("File of contacts")).to_have_count(0)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_import_is_accessible(desk_of: Callable[..., Desk], system: System, scheme: str, width: int) -> None:
    campaign = system.create()
    desk = desk_of(color_scheme=scheme, viewport={"width": width, "height": 844})
    page = desk.open(f"/campaigns/{campaign}/import")
    choose(page, MESSY / "written-by-hand.csv")
    expect(page.get_by_role("table", name="First rows")).to_be_visible(timeout=PATIENT)
    assert accessibility_problems(page) == []
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("region", name="Import").get_by_text("Completed")).to_be_visible(timeout=PATIENT)
    expect(page.get_by_role("table", name="Rows")).to_be_visible(timeout=PATIENT)
    assert accessibility_problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
