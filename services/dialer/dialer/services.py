"""What the routes work with, and how they document their problems."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from campaign_service.health import Health
from campaign_service.logs import Log
from campaign_service.problems import ProblemDetails
from campaign_service.tokens import Verifier
from dialer.calls import Patience
from dialer.carriers import Carrier
from dialer.database import Pool
from dialer.permits import PermitClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the API works with."""

    pool: Pool
    carrier: Carrier
    permits: PermitClient
    mint_token: Callable[[UUID, UUID], str]
    patience: Patience
    verifier: Verifier
    call_token_secret: str
    webhook_secret: str
    public_url: str
    changed: Callable[[Iterable[UUID]], None]
    health: Health
    log: Log


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the documentation: these statuses are problems."""
    return {status: {"model": ProblemDetails} for status in statuses}
