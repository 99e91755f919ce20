"""What the dashboard is told by its environment."""

import ipaddress
from typing import Self

from pydantic import AnyHttpUrl, Field, SecretStr, model_validator

from campaign_service.settings import ServerSettings

LOOPBACK_NAME = "localhost"


class Settings(ServerSettings):
    """Environment variables of the same names, upper-case."""

    http_port: int = Field(default=8105, ge=1, le=65535)
    command_url: AnyHttpUrl
    projector_url: AnyHttpUrl
    dialer_url: AnyHttpUrl
    local_token: SecretStr | None = None
    """Handed to whoever clicks "sign in" on this machine: for a stack on one's own machine, refused elsewhere."""
    insecure_cookie: bool = False
    """Let the session's cookie travel over plain HTTP although others can reach this server."""

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.http_host)

    @property
    def apis(self) -> dict[str, str]:
        """Service name -> base URL, without a slash at its end."""
        urls = {
            "campaign-command": self.command_url,
            "analytics-projector": self.projector_url,
            "dialer": self.dialer_url,
        }
        return {name: str(url).rstrip("/") for name, url in urls.items()}

    @model_validator(mode="after")
    def _keeps_the_local_token_local(self) -> Self:
        if self.local_token is not None and not self.is_local:
            raise ValueError("LOCAL_TOKEN signs in whoever can reach the page: only with a loopback HTTP_HOST")
        return self


def is_loopback(host: str) -> bool:
    """Whether a host name or address (without a port) means this machine."""
    if host == LOOPBACK_NAME:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
