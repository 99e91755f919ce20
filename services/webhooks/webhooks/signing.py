"""Signs requests as Standard Webhooks says: the headers webhook-id, webhook-timestamp and webhook-signature.

What must stay true: no secret is stored. Each derives from the service's key, the webhook's id and the number of times
it was rotated; for a day after a rotation requests carry the signatures of both.
"""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from uuid import UUID

from standardwebhooks import Webhook

ROTATION_OVERLAP = timedelta(hours=24)


def secret_of(key: str, *, webhook_id: UUID, version: int) -> str:
    """The secret that the receiver checks with: `whsec_` and 32 bytes in base64."""
    derived = hmac.digest(key.encode(), f"webhook-secret:{webhook_id}:{version}".encode(), hashlib.sha256)
    return "whsec_" + base64.b64encode(derived).decode()


def secrets_of(
    key: str, *, webhook_id: UUID, version: int, rotated_at: datetime | None, now: datetime
) -> tuple[str, ...]:
    """The secrets that a request is signed with now: the newest one, and for a day the one before."""
    newest = secret_of(key, webhook_id=webhook_id, version=version)
    if rotated_at is None or now >= rotated_at + ROTATION_OVERLAP:
        return (newest,)
    return (newest, secret_of(key, webhook_id=webhook_id, version=version - 1))


def signed_headers(secrets: tuple[str, ...], *, message_id: str, at: datetime, body: str) -> dict[str, str]:
    """The three headers. `message_id` is the same at every attempt."""
    at = at.astimezone(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, at, body) for secret in secrets),
    }
