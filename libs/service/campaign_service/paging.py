"""Opaque cursors: where the next page starts, as URL-safe text that says nothing and breaks loudly."""

import base64
import binascii
from typing import Annotated, Any

import orjson
from fastapi import Query

from campaign_service.problems import Problem

MAX_LIMIT = 200
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows per page")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before")]


def encode_cursor(*values: Any) -> str:
    """A cursor that remembers these values (JSON scalars, UUIDs and instants as text)."""
    return base64.urlsafe_b64encode(orjson.dumps(values, default=str)).decode().rstrip("=")


def decode_cursor(cursor: str, *, length: int) -> list[Any]:
    """The values of a cursor. Problem 422 for anything this server did not make."""
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        values = None
    if not isinstance(values, list) or len(values) != length:
        raise Problem(422, "invalid_cursor", "cursor: not a cursor of this list; use `next_cursor` of the page before.")
    return values
