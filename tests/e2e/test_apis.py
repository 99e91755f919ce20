"""Whatever is sent to an API, it answers as its OpenAPI says: never with a crash, never with an undocumented shape."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.e2e.conftest import System

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
SERVICES = ("campaign-command", "analytics-projector", "dialer", "webhooks")


def test_generated_requests_are_answered_as_the_openapi_says(
    start_system: Callable[..., System], tmp_path: Path
) -> None:
    # What can't be caught up with is answered at once, or the run would consist of waiting.
    system = start_system(env={"analytics-projector": {"MIN_POSITION_WAIT_SECONDS": "0.02"}})
    campaign_id = system.create()
    system.add(campaign_id, ["+33199009900"])
    system.order(campaign_id, "start")
    for service in SERVICES:
        run = subprocess.run(
            [
                str(Path(sys.executable).parent / "schemathesis"),
                "--config-file",
                str(Path(__file__).parent / "schemathesis.toml"),
                "run",
                f"{system.url(service)}/openapi.json",
                "--header",
                str(system.client.headers["Authorization"]).replace("Bearer", "Authorization: Bearer"),
                "--checks",
                CHECKS,
                "--phases",
                "examples,coverage,fuzzing",
                "--max-examples",
                "10",
                "--seed",
                "1",
                "--exclude-path",
                "/v1/events",  # the endless stream
                "--warnings",
                "off",
                "--no-color",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert run.returncode == 0, shortened(run.stdout)[-5000:] + run.stderr[-1000:]
    assert system.read(f"/v1/campaigns/{campaign_id}")["contacts"]["total"] == 1


def shortened(text: str) -> str:
    """A request that failed may be longer than anybody reads."""
    return "\n".join(line if len(line) <= 400 else f"{line[:300]} … {line[-80:]}" for line in text.splitlines())
