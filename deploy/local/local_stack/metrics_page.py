"""Writes docs/metrics.md from the metrics that the services' code defines, so that page and code can't differ.

`python -m local_stack.metrics_page` writes it; a test compares.
"""

import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
SHARED = "Every service"
PACKAGES = {
    SHARED: "campaign_service",
    "campaign-command": "campaign_command",
    "analytics-projector": "analytics_projector",
    "dialer": "dialer",
    "webhooks": "webhooks",
    "dashboard": "dashboard",
}
INTRODUCTION = """\
# Metrics

Each service answers `GET /metrics` in Prometheus' text format, beside the process's own (`process_…`, `python_…`). The
services' port is for the inside: the gateway does not pass `/metrics` on. No label holds a campaign, a workspace or a
number, so there are few series. A histogram has `_bucket`, `_sum` and `_count`. What to alert on, a dashboard and a
scrape configuration: [deploy/observability](../deploy/observability); what to do then:
[operations.md](operations.md#alerts).

This page is written by `python -m local_stack.metrics_page`.
"""


@dataclass(frozen=True)
class Metric:
    """A metric as it is exposed; `name` of a counter ends with `_total`."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


def metrics() -> dict[str, list[Metric]]:
    """What each service's package defines, by the service's title."""
    return {title: _of_package(package) for title, package in PACKAGES.items()}


def page() -> str:
    """The whole page."""
    sections = []
    for title, found in metrics().items():
        rows = [
            f"| `{one.name}` | {one.kind} | {', '.join(f'`{label}`' for label in one.labels)} | {one.meaning} |"
            for one in found
        ]
        sections.append(
            "\n".join([f"## {title}", "", "| metric | type | labels | meaning |", "|---|---|---|---|", *rows, ""])
        )
    return "\n".join([INTRODUCTION, *sections])


def _of_package(package: str) -> list[Metric]:
    found: dict[str, Metric] = {}
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if module.name.endswith("__main__"):
            continue  # it constructs, and defines none
        for value in vars(importlib.import_module(module.name)).values():
            # One that is imported from elsewhere in the package is the same one.
            if isinstance(value, MetricWrapperBase):
                metric = _metric(value)
                found[metric.name] = metric
    return sorted(found.values(), key=lambda one: one.name)


def _metric(value: MetricWrapperBase) -> Metric:
    [family] = value.describe()
    name = family.name + ("_total" if family.type == "counter" else "")
    labels: tuple[str, ...] = tuple(value._labelnames)
    return Metric(name, family.type, labels, family.documentation)


if __name__ == "__main__":
    PAGE.write_text(page())
