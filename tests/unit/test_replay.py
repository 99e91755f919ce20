"""A replay's words and arguments."""

import io
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from campaign_command.backfill import Refused, source_of
from campaign_command.log_commands import Progress, bar, moment, parser
from campaign_command.replay import State, evolve, subject_of, until, words
from campaign_events.envelope import decode
from campaign_events.facts import FACTS, CampaignCreated, CampaignFact, CampaignPaused, ContactsAdded, Fact
from campaign_events.schema_files import samples_of
from campaign_events.settings import CampaignSettings, ContactStatus
from campaign_events.topics import (
    CALL_EVENTS,
    CAMPAIGN_COMMAND,
    CAMPAIGN_EVENTS,
    SUPPRESSION_EVENTS,
    WRITERS,
    address_of,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CAMPAIGN, WORKSPACE = UUID(int=1), UUID(int=2)
OURS = [
    (name, line)
    for name in FACTS
    for line in samples_of(name)
    if WRITERS[address_of(decode(line).data).topic] == CAMPAIGN_COMMAND
]


@pytest.mark.parametrize(("name", "line"), OURS, ids=[name for name, _ in OURS])
def test_every_fact_of_the_log_has_a_sentence_without_a_number_or_a_code(name: str, line: bytes) -> None:
    said = words(decode(line).data)
    assert said.endswith(".")
    assert said[0].isupper() or said[0].isdigit()
    assert "+" not in said
    assert "_" not in said.replace(decode(line).type, "")


def pause(minutes: int) -> CampaignPaused:
    return CampaignPaused(at=NOON + timedelta(minutes=minutes), campaign_id=CAMPAIGN)


LOG: list[tuple[int, Fact]] = [(3, pause(0)), (5, pause(1)), (9, pause(2))]


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (None, [3, 5, 9]),
        (2, []),
        (3, [3]),
        (8, [3, 5]),
        (NOON, [3]),
        (NOON + timedelta(seconds=90), [3, 5]),
        (NOON - timedelta(seconds=1), []),
    ],
)
def test_a_replay_takes_the_prefix_of_the_log_up_to_a_moment(end: int | datetime | None, expected: list[int]) -> None:
    assert [position for position, _ in until(LOG, end)] == expected


def test_a_prefix_ends_at_the_first_later_fact_even_if_a_clock_was_set_back() -> None:
    log: list[tuple[int, Fact]] = [(1, pause(0)), (2, pause(5)), (3, pause(1))]
    assert [position for position, _ in until(log, NOON + timedelta(minutes=2))] == [1]


def test_the_state_counts_contacts_by_status() -> None:
    people = tuple(UUID(int=10 + number) for number in range(3))
    facts: list[CampaignFact] = [
        CampaignCreated(at=NOON, campaign_id=CAMPAIGN, workspace=WORKSPACE, settings=CampaignSettings(name="Spring")),
        ContactsAdded(
            at=NOON,
            campaign_id=CAMPAIGN,
            contact_ids=people,
            zone_lists=(("UTC",),),
            zone_index=(0, 0, 0),
            do_not_call=people[:1],
            pending_count=2,
            do_not_call_count=1,
        ),
    ]
    state = State()
    for position, fact in enumerate(facts, start=1):
        state = evolve(state, position, fact)
    assert (state.contacts[ContactStatus.PENDING], state.contacts[ContactStatus.DO_NOT_CALL]) == (2, 1)
    told = state.told()
    assert (told["name"], told["status"], told["contacts_total"]) == ("Spring", "draft", 3)
    assert json.dumps(told)
    assert subject_of(facts[0]) == CAMPAIGN


def test_a_moment_is_a_position_or_a_time_and_an_offset_is_optional() -> None:
    assert moment("17") == 17
    assert moment("2026-03-02T12:00:00Z") == moment("2026-03-02 12:00") == NOON
    assert moment("2026-03-02T13:00:00+01:00") == NOON


@pytest.mark.parametrize(
    "words",
    [
        ["replay"],
        ["replay", "--campaign", "spring"],
        ["replay", "--campaign", str(CAMPAIGN), "--workspace", str(WORKSPACE)],
        ["replay", "--campaign", str(CAMPAIGN), "--to", "yesterday"],
        ["export"],
        ["backfill"],
        ["backfill", "--to", "x", "--rate", "-1"],
        ["backfill", "--to", "x", "--of", CALL_EVENTS],
        ["import-log"],
        ["import-log", "/there/is/no/such.file"],
        ["dance"],
    ],
    ids=" ".join,
)
def test_arguments_that_make_no_sense_are_a_usage_error(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(words)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_without_a_word_it_serves() -> None:
    assert parser().parse_args([]).command is None


@pytest.mark.parametrize(
    ("to", "source", "expected"),
    [
        ("copy", None, CAMPAIGN_EVENTS),
        ("copy", SUPPRESSION_EVENTS, SUPPRESSION_EVENTS),
        (CAMPAIGN_EVENTS, None, CAMPAIGN_EVENTS),
        (SUPPRESSION_EVENTS, None, SUPPRESSION_EVENTS),
    ],
)
def test_what_is_published_again_follows_from_the_topic(to: str, source: str | None, expected: str) -> None:
    assert source_of(to, source) == expected


@pytest.mark.parametrize(
    ("to", "source"), [(CALL_EVENTS, None), (CAMPAIGN_EVENTS, SUPPRESSION_EVENTS), ("copy", CALL_EVENTS)]
)
def test_nothing_is_published_where_it_does_not_belong(to: str, source: str | None) -> None:
    with pytest.raises(Refused, match="allowed"):
        source_of(to, source)


def test_the_bar_says_how_far_how_fast_and_how_long() -> None:
    assert bar(250, 1000, seconds=5) == (
        "[#######.......................]  25%  250 of 1,000 positions, 50/s, 0:15 left"
    )
    assert "100%" in bar(0, 0, seconds=0)


def test_where_nobody_watches_progress_is_a_line_at_the_end() -> None:
    out = io.StringIO()
    show = Progress(out)
    for done in range(1, 101):
        show(done, 100)
    assert out.getvalue().count("\n") == 1
    assert "100%" in out.getvalue()
