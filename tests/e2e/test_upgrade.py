"""What a released version has stored is taken over by this one: migrated with its data in place, and worked on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from local_stack.release_data import HASH_KEY, NUMBERS, SUPPRESSED
from tests.e2e.conftest import System

RELEASED = sorted((Path(__file__).parents[1] / "data" / "released").iterdir())
ENDS = {
    "9900": "completed",
    "9901": "failed",
    "9902": "do_not_call",
    "9910": "voicemail",
    "9920": "no_answer",
    "9930": "no_answer",
    "9950": "failed",
}


@pytest.mark.parametrize("release", RELEASED, ids=lambda folder: folder.name)
def test_the_campaigns_of_a_released_version_go_on_under_this_one(
    start_system: Callable[..., System], release: Path
) -> None:
    told = json.loads((release / "told.json").read_text())

    system = start_system(stored=release, env={"campaign-command": {"HASH_KEY": HASH_KEY}})

    for campaign_id, before in told.items():
        now = system.read(f"/v1/campaigns/{campaign_id}")
        assert {name: now[name] for name in ("name", "status", "contacts")} == {
            name: before[name] for name in ("name", "status", "contacts")
        }
        assert {name: now["figures"][name] for name in before["figures"]} == before["figures"]
    ids = {campaign["name"]: campaign_id for campaign_id, campaign in told.items()}
    for name, word in (("Paused", "resume"), ("Draft", "start")):
        system.order(ids[name], word)
        view = system.wait(ids[name], lambda view: bool(view["status"] == "completed"))
        assert view["contacts"]["total"] == len(NUMBERS) + 1
        found = {number: contact["status"] for number, contact in system.contacts(ids[name]).items()}
        suppressed = {number for number in NUMBERS if number.endswith("9902")} | {SUPPRESSED}
        expected = {number: ENDS[number[-4:]] for number in NUMBERS if number not in suppressed}
        assert found == expected | dict.fromkeys(suppressed, "do_not_call")
        calls = system.calls(ids[name])
        assert all(call["number"] not in suppressed for call in calls) or name == "Paused"
    assert SUPPRESSED not in {entry["to"] for entry in system.ledger()}
