"""The gateway of the local stack: the configuration of everywhere, run by this machine's HAProxy where there is one."""

import shutil

from local_stack.services import GATEWAY_NAME, WITH_DASHBOARD, Service
from local_stack.state import CHECKOUT

FOLDER = CHECKOUT / "deploy" / "gateway"
MISSING = "haproxy is not installed: no gateway, each service at its own address"
_SYSTEM_PATH = "/usr/sbin:/usr/local/sbin"


def gateway() -> Service | None:
    """The gateway; null where there is no HAProxy."""
    haproxy = shutil.which("haproxy") or shutil.which("haproxy", path=_SYSTEM_PATH)
    if haproxy is None:
        return None
    return Service(
        GATEWAY_NAME,
        "gateway",
        8100,
        has_database=False,
        ready_path="/livez",
        program=(haproxy, "-db", "-C", str(FOLDER), "-f", "haproxy.cfg"),
        is_last=True,
    )


def everything() -> tuple[Service, ...]:
    """All that `make up` starts."""
    found = gateway()
    return (*WITH_DASHBOARD, found) if found else WITH_DASHBOARD
