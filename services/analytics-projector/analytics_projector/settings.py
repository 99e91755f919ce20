"""The service's settings, from the environment. Secrets have no default."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """Each field is the environment variable of its name in capitals."""

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8102, ge=1, le=65535)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] | None = None
    database_dsn: str
    kafka_bootstrap: str
    topic_prefix: str = ""
    instance_id: str = "0"
    jwt_secret: str | None = None
    jwt_jwks_url: str | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
