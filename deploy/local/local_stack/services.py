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

    @property
    def port_variable(self) -> str:
        return f"{self.package.upper()}_PORT"


CAMPAIGN_COMMAND = Service("campaign-command", "campaign_command", 8101)
ANALYTICS_PROJECTOR = Service("analytics-projector", "analytics_projector", 8102)
DIALER = Service("dialer", "dialer", 8103)
SIMULATED_CARRIER = Service("simulated-carrier", "simulated_carrier", 8104, has_database=False)

SERVICES = (SIMULATED_CARRIER, CAMPAIGN_COMMAND, ANALYTICS_PROJECTOR, DIALER)
"""In the order of their start."""

MIGRATIONS = (CAMPAIGN_COMMAND, DIALER, ANALYTICS_PROJECTOR)
"""In the order in which they run: those that write topics before the one that only reads."""


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


# Which secrets a service is given: no more than it needs.
_SECRETS: Mapping[str, tuple[str, ...]] = {
    "campaign-command": ("JWT_SECRET", "PERMIT_SECRET", "HASH_KEY"),
    "analytics-projector": ("JWT_SECRET",),
    "dialer": ("JWT_SECRET", "PERMIT_SECRET", "CARRIER_API_KEY", "CARRIER_WEBHOOK_SECRET", "CALL_TOKEN_SECRET"),
    "simulated-carrier": ("CARRIER_API_KEY", "CARRIER_WEBHOOK_SECRET"),
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
        case "simulated-carrier":
            variables |= {"CARRIER_SEED": "1", "CARRIER_SPEED": "1.0", "CARRIER_LEDGER": shared.ledger}
    return variables
