"""What the service is told by its environment. No secret has a default."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """Environment variables of the same names, upper-case."""

    http_host: str = "127.0.0.1"
    http_port: int = 8101
    log_level: str = "info"
    log_format: Literal["json", "console"] | None = None

    database_dsn: str
    kafka_bootstrap: str
    topic_prefix: str = ""
    instance_id: str = "0"

    jwt_secret: str | None = Field(default=None, description="HS256, at least 32 bytes; or JWT_JWKS_URL")
    jwt_jwks_url: str | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    permit_secret: str = Field(min_length=16, description="The dialer's credential for /internal/permits")
    hash_key: str = Field(min_length=16, description="Key of the hash that stands for a number in facts")

    permit_seconds: float = Field(default=2.0, gt=0, le=10)
    place_timeout_seconds: float = Field(default=2.0, gt=0, le=30)
    in_progress_deadline_seconds: float = Field(default=21_600.0, gt=0, description="Longer than the dialer's own")
    command_threads: int = Field(default=4, ge=1, le=32)
    permit_threads: int = Field(default=1, ge=1, le=2)

    spool_dir: Path = Path(".spool")
    max_import_bytes: int = 200 * 1024 * 1024
    max_import_rows: int = 5_000_000
