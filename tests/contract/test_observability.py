"""What watches the system asks for what there is: rules, their tests, runbooks and dashboard against the code."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from local_stack.metrics_page import metrics
from local_stack.settings_page import SERVICES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "observability"
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
STORIES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana-dashboard.json").read_text())
SCRAPED: list[dict[str, Any]] = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [rule["expr"] for rule in RULES] + [one["expr"] for panel in PANELS for one in panel["targets"]]
OF_THE_TARGET = {"job", "instance"}
WORDS = {"and", "or", "unless"}


def exposed() -> dict[str, set[str]]:
    """The names that /metrics shows, and the labels of each."""
    found: dict[str, set[str]] = {"up": set()}
    for metric in (metric for of_service in metrics().values() for metric in of_service):
        if metric.kind == "histogram":
            found[metric.name + "_bucket"] = {*metric.labels, "le"}
            found |= {metric.name + end: set(metric.labels) for end in ("_sum", "_count")}
        else:
            found[metric.name] = set(metric.labels)
    return found


EXPOSED = exposed()


def asked(expression: str) -> list[tuple[str, set[str]]]:
    """The metrics that an expression names, with the labels it selects or groups by."""
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]', "", expression)
    grouped = {label.strip() for group in re.findall(r"\bby \(([^)]*)\)", bare) for label in group.split(",")}
    bare = re.sub(r"\bby \([^)]*\)", "", bare)
    found = re.findall(r"\b([a-z_]+)\b(?!\s*\()(?:\{([^}]*)\})?", bare)
    names = [(name, set(re.findall(r"(\w+)\s*[=!]", selector))) for name, selector in found if name not in WORDS]
    inner = {label for _, selector in found for label in re.findall(r"\w+", selector)}
    return [(name, labels | grouped) for name, labels in names if name not in inner]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_that_is_asked_for_exists_with_its_labels(expression: str) -> None:
    names = asked(expression)
    assert names
    for name, labels in names:
        assert name in EXPOSED
        assert labels <= EXPOSED[name] | OF_THE_TARGET


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    _, _, section = page.partition("\n## Alerts\n")
    sections = re.findall(r"^### (\w+)\n\n(\S.*)$", section.partition("\n## ")[0], re.M)
    assert [name for name, _ in sections] == [rule["alert"] for rule in RULES]
    for rule in RULES:
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_every_alert_has_a_story_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    told = [story["name"] for story in STORIES]
    assert told == [f"{rule['alert']} {word}" for rule in RULES for word in ("fires", "is quiet")]
    for story in STORIES:
        (asserted,) = story["alert_rule_test"]
        assert bool(asserted["exp_alerts"]) is story["name"].endswith("fires")
        for series in story["input_series"]:
            name = series["series"].partition("{")[0]
            assert name in EXPOSED


def test_every_service_is_scraped_at_its_port() -> None:
    targets = {one["job_name"]: one["static_configs"][0]["targets"] for one in SCRAPED}
    services = {name: model.model_fields["http_port"].default for name, model in SERVICES.items()}
    del services["simulated-carrier"]  # it stands in for a telephone network
    assert targets == {name: [f"{name}:{port}"] for name, port in services.items()}


def test_the_rules_are_well_formed_and_do_what_their_stories_say() -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not there: Debian's package prometheus brings it")
    for words in (
        ("check", "rules", "alerts.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("test", "rules", "alerts_test.yml"),
    ):
        done = subprocess.run(
            ["promtool", *words], cwd=FOLDER, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_has_no_two_panels_in_one_place() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
