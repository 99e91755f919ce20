"""The contact list of a large campaign: each page is a piece of an index, and totals are kept, not counted."""

import statistics
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from campaign_command import commands
from campaign_command.contact_search import (
    MAX_COUNTED,
    Found,
    Place,
    Search,
    count_query,
    find_contacts,
    page_query,
    read_by_index,
    search_of,
)
from campaign_command.store import now_of
from campaign_command.suppressions import suppress
from campaign_events.settings import Outcome

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

CONTACTS = 100_000
FILL = """
INSERT INTO contacts (contact_id, workspace, campaign_id, number, first_name, last_name, name, time_zones, zone_source,
                      status)
SELECT gen_random_uuid(), %(workspace)s, %(campaign)s, '+4930' || (20000000 + n),
       (ARRAY['Ada', 'Ben', 'Chloe', 'Hana', 'Émile'])[1 + n %% 5] || n %% 50,
       CASE WHEN n %% 7 > 0 THEN (ARRAY['Sato', 'Müller', 'Hanson', 'O''Neil'])[1 + n %% 4] END,
       CASE WHEN n %% 3 = 0 THEN 'Company ' || n END, '{Europe/Berlin}', 'number',
       CASE WHEN n %% 1000 = 0 THEN 'failed' WHEN n %% 100 = 1 THEN 'completed' ELSE 'pending' END
FROM generate_series(1, %(contacts)s) AS n
"""
COUNTS = "INSERT INTO contact_counts SELECT campaign_id, status, count(*) FROM contacts GROUP BY campaign_id, status"
MAX_BLOCKS = 400
"""Pages of 8 KB that a query may look at, of the many thousands that the table and its indexes have."""

DEEP = Place(seq=CONTACTS - 100)
QUERIES: dict[str, tuple[Sequence[str], str, Place | None]] = {
    "first page": ((), "", None),
    "page by cursor": ((), "", DEEP),
    "a common status": (("pending",), "", None),
    "a rare status": (("failed",), "", None),
    "a status that nobody has": (("voicemail",), "", None),
    "several statuses, deep": (("failed", "completed", "voicemail"), "", DEEP),
    "number prefix of all": ((), "+4930", None),
    "number prefix of all, deep": ((), "+4930", Place(CONTACTS - 500, f"+4930{20_000_000 + CONTACTS - 500}")),
    "number prefix of few": ((), "0049 30 2000 12", None),
    "one letter": ((), "h", None),
    "name of many": ((), "hana", None),
    "name of many, deep": ((), "hana", Place(50_000, "hana3 sato")),
    "name of nobody": ((), "zzz", None),
    "full name": ((), "Hana3 Sa", None),
    "last name": ((), "o'neil", None),
    "company": ((), "company 99", None),
}


@pytest.fixture
def large(desk: "Desk") -> UUID:
    """A campaign of CONTACTS, beside another as large, so that neither is the whole table."""
    made = [desk.draft(0), desk.draft(0)]
    for campaign in made:
        values = {"workspace": desk.workspace, "campaign": campaign, "contacts": CONTACTS}
        with desk.store.recorder.datastore.transaction(commit=True) as cursor:
            cursor.execute(FILL.encode(), values)
    with desk.store.recorder.datastore.transaction(commit=True) as cursor:
        cursor.execute(COUNTS.encode())
        cursor.execute("ANALYZE contacts")
    return made[0]


def nodes_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for part in plan.get("Plans", ()) for node in nodes_of(part))]


def plan_of(cursor: Any, query: str, values: dict[str, Any]) -> dict[str, Any]:
    """As the list itself plans it."""
    read_by_index(cursor)
    explain = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + query
    row = cursor.execute(explain.encode(), values, prepare=False).fetchone()
    plan: dict[str, Any] = row["QUERY PLAN"][0]["Plan"]
    return plan


def test_no_query_of_the_list_reads_more_than_its_page(desk: "Desk", large: UUID) -> None:
    problems = []
    for name, (statuses, q, after) in QUERIES.items():
        search = search_of(q)
        queries = [page_query(large, statuses=statuses, search=search, after=after, limit=50)]
        if search is not None:
            queries.append(count_query(large, statuses=statuses, search=search))
        for is_total, (query, values) in enumerate(queries):
            nodes = desk.store.read(lambda cursor, query=query, values=values: nodes_of(plan_of(cursor, query, values)))  # type: ignore[misc]
            kinds = [node["Node Type"] for node in nodes]
            rows = max(node["Actual Rows"] * node["Actual Loops"] for node in nodes)
            removed = max(node.get("Rows Removed by Filter", 0) for node in nodes)
            blocks = nodes[0]["Shared Hit Blocks"] + nodes[0]["Shared Read Blocks"]
            most_rows, most_blocks = (3 * MAX_COUNTED + 3, 4 * MAX_COUNTED) if is_total else (6 * 51, MAX_BLOCKS)
            if "Seq Scan" in kinds or max(rows, removed) > most_rows or blocks > most_blocks:
                problems.append((name, kinds, rows, removed, blocks))
    assert not problems, problems


def test_each_way_to_look_is_quick(desk: "Desk", large: UUID) -> None:
    slow = {}
    for name, (statuses, q, after) in QUERIES.items():
        seconds = []
        for _ in range(20):
            began = time.perf_counter()
            found(desk, large, statuses=statuses, q=q, after=after)
            seconds.append(time.perf_counter() - began)
        if statistics.median(seconds) > 0.05:
            slow[name] = statistics.median(seconds)
    assert slow == {}


def found(
    desk: "Desk",
    campaign: UUID,
    *,
    statuses: Sequence[str] = (),
    q: str = "",
    after: Place | None = None,
    limit: int = 50,
) -> Found:
    return desk.store.read(
        lambda cursor: find_contacts(cursor, campaign, statuses=statuses, search=search_of(q), after=after, limit=limit)
    )


def all_pages(desk: "Desk", campaign: UUID, **wanted: Any) -> list[UUID]:
    ids: list[UUID] = []
    after = None
    while True:
        page = found(desk, campaign, after=after, **wanted)
        ids += [row["contact_id"] for row in page.rows]
        if page.next is None:
            return ids
        after = page.next


@pytest.mark.parametrize(
    ("q", "condition"),
    [
        ("+493020000", "number LIKE '+493020000%%'"),
        ("h", "lower(name) LIKE 'h%%' OR lower(first_name) LIKE 'h%%' OR lower(last_name) LIKE 'h%%'"),
        ("hana", "lower(first_name) LIKE 'hana%%' OR lower(last_name) LIKE 'hana%%'"),
        ("ÉMILE", "first_name LIKE 'Émile%%'"),
        ("hana3  han", "first_name = 'Hana3' AND last_name = 'Hanson'"),
        ("o'n", "last_name = 'O''Neil'"),
        ("100%%", "false"),
        ("company 12", "name LIKE 'Company 12%%'"),
    ],
)
def test_page_by_page_each_match_comes_exactly_once(desk: "Desk", q: str, condition: str) -> None:
    campaign = desk.draft(0)
    with desk.store.recorder.datastore.transaction(commit=True) as cursor:
        cursor.execute(FILL.encode(), {"workspace": desk.workspace, "campaign": campaign, "contacts": 3000})
    wanted = [row["contact_id"] for row in desk.rows(f"SELECT contact_id FROM contacts WHERE {condition}")]
    for limit in (7, 200):
        assert sorted(all_pages(desk, campaign, q=q, limit=limit)) == sorted(wanted)
    page = found(desk, campaign, q=q)
    assert (page.total, page.is_exact) == (min(len(wanted), MAX_COUNTED), len(wanted) <= MAX_COUNTED)


def test_several_statuses_are_one_list_in_the_order_of_adding(desk: "Desk") -> None:
    campaign = desk.draft(0)
    with desk.store.recorder.datastore.transaction(commit=True) as cursor:
        cursor.execute(FILL.encode(), {"workspace": desk.workspace, "campaign": campaign, "contacts": 3000})
    query = "SELECT contact_id FROM contacts WHERE status IN ('failed', 'completed') ORDER BY seq"
    wanted = [row["contact_id"] for row in desk.rows(query)]
    assert all_pages(desk, campaign, statuses=("failed", "completed"), limit=7) == wanted
    numbered = all_pages(desk, campaign, statuses=("failed", "completed"), q="+4930", limit=7)
    assert sorted(numbered) == sorted(wanted)


def test_totals_are_those_of_the_contacts_whatever_happens_to_them(desk: "Desk") -> None:
    def counted() -> dict[str, int]:
        rows = desk.rows(
            "SELECT status, count(*) AS n FROM contacts WHERE campaign_id = %s GROUP BY status", (campaign,)
        )
        return {row["status"]: row["n"] for row in rows}

    def kept() -> dict[str, int]:
        rows = desk.rows("SELECT status, contacts FROM contact_counts WHERE campaign_id = %s", (campaign,))
        return {row["status"]: row["contacts"] for row in rows if row["contacts"]}

    campaign = desk.draft(8, max_attempts=1)
    assert kept() == counted() == {"pending": 8}
    first, second, third, *_ = desk.contacts(campaign)
    number = desk.row("SELECT number FROM contacts WHERE contact_id = %s", (third.contact_id,))
    assert number is not None
    desk.do(lambda tx: suppress(tx, [number["number"]], workspace=desk.workspace, source="api", now=now_of(tx.cursor)))
    assert kept() == counted()
    assert kept()["do_not_call"] == 1
    desk.do(lambda tx: commands.remove(tx, desk.target(campaign), [first.contact_id]))
    assert kept() == counted()
    desk.start(campaign)
    ask = desk.granted(second)
    assert kept() == counted()
    assert kept()["in_progress"] == 1
    desk.report(desk.placed(ask), desk.ended(ask, Outcome.NO_ANSWER))
    assert kept() == counted()
    assert found(desk, campaign).total == sum(counted().values()) == 7
    assert found(desk, campaign, statuses=("do_not_call", "pending")).total == 6


@pytest.mark.parametrize(
    ("q", "search"),
    [
        ("", None),
        ("  ", None),
        ("+49 (30) 1-2", Search("+49301 2".replace(" ", ""), is_number=True)),
        ("0049 30", Search("+4930", is_number=True)),
        ("4930", Search("+4930", is_number=True)),
        ("  Hana   Sato ", Search("Hana Sato", is_number=False)),
        ("4ever", Search("4ever", is_number=False)),
    ],
)
def test_a_search_text_is_a_number_or_a_name(q: str, search: Search | None) -> None:
    assert search_of(q) == search


def test_a_cursor_of_another_campaign_finds_nothing_of_it(desk: "Desk") -> None:
    assert found(desk, uuid4(), q="hana", after=Place(5, "hana")).rows == []
