"""What every service is told by its environment. No secret has a default, and none shows in an error."""

import sys
from typing import Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

EXIT_USAGE = 2
SettingsT = TypeVar("SettingsT", bound=BaseSettings)


class ServerSettings(BaseSettings):
    """Environment variables of the same names, upper-case."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    http_host: str = "127.0.0.1"
    http_port: int = Field(ge=1, le=65535)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] | None = None  # null: json unless stdout is a terminal


class DatabaseSettings(BaseSettings):
    """What `migrate` needs."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] | None = None
    database_dsn: SecretStr = Field(min_length=1)
    kafka_bootstrap: str = Field(min_length=1)
    topic_prefix: str = ""


class ServiceSettings(ServerSettings, DatabaseSettings):
    """What a service with a public API, a database and Kafka needs. JWT_SECRET or JWT_JWKS_URL must be set."""

    instance_id: str = Field(default="0", min_length=1)
    jwt_secret: SecretStr | None = None
    jwt_jwks_url: str | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None


def load_settings(model: type[SettingsT]) -> SettingsT:
    """Read the environment; what is missing or wrong is named, a line each, and the process exits with 2."""
    try:
        return model()
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in problem["loc"]).upper()
            print(f"error: {name}: {problem['msg']}", file=sys.stderr)
        sys.exit(EXIT_USAGE)
