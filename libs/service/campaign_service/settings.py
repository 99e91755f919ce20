"""What every service is told by its environment. No secret has a default, and none shows in an error.

Each variable may also be a file of its name (lower-case) in the folder that SECRETS_DIR names; the variable wins.
"""

import os
import sys
from pathlib import Path
from typing import Literal, Self, TypeVar

from pydantic import Field, FilePath, SecretStr, ValidationError, model_validator
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
    otel_exporter_otlp_endpoint: str | None = Field(
        default=None,
        pattern="^https?://",
        description="Where traces go, OTLP by http/protobuf; without it there are none",
    )
    trace_sample_ratio: float = Field(default=1.0, ge=0, le=1, description="Of the traces that begin here")


class DatabaseSettings(BaseSettings):
    """What `migrate` needs."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] | None = None
    database_dsn: SecretStr = Field(
        min_length=1,
        description="postgresql://…; TLS by its own parameters (`sslmode=verify-full`, `sslrootcert=…`)",
    )
    kafka_bootstrap: str = Field(min_length=1, description="host:port of some brokers, with commas between")
    kafka_security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = "plaintext"
    kafka_ca_file: FilePath | None = Field(default=None, description="PEM; without it the system's authorities count")
    kafka_certificate_file: FilePath | None = Field(default=None, description="PEM, for brokers that ask for one")
    kafka_key_file: FilePath | None = Field(default=None, description="PEM, the certificate's key")
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None
    topic_prefix: str = Field(default="", description="Stands before each topic's and group's name")

    @model_validator(mode="after")
    def _says_all_that_the_brokers_ask(self) -> Self:
        if self.kafka_security.startswith("sasl") and not (self.kafka_username and self.kafka_password):
            raise ValueError("KAFKA_USERNAME and KAFKA_PASSWORD are needed with sasl_plaintext and sasl_ssl")
        if bool(self.kafka_certificate_file) != bool(self.kafka_key_file):
            raise ValueError("KAFKA_CERTIFICATE_FILE and KAFKA_KEY_FILE go together")
        return self


class ServiceSettings(ServerSettings, DatabaseSettings):
    """What a service with a public API, a database and Kafka needs. JWT_SECRET or JWT_JWKS_URL must be set."""

    instance_id: str = Field(
        default="0", min_length=1, description="Its own for each process of a service, and the same after a restart"
    )
    jwt_secret: SecretStr | None = Field(default=None, description="HS256, at least 32 bytes; or JWT_JWKS_URL")
    jwt_jwks_url: str | None = Field(default=None, description="Where the public keys stand (RS256, ES256)")
    jwt_issuer: str | None = Field(default=None, description="The `iss` that tokens must have")
    jwt_audience: str | None = Field(default=None, description="The `aud` that tokens must have")


def load_settings(model: type[SettingsT]) -> SettingsT:
    """Read the environment; what is missing or wrong is named, a line each, and the process exits with 2."""
    folder = os.environ.get("SECRETS_DIR")
    if folder is not None and not Path(folder).is_dir():
        print(f"error: SECRETS_DIR: there is no folder {folder}", file=sys.stderr)
        sys.exit(EXIT_USAGE)
    try:
        return model(_secrets_dir=folder)
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            names = [str(part).upper() for part in problem["loc"]]
            print(": ".join(["error", *names, problem["msg"].removeprefix("Value error, ")]), file=sys.stderr)
        sys.exit(EXIT_USAGE)
