"""The services of the local stack, as data, and the environment each is started with (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

from local_stack.ports import HOST


@dataclass(frozen=True)
class Service:
    name: str
    package: str
    """`python -m <package>` serves, `python -m <package> migrate` prepares its database and topics"""
    port: int
    """of the first instance under `make up`"""
    has_database: bool = True
    ready_path: str = "/readyz"
    program: tuple[str, ...] = ()
    """what is run instead of the package"""
    is_last: bool = False
    """started when the others are ready"""

    @property
    def port_variable(self) -> str:
        return f"{self.package.upper()}_PORT"


CAMPAIGN_COMMAND = Service("campaign-command", "campaign_command", 8101)
ANALYTICS_PROJECTOR = Service("analytics-projector", "analytics_projector", 8102)
DIALER = Service("dialer", "dialer", 8103)
SIMULATED_CARRIER = Service("simulated-carrier", "simulated_carrier", 8104, has_database=False)
DASHBOARD = Service("dashboard", "dashboard", 8105, has_database=False)
WEBHOOKS = Service("webhooks", "webhooks", 8106)

GATEWAY_NAME = "gateway"

SERVICES = (SIMULATED_CARRIER, CAMPAIGN_COMMAND, ANALYTICS_PROJECTOR, DIALER, WEBHOOKS)
"""In the order of their start."""

WITH_DASHBOARD = (*SERVICES, DASHBOARD)
"""Its page must have been built, so a stack has it only where somebody looks."""

MIGRATIONS = (CAMPAIGN_COMMAND, DIALER, ANALYTICS_PROJECTOR, WEBHOOKS)
"""In the order in which they run: those that write topics before those that only read."""


@dataclass(frozen=True)
class Shared:
    """What every service of one stack is told."""

    kafka_bootstrap: str
    topic_prefix: str
    secrets: Mapping[str, str]
    urls: Mapping[str, str]
    """service name -> base URL of its first instance"""
    ledger: str
    """path of the simulated carrier's ledger"""
    spool: str
    """folder of the uploads that campaign-command has not imported yet"""
    local_token: str = ""
    """with which the dashboard signs in whoever opens it on this machine"""


GATEWAY_ADDRESSES: Mapping[str, str] = {
    "COMMAND_ADDRESS": "campaign-command",
    "PROJECTOR_ADDRESS": "analytics-projector",
    "DIALER_ADDRESS": "dialer",
    "WEBHOOKS_ADDRESS": "webhooks",
    "DASHBOARD_ADDRESS": "dashboard",
}
NOWHERE = f"http://{HOST}:1"
"""of a service that a stack does without: the gateway finds nobody there"""

# Which secrets a service is given: no more than it needs.
_SECRETS: Mapping[str, tuple[str, ...]] = {
    "campaign-command": ("JWT_SECRET", "PERMIT_SECRET", "HASH_KEY"),
    "analytics-projector": ("JWT_SECRET",),
    "dialer": ("JWT_SECRET", "PERMIT_SECRET", "CARRIER_API_KEY", "CARRIER_WEBHOOK_SECRET", "CALL_TOKEN_SECRET"),
    "simulated-carrier": ("CARRIER_API_KEY", "CARRIER_WEBHOOK_SECRET"),
    "webhooks": ("JWT_SECRET", "WEBHOOK_SIGNING_KEY"),
    GATEWAY_NAME: ("JWT_SECRET",),
}


def environment(service: Service, shared: Shared, *, dsn: str | None, port: int, instance: int) -> dict[str, str]:
    """The variables of one instance, on top of those it inherits."""
    variables = {
        "HTTP_HOST": HOST,
        "HTTP_PORT": str(port),
        "INSTANCE_ID": str(instance),
        "PYTHONUNBUFFERED": "1",
        **{name: shared.secrets[name] for name in _SECRETS.get(service.name, ())},
    }
    if dsn is not None:
        variables |= {
            "DATABASE_DSN": dsn,
            "KAFKA_BOOTSTRAP": shared.kafka_bootstrap,
            "TOPIC_PREFIX": shared.topic_prefix,
        }
    match service.name:
        case "campaign-command":
            variables |= {"SPOOL_DIR": shared.spool}
        case "dialer":
            variables |= {
                "COMMAND_URL": shared.urls["campaign-command"],
                "CARRIER_URL": shared.urls["simulated-carrier"],
                "PUBLIC_URL": f"http://{HOST}:{port}",
            }
        case "dashboard":
            variables |= {
                "COMMAND_URL": shared.urls["campaign-command"],
                "PROJECTOR_URL": shared.urls["analytics-projector"],
                "DIALER_URL": shared.urls["dialer"],
                "LOCAL_TOKEN": shared.local_token,
            }
        case "gateway":
            variables |= {
                "GATEWAY_BIND": f"{HOST}:{port}",
                **{
                    variable: shared.urls.get(name, NOWHERE).removeprefix("http://")
                    for variable, name in GATEWAY_ADDRESSES.items()
                },
            }
        case "webhooks":
            variables |= {"ALLOW_LOCAL_ADDRESSES": "true"}
        case "simulated-carrier":
            variables |= {
                "CARRIER_SEED": "1",
                "CARRIER_SPEED": "1.0",
                "CARRIER_LEDGER": shared.ledger,
                "CARRIER_INBOUND_URL": f"{shared.urls['dialer']}/v1/carriers/simulated/inbound",
            }
    return variables
