"""`make page-types`: the TypeScript types of the public APIs that the dashboard's page is written against.

Made from each service's own OpenAPI, without starting it; `--check` compares instead of writing (exit 1: they differ).
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

from analytics_projector.api import create_app as create_projector
from campaign_command.api import create_app as create_command
from campaign_service.health import Health
from dialer.api import build_app as build_dialer
from local_stack.state import CHECKOUT

WEB = CHECKOUT / "services" / "dashboard" / "web"
TYPES = WEB / "src" / "openapi"


def documents() -> dict[str, dict[str, Any]]:
    """Service name -> its OpenAPI document, the public part only."""
    absent = cast(Any, None)  # what the routes would work with; describing them needs none of it
    apps = {
        "campaign-command": create_command(Health()),
        "analytics-projector": create_projector(
            pool=absent, live=absent, verifier=absent, health=Health(), wait_seconds=1, behind_seconds=absent
        ),
        "dialer": build_dialer(Mock(health=Health())),
    }
    return {name: _public(app.openapi()) for name, app in apps.items()}


def generate(folder: Path) -> None:
    """Write `<service>.d.ts` for each service."""
    program = WEB / "node_modules" / ".bin" / "openapi-typescript"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in documents().items():
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(document, file)
            file.flush()
            command = [str(program), file.name, "--output", str(folder / f"{name}.d.ts")]
            subprocess.run(command, check=True, env={**os.environ, "PATH": path}, stdout=subprocess.DEVNULL)  # noqa: S603


def outdated() -> list[str]:
    """The committed files that are not what the services' OpenAPI gives now."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        fresh = {path.name: path.read_text() for path in Path(folder).iterdir()}
    kept = {path.name: path.read_text() for path in TYPES.glob("*.d.ts")}
    return sorted(name for name in fresh.keys() | kept.keys() if fresh.get(name) != kept.get(name))


def _public(document: dict[str, Any]) -> dict[str, Any]:
    shown = {path: item for path, item in document["paths"].items() if path.startswith("/v1/") or path == "/readyz"}
    return {**document, "paths": shown}


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        if old := outdated():
            sys.exit(f"error: {', '.join(old)} in {TYPES} are not what the APIs say now: make page-types")
    else:
        generate(TYPES)
