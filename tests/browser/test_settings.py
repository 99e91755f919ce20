"""A campaign's settings: what changes is shown before it is saved, only that is sent, and nobody is overwritten."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.conftest import Desk, accessibility_problems
from tests.browser.test_campaign_list import LOOKS
from tests.browser.test_new_campaign import PATIENT, drag
from tests.e2e.conftest import System

SLOW = {"max_simultaneous_calls": 1, "calls_per_second": 1}


def patches(desk: Desk) -> list[dict[str, Any]]:
    """What is sent from now on by way of edits; the empty one is how the page reads settings to edit."""
    sent: list[dict[str, Any]] = []

    def see(request: Request) -> None:
        if request.method == "PATCH" and request.post_data_json != {}:
            sent.append({"if-match": request.headers.get("if-match"), "body": request.post_data_json})

    desk.context.on("request", see)
    return sent


def settings(desk: Desk, campaign: str) -> Page:
    """The settings' tab, ready to be edited."""
    page = desk.open(f"/campaigns/{campaign}/settings")
    expect(page.get_by_role("form", name="Settings")).to_be_visible(timeout=PATIENT)
    return page


def edit(system: System, campaign: str, **changes: Any) -> None:
    """Somebody else's edit."""
    system.command("PATCH", f"/v1/campaigns/{campaign}", json=changes, expect=200)


def test_only_what_changed_is_sent_and_shown_before(desk: Desk, system: System) -> None:
    campaign = system.create(schedule={"time_zone": "Europe/Berlin"})
    sent = patches(desk)
    page = settings(desk, campaign)
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    page.get_by_label("Attempts per contact").fill("5")
    page.get_by_role("textbox", name="Busy: try again after").fill("20 min")
    drag(page, "Friday 17:00", "Friday 17:30")
    changes = page.get_by_role("group", name="Changes")
    expect(changes).to_contain_text("Attempts per contact3 → 5")
    expect(changes).to_contain_text("after 1 s, while attempts are left → after 20 min, while attempts are left")
    expect(changes).to_contain_text("Mon–Fri 09:00–18:00 → Mon–Thu 09:00–18:00; Fri 09:00–17:00")
    page.get_by_role("button", name="Save").dblclick()
    expect(page.get_by_role("alert").filter(has_text="Saved")).to_contain_text("3 settings changed", timeout=PATIENT)
    expect(changes).to_have_count(0)
    assert [each["body"] for each in sent] == [
        {
            "limits": {"max_attempts": 5},
            "retry": {"busy": {"delays_seconds": [1200]}},
            "schedule": {"weekly": {"fri": [["09:00", "17:00"]]}},
        }
    ]
    assert re.fullmatch(r'"\d+"', sent[0]["if-match"])


def test_undo_all_goes_back_and_nothing_is_sent(desk: Desk, system: System) -> None:
    campaign = system.create(name="Before")
    sent = patches(desk)
    page = settings(desk, campaign)
    page.get_by_role("textbox", name="Name", exact=True).fill("After")
    expect(page.get_by_role("group", name="Changes")).to_contain_text("Before → After")
    page.get_by_role("button", name="Undo all").click()
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("Before")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    assert sent == []


def test_somebody_elses_edit_is_shown_beside_ones_own_and_both_can_stay(desk: Desk, system: System) -> None:
    campaign = system.create(name="Before", description="Old")
    sent = patches(desk)
    page = settings(desk, campaign)
    page.get_by_role("textbox", name="Name", exact=True).fill("Mine")
    page.get_by_label("Attempts per contact").fill("7")
    edit(system, campaign, name="Theirs", description="New")
    page.get_by_role("button", name="Save").click()
    conflict = page.get_by_role("alert").filter(has_text="Somebody else has changed this campaign")
    expect(conflict.get_by_role("group", name="Their change")).to_contain_text("Before → Theirs", timeout=PATIENT)
    expect(conflict.get_by_role("group", name="Your change")).to_contain_text("Before → Mine")
    expect(conflict).to_contain_text("Name (changed by both)")
    assert accessibility_problems(page) == []
    conflict.get_by_role("button", name="Put mine on top of theirs").click()
    expect(page.get_by_role("group", name="Changes")).to_contain_text("Theirs → Mine")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="Saved")).to_be_visible(timeout=PATIENT)
    view = system.wait(campaign, lambda view: bool(view["name"] == "Mine"))
    assert view["description"] == "New"
    assert view["settings"]["limits"]["max_attempts"] == 7
    assert sent[-1]["body"] == {"name": "Mine", "limits": {"max_attempts": 7}}


def test_ones_own_can_be_dropped(desk: Desk, system: System) -> None:
    campaign = system.create(name="Before")
    page = settings(desk, campaign)
    page.get_by_role("textbox", name="Name", exact=True).fill("Mine")
    edit(system, campaign, name="Theirs")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Drop mine").click(timeout=PATIENT)
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("Theirs")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()


def test_what_is_not_an_edit_of_settings_is_no_conflict(desk: Desk, system: System) -> None:
    campaign = system.create(name="Before", limits=SLOW)
    system.add(campaign, [f"+331990099{n:02}" for n in range(20, 40)])
    page = settings(desk, campaign)
    page.get_by_role("textbox", name="Name", exact=True).fill("Mine")
    system.order(campaign, "start")
    system.order(campaign, "pause")
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("Mine", timeout=PATIENT)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="Saved")).to_be_visible(timeout=PATIENT)
    system.wait(campaign, lambda view: bool(view["name"] == "Mine"))


def test_the_servers_words_stand_beside_the_field(desk: Desk, system: System) -> None:
    campaign = system.create()
    page = settings(desk, campaign)
    page.get_by_label("Let it ring for").fill("3")
    page.get_by_role("button", name="Save").click()
    field = page.get_by_label("Let it ring for")
    expect(field).to_have_accessible_description(re.compile("greater than or equal to 15"), timeout=PATIENT)
    expect(page.get_by_text("1 field to correct, in: Schedule and limits")).to_be_visible()
    field.fill("20")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="Saved")).to_be_visible(timeout=PATIENT)


def test_a_running_campaign_shows_its_settings_and_why_they_stay(desk: Desk, system: System) -> None:
    campaign = system.create(limits=SLOW)
    system.add(campaign, [f"+331990099{n:02}" for n in range(20, 50)])
    system.order(campaign, "start")
    page = desk.open(f"/campaigns/{campaign}/settings")
    expect(page.get_by_text("A running campaign can’t be changed")).to_be_visible(timeout=PATIENT)
    expect(page.get_by_text("Mon–Sun 00:00–24:00")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("form", name="Settings")).to_be_visible(timeout=PATIENT)


def test_a_viewer_sees_them_and_changes_nothing(desk_of: Callable[..., Desk], system: System) -> None:
    campaign = system.create()
    page = desk_of("viewer").open(f"/campaigns/{campaign}/settings")
    expect(page.get_by_text("Your role lets you look at the settings")).to_be_visible(timeout=PATIENT)
    expect(page.get_by_text("+493023125000")).to_be_visible()
    expect(page.get_by_role("form", name="Settings")).to_have_count(0)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_everybody_can_edit(desk_of: Callable[..., Desk], system: System, scheme: str, width: int) -> None:
    campaign = system.create(name="لمحة عن الحملة", description="Long " * 60)
    desk = desk_of(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = settings(desk, campaign)
    page.get_by_label("Let it ring for").fill("3")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("1 field to correct")).to_be_visible(timeout=PATIENT)
    assert accessibility_problems(page) == []
