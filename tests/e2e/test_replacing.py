"""Each service is replaced one process at a time while a campaign runs, as an upgrade does, and nothing is lost."""

from collections.abc import Callable

from tests.e2e.conftest import System
from tests.e2e.test_story import ENDS, numbers

SERVICES = ("campaign-command", "dialer", "analytics-projector", "webhooks")


def test_every_process_is_replaced_under_load_and_nobody_is_lost_or_rung_twice(
    start_system: Callable[..., System],
) -> None:
    system = start_system(instances=dict.fromkeys(SERVICES, 2))
    campaign_id = system.create(limits={"max_simultaneous_calls": 20, "calls_per_second": 4})
    called = numbers(ends=tuple(ENDS))
    system.add(campaign_id, called)
    system.order(campaign_id, "start")
    system.wait(campaign_id, lambda view: bool(view["figures"]["placed"] >= 5))

    for service in SERVICES:
        for instance in (0, 1):
            system.stack.stop_service(service, instance=instance)
            system.stack.start_service(service, instance=instance)
            system.stack.wait_until_ready()

    view = system.wait(campaign_id, lambda view: True)
    assert view["status"] == "running", "the load outlasted the replacing"
    system.wait(campaign_id, lambda view: bool(view["status"] == "completed"), seconds=180)
    contacts = system.contacts(campaign_id)
    assert len(contacts) == len(called)
    found = {number: contact["status"] for number, contact in contacts.items() if contact["reason"] != "unknown"}
    assert found == {number: ENDS[number[-4:]][0] for number in found}
    assert len(found) >= 0.9 * len(called), "a call whose placing was cut off is the exception"
    assert not any(system.problems(campaign_id).values())
