"""The dependency rule: facts <- pure modules <- adapters <- __main__, and each service on its own."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = {
    "campaign_command": ROOT / "services/campaign-command/campaign_command",
    "dialer": ROOT / "services/dialer/dialer",
    "analytics_projector": ROOT / "services/analytics-projector/analytics_projector",
    "simulated_carrier": ROOT / "services/simulated-carrier/simulated_carrier",
    "auditor": ROOT / "services/auditor/auditor",
    "dashboard": ROOT / "services/dashboard/dashboard",
    "webhooks": ROOT / "services/webhooks/webhooks",
}
EVENTS, SERVICE = ROOT / "libs/events/campaign_events", ROOT / "libs/service/campaign_service"
PURE = {
    "campaign_command": {
        "campaign",
        "caps",
        "contact",
        "verdict",
        "contact_file",
        "csv_rows",
        "do_not_call",
        "templates",
        "timeline",
        "replay",
    },
    "dialer": {"schedule", "pacing", "outcomes", "breaker", "calls", "queue", "carriers"},
    "analytics_projector": {"campaign_list", "campaign_analytics", "figures", "campaign_settings"},
    "auditor": {"record", "integrity"},
    "webhooks": {"addresses", "backoff"},
}
DRIVERS = {
    "campaign_command": {"psycopg"},
    "dialer": {"asyncpg"},
    "analytics_projector": {"asyncpg"},
    "auditor": {"asyncpg"},
    "webhooks": {"asyncpg"},
}
UNFIT = {"random", "secrets", "asyncio", "socket", "logging", "threading", "subprocess"}
UNPREDICTABLE = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.monotonic",
    "uuid4",
    "uuid.uuid4",
    "uuid1",
    "os.urandom",
}


PACKAGES = {**SERVICES, "campaign_events": EVENTS, "campaign_service": SERVICE}
MODULES = [(package, path) for package, folder in PACKAGES.items() for path in sorted(folder.rglob("*.py"))]
NAMES = [str(path.relative_to(ROOT)) for _, path in MODULES]


def imports_of(path: Path) -> set[str]:
    """The dotted names a module imports, relative to the top; `from a import b` is `a.b`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def tops(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports_of(path)}


def module_of(path: Path, package: str) -> str:
    """The name below the package: `carriers` for `dialer/carriers/__init__.py`."""
    return path.relative_to(PACKAGES[package]).with_suffix("").as_posix().removesuffix("/__init__")


PURE_MODULES = [
    (package, path) for package, path in MODULES if package in PURE and module_of(path, package) in PURE[package]
]


def test_every_pure_module_is_there() -> None:
    found = {(package, module_of(path, package)) for package, path in PURE_MODULES}
    assert found == {(package, name) for package, names in PURE.items() for name in names}


@pytest.mark.parametrize(("package", "path"), PURE_MODULES, ids=lambda value: getattr(value, "stem", value))
def test_a_pure_module_imports_the_standard_library_the_events_and_its_pure_siblings(package: str, path: Path) -> None:
    for name in imports_of(path):
        top, _, rest = name.partition(".")
        if top == package:
            assert rest.partition(".")[0] in PURE[package], f"{name} is not pure"
        else:
            assert top == "campaign_events" or top in sys.stdlib_module_names, name
        assert top not in UNFIT, name


EVENT_FILES = sorted(EVENTS.glob("*.py"))


@pytest.mark.parametrize("path", EVENT_FILES, ids=lambda path: path.stem)
def test_the_events_import_the_standard_library_and_pydantic(path: Path) -> None:
    assert tops(path) - sys.stdlib_module_names <= {"campaign_events", "pydantic"}
    assert not tops(path) & UNFIT


@pytest.mark.parametrize("path", [path for _, path in PURE_MODULES] + EVENT_FILES, ids=lambda path: path.stem)
def test_a_pure_module_has_no_clock_and_no_chance(path: Path) -> None:
    calls = {ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}
    assert not calls & UNPREDICTABLE


@pytest.mark.parametrize(("package", "path"), MODULES, ids=NAMES)
def test_no_service_knows_another(package: str, path: Path) -> None:
    others = set(SERVICES) - {package}
    assert not tops(path) & others
    if package == "campaign_events":
        assert "campaign_service" not in tops(path), "the contract knows no service's edges"


@pytest.mark.parametrize(("package", "path"), MODULES, ids=NAMES)
def test_nothing_imports_a_main(package: str, path: Path) -> None:
    assert not any("__main__" in name.split(".") for name in imports_of(path))


@pytest.mark.parametrize(("package", "path"), MODULES, ids=NAMES)
def test_each_service_has_one_driver(package: str, path: Path) -> None:
    allowed = DRIVERS.get(package, set())
    assert tops(path) & {"psycopg", "asyncpg", "sqlalchemy", "psycopg2"} <= allowed


@pytest.mark.parametrize(("package", "path"), MODULES, ids=NAMES)
def test_only_the_store_knows_the_event_sourcing_library(package: str, path: Path) -> None:
    if "eventsourcing" in tops(path):
        assert (package, path.stem) == ("campaign_command", "store")


CHECKED_AGAIN = sorted((SERVICES["auditor"]).glob("*.py"))


@pytest.mark.parametrize("path", CHECKED_AGAIN, ids=lambda path: path.stem)
def test_the_auditor_shares_nothing_with_those_who_decide_but_the_contract(path: Path) -> None:
    ours = {*PACKAGES, "local_stack"} - {"auditor", "campaign_events"}
    # Where it connects it may use what is at every service's edges, where it checks nothing of it.
    edges = {"campaign_service"} if path.stem in ("__main__", "settings") else set()
    assert not tops(path) & (ours - edges)
