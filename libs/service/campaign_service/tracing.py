"""Traces by OpenTelemetry: a request, what it wrote, who read it. Off, and without cost, until an endpoint is set.

A trace's context travels as W3C `traceparent`: in HTTP headers, and with each fact (CloudEvents' distributed tracing
extension). A batch is one span with a link to each trace that it holds; where all of it is one trace, it is part of it.
What must stay true: no attribute of a span holds personal data. So nothing is instrumented by itself: each span is
begun here, with ids, counts and route templates, never with a path, a body, a query or an error's message.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import Literal, Protocol

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

STOP_SECONDS = 2.0
MOST_LINKS = 64
"""Of a batch; those beyond are left out, and counted in the attribute `links.left_out`."""
Kind = Literal["server", "client", "producer", "consumer", "internal"]
Attributes = Mapping[str, str | int | float | bool]
_HEADER = "traceparent"
_PROPAGATOR = TraceContextTextMapPropagator()
_KINDS: Mapping[Kind, SpanKind] = {
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
    "internal": SpanKind.INTERNAL,
}


class TracingSettings(Protocol):
    """The part of the settings that says where spans go, if anywhere."""

    @property
    def otel_exporter_otlp_endpoint(self) -> str | None: ...
    @property
    def trace_sample_ratio(self) -> float: ...


class _State:
    """Of the process. `provider` is None while tracing is off."""

    provider: TracerProvider | None = None


def start_tracing(service: str, settings: TracingSettings, *, instance: str = "0") -> None:
    """Send spans to the settings' endpoint by OTLP (http/protobuf), if there is one. Once a process."""
    endpoint = settings.otel_exporter_otlp_endpoint
    if endpoint is not None:
        exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces")
        use_processor(service, BatchSpanProcessor(exporter), instance=instance, ratio=settings.trace_sample_ratio)


def use_processor(service: str, processor: SpanProcessor, *, instance: str = "0", ratio: float = 1.0) -> None:
    """Hand the spans of this process to `processor`. A trace that others have begun is followed as they decided."""
    stop_tracing()
    resource = Resource({"service.name": service, "service.instance.id": instance})
    provider = TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(ratio)), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    _State.provider = provider


def stop_tracing() -> None:
    """Send what has not been sent, within STOP_SECONDS, and trace no more."""
    provider, _State.provider = _State.provider, None
    if provider is not None:
        # A collector that is away is tried again for half a minute, whatever one asks: left alone then.
        last = Thread(target=provider.shutdown, name="tracing-stop", daemon=True)
        last.start()
        last.join(STOP_SECONDS)


def is_on() -> bool:
    """Whether this process traces."""
    return _State.provider is not None


@contextmanager
def span(
    name: str, *, kind: Kind = "internal", parent: str | None = None, attributes: Attributes | None = None
) -> Iterator[Span]:
    """A span for a `with` block: under `parent`, else under the current one. An error marks it by its type."""
    if _State.provider is None:
        yield trace.INVALID_SPAN
        return
    context = None if parent is None else _context(parent)
    with _begin(name, kind, context, links=(), attributes=attributes) as begun:
        yield begun


@contextmanager
def batch_span(
    name: str, *, kind: Kind, traces: Iterable[str | None], attributes: Attributes | None = None
) -> Iterator[Span]:
    """A span for work on many events: linked with their traces, and part of theirs where they have but one."""
    if _State.provider is None:
        yield trace.INVALID_SPAN
        return
    known = list(dict.fromkeys(one for one in traces if one is not None))
    contexts = [context for one in known[:MOST_LINKS] if (context := _span_context(one)) is not None]
    alone = {context.trace_id for context in contexts}
    parent = Context() if len(alone) != 1 else trace.set_span_in_context(NonRecordingSpan(contexts[-1]), Context())
    more = {} if len(known) <= MOST_LINKS else {"links.left_out": len(known) - MOST_LINKS}
    with _begin(
        name, kind, parent, links=[Link(context) for context in contexts], attributes={**(attributes or {}), **more}
    ) as begun:
        yield begun


def traceparent() -> str | None:
    """The current trace as it is handed on; None where there is none, or nobody records it."""
    if _State.provider is None:
        return None
    context = trace.get_current_span().get_span_context()
    return traceparent_of(context) if context.trace_flags.sampled else None


def traceparent_of(context: SpanContext) -> str | None:
    """A span's context as W3C writes it."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-01" if context.is_valid else None


def headers() -> dict[str, str]:
    """What a request to another of our services carries."""
    current = traceparent()
    return {} if current is None else {_HEADER: current}


@contextmanager
def _begin(
    name: str, kind: Kind, context: Context | None, *, links: Iterable[Link], attributes: Attributes | None
) -> Iterator[Span]:
    provider = _State.provider
    assert provider is not None
    begun = provider.get_tracer("campaign_service").start_span(
        name, context=context, kind=_KINDS[kind], links=list(links), attributes=attributes
    )
    try:
        with trace.use_span(begun, record_exception=False, set_status_on_exception=False):
            yield begun
    except BaseException as error:
        # Its type alone: a message can quote data.
        begun.set_attribute("error.type", type(error).__name__)
        begun.set_status(Status(StatusCode.ERROR))
        raise
    finally:
        begun.end()


def _context(parent: str) -> Context:
    # A malformed header gives an empty context, so a new trace.
    return _PROPAGATOR.extract({_HEADER: parent}, context=Context())


def _span_context(parent: str) -> SpanContext | None:
    context = trace.get_current_span(_context(parent)).get_span_context()
    return context if context.is_valid else None
