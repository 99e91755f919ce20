"""What campaign-command is told by its environment."""

from pathlib import Path

from pydantic import Field, SecretStr

from campaign_service.settings import DatabaseSettings, ServiceSettings


class RestoreSettings(DatabaseSettings):
    """What `new-log` needs."""

    hash_key: SecretStr = Field(min_length=16, description="Key of the hash that stands for a number in facts")


class Settings(ServiceSettings):
    """Environment variables of the same names, upper-case."""

    http_port: int = Field(default=8101, ge=1, le=65535)
    permit_secret: SecretStr = Field(min_length=16, description="The dialer's credential for /internal/permits")
    hash_key: SecretStr = Field(min_length=16, description="Key of the hash that stands for a number in facts")

    permit_seconds: float = Field(default=2.0, gt=0, le=10)
    place_timeout_seconds: float = Field(default=2.0, gt=0, le=30)
    in_progress_deadline_seconds: float = Field(default=21_600.0, gt=0, description="Longer than the dialer's own")
    command_threads: int = Field(default=4, ge=1, le=32)
    permit_threads: int = Field(default=1, ge=1, le=2)

    spool_dir: Path = Path(".spool")
    max_import_bytes: int = Field(default=200 * 1024 * 1024, ge=1)
    max_import_rows: int = Field(default=5_000_000, ge=1)
    import_chunk_rows: int = Field(
        default=1000, ge=1, le=1000, description="Rows a transaction at most; it ends earlier when a command waits"
    )
