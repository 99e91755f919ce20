"""The contacts of a campaign: found, added, edited, removed; and why each was called or not."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk, accessibility_problems
from tests.browser.test_campaign_list import LOOKS
from tests.e2e.conftest import System

PATIENT = 30_000
ANSWERS, MAILBOX, BUSY = "+33199009900", "+33199009910", "+33199009930"


def test_contacts_are_found_by_status_and_words_that_stand_in_the_url(desk: Desk, system: System) -> None:
    campaign = system.create()
    system.add(campaign, [ANSWERS, MAILBOX, BUSY])
    page = desk.open(f"/campaigns/{campaign}/contacts")
    table = page.get_by_role("table", name="Contacts")
    expect(table.get_by_role("row")).to_have_count(4)
    page.get_by_label("Search by number or name").fill("Secretname1")
    expect(page).to_have_url(re.compile("q=Secretname1$"))
    expect(table.get_by_role("row")).to_have_count(2)
    page.reload()
    expect(page.get_by_label("Search by number or name")).to_have_value("Secretname1")
    page.get_by_role("button", name="Clear the search").click()
    page.get_by_role("group", name="Status").get_by_text("Voicemail").click()
    expect(page).to_have_url(re.compile("status=voicemail"))
    expect(page.get_by_text("No contact matches")).to_be_visible()


def test_a_contact_is_added_and_a_bad_number_said_beside_the_field(desk: Desk, system: System) -> None:
    campaign = system.create()
    page = desk.open(f"/campaigns/{campaign}/contacts")
    page.get_by_role("button", name="Add one by hand").click()
    dialog = page.get_by_role("dialog")
    number = dialog.get_by_label("Number")
    number.fill("030 23125433")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_text("A national number, and no default country")).to_be_visible()
    number.fill("+49 30 23125433")
    dialog.get_by_label("First name").fill("Hana")
    dialog.get_by_label("Time zone").fill("Mars/Olympus")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_label("Time zone")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Time zone").fill("Europe/Berlin")
    dialog.get_by_role("button", name="Add a variable").click()
    dialog.get_by_label("Variable 1: name").fill("plan")
    dialog.get_by_label("Variable 1: value").fill("premium")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog).to_have_count(0, timeout=PATIENT)
    expect(page.get_by_role("table", name="Contacts")).to_contain_text("+493023125433")
    [contact] = system.contacts(campaign).values()
    assert (contact["first_name"], contact["variables"]) == ("Hana", {"plan": "premium"})
    page.get_by_role("button", name="Add a contact").click()
    page.get_by_role("dialog").get_by_label("Number").fill("+493023125433")
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("The campaign has this number already")).to_be_visible()


def test_contacts_are_removed_after_a_question(desk: Desk, system: System) -> None:
    campaign = system.create()
    system.add(campaign, [ANSWERS, MAILBOX, BUSY])
    page = desk.open(f"/campaigns/{campaign}/contacts")
    page.get_by_label("Choose Secretname0").check()
    page.get_by_label("Choose Secretname2").check()
    page.get_by_role("button", name="Remove…").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_role("table", name="Contacts").get_by_role("row")).to_have_count(2, timeout=PATIENT)
    assert list(system.contacts(campaign)) == [MAILBOX]


def test_an_edit_sends_only_what_changed(desk: Desk, system: System) -> None:
    campaign = system.create()
    contact = system.add(campaign, [ANSWERS])[ANSWERS]
    bodies: list[str] = []
    desk.context.on("request", lambda sent: bodies.append(sent.post_data or "") if sent.method == "PATCH" else None)
    page = desk.open(f"/campaigns/{campaign}/contacts/{contact}")
    page.get_by_role("button", name="Edit details").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Save")).to_be_disabled()
    dialog.get_by_label("Last name").fill("Sato")
    dialog.get_by_role("button", name="Save").dblclick()
    expect(dialog).to_have_count(0, timeout=PATIENT)
    expect(page.get_by_role("heading", name="Secretname0 Sato")).to_be_visible()
    expect(page.get_by_role("region", name="Timeline")).to_contain_text("Its details were edited: last name")
    assert bodies == ['{"last_name":"Sato"}']


def test_a_timeline_says_why_a_contact_was_called_and_that_it_will_not_be_again(desk: Desk, system: System) -> None:
    campaign = system.create()
    contacts = system.add(campaign, [ANSWERS, MAILBOX])
    page = desk.open(f"/campaigns/{campaign}/contacts/{contacts[MAILBOX]}")
    expect(page.get_by_role("status", name="Now")).to_contain_text("has not been started", timeout=PATIENT)
    system.order(campaign, "start")
    system.wait(campaign, lambda view: bool(view["status"] == "completed"))
    page.reload()
    timeline = page.get_by_role("region", name="Timeline")
    expect(timeline).to_contain_text("Call 1 was allowed: the number was on no do-not-call list", timeout=PATIENT)
    expect(timeline).to_contain_text("A mailbox picked up")
    expect(page.get_by_role("status", name="Now")).to_contain_text("It will not be called")
    timeline.get_by_role("button", name="The call").first.click()
    call = page.get_by_role("dialog")
    expect(call).to_contain_text("Answered by a machine", timeout=PATIENT)
    call.get_by_role("button", name="Close").click()
    expect(page.get_by_role("region", name="Call history").get_by_role("table")).to_contain_text("Voicemail")
    page.get_by_role("link", name="← Contacts").click()
    expect(page).to_have_url(re.compile("/contacts$"))


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_contacts_and_their_forms_are_accessible(
    desk_of: Callable[..., Desk], system: System, scheme: str, width: int
) -> None:
    campaign = system.create()
    contact = system.add(campaign, [ANSWERS])[ANSWERS]
    page = desk_of(color_scheme=scheme, viewport={"width": width, "height": 844}).open(
        f"/campaigns/{campaign}/contacts"
    )
    expect(page.get_by_role("link", name="Secretname0")).to_be_visible()
    page.get_by_label("Choose Secretname0").check()
    assert accessibility_problems(page) == []
    page.get_by_role("button", name="Add a contact").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Number").fill("x")
    dialog.get_by_role("button", name="Add a variable").click()
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_label("Number")).to_have_attribute("aria-invalid", "true")
    assert accessibility_problems(page) == []
    page.goto(page.url.partition("?")[0] + f"/{contact}")
    expect(page.get_by_role("status", name="Now")).to_be_visible()
    assert accessibility_problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
