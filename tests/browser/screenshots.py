"""`make screenshots`: the pictures of docs/images, of a workspace with a little of everything."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from local_stack.state import CHECKOUT
from tests.browser.conftest import Desk
from tests.e2e.conftest import System
from tests.e2e.test_story import CONTACTS, import_file

IMAGES = CHECKOUT / "docs" / "images"
MUCH = {"max_simultaneous_calls": 60, "calls_per_second": 100}
LITTLE = {"max_simultaneous_calls": 2, "calls_per_second": 3}


@pytest.fixture
def busy_workspace(system: System) -> System:
    """Campaigns in every status; some with thousands of calls behind them."""
    system.create(name="Summer clearance", description="Waits for the list of the Munich shop")
    hotline = system.create(name="Service hotline", description="Answers those who ring back", type="inbound")
    done = system.create(name="Renewals, first wave", description="Contracts that end in December", limits=MUCH)
    half = system.create(name="Appointment reminders", description="Workshop dates of next week", limits=MUCH)
    running = system.create(name="Renewals, second wave", description="Contracts that end in January", limits=LITTLE)
    stopped = system.create(name="Satisfaction survey", description="After the delivery", limits=LITTLE)
    for campaign in (done, half, running, stopped):
        import_file(system, campaign, CONTACTS.read_bytes())
    for campaign in (hotline, done, half, running, stopped):
        system.order(campaign, "start")
    system.order(stopped, "cancel")
    system.wait(half, lambda view: view["figures"]["reached"] > 300)
    system.order(half, "pause")
    numbers = ["+33199009901", "+33199009902", "+1900*"]
    system.command("POST", "/v1/suppressions", json={"numbers": numbers, "reason": "Wrote a letter"}, expect=201)
    system.wait(done, lambda view: bool(view["status"] == "completed"))
    return system


@dataclass(frozen=True)
class Picture:
    """A page: its name among the pictures, its path, what it shows once it is there, and what is done before."""

    name: str
    path: str
    shows: str
    then: Callable[[Page], None] = lambda _: None


def test_pictures(desk_of: Callable[..., Desk], busy_workspace: System) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    pictures = pictures_of(busy_workspace)
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390)):
        desk = desk_of(color_scheme=scheme, viewport={"width": width, "height": 720 if width > 400 else 844})
        for picture in pictures:
            page = desk.open(picture.path)
            expect(page.get_by_text(picture.shows).filter(visible=True).first).to_be_visible(timeout=30_000)
            picture.then(page)
            expect(page.get_by_role("status", name="Loading")).to_have_count(0)
            suffix = f"{scheme}{'-phone' if width < 400 else ''}"
            page.screenshot(path=IMAGES / f"{picture.name}-{suffix}.png", animations="disabled")
    page = desk_of(None).open("/")
    expect(page.get_by_label("Access token")).to_be_visible()
    page.screenshot(path=IMAGES / "sign-in.png")


def pictures_of(system: System) -> list[Picture]:
    """Every page, of the campaigns of the busy workspace."""
    found = system.read("/v1/campaigns", limit=50)["items"]
    ids = {campaign["name"]: campaign["id"] for campaign in found}
    done, paused = (f"/campaigns/{ids[name]}" for name in ("Renewals, first wave", "Appointment reminders"))
    return [
        Picture("campaigns", "/campaigns", "Summer clearance"),
        Picture("campaign", done, "Renewals, first wave"),
        Picture("analytics", f"{done}/analytics", "Answer rate"),
        Picture("contacts", f"{done}/contacts", "Completed"),
        Picture("import", f"{paused}/import", "File of contacts"),
        Picture("calls", f"{done}/calls", "Settled"),
        Picture("settings", f"{paused}/settings", "Voice agent", change_settings),
        Picture("log", f"{done}/log", "Log"),
        Picture("new-campaign", "/campaigns/new", "Description", show_schedule),
        Picture("do-not-call", "/do-not-call", "+1900*"),
        Picture("health", "/health", "Caps and retention"),
    ]


def change_settings(page: Page) -> None:
    """Leave a change to be saved."""
    page.get_by_label("Description").fill("Workshop dates of next week, and of the week after")


def show_schedule(page: Page) -> None:
    """The step with the hours, of a half written campaign."""
    page.get_by_label("Name").fill("Renewals, third wave")
    page.get_by_role("navigation", name="Steps").get_by_role("button", name="Schedule and limits").click()
    expect(page.get_by_role("group", name="Calling hours")).to_be_visible()
    page.get_by_role("combobox", name="Preset").click()
    page.get_by_role("option", name="canada").click()
