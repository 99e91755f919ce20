"""The do-not-call list's rules: what a wildcard may reach, why who is not called, when a list is old, who is freed."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaign_command.contact import DO_NOT_CALL, PENDING, Contact, LastCall, evolve
from campaign_command.csv_answers import csv_lines, safe_cell
from campaign_command.do_not_call import (
    MIN_PREFIX_DIGITS,
    Upload,
    WildcardRefused,
    free_listed,
    is_fresh,
    pattern_of,
    read_wildcard,
    reason_of,
    reasons_of,
    stale_lists,
)
from campaign_command.store import hash_number
from campaign_events.settings import ContactStatus

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TODAY = NOW.date()
ID = UUID(int=7)
LISTED = Contact(ID, UUID(int=1), ("Europe/Berlin",), status=DO_NOT_CALL, reason="list")
CALL = LastCall(UUID(int=2), NOW, PENDING, None, None)


# --- wildcards -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("+1900*", "+1900"),
        (" +1 (900) * ", "+1900"),
        ("'+1900*", "+1900"),
        ("+49 900-1*", "+499001"),
        ("+3539001*", "+3539001"),
        ("+353900*", "+353900"),
    ],
)
def test_a_wildcard_names_a_country_and_three_digits_more(text: str, prefix: str) -> None:
    assert read_wildcard(text) == prefix
    assert read_wildcard(pattern_of(prefix)) == prefix


@pytest.mark.parametrize("text", ["*", "+*", "+1*", "+19*", "+49*", "+4990*", "+35390*", "+0*", "**"])
def test_a_wildcard_that_would_suppress_a_country_is_refused(text: str) -> None:
    assert read_wildcard(text) == WildcardRefused("wildcard_too_wide")


@pytest.mark.parametrize(
    "text", ["1900*", "+1900**", "+1900*5", "+1900x*", "*1900", "+123456789012345*", "+0900*", "00491900*"]
)
def test_a_text_that_is_no_wildcard_but_has_one_is_refused(text: str) -> None:
    assert read_wildcard(text) == WildcardRefused("invalid_wildcard")


@pytest.mark.parametrize("text", ["", "+493023125433", "abc"])
def test_a_text_without_a_star_is_no_wildcard(text: str) -> None:
    assert read_wildcard(text) is None


@given(st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)), st.text("0123456789", max_size=8))
@example(1, "")
def test_whatever_the_country_no_wildcard_reaches_more_than_an_area(code: int, rest: str) -> None:
    """The calling codes of the module are those of libphonenumber."""
    found = read_wildcard(f"+{code}{rest}*")
    if len(rest) >= MIN_PREFIX_DIGITS:
        assert found == f"+{code}{rest}"
    else:
        assert found == WildcardRefused("wildcard_too_wide")


# --- sources -------------------------------------------------------------------------------------------------


def test_only_a_list_gives_the_reason_list() -> None:
    assert reason_of("list") == "list"
    assert {reason_of(source) for source in ("agent", "api", "inbound", "network")} == {"asked"}


def test_who_asked_and_is_on_a_list_asked() -> None:
    assert reasons_of({"+1": ["list"], "+2": ["agent", "list"], "+3": ["api"]}) == {
        "+1": "list",
        "+2": "suppressed",
        "+3": "suppressed",
    }


def test_a_contact_that_only_a_list_kept_back_waits_again() -> None:
    (fact,) = free_listed(LISTED, now=NOW)
    after = evolve(LISTED, fact)
    assert (after.status, after.attempt, after.due_at, after.call) == (PENDING, 0, None, None)
    assert free_listed(after, now=NOW) == []


@pytest.mark.parametrize(
    "contact",
    [
        replace(LISTED, reason="asked"),
        replace(LISTED, reason="suppressed"),
        replace(LISTED, attempt=1),
        replace(LISTED, call=CALL),
        *(replace(LISTED, status=status) for status in ContactStatus if status is not DO_NOT_CALL),
    ],
    ids=lambda c: f"{c.status}-{c.reason}-{c.attempt}-{c.call is not None}",
)
def test_nobody_who_asked_or_was_called_is_freed(contact: Contact) -> None:
    assert free_listed(contact, now=NOW) == []


# --- lists with an age ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age_days", "max_age_days", "fresh"), [(0, 31, True), (31, 31, True), (32, 31, False), (4000, None, True)]
)
def test_a_list_is_fresh_up_to_and_with_its_last_day(age_days: int, max_age_days: int | None, fresh: bool) -> None:
    assert is_fresh(Upload("us-dnc", TODAY - timedelta(days=age_days), max_age_days), TODAY) is fresh


def test_a_list_with_an_age_and_no_date_is_never_fresh() -> None:
    assert not is_fresh(Upload("us-dnc", None, 31), date.min)


def test_a_list_that_is_needed_and_missing_is_stale_and_one_fresh_upload_is_enough() -> None:
    old, new = Upload("us-dnc", TODAY - timedelta(days=40), 31), Upload("us-dnc", TODAY, 31)
    assert stale_lists(["us-dnc", "ca-dncl", "us-dnc"], [old], today=TODAY) == ["us-dnc", "ca-dncl"]
    assert stale_lists(["us-dnc"], [old, new], today=TODAY) == []
    assert stale_lists([], [old], today=TODAY) == []


# --- what leaves the house -----------------------------------------------------------------------------------


def test_the_hash_of_a_number_is_keyed_and_differs_between_workspaces() -> None:
    number = "+493023125433"
    hashes = {hash_number(key, UUID(int=space), number) for key in ("a key", "another") for space in (1, 2)}
    assert len(hashes) == 4
    assert all(len(hashed) == 64 and number[1:] not in hashed for hashed in hashes)


@given(st.text(max_size=20))
@example("=cmd|' /C calc'!A0")
@example("'=1")
@example("+1900*")
def test_no_cell_of_an_export_is_a_formula(value: str) -> None:
    is_number = re.fullmatch(r"\+[1-9][0-9]{6,14}", value) is not None
    assert (safe_cell(value)[:1] in ("=", "+", "-", "@", "\t", "\r")) is is_number
    assert safe_cell(value).removeprefix("'") == value.removeprefix("'") or value.startswith("'")


def test_a_clean_number_stays_and_a_wildcard_is_quoted() -> None:
    assert csv_lines([["+493023125433", "+1900*", None, 'a"b']]) == b'+493023125433,\'+1900*,,"a""b"\r\n'
