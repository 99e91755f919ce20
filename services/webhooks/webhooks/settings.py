"""What the webhooks service is told by its environment."""

from pydantic import Field, SecretStr

from campaign_service.settings import ServiceSettings
from webhooks.backoff import Patience

MIN_KEY_LENGTH = 32


class Settings(ServiceSettings):
    """Environment variables of the same names, upper-case."""

    http_port: int = Field(default=8106, ge=1, le=65535)

    webhook_signing_key: SecretStr = Field(
        min_length=MIN_KEY_LENGTH, description="All secrets of receivers derive from it; another one ends them all"
    )
    allow_local_addresses: bool = Field(default=False, description="For a local stack: http, and loopback addresses")

    max_webhooks: int = Field(default=10, ge=1, le=100, description="Of a workspace")
    attempt_timeout_seconds: float = Field(default=8.0, gt=0, le=30, description="From the look-up to the whole answer")
    first_retry_seconds: float = Field(default=5.0, gt=0, le=3600)
    longest_retry_seconds: float = Field(default=3600.0, gt=0, le=86_400)
    give_up_seconds: float = Field(default=259_200.0, gt=0, le=2_592_000, description="Three days")
    max_in_flight: int = Field(default=64, ge=1, le=1000, description="Requests at once, of this process")
    max_in_flight_per_webhook: int = Field(default=8, ge=1, le=100)
    retention_days: int = Field(default=30, ge=1, le=3650, description="Of what is done, and of facts to replay")

    @property
    def patience(self) -> Patience:
        """When to try again, and for how long."""
        return Patience(self.first_retry_seconds, self.longest_retry_seconds, self.give_up_seconds)
