"""The calls of a campaign: found by state, looked at with their evidence, and hung up."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk, accessibility_problems
from tests.browser.test_campaign_list import LOOKS
from tests.e2e.conftest import System

PATIENT = 40_000
ANSWERS, MAILBOX, NEVER_ENDS = "+33199009900", "+33199009910", "+33199009980"


def test_a_live_call_is_found_and_hung_up(desk: Desk, system: System) -> None:
    campaign = system.create()
    system.add(campaign, [NEVER_ENDS])
    page = desk.open(f"/campaigns/{campaign}/calls")
    expect(page.get_by_text("No calls yet")).to_be_visible()
    system.order(campaign, "start")
    page.get_by_role("radiogroup", name="State of the calls").get_by_text("Answered").click()
    expect(page).to_have_url(re.compile("status=answered"))
    page.get_by_role("button", name=NEVER_ENDS).click(timeout=PATIENT)
    call = page.get_by_role("dialog")
    call.get_by_role("button", name="Hang up").dblclick()
    expect(call.get_by_role("region", name="What happened")).to_contain_text("Hung up", timeout=PATIENT)
    expect(call.get_by_role("button", name="Hang up")).to_have_count(0)


def test_a_call_shows_what_happened_and_the_evidence_for_it(desk: Desk, system: System) -> None:
    campaign = system.create()
    system.add(campaign, [ANSWERS, MAILBOX])
    system.order(campaign, "start")
    system.wait(campaign, lambda view: bool(view["status"] == "completed"))
    page = desk.open(f"/campaigns/{campaign}/calls")
    table = page.get_by_role("table", name="Calls")
    expect(table.get_by_role("row")).to_have_count(3)
    page.get_by_role("button", name=ANSWERS).click()
    evidence = page.get_by_role("dialog").get_by_role("region", name="Evidence")
    for text in ("A person answered", "Goal met", "Europe/Paris", "Allowed until"):
        expect(evidence).to_contain_text(text)
    expect(page).to_have_url(re.compile("call="))
    page.reload()
    expect(page.get_by_role("dialog")).to_contain_text("Answered by a person", timeout=PATIENT)
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("call="))


def test_a_viewer_sees_masked_numbers_and_hangs_nothing_up(desk_of: Callable[..., Desk], system: System) -> None:
    campaign = system.create()
    system.add(campaign, [NEVER_ENDS])
    system.order(campaign, "start")
    page = desk_of("viewer").open(f"/campaigns/{campaign}/calls?status=answered")
    page.get_by_role("button", name=re.compile("••••")).click(timeout=PATIENT)
    expect(page.get_by_role("region", name="Evidence")).to_be_visible()
    expect(page.get_by_role("button", name="Hang up")).to_have_count(0)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_calls_and_a_call_are_accessible(
    desk_of: Callable[..., Desk], system: System, scheme: str, width: int
) -> None:
    campaign = system.create()
    system.add(campaign, [ANSWERS])
    system.order(campaign, "start")
    system.wait(campaign, lambda view: bool(view["status"] == "completed"))
    page = desk_of(color_scheme=scheme, viewport={"width": width, "height": 844}).open(f"/campaigns/{campaign}/calls")
    page.get_by_role("button", name=ANSWERS).wait_for()
    assert accessibility_problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name=ANSWERS).click()
    expect(page.get_by_role("region", name="Evidence")).to_be_visible(timeout=PATIENT)
    assert accessibility_problems(page) == []
