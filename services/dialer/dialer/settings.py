"""What the dialer is told by its environment."""

from pydantic import Field, SecretStr

from campaign_service.settings import ServiceSettings
from campaign_service.tokens import MIN_SECRET_BYTES


class Settings(ServiceSettings):
    """Environment variables of the same names, upper-case."""

    http_port: int = Field(default=8103, ge=1, le=65535)

    command_url: str = Field(pattern=r"^https?://", description="Where campaign-command listens")
    permit_secret: SecretStr = Field(min_length=1, description="The credential for its /internal/permits")
    carrier_url: str = Field(pattern=r"^https?://")
    carrier_api_key: SecretStr = Field(min_length=1)
    carrier_webhook_secret: SecretStr = Field(min_length=1)
    public_url: str = Field(pattern=r"^https?://", description="Where the carrier and its agents reach the dialer")
    call_token_secret: SecretStr = Field(min_length=MIN_SECRET_BYTES)

    place_timeout_seconds: float = Field(default=2.0, gt=0, le=30)
    reconcile_seconds: float = Field(default=30.0, gt=0, le=3600, description="How long a live call may be silent")
    outcome_grace_seconds: float = Field(default=300.0, ge=0, le=86_400)
    call_deadline_seconds: int = Field(default=14_400, ge=1, le=86_400)
