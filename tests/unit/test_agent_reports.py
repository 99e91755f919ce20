"""What a voice agent may say of a call: bad input is refused with where and what is allowed.

A callback's local time is the callee's.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from campaign_service.problems import Problem
from dialer.incoming import MAX_DATA_BYTES, MAX_DATA_DEPTH, OutcomeReport, callback_of, local_callback
from dialer.schedule import instant_of

NOW = datetime(2030, 1, 7, 12, tzinfo=UTC)
LOCAL = datetime.fromisoformat("2030-01-07T14:30:00")


def refused(**values: Any) -> str:
    with pytest.raises(ValidationError) as error:
        OutcomeReport.model_validate_json(json.dumps({"outcome": "goal_met"} | values))
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.value.errors())


# --- beside the outcome -----------------------------------------------------------------------------------------


def test_the_agents_addresses_and_own_fields_are_kept_as_they_are() -> None:
    said = {
        "recording_url": "https://records.example/1?a=b",
        "transcript_url": "http://[::1]:8080/t",
        "data": {"a": [1]},
    }
    report = OutcomeReport.model_validate_json(json.dumps({"outcome": "goal_met", "summary": "Agreed."} | said))
    assert report.words.recording_url == said["recording_url"]
    assert report.words.transcript_url == said["transcript_url"]
    assert json.loads(report.words.data or "") == {"a": [1]}
    assert OutcomeReport(outcome="goal_met").words.data is None


@pytest.mark.parametrize("field", ["recording_url", "transcript_url"])
@pytest.mark.parametrize(
    "address",
    [
        *("ftp://records.example/1", "javascript:alert(1)", "records.example/1", "https://", "https:///1", ""),
        *("https://a b", "https://a/\n", "https://a/\0", "https://ä.example/", "https://a/" + "x" * 2000),
    ],
)
def test_an_address_that_is_no_http_url_or_too_long_is_refused(field: str, address: str) -> None:
    assert field in refused(**{field: address})


def nested(levels: int) -> dict[str, Any]:
    return {"in": nested(levels - 1)} if levels > 1 else {}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"a": "x" * MAX_DATA_BYTES}, f"allowed: at most {MAX_DATA_BYTES}"),
        ({"a": "ä" * (MAX_DATA_BYTES // 2)}, f"allowed: at most {MAX_DATA_BYTES}"),
        ({"a": ["b\0c"]}, "NUL"),
        ({"a\0": 1}, "NUL"),
        (nested(MAX_DATA_DEPTH + 1), f"at most {MAX_DATA_DEPTH} levels"),
        ({"a": [[[[[[[[]]]]]]]]}, f"at most {MAX_DATA_DEPTH} levels"),
        ([1], "should be an object"),
        ("text", "should be an object"),
    ],
    ids=["bytes", "characters are not bytes", "NUL", "NUL in a name", "deep", "deep lists", "a list", "a text"],
)
def test_fields_that_are_too_many_too_deep_or_cannot_be_stored_are_refused(data: Any, why: str) -> None:
    message = refused(data=data)
    assert message.startswith("data")
    assert why in message


def test_what_only_looks_like_a_nul_and_the_deepest_that_is_allowed_are_kept() -> None:
    data = {"path": "C:\\u0000", "in": nested(MAX_DATA_DEPTH - 1)}
    assert OutcomeReport.model_validate_json(json.dumps({"outcome": "goal_met", "data": data})).data == data


# --- callbacks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["2030-01-07", "tomorrow", "14:30", "2030-13-01T10:00:00", "2030-01-07T25:00:00"])
def test_a_callback_without_a_day_or_a_time_is_refused(text: str) -> None:
    assert "callback_at" in refused(outcome="callback", callback_at=text)


@pytest.mark.parametrize(
    ("local", "zone", "instant"),
    [
        ("2026-03-02T10:00:00", "Europe/Berlin", "2026-03-02T09:00:00+00:00"),
        # the clock goes from 02:00 to 03:00 on 29 March: the first instant after the gap
        ("2026-03-29T02:00:00", "Europe/Berlin", "2026-03-29T01:00:00+00:00"),
        ("2026-03-29T02:30:00", "Europe/Berlin", "2026-03-29T01:00:00+00:00"),
        ("2026-03-29T02:59:59", "Europe/Berlin", "2026-03-29T01:00:00+00:00"),
        ("2026-03-29T03:00:00", "Europe/Berlin", "2026-03-29T01:00:00+00:00"),
        # and from 03:00 back to 02:00 on 25 October: the first of the two
        ("2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T00:30:00+00:00"),
        ("2026-10-25T03:00:00", "Europe/Berlin", "2026-10-25T02:00:00+00:00"),
        # half an hour only; and a day that does not exist at all
        ("2026-10-04T02:15:00", "Australia/Lord_Howe", "2026-10-03T15:30:00+00:00"),
        ("2011-12-30T12:00:00", "Pacific/Apia", "2011-12-30T10:00:00+00:00"),
    ],
)
def test_a_local_time_is_the_instant_at_which_the_wall_clock_shows_it(local: str, zone: str, instant: str) -> None:
    assert instant_of(datetime.fromisoformat(local), zone) == datetime.fromisoformat(instant)


@given(
    st.datetimes(LOCAL.replace(year=2000), LOCAL.replace(year=2037)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kolkata"]),
)
def test_a_local_time_that_exists_comes_back_and_another_is_the_end_of_the_gap(local: datetime, zone: str) -> None:
    local = local.replace(microsecond=0)
    at = instant_of(local, zone)
    assert at is not None
    shown = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if shown != local:
        assert shown > local, "never before the time that was meant"
        just_before = (at - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert just_before < local, "the gap lies between"


def test_of_several_possible_zones_the_latest_instant_counts_so_nobody_is_rung_too_early() -> None:
    zones = ("America/New_York", "America/Los_Angeles", "America/Chicago")
    assert local_callback(LOCAL, zones, "Europe/Berlin") == datetime(2030, 1, 7, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize("zones", [(), ("Etc/Unknown",), ("Europe/Atlantis",)])
def test_where_no_zone_of_the_callee_is_known_the_campaigns_counts(zones: tuple[str, ...]) -> None:
    assert local_callback(LOCAL, zones, "Europe/Berlin") == datetime(2030, 1, 7, 13, 30, tzinfo=UTC)
    assert local_callback(LOCAL, zones, "Europe/Atlantis") == LOCAL.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "why"),
    [
        ("2030-01-07T11:58:00Z", "is not between now and 90 days ahead"),
        ("2030-04-08T12:00:00Z", "is not between now and 90 days ahead"),
        ("2030-01-08T12:00:00", "has no offset, and the callee's zone is not known any more"),
    ],
    ids=["past", "too far", "of a deleted campaign"],
)
def test_a_callback_that_can_not_be_is_refused_with_the_reason(at: str, why: str) -> None:
    report = OutcomeReport.model_validate_json(json.dumps({"outcome": "callback", "callback_at": at}))
    with pytest.raises(Problem, match=why) as problem:
        callback_of(report, settings=None, zones=(), now=NOW)
    assert problem.value.code == "invalid_callback_at"
