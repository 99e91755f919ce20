"""Keeps what a release stores: its databases in the midst of work, for the tests that upgrade from it.

`make release-data version=0.1.0` plays a short story on this code and writes tests/data/released/<version>: a dump of
each service's database, and what the APIs said of it.
"""

import json
import re
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from local_stack.postgres import programs
from local_stack.processes import Options, Stack
from local_stack.servers import servers

FOLDER = Path(__file__).parents[3] / "tests" / "data" / "released"
HASH_KEY = "the key of the numbers' hashes in released data"
ALL_DAY = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
# Ranges kept for fiction; the simulated carrier behaves by the last four digits.
NUMBERS = [f"+33199{n:02d}{end}" for n in range(4) for end in ("9900", "9901", "9902", "9910", "9920", "9930", "9950")]
SUPPRESSED = "+493023125999"


def main() -> int:
    """The command line."""
    version = sys.argv[1] if len(sys.argv) == 2 else ""
    if not re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", version):
        sys.stderr.write("usage: python -m local_stack.release_data 1.2.3\n")
        return 2
    folder = Path(tempfile.mkdtemp(prefix="calling-campaigns-release-"))
    folder.chmod(0o711)
    with servers(state_folder=folder) as both:
        name = secrets.token_hex(3)
        env = {
            "campaign-command": {"SPOOL_DIR": str(folder / "spool"), "HASH_KEY": HASH_KEY},
            "simulated-carrier": {"CARRIER_SPEED": "150"},
        }
        options = Options(database_prefix=f"release_{name}_", topic_prefix=f"release-{name}-", env=env)
        state = folder / "state"
        state.mkdir(mode=0o711)
        stack = Stack(both, state_folder=state, options=options, report=lambda line: print(line, file=sys.stderr))
        with stack.running():
            told = play(stack)
        write(stack, FOLDER / version, told)
        stack.drop_databases()
    return 0


def play(stack: Stack) -> dict[str, Any]:
    """One campaign that has ended, one paused half way, one Draft, one number nobody calls."""
    command, reads = stack.url("campaign-command"), stack.url("analytics-projector")
    with httpx.Client(headers={"Authorization": f"Bearer {stack.token()}"}, timeout=30) as client:
        client.post(f"{command}/v1/suppressions", json={"numbers": [SUPPRESSED]}).raise_for_status()
        ended, paused, draft = (campaign(client, command, name) for name in ("Ended", "Paused", "Draft"))
        for one in (ended, paused):
            client.post(f"{command}/v1/campaigns/{one}/start").raise_for_status()
        wait(client, reads, paused, lambda view: view["figures"]["placed"] >= len(NUMBERS) // 3)
        client.post(f"{command}/v1/campaigns/{paused}/pause").raise_for_status()
        wait(client, reads, ended, lambda view: view["status"] == "completed")
        wait(client, reads, paused, lambda view: view["contacts"]["in_progress"] == 0)
        return {one: client.get(f"{reads}/v1/campaigns/{one}").json() for one in (ended, paused, draft)}


def campaign(client: httpx.Client, command: str, name: str) -> str:
    """A Draft with its contacts."""
    settings = {
        "name": name,
        "agent_id": "agent-1",
        "caller_numbers": ["+493023125000"],
        "limits": {"max_simultaneous_calls": 5, "calls_per_second": 10, "max_attempts": 2},
        "retry": {word: {"delays_seconds": [1]} for word in ("no_answer", "busy")},
        "schedule": {"time_zone": "Europe/Berlin", "weekly": ALL_DAY},
    }
    made: str = client.post(f"{command}/v1/campaigns", json=settings).raise_for_status().json()["id"]
    contacts = [{"number": number, "first_name": "Ada"} for number in [*NUMBERS, SUPPRESSED]]
    client.post(f"{command}/v1/campaigns/{made}/contacts", json={"contacts": contacts}).raise_for_status()
    return made


def wait(client: httpx.Client, reads: str, campaign_id: str, until: Any) -> None:
    """Poll until the campaign is as wanted."""
    deadline = time.monotonic() + 120
    while True:
        answer = client.get(f"{reads}/v1/campaigns/{campaign_id}")
        if answer.is_success and until(answer.json()):  # its first facts may still be on their way
            return
        if time.monotonic() > deadline:
            raise TimeoutError(campaign_id)
        time.sleep(0.05)


def write(stack: Stack, folder: Path, told: dict[str, Any]) -> None:
    """The dumps as SQL, and what was told."""
    folder.mkdir(parents=True, exist_ok=True)
    program = programs() / "pg_dump"
    for service, dsn in stack.databases.items():
        dump = subprocess.run(  # noqa: S603 - our own program and database
            [program, "--no-owner", "--no-privileges", "--inserts", dsn], check=True, capture_output=True, text=True
        ).stdout
        # psql's own words; what reads the dump is no psql.
        lines = [line for line in dump.splitlines() if not line.startswith("\\")]
        (folder / f"{service}.sql").write_text("\n".join(lines) + "\n")
    (folder / "told.json").write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    sys.exit(main())
