"""What the environment says. Secrets have no default: the process does not start without them."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from campaign_service.tokens import MIN_SECRET_BYTES


class Settings(BaseSettings):
    """Read once, at the start."""

    http_host: str = "127.0.0.1"
    http_port: int = Field(8103, ge=1, le=65535)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] | None = None  # None: json unless stdout is a terminal

    database_dsn: SecretStr = Field(min_length=1)
    kafka_bootstrap: str = Field(min_length=1)
    topic_prefix: str = ""
    instance_id: str = Field("0", min_length=1)

    jwt_secret: SecretStr | None = None
    jwt_jwks_url: str | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None

    command_url: str = Field(pattern=r"^https?://")
    permit_secret: SecretStr = Field(min_length=1)
    carrier_url: str = Field(pattern=r"^https?://")
    carrier_api_key: SecretStr = Field(min_length=1)
    carrier_webhook_secret: SecretStr = Field(min_length=1)
    public_url: str = Field(pattern=r"^https?://")
    call_token_secret: SecretStr = Field(min_length=MIN_SECRET_BYTES)

    place_timeout_seconds: float = Field(2.0, gt=0, le=30)
    reconcile_seconds: float = Field(30.0, gt=0, le=3600)
    outcome_grace_seconds: float = Field(300.0, ge=0, le=86_400)
    call_deadline_seconds: int = Field(14_400, ge=1, le=86_400)


class DatabaseSettings(BaseSettings):
    """What `migrate` needs."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] | None = None
    database_dsn: SecretStr = Field(min_length=1)
    kafka_bootstrap: str = Field(min_length=1)
    topic_prefix: str = ""
