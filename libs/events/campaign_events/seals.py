"""The seal of a log: a chain of digests over its stored facts, so that a change afterwards shows.

`digest(n) = SHA-256(digest(n - 1) + every fact of chunk n, in the order of positions)`. A fact goes in with where it
stands and with the very bytes that are stored, each part behind its length, so that no two logs give the same input.
What must stay true: the same rows give the same digest for ever, whoever computes it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

NOTHING = bytes(32)
"""What stands before the first chunk."""


@dataclass(frozen=True, slots=True)
class StoredFact:
    """A row of the event table: its position, its stream and version, the fact's name, and its bytes."""

    position: int
    stream: UUID
    version: int
    name: str
    state: bytes


def digest(previous: bytes, facts: Iterable[StoredFact]) -> bytes:
    """The digest of a chunk that follows the chunk with the digest `previous`: 32 bytes."""
    chunk = hashlib.sha256(previous)
    for fact in facts:
        for part in (str(fact.position), str(fact.stream), str(fact.version), fact.name):
            chunk.update(f"{len(part)}:{part}".encode())
        chunk.update(f"{len(fact.state)}:".encode() + fact.state)
    return chunk.digest()
