"""What the environment says. Secrets have no default: the process does not start without them."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    http_host: str = "127.0.0.1"
    http_port: int = Field(8104, ge=1, le=65535)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] | None = None  # None: json unless stdout is a terminal

    carrier_api_key: SecretStr = Field(min_length=1)
    carrier_webhook_secret: SecretStr = Field(min_length=1)
    carrier_seed: int = Field(1, ge=-(2**63), lt=2**63)
    carrier_speed: float = Field(1.0, gt=0, le=10_000)
    carrier_ledger: Path
    carrier_inbound_url: str | None = Field(None, pattern=r"^https?://[\x21-\x7e]+$")  # who is asked of calls coming in
