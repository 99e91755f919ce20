"""The do-not-call list: looked through, added to, taken off with a reason, and whole lists put on and undone as one."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Desk, accessibility_problems
from tests.browser.test_campaign_list import LOOKS
from tests.browser.test_new_campaign import PATIENT
from tests.e2e.conftest import System

PAGE = "/do-not-call"
ASKED, OTHER = "+33199009901", "+33199009902"


def suppress(system: System, *numbers: str, reason: str | None = None) -> None:
    """Entries put there before the page is opened."""
    system.command("POST", "/v1/suppressions", json={"numbers": [*numbers], "reason": reason}, expect=201)


def line(page: Page, text: str) -> Locator:
    """The table's row of an entry."""
    return page.get_by_role("row").filter(has_text=text)


def upload(page: Page, path: Path, name: str) -> None:
    """By the dialog."""
    page.get_by_role("button", name="Upload a list").click()
    dialog = page.get_by_role("dialog", name="Upload a do-not-call list")
    with page.expect_file_chooser() as chosen:
        dialog.get_by_role("button", name="File").click()
    chosen.value.set_files(path)
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_role("button", name="Upload", exact=True).click()


def test_numbers_and_wildcards_are_added_in_the_servers_words_where_wrong(desk: Desk, system: System) -> None:
    campaign = system.create(name="Spring offer")
    page = desk.open(PAGE)
    expect(page.get_by_text("Nobody is on the list yet.")).to_be_visible(timeout=PATIENT)
    page.get_by_role("button", name="Add numbers").click()
    dialog = page.get_by_role("dialog", name="Add numbers to the do-not-call list")
    dialog.get_by_label("Numbers").fill(f"{ASKED}\nnobody\n+1900*")
    dialog.get_by_role("combobox", name="Where it holds").click()
    page.get_by_role("option", name="Spring offer").click()
    dialog.get_by_label("Until").fill("2020-01-01T00:00")
    dialog.get_by_label("Reason").fill("Rang the office")
    dialog.get_by_role("button", name="Add 3 numbers").click()
    numbers = dialog.get_by_label("Numbers")
    expect(numbers).to_have_accessible_description(re.compile("nobody: .*allowed: E.164"), timeout=PATIENT)
    assert accessibility_problems(page) == []
    numbers.fill(f"{ASKED}\n+1900*")
    dialog.get_by_role("button", name="Add 2 numbers").click()
    expect(dialog.get_by_label("Until")).to_have_accessible_description(
        re.compile("an instant in the future"), timeout=PATIENT
    )
    dialog.get_by_label("Until").fill("2100-01-01T12:00")
    dialog.get_by_role("button", name="Add 2 numbers").click()
    expect(dialog).to_have_count(0, timeout=PATIENT)
    for number in (ASKED, "+1900*"):
        for words in ("Spring offer", "By hand", "Rang the office", "until 1 Jan 2100, 12:00"):
            expect(line(page, number)).to_contain_text(words)
    page.get_by_role("link", name="Spring offer").first.click()
    expect(page).to_have_url(re.compile(campaign))


def test_the_list_is_searched_by_number_and_by_where_it_comes_from(desk: Desk, system: System) -> None:
    suppress(system, ASKED, OTHER, "+3319900*")
    page = desk.open(PAGE)
    expect(page.get_by_text("3 entries")).to_be_visible(timeout=PATIENT)
    search = page.get_by_label("Search for a number")
    search.fill("+33 1 99 00 99 01")
    expect(page.get_by_text("2 entries")).to_be_visible(timeout=PATIENT)  # with the wildcard that holds it
    expect(line(page, OTHER)).to_have_count(0)
    page.reload()
    expect(search).to_have_value("+33 1 99 00 99 01")
    search.fill("who?")
    expect(search).to_have_accessible_description(re.compile("allowed: E.164"), timeout=PATIENT)
    search.fill("+493023125433")
    expect(page.get_by_text("Nothing keeps this number from being called.")).to_be_visible(timeout=PATIENT)
    search.fill("")
    page.get_by_role("combobox", name="Where they come from").click()
    page.get_by_role("option", name="Uploaded list").click()
    expect(page.get_by_text("There is none of this kind.")).to_be_visible(timeout=PATIENT)


def test_an_entry_is_taken_off_with_a_reason_that_is_kept(desk: Desk, system: System) -> None:
    suppress(system, ASKED)
    page = desk.open(PAGE)
    page.get_by_role("button", name=f"Remove {ASKED}").click(timeout=PATIENT)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Take it off")).to_be_disabled()
    dialog.get_by_label("Reason").fill("Asked for a call by letter")
    dialog.get_by_role("button", name="Take it off").dblclick()
    expect(page.get_by_text("Nobody is on the list yet.")).to_be_visible(timeout=PATIENT)
    page.get_by_role("radiogroup", name="What is shown").get_by_text("Taken off").click()
    shown = line(page, "Asked for a call by letter")
    expect(shown).to_contain_text("by local")
    expect(page.get_by_role("button", name="Remove", exact=False)).to_have_count(0)


def test_a_list_is_uploaded_watched_and_undone_as_one(desk: Desk, system: System, tmp_path: Path) -> None:
    file = tmp_path / "national.csv"
    file.write_text("number\n+33199009901\n+33199009902\nnonsense\n+33199009901\n")
    page = desk.open(f"{PAGE}?view=lists")
    expect(page.get_by_text("No list has been uploaded yet.")).to_be_visible(timeout=PATIENT)
    upload(page, file, "no such name!")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Name")).to_have_accessible_description(re.compile("match pattern"), timeout=PATIENT)
    dialog.get_by_label("Name").fill("national")
    dialog.get_by_label("Fresh for").fill("31")
    dialog.get_by_role("button", name="Upload", exact=True).click()
    expect(dialog.get_by_label("Date of the list")).to_have_accessible_description(
        re.compile("missing; a list with max_age_days needs its date"), timeout=PATIENT
    )
    dialog.get_by_label("Date of the list").fill("2020-01-01")
    dialog.get_by_role("button", name="Upload", exact=True).click()
    expect(dialog).to_have_count(0, timeout=PATIENT)
    card = page.get_by_role("group", name="List national")
    expect(card).to_contain_text("Complete", timeout=PATIENT)
    for words in ("2 put on the list · 1 duplicate · 1 rejected", "Too old", "fresh through Sat, 1 Feb 2020"):
        expect(card).to_contain_text(words)
    card.get_by_role("button", name="Show what was rejected").click()
    expect(card).to_contain_text("Line 4")
    card.get_by_role("button", name="Undo the list national").click()
    dialog.get_by_label("Reason").fill("The wrong file")
    dialog.get_by_role("button", name="Undo it").click()
    expect(card).to_contain_text("Undone by local", timeout=PATIENT)
    expect(card).to_contain_text("The wrong file")
    page.get_by_role("radiogroup", name="What is shown").get_by_text("Entries").click()
    expect(page.get_by_text("Nobody is on the list yet.")).to_be_visible(timeout=PATIENT)


def test_a_file_that_is_no_list_is_refused_in_words(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "empty.csv"
    file.write_bytes(b"")
    page = desk.open(f"{PAGE}?view=lists")
    upload(page, file, "empty")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible(timeout=PATIENT)
    expect(page.get_by_role("dialog").get_by_role("button", name="Upload", exact=True)).to_be_enabled()


def test_the_list_is_exported(desk: Desk, system: System) -> None:
    suppress(system, ASKED)
    page = desk.open(PAGE)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export CSV").click(timeout=PATIENT)
    assert saved.value.suggested_filename == "do-not-call.csv"
    assert ASKED in saved.value.path().read_text()


def test_operators_look_and_viewers_do_not(desk_of: Callable[..., Desk], system: System) -> None:
    suppress(system, ASKED)
    page = desk_of("operator").open(PAGE)
    expect(line(page, ASKED)).to_be_visible(timeout=PATIENT)
    for name in ("Add numbers", f"Remove {ASKED}"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page = desk_of("viewer").open(PAGE)
    expect(page.get_by_role("alert")).to_contain_text("somebody with the role operator or admin", timeout=PATIENT)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_everybody_can_use_it(desk_of: Callable[..., Desk], system: System, scheme: str, width: int) -> None:
    suppress(system, ASKED, "+1900*", reason="سبب")
    desk = desk_of(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = desk.open(PAGE)
    expect(page.get_by_text(ASKED)).to_be_visible(timeout=PATIENT)
    assert accessibility_problems(page) == []
    page.get_by_role("button", name=f"Remove {ASKED}").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert accessibility_problems(page) == []
    page.keyboard.press("Escape")
    desk.open(f"{PAGE}?view=lists")
    page.get_by_role("button", name="Upload a list").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert accessibility_problems(page) == []
