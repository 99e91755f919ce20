"""docs/metrics.md says what the code measures, and names follow Prometheus' conventions."""

import pytest

from local_stack.metrics_page import PAGE, Metric, metrics, page

ALL = [metric for found in metrics().values() for metric in found]
UNITS = ("_seconds", "_records", "_events", "_position", "_calls", "_deliveries", "_flight")
WITHOUT_UNIT = {"campaigns", "dialer_breakers"}
UNBOUNDED = {"campaign", "campaign_id", "contact", "contact_id", "call_id", "number", "workspace", "path", "id"}


def test_the_page_is_what_the_code_generates() -> None:
    assert PAGE.read_text() == page(), "python -m local_stack.metrics_page"


def test_no_two_metrics_share_a_name() -> None:
    names = [metric.name for metric in ALL]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_a_name_says_its_unit_and_no_label_is_unbounded(metric: Metric) -> None:
    match metric.kind:
        case "counter":
            assert metric.name.endswith("_total")
        case "histogram":
            assert metric.name.endswith("_seconds")
        case _:
            assert metric.name.endswith(UNITS) or metric.name in WITHOUT_UNIT
    assert metric.meaning
    assert not UNBOUNDED & set(metric.labels)
