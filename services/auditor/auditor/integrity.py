"""Whether the stored log is what was sealed and what was published: what was changed, removed or slipped in shows.

| code | what was found |
|---|---|
| seal_broken | a sealed chunk whose facts do not give its digest: one was changed, removed or added, or the seal was |
| anchor_contradicted | a published `LogSealed` that the chain of today does not give |
| altered | a stored fact that is not the published one |
| not_published, not_stored | a fact that is only in the table, or only in the topic |
| stream_gap | a stream whose versions do not follow one another |
| unreadable | a stored fact that is none |
| topic_gap | a partition of the topic whose events do not follow one another |

What must stay true: it is told every stored row and every published event once, in order; it holds digests, not facts.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from auditor.record import Finding
from campaign_events.seals import NOTHING, StoredFact, digest


@dataclass(frozen=True, slots=True)
class Seal:
    """A row of the chain."""

    prior: int
    up_to: int
    facts: int
    digest: bytes


def summary_of(name: str, canonical: bytes) -> bytes:
    """A short digest of a fact by its name and canonical JSON, to compare the two places it stands in."""
    return hashlib.blake2b(name.encode() + b"\0" + canonical, digest_size=16).digest()


@dataclass(slots=True)
class Published:
    """What the topics hold of one log. `take` the events of each partition in order; repeats are skipped."""

    facts: dict[int, bytes] = field(default_factory=dict)
    anchors: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """Positions and data of LogSealed."""
    findings: list[Finding] = field(default_factory=list)
    _last: dict[tuple[str, int], int] = field(default_factory=dict)

    def take(self, partition: tuple[str, int], *, position: int, prior: int, name: str, canonical: bytes) -> None:
        """One more event of a partition."""
        last = self._last.get(partition, 0)
        if position <= last:
            if self.facts.get(position) not in (None, summary_of(name, canonical)):
                text = f"position {position} was published again as something else"
                self.findings.append(Finding("altered", text, position))
            return
        if prior != last:
            place = f"{partition[0]}, partition {partition[1]}"
            text = f"{place}: position {position} follows {prior}, before it stands {last}"
            self.findings.append(Finding("topic_gap", text, position))
        self._last[partition] = position
        self.facts[position] = summary_of(name, canonical)


@dataclass(slots=True)
class Chain:
    """Recomputes the seals while the rows pass by."""

    seals: list[Seal]
    findings: list[Finding] = field(default_factory=list)
    digests: dict[int, str] = field(default_factory=dict)
    """The recomputed digest after each sealed position, hex."""
    _rows: list[StoredFact] = field(default_factory=list)
    _next: int = 0
    _digest: bytes = NOTHING
    _count: int = 0
    _versions: dict[UUID, int] = field(default_factory=dict)

    def take(self, row: StoredFact) -> None:
        """One more row of the table, in the order of positions."""
        while self._next < len(self.seals) and row.position > self.seals[self._next].up_to:
            self._close()
        self._rows.append(row)
        if self._next >= len(self.seals):
            self._rows.clear()  # not sealed yet
        version = self._versions.get(row.stream, 0) + 1
        if row.version != version:
            text = f"stream {row.stream} goes on with version {row.version}, expected {version}"
            self.findings.append(Finding("stream_gap", text, row.position))
        self._versions[row.stream] = row.version

    def end(self) -> None:
        """No more rows."""
        while self._next < len(self.seals):
            self._close()

    def _close(self) -> None:
        seal, before = self.seals[self._next], self.seals[self._next - 1].up_to if self._next else 0
        computed = digest(self._digest, self._rows)
        self._count += len(self._rows)
        if (seal.prior, seal.facts, seal.digest) != (before, self._count, computed):
            text = f"positions {before + 1} to {seal.up_to} are not what was sealed"
            self.findings.append(Finding("seal_broken", text, seal.up_to))
        # Go on with what was sealed, so that one change does not break every chunk behind it.
        self._digest, self._count = seal.digest, seal.facts
        self.digests[seal.up_to] = computed.hex()
        self._rows.clear()
        self._next += 1


def contradictions(anchors: list[tuple[int, dict[str, Any]]], chain: Chain) -> Iterator[Finding]:
    """The published anchors that today's chain does not give."""
    for position, data in anchors:
        if chain.digests.get(data["up_to"]) != data["digest"]:
            text = f"the digest up to position {data['up_to']} was published as {data['digest']}; today's is another"
            yield Finding("anchor_contradicted", text, position)


def differences(
    stored: dict[int, bytes], published: dict[int, bytes], *, same: Callable[[int], bool]
) -> Iterator[Finding]:
    """Where table and topic differ. `same` compares more closely two facts that differ as bytes: a newer writer adds
    fields with their defaults."""
    for position in sorted(stored.keys() | published.keys()):
        if position not in published:
            yield Finding("not_published", "stands in the table, and was not published", position)
        elif position not in stored:
            yield Finding("not_stored", "was published, and is not in the table any more", position)
        elif stored[position] != published[position] and not same(position):
            yield Finding("altered", "is not what was published", position)
