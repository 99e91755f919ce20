"""Signing in and out, many tabs, and services that go away and come back."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from local_stack.processes import Stack
from tests.browser.conftest import Desk, accessibility_problems
from tests.browser.test_campaign_list import LOOKS, row
from tests.e2e.conftest import System

TABS = 10


def test_a_token_signs_in_and_no_script_can_read_it(desk_of: Callable[..., Desk], stack: Stack, system: System) -> None:
    desk = desk_of(None)
    desk.expected.add(401)
    page = desk.open("/campaigns?status=draft")
    page.get_by_label("Access token").fill("no token")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("no token, or it has expired")
    page.get_by_label("Access token").fill(stack.token(workspace=system.workspace, role="operator"))
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Campaigns", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/campaigns\?status=draft$"))
    account = page.get_by_role("button", name=re.compile("^Account"))
    expect(account).to_contain_text(f"operator · {system.workspace[:8]}")
    account.click()
    expect(page.get_by_role("dialog")).to_contain_text(system.workspace)
    assert page.evaluate("document.cookie") == ""


def test_one_click_signs_in_to_the_local_stack_and_one_signs_out_everywhere(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(None)
    page, other = desk.open("/"), desk.tab("/")
    page.get_by_role("button", name="Sign in to this machine’s stack").click()
    for each in (page, other):
        expect(each.get_by_role("heading", name="Campaigns", exact=True)).to_be_visible()
    page.get_by_role("button", name=re.compile("^Account")).click()
    page.get_by_role("button", name="Sign out").click()
    for each in (page, other):
        expect(each.get_by_label("Access token")).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_everybody_can_sign_in(desk_of: Callable[..., Desk], scheme: str, width: int) -> None:
    desk = desk_of(None, color_scheme=scheme, viewport={"width": width, "height": 800})
    desk.expected.add(401)
    page = desk.open("/")
    page.get_by_label("Access token").fill("no token")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert accessibility_problems(page) == []


def test_ten_tabs_are_live_with_one_stream_and_outlive_the_one_that_holds_it(desk: Desk, system: System) -> None:
    streams: list[str] = []
    desk.context.on("request", lambda request: streams.append(request.url) if "/v1/events" in request.url else None)
    first = desk.open("/campaigns")
    expect(first.get_by_role("status", name="Figures: Live")).to_be_visible()
    tabs = [first, *(desk.tab("/campaigns") for _ in range(TABS - 1))]
    system.create(name="Seen by all")
    for page in tabs:
        expect(row(page, "Seen by all")).to_be_visible()
    assert len(streams) == 1
    first.close()
    expect(tabs[1].get_by_role("status", name="Figures: Live")).to_be_visible()
    system.create(name="Seen by the others")
    for page in tabs[1:]:
        expect(row(page, "Seen by the others")).to_be_visible()


def _is_live(page: Page, *, seconds: float = 30) -> None:
    expect(page.get_by_role("status", name="Figures: Live")).to_be_visible(timeout=seconds * 1000)


def test_a_lost_connection_is_shown_and_mends_itself(desk: Desk, system: System, stack: Stack) -> None:
    desk.expected |= {502, 503, 504}
    system.create(name="Before")
    page = desk.open("/campaigns")
    _is_live(page)
    expect(row(page, "Before")).to_be_visible()
    stack.stop_service("analytics-projector")
    try:
        expect(page.get_by_text("The connection is lost")).to_be_visible(timeout=30_000)
        expect(row(page, "Before")).to_be_visible()  # what was read stays
    finally:
        stack.start_service("analytics-projector")
        stack.wait_until_ready()
    _is_live(page)
    expect(page.get_by_text("The connection is lost")).to_have_count(0)
    system.create(name="After")
    expect(row(page, "After")).to_be_visible()
