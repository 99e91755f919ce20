"""What analytics-projector is told by its environment."""

from pydantic import Field

from campaign_service.settings import ServiceSettings


class Settings(ServiceSettings):
    """Environment variables of the same names, upper-case."""

    http_port: int = Field(default=8102, ge=1, le=65535)
    min_position_wait_seconds: float = Field(default=2.0, gt=0, le=10)
