"""Exactly-once effect by position: repeats are skipped, a gap or another log stops the consumer."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from campaign_events.envelope import wrap
from campaign_events.facts import CampaignPaused
from campaign_events.positions import Applied, Gap, Received, TopicPartition, UnknownLog, admit

LOG, OTHER_LOG, CAMPAIGN, WORKSPACE = (UUID(int=n) for n in range(1, 5))
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOPIC = "campaign-events"


def received(position: int, prior: int, *, partition: int = 0, log: UUID = LOG, topic: str = TOPIC) -> Received:
    event = wrap(
        CampaignPaused(at=NOON, campaign_id=CAMPAIGN),
        log=log,
        position=position,
        prior=prior,
        stream_version=1,
        workspace=WORKSPACE,
        correlation_id=None,
        causation_id=None,
    )
    return Received(topic, partition, 1000 + position, event)


def chain(*positions: int, partition: int = 0) -> list[Received]:
    """Events that follow one another, from the beginning of their partition."""
    return [
        received(position, prior, partition=partition)
        for prior, position in zip((0, *positions), positions, strict=False)
    ]


def positions_of(items: list[Received]) -> list[int]:
    return [item.event.position for item in items]


def test_a_new_consumer_applies_everything_in_order() -> None:
    fresh, after = admit({}, chain(2, 5, 9))
    assert positions_of(fresh) == [2, 5, 9]
    assert after == {(TOPIC, 0): Applied(LOG, 9)}


def test_what_was_applied_is_skipped_and_the_rest_goes_on() -> None:
    before = {(TOPIC, 0): Applied(LOG, 5)}
    fresh, after = admit(before, chain(2, 5, 9))
    assert positions_of(fresh) == [9]
    assert after == {(TOPIC, 0): Applied(LOG, 9)}
    assert before == {(TOPIC, 0): Applied(LOG, 5)}, "what was given stays as it was"


def test_a_repeat_within_a_batch_is_applied_once() -> None:
    fresh, _ = admit({}, [*chain(2, 5), *chain(2, 5, 9)])
    assert positions_of(fresh) == [2, 5, 9]


def test_a_gap_stops_and_says_where_to_look() -> None:
    with pytest.raises(Gap) as gap:
        admit({(TOPIC, 0): Applied(LOG, 2)}, [received(9, 5)])
    assert str(gap.value) == ("topic campaign-events, partition 0, offset 1009: position 9 follows 5, applied so far 2")


def test_a_gap_at_the_beginning_is_one_too() -> None:
    with pytest.raises(Gap):
        admit({}, [received(9, 5)])


def test_a_gap_within_a_batch_applies_nothing_of_it() -> None:
    with pytest.raises(Gap):
        admit({}, [*chain(2, 5), received(12, 9)])


def test_an_old_event_after_a_gap_is_still_old() -> None:
    fresh, _ = admit({(TOPIC, 0): Applied(LOG, 9)}, [received(5, 4)])
    assert fresh == []


def test_partitions_stand_on_their_own() -> None:
    before = {(TOPIC, 0): Applied(LOG, 5), (TOPIC, 1): Applied(LOG, 3)}
    fresh, after = admit(before, [received(7, 3, partition=1), received(8, 5), received(4, 0, partition=2)])
    assert positions_of(fresh) == [7, 8, 4]
    assert after == {(TOPIC, 0): Applied(LOG, 8), (TOPIC, 1): Applied(LOG, 7), (TOPIC, 2): Applied(LOG, 4)}


@pytest.mark.parametrize("position", [1, 5, 6])
@pytest.mark.parametrize("partition", [0, 7])
def test_another_log_is_refused_whatever_its_position_on_every_partition_of_the_topic(
    position: int, partition: int
) -> None:
    with pytest.raises(UnknownLog, match=str(OTHER_LOG)):
        admit({(TOPIC, 0): Applied(LOG, 5)}, [received(position, 0, log=OTHER_LOG, partition=partition)])


def test_two_logs_in_a_first_batch_are_refused() -> None:
    with pytest.raises(UnknownLog):
        admit({}, [received(1, 0), received(2, 0, log=OTHER_LOG, partition=1)])


def test_each_topic_has_its_own_log() -> None:
    before: dict[TopicPartition, Applied] = {(TOPIC, 0): Applied(LOG, 5)}
    fresh, after = admit(before, [received(1, 0, topic="call-events", log=OTHER_LOG)])
    assert positions_of(fresh) == [1]
    assert after["call-events", 0] == Applied(OTHER_LOG, 1)


def test_an_empty_batch_changes_nothing() -> None:
    assert admit({(TOPIC, 0): Applied(LOG, 5)}, []) == ([], {(TOPIC, 0): Applied(LOG, 5)})


@for_all(
    log=st.lists(st.integers(1, 50), unique=True, min_size=1, max_size=20).map(sorted),
    reads=st.lists(st.tuples(st.integers(0, 19), st.integers(0, 8)), max_size=10),
)
def test_however_often_reading_goes_back_each_event_is_applied_once_in_order(
    log: list[int], reads: list[tuple[int, int]]
) -> None:
    events, applied = chain(*log), dict[TopicPartition, Applied]()
    done: list[int] = []
    for start, length in [*reads, (0, len(log))]:
        begin = min(start, len(done))  # reading starts anywhere, but not beyond what was applied
        fresh, applied = admit(applied, events[begin : begin + length])
        done += positions_of(fresh)
        assert done == log[: len(done)]
    assert done == log


@for_all(log=st.lists(st.integers(1, 50), unique=True, min_size=2, max_size=20).map(sorted), data=st.data())
def test_an_event_that_is_missing_before_others_is_always_noticed(log: list[int], data: st.DataObject) -> None:
    missing = data.draw(st.integers(0, len(log) - 2))
    events = chain(*log)
    with pytest.raises(Gap):
        admit({}, events[:missing] + events[missing + 1 :])
