"""Starting, pausing and resuming from the page: once, seen at once, and refused in words."""

from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.browser.conftest import Desk, accessibility_problems
from tests.e2e.conftest import System

SLOW = {"max_simultaneous_calls": 1, "calls_per_second": 1}


def test_a_button_sends_its_command_once_and_the_page_shows_its_effect(desk: Desk, system: System) -> None:
    sent: list[str] = []
    desk.context.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    campaign = system.create(limits=SLOW)
    system.add(campaign, [f"+331990099{n:02}" for n in range(20, 30)])
    page = desk.open(f"/campaigns/{campaign}")
    page.get_by_role("button", name="Start").dblclick()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("button", name="Pause").dblclick()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    page.get_by_role("link", name="← Campaigns").click()
    expect(page.get_by_role("row", name="Spring offer")).to_contain_text("Paused")
    assert [urlsplit(url).path.rpartition("/")[2] for url in sent] == ["start", "pause"]


def test_a_refusal_says_what_is_missing_and_the_page_stays_usable(desk: Desk, system: System) -> None:
    campaign = system.create()
    page = desk.open(f"/campaigns/{campaign}")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("That isn’t possible now")
    assert accessibility_problems(page) == []
    system.add(campaign, ["+33199009930"])
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("button", name="Start")).to_have_count(0)


def test_a_viewer_can_look_but_not_act(desk_of: Callable[..., Desk], system: System) -> None:
    campaign = system.create(name="Renewals")
    page = desk_of("viewer").open(f"/campaigns/{campaign}")
    expect(page.get_by_role("heading", name="Renewals")).to_be_visible()
    expect(page.get_by_role("button", name="Start")).to_have_count(0)
