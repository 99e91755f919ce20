"""Idempotency keys: a command sent again under its key gets the answer it got, and does nothing.

What must stay true: the stored answer is written in the transaction of the effect. A refused command has no effect, so
nothing is stored for it and a repetition is decided anew.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from campaign_command.store import Transaction
from campaign_service.problems import Problem

MAX_KEY = 255
_ABOUT = re.compile(r"/v1/campaigns/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})/")


@dataclass(frozen=True, slots=True)
class Key:
    """A client's key and what it was used for: method, path, query and body."""

    workspace: UUID
    key: str
    fingerprint: bytes
    campaign_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer; `replayed` when it is the one of an earlier request."""

    status: int
    body: bytes
    replayed: bool = False


def key_of(*, workspace: UUID, key: str, method: str, target: str, body: bytes) -> Key:
    """The key of a request. Problem 422 when it is empty, too long or not printable ASCII."""
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise Problem(422, "invalid_idempotency_key", f"Idempotency-Key: 1 to {MAX_KEY} printable ASCII characters.")
    digest = hashlib.sha256(b"\0".join([method.encode(), target.encode(), body])).digest()
    about = _ABOUT.match(target)
    return Key(workspace, key, digest, UUID(about[1]) if about else None)


def once(tx: Transaction, key: Key | None, status: int, work: Callable[[Transaction], dict[str, Any]]) -> Stored:
    """Do `work` unless this key has an answer already. Problem 422 when the key was used for another request."""
    if key is None:
        return Stored(status, orjson.dumps(work(tx)))
    row = tx.cursor.execute(
        "SELECT fingerprint, status, body FROM idempotency_keys WHERE workspace = %s AND key = %s",
        (key.workspace, key.key),
    ).fetchone()
    if row is not None:
        if bytes(row["fingerprint"]) != key.fingerprint:
            raise Problem(422, "idempotency_key_reused", "Idempotency-Key: it was used for another request.")
        return Stored(row["status"], bytes(row["body"]), replayed=True)
    body = orjson.dumps(work(tx))
    tx.cursor.execute(
        "INSERT INTO idempotency_keys (workspace, key, fingerprint, status, body, campaign_id)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (key.workspace, key.key, key.fingerprint, status, body, key.campaign_id),
    )
    return Stored(status, body)


def forget_answers(tx: Transaction, campaign_id: UUID) -> None:
    """Drop what was answered about a campaign: it may hold numbers. Sent again, such a request finds no campaign."""
    tx.cursor.execute("DELETE FROM idempotency_keys WHERE campaign_id = %s", (campaign_id,))


class InFlight:
    """The keys whose first request this process has not answered yet."""

    def __init__(self) -> None:
        self._keys: set[tuple[UUID, str]] = set()

    def enter(self, key: Key) -> None:
        """Problem 409 while the first request with this key is being worked on."""
        if (key.workspace, key.key) in self._keys:
            raise Problem(
                409, "idempotency_key_in_flight", "Idempotency-Key: the first request is still being worked on."
            )
        self._keys.add((key.workspace, key.key))

    def leave(self, key: Key) -> None:
        """The request has been answered."""
        self._keys.discard((key.workspace, key.key))
