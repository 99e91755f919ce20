"""Pages of a campaign's contacts: in the order they were added, by status, by number or by name.

What must stay true: a page costs the same however many contacts there are and however far down it is. So each way to
look has an index in its own order, a page is a piece of it, and nothing is counted that may be large: totals come from
the counters that the commands keep, and a search counts its matches up to MAX_COUNTED.

By number and by name the order is that of the text. A name is found by its beginning in three places (name, first and
last name together, last name); a contact that matches in several is listed at the first of them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

MAX_COUNTED = 1000
_KEYS = {
    "number": ("c.number", ""),
    "name": ("lower(c.name)", " AND c.name IS NOT NULL"),
    "full_name": ("lower(c.first_name || ' ' || coalesce(c.last_name, ''))", " AND c.first_name IS NOT NULL"),
    "last_name": ("lower(c.last_name)", " AND c.last_name IS NOT NULL"),
}
"""By way to look, the text that is compared (as the index has it) and the index's condition."""
_NAMES = ("name", "full_name", "last_name")
_TEXTS = f"ARRAY[{', '.join(_KEYS[way][0] for way in _NAMES)}] AS texts, lower(%(text)s) AS beginning"
_IN_ORDER = """
SELECT c.* FROM contacts c WHERE c.campaign_id = %(campaign)s AND c.seq > %(seq)s ORDER BY c.seq LIMIT %(limit)s
"""
_OF_STATUS = """
(SELECT c.* FROM contacts c
 WHERE c.campaign_id = %(campaign)s AND c.status = {status} AND c.seq > %(seq)s ORDER BY c.seq LIMIT %(limit)s)
"""
# Compared byte by byte, as the indexes are: from the beginning on, up to the last text that begins so.
_RANGE = "{key} ~>=~ lower(%(text)s) AND {key} ~<~ (lower(%(text)s) || U&'\\+10FFFF')"
_FIRST = """
(SELECT c.*, {key} AS key, {others} FROM contacts c
 WHERE c.campaign_id = %(campaign)s AND {range}{condition} ORDER BY {key} USING ~<~, c.seq LIMIT %(limit)s)
"""
# A range of one text: with `=` the planner may take any index in the order of `seq` and look at everybody.
_SAME_KEY = """
(SELECT c.*, {key} AS key, {others} FROM contacts c
 WHERE c.campaign_id = %(campaign)s AND {key} ~>=~ %(key)s AND {key} ~<=~ %(key)s AND c.seq > %(seq)s{condition}
 ORDER BY {key} USING ~<~, c.seq LIMIT %(limit)s)
"""
_LATER_KEY = """
(SELECT c.*, {key} AS key, {others} FROM contacts c
 WHERE c.campaign_id = %(campaign)s AND {key} ~>~ %(key)s AND {key} ~<~ (lower(%(text)s) || U&'\\+10FFFF'){condition}
 ORDER BY {key} USING ~<~, c.seq LIMIT %(limit)s)
"""
# In the index's order, or a planner that thinks most rows match would read the table until it has met enough.
_MATCHES = """
(SELECT c.contact_id FROM contacts c WHERE c.campaign_id = %(campaign)s AND {range}{condition}
 ORDER BY {key} USING ~<~ LIMIT %(counted)s)
"""
# A planner that guesses few matches would fetch and sort all of them, however many there are.
_BY_INDEX = """
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
       set_config('enable_sort', 'off', true)
"""
_COUNTS = "SELECT status, contacts FROM contact_counts WHERE campaign_id = %s"
_SEVERAL_DIGITS = re.compile(r"\+?[0-9][0-9\s().\-/]*")


@dataclass(frozen=True, slots=True)
class Search:
    """The beginning of a number (`+49…`), or of a name."""

    text: str
    is_number: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: behind the contact `seq`, of those with the text `key` in a search."""

    seq: int
    key: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of rows, and where the next one starts. `total` is at least so many when it is not exact."""

    rows: list[DictRow]
    next: Place | None
    total: int
    is_exact: bool


def search_of(q: str) -> Search | None:
    """What a search text looks for; null when it is blank."""
    text = q.strip()
    if not text:
        return None
    if _SEVERAL_DIGITS.fullmatch(text):
        return Search("+" + re.sub(r"[^0-9]", "", text).removeprefix("00"), is_number=True)
    return Search(re.sub(r"\s+", " ", text), is_number=False)


def find_contacts(
    cursor: Cursor[DictRow],
    campaign_id: UUID,
    *,
    statuses: Sequence[str],
    search: Search | None,
    after: Place | None,
    limit: int,
) -> Found:
    """The next page of at most `limit` contacts. A page of a search by name may hold fewer, and not be the last."""
    query, values = page_query(campaign_id, statuses=statuses, search=search, after=after, limit=limit)
    read_by_index(cursor)
    # Never prepared: a plan for all cases would be none of these.
    rows = cursor.execute(query.encode(), values, prepare=False).fetchall()
    last = None
    if len(rows) > limit:
        rows = rows[:limit]
        last = Place(rows[-1]["seq"], rows[-1].get("key", ""))
    if search is not None and not search.is_number:
        rows = _once(rows)
    total, is_exact = _total(cursor, campaign_id, statuses=statuses, search=search)
    return Found(rows, last, total, is_exact)


def read_by_index(cursor: Cursor[DictRow]) -> None:
    """For the rest of the transaction, rows come from an index in its order, as far as there is one."""
    cursor.execute(_BY_INDEX)


def page_query(
    campaign_id: UUID, *, statuses: Sequence[str], search: Search | None, after: Place | None, limit: int
) -> tuple[str, dict[str, Any]]:
    """The query for a page and one row more, which tells that there is a next one."""
    values: dict[str, Any] = {"campaign": campaign_id, "limit": limit + 1, "seq": after.seq if after else 0}
    if search is None:
        if not statuses:
            return _IN_ORDER, values
        parts = []
        for index, status in enumerate(dict.fromkeys(statuses)):
            values[f"status{index}"] = status
            parts.append(_OF_STATUS.format(status=f"%(status{index})s"))
        return _merged(parts, "seq"), values
    values["text"] = search.text
    condition = ""
    if statuses:
        condition, values["statuses"] = " AND c.status = ANY(%(statuses)s)", list(statuses)
    parts = []
    for key, of_index in _looks(search):
        forms = [_FIRST]
        if after is not None:
            values["key"] = after.key
            forms = [_LATER_KEY] if search.is_number else [_SAME_KEY, _LATER_KEY]  # a number is there once
        parts += [
            form.format(key=key, condition=of_index + condition, range=_RANGE.format(key=key), others=_TEXTS)
            for form in forms
        ]
    return _merged(parts, "key USING ~<~, seq"), values


def count_query(campaign_id: UUID, *, statuses: Sequence[str], search: Search) -> tuple[str, dict[str, Any]]:
    """The query for the number of matches, up to MAX_COUNTED and one."""
    condition = " AND c.status = ANY(%(statuses)s)" if statuses else ""
    matches = [
        _MATCHES.format(key=key, range=_RANGE.format(key=key), condition=of_index + condition)
        for key, of_index in _looks(search)
    ]
    query = f"SELECT count(*) AS total FROM ({'UNION'.join(matches)}) AS matches"  # noqa: S608 - our own words
    values = {"campaign": campaign_id, "text": search.text, "counted": MAX_COUNTED + 1, "statuses": list(statuses)}
    return query, values


def _looks(search: Search) -> list[tuple[str, str]]:
    return [_KEYS[way] for way in (("number",) if search.is_number else _NAMES)]


def _merged(parts: Sequence[str], order: str) -> str:
    if len(parts) == 1:
        return parts[0]
    return f"SELECT * FROM ({'UNION ALL'.join(parts)}) AS c ORDER BY {order} LIMIT %(limit)s"  # noqa: S608 - our own words


def _once(rows: list[DictRow]) -> list[DictRow]:
    """Without the rows of contacts that stand, or will, at an earlier match of theirs."""
    kept: dict[UUID, DictRow] = {}
    for row in rows:
        matches = [text for text in row["texts"] if text is not None and text.startswith(row["beginning"])]
        if row["key"] == min(matches, key=str.encode):
            kept.setdefault(row["contact_id"], row)
    return list(kept.values())


def _total(
    cursor: Cursor[DictRow], campaign_id: UUID, *, statuses: Sequence[str], search: Search | None
) -> tuple[int, bool]:
    if search is None:
        counts = {row["status"]: row["contacts"] for row in cursor.execute(_COUNTS, (campaign_id,)).fetchall()}
        return sum(count for status, count in counts.items() if not statuses or status in statuses), True
    query, values = count_query(campaign_id, statuses=statuses, search=search)
    row = cursor.execute(query.encode(), values, prepare=False).fetchone()
    assert row is not None
    return min(row["total"], MAX_COUNTED), row["total"] <= MAX_COUNTED
