"""The variables of a prompt, consent words, and a timeline's sentences."""

from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from campaign_command import given_settings
from campaign_command.campaign import Campaign
from campaign_command.contact import Contact, PermitRefusal, decide_permit, is_consent
from campaign_command.templates import MAX_VARIABLES, variables_of
from campaign_command.timeline import standing, told
from campaign_events.envelope import decode
from campaign_events.facts import (
    CAMPAIGN_FACTS,
    SUPPRESSION_FACTS,
    CampaignEvent,
    ContactCallabilityChanged,
    ContactDetailsChanged,
    ContactStatusChanged,
    PermitChecks,
)
from campaign_events.schema_files import samples_of
from campaign_events.settings import CampaignSettings, CampaignStatus, ContactStatus, Outcome
from campaign_service.problems import Problem

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 2, 14, tzinfo=UTC)
CAMPAIGN, WORKSPACE, ANNA, CALL = (UUID(int=n) for n in range(1, 5))
READY: dict[str, Any] = {"name": "Spring", "agent_id": "agent-1", "caller_numbers": ("+4930123456",)}

# --- variables -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("", ()),
        ("Hello", ()),
        ("Hello {first_name}!", ("first_name",)),
        ("{a}{b} and {a}", ("a", "b")),
        ("Order {Order No} of {größe}", ("Order No", "größe")),
        ("{ plan}", ()),
        ("Say {{first_name}} as it is", ()),
        ('Answer {"ok": true} or {} or {1}', ()),
        ("{not\nover lines}", ()),
        ("{open", ()),
        ("{" + "x" * 101 + "}", ()),
        ("{plan }", ("plan",)),
    ],
)
def test_the_variables_of_a_prompt(prompt: str, names: tuple[str, ...]) -> None:
    assert variables_of(prompt) == names


@for_all(st.text(max_size=300))
def test_any_text_is_a_prompt(text: str) -> None:
    names = variables_of(text)
    assert len(set(names)) == len(names)
    assert all("{" not in name and "}" not in name for name in names)


def test_a_prompt_has_at_most_as_many_variables_as_a_contact() -> None:
    full = "".join(f"{{v{n}}}" for n in range(MAX_VARIABLES))
    assert given_settings.created(CampaignSettings(**READY, custom_prompt=full), now=NOON)
    with pytest.raises(Problem, match="custom_prompt: uses 65 different variables; allowed: at most 64"):
        given_settings.created(CampaignSettings(**READY, custom_prompt=full + "{one_more}"), now=NOON)


# --- consent --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("basis", [None, "", "  ", "no", "None", "FALSE", "refused", " withdrawn ", "opt-out"])
def test_no_consent(basis: str | None) -> None:
    assert not is_consent(basis)


@pytest.mark.parametrize("basis", ["yes", "opt-in", "written", "contract", "Express written consent, form 7"])
def test_consent(basis: str) -> None:
    assert is_consent(basis)


def campaign(status: str = "running", **settings: Any) -> Campaign:
    given = CampaignSettings(**READY, **settings)
    return Campaign(CAMPAIGN, WORKSPACE, given, 3, CampaignStatus(status), 2, NOON)


def contact(status: str = "pending", **more: Any) -> Contact:
    return Contact(ANNA, CAMPAIGN, ("Europe/Berlin",), status=ContactStatus(status), **more)


def ask(**more: Any) -> Any:
    values: dict[str, Any] = {
        "call_id": CALL,
        "attempt": 1,
        "settings_version": 3,
        "suppressed": False,
        "number_is_live": False,
    }
    return decide_permit(contact(), more.pop("of", campaign(requires_consent=True)), **values | more, now=NOON)


def test_a_contact_without_consent_is_marked_not_callable_where_consent_is_required() -> None:
    facts, refusal = ask(has_consent=False)
    assert refusal == PermitRefusal("permanent", "no_consent")
    assert facts == [
        ContactCallabilityChanged(
            at=NOON, campaign_id=CAMPAIGN, contact_id=ANNA, callable=False, reason="no_consent", settings_version=3
        )
    ]
    facts, refusal = ask(of=campaign(), has_consent=False)
    assert refusal is None


def test_do_not_call_comes_before_consent() -> None:
    facts, refusal = ask(has_consent=False, suppressed=True)
    assert refusal is not None
    assert refusal.code == "suppressed"
    assert facts[0].status == "do_not_call"


def test_a_permit_says_what_was_checked() -> None:
    [fact], _ = ask(
        of=campaign(requires_consent=True, preset="us-strict", preset_version=1),
        has_consent=True,
        zone_source="contact",
    )
    assert fact.checks == PermitChecks(
        suppression="clear", consent="given", zone_source="contact", preset="us-strict", preset_version=1
    )


# --- words ------------------------------------------------------------------------------------------------------------


def changed(previous: str, status: str, **more: Any) -> ContactStatusChanged:
    values = {"at": NOON, "campaign_id": CAMPAIGN, "contact_id": ANNA, "attempt": 1, **more}
    return ContactStatusChanged.model_validate({**values, "previous": previous, "status": status})


WORDS = [
    (
        changed("pending", "in_progress", call_id=CALL, checks=PermitChecks(zone_source="country")),
        "Call 1 was allowed: the number was on no do-not-call list; time zone from the country.",
    ),
    (changed("pending", "in_progress", call_id=CALL), "Call 1 was allowed."),
    (
        changed("in_progress", "no_answer", call_id=CALL, reason="busy", placed=True, due_at=LATER),
        "The call ended. Nobody picked up: busy. Next attempt from 2026-03-02 14:00 UTC.",
    ),
    (
        changed("in_progress", "completed", call_id=CALL, placed=True, outcome=Outcome.HUMAN),
        "The call ended. A person answered, and the call was a success.",
    ),
    (
        changed("in_progress", "pending", call_id=CALL, outcome=Outcome.NOT_PLACED),
        "The call ended. The contact waits to be called: the call was never placed. It does not count as an attempt.",
    ),
    (
        changed("pending", "do_not_call", reason="asked"),
        "The number must not be called: the person asked not to be called.",
    ),
    (
        ContactDetailsChanged(at=NOON, campaign_id=CAMPAIGN, contact_id=ANNA, changed=("first_name", "variables")),
        "Its details were edited: first name, variables.",
    ),
]


@pytest.mark.parametrize(("fact", "text"), WORDS, ids=[text[:40] for _, text in WORDS])
def test_a_fact_in_words(fact: Any, text: str) -> None:
    assert told(fact) == text


def test_every_published_fact_can_be_told_or_is_left_out() -> None:
    silent = {"CampaignCreated", "CampaignDeleted", "ContactsAdded", "ContactsRemoved"}
    for fact in CAMPAIGN_FACTS:
        for line in samples_of(fact.__name__):
            text = told(decode(line).data)
            assert (text is None) == (fact.__name__ in silent), fact.__name__
            assert text is None or text.endswith(".")
    assert set(CAMPAIGN_FACTS) == set(get_args(CampaignEvent))
    for name in (fact.__name__ for fact in SUPPRESSION_FACTS):
        assert all((told(decode(line).data) or ".").endswith(".") for line in samples_of(name))


NOW = [
    (contact("in_progress"), campaign(), None, "in_progress", False, None),
    (contact("completed"), campaign("paused"), None, "completed", True, None),
    (contact("do_not_call", reason="asked"), campaign(), None, "do_not_call", True, None),
    (contact(), campaign("draft"), PermitRefusal("temporary", "not_running"), "not_started", False, None),
    (contact(), campaign("paused"), PermitRefusal("temporary", "not_running"), "paused", False, None),
    (contact(), campaign("cancelled"), PermitRefusal("temporary", "not_running"), "campaign_cancelled", True, None),
    (
        contact(callable=False, not_callable_reason="no_consent"),
        campaign(),
        PermitRefusal("permanent", "not_callable"),
        "no_consent",
        True,
        None,
    ),
    (contact("no_answer"), campaign(), PermitRefusal("permanent", "attempts_spent"), "attempts_spent", True, None),
    (
        contact("no_answer", due_at=LATER),
        campaign(),
        PermitRefusal("temporary", "not_due", LATER),
        "not_due",
        False,
        LATER,
    ),
    (contact(), campaign(), PermitRefusal("temporary", "number_live", LATER), "number_live", False, LATER),
    (contact(), campaign(), PermitRefusal("temporary", "a_rule_of_later"), "a_rule_of_later", False, None),
    (contact(), campaign(), None, "ready", False, NOON),
]


@pytest.mark.parametrize(("who", "of", "refusal", "code", "never", "next_at"), NOW, ids=[row[3] for row in NOW])
def test_what_stands_in_the_way_now(
    who: Contact, of: Campaign, refusal: PermitRefusal | None, code: str, never: bool, next_at: datetime | None
) -> None:
    got = standing(who, of, refusal, now=NOON)
    assert (got.code, got.never, got.next_possible_at) == (code, never, next_at)
    assert got.text.endswith(".")
