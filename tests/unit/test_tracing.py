"""Traces: off until asked for; handed on by requests and facts; batches linked; nothing personal."""

import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from campaign_service import tracing
from campaign_service.health import Health
from campaign_service.tracing import batch_span, headers, span, traceparent

THEIRS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHERS = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203332-01"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracing.use_processor("a-service", SimpleSpanProcessor(exporter))
    yield exporter
    tracing.stop_tracing()


def trace_of(one: ReadableSpan) -> str:
    assert one.context is not None
    return f"{one.context.trace_id:032x}"


def test_without_an_endpoint_nothing_is_traced_or_handed_on() -> None:
    with span("work", parent=THEIRS) as begun, batch_span("more", kind="consumer", traces=[THEIRS]):
        assert not begun.is_recording()
        assert (traceparent(), headers()) == (None, {})


def test_a_span_goes_on_with_the_trace_of_whoever_asked(spans: InMemorySpanExporter) -> None:
    with span("ask", kind="server", parent=THEIRS), span("look"):
        handed_on = headers()["traceparent"]
    look, ask = spans.get_finished_spans()
    assert trace_of(look) == trace_of(ask) == THEIRS[3:35]
    assert look.context is not None
    assert handed_on == f"00-{THEIRS[3:35]}-{look.context.span_id:016x}-01"


@pytest.mark.parametrize("malformed", ["", "no trace", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "x" * 10_000])
def test_a_malformed_header_begins_a_new_trace(spans: InMemorySpanExporter, malformed: str) -> None:
    with span("ask", parent=malformed):
        pass
    (ask,) = spans.get_finished_spans()
    assert ask.parent is None


def test_a_trace_that_its_beginner_does_not_record_is_not_recorded_here(spans: InMemorySpanExporter) -> None:
    with span("ask", parent=THEIRS[:-1] + "0"):
        assert traceparent() is None
    assert spans.get_finished_spans() == ()


def test_a_batch_of_one_trace_is_part_of_it(spans: InMemorySpanExporter) -> None:
    with batch_span("process", kind="consumer", traces=[THEIRS, None, THEIRS]):
        pass
    (process,) = spans.get_finished_spans()
    assert trace_of(process) == THEIRS[3:35]
    assert len(process.links) == 1


def test_a_batch_of_several_traces_is_linked_with_each(spans: InMemorySpanExporter) -> None:
    many = [THEIRS, OTHERS, *(f"00-{number:032x}-b7ad6b7169203331-01" for number in range(1, 100))]
    with batch_span("process", kind="consumer", traces=many):
        pass
    (process,) = spans.get_finished_spans()
    assert process.parent is None
    assert len(process.links) == tracing.MOST_LINKS
    assert process.attributes is not None
    assert process.attributes["links.left_out"] == len(many) - tracing.MOST_LINKS


def test_a_collector_that_is_away_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    away = threading.Event()

    class Exporter(InMemorySpanExporter):
        def shutdown(self) -> None:
            away.wait(30)

    monkeypatch.setattr(tracing, "STOP_SECONDS", 0.1)
    tracing.use_processor("a-service", SimpleSpanProcessor(Exporter()))
    began = time.monotonic()
    tracing.stop_tracing()
    assert time.monotonic() - began < 5
    away.set()


def test_an_error_marks_a_span_by_its_type_and_never_by_its_words(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError), span("work"):
        raise ValueError("the number +4930999001")
    (work,) = spans.get_finished_spans()
    assert work.attributes == {"error.type": "ValueError"}
    assert "+4930999001" not in work.to_json()


async def test_a_request_is_named_by_its_route_and_not_by_its_path(spans: InMemorySpanExporter) -> None:
    app = FastAPI()

    @app.get("/v1/things/{thing}")
    async def thing(thing: str) -> dict[str, str | None]:
        return {"traceparent": traceparent()}

    Health().install(app)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        answer = await client.get("/v1/things/+4930999001?q=+4930999002", headers={"traceparent": THEIRS})
        await client.get("/+4930999003")
        await client.get("/livez")
        measured = (await client.get("/metrics")).text
    found, nowhere = spans.get_finished_spans()
    assert answer.json()["traceparent"].startswith(f"00-{THEIRS[3:35]}-")
    assert found.name == "GET /v1/things/{thing}"
    assert nowhere.name == "GET none"
    assert "+49309990" not in found.to_json() + nowhere.to_json() + measured
    assert 'http_requests_total{method="GET",route="/v1/things/{thing}",status="200"} 1.0' in measured
