"""Looks up who must not be called: by number, by how the number begins, and by keyed hash where only that is left.

What must stay true: an entry counts for every dial from its commit on, so this is asked in each deciding transaction.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from campaign_command.campaign import Campaign
from campaign_command.do_not_call import Upload, reasons_of, stale_lists
from campaign_command.store import Transaction

MAX_WILDCARDS = 200
"""A workspace's standing wildcards: each number is compared with all of them."""

_STANDING = """
SELECT number, array_agg(DISTINCT source) AS sources FROM standing
WHERE (scope IS NULL OR scope = %(campaign)s) AND (expires_at IS NULL OR expires_at > clock_timestamp())
GROUP BY number
"""
# One look into the index a number, whatever the planner believes of a list that has just begun to grow. A row without
# a number says that there are entries which only a keyed hash is left of: few workspaces have any, and hashing is dear.
_SUPPRESSED = f"""
WITH standing AS (
    SELECT n.number, s.* FROM unnest(string_to_array(%(numbers)s, ',')) AS n (number)
    CROSS JOIN LATERAL (
        SELECT source, scope, expires_at FROM suppressions
        WHERE workspace = %(workspace)s AND number = n.number AND lifted_at IS NULL LIMIT 1000
    ) AS s
    UNION ALL
    SELECT n.number, s.source, s.scope, s.expires_at FROM suppressions s
    JOIN unnest(string_to_array(%(numbers)s, ',')) AS n (number) ON starts_with(n.number, s.prefix)
    WHERE s.workspace = %(workspace)s AND s.prefix IS NOT NULL AND s.lifted_at IS NULL
)
{_STANDING}
UNION ALL
SELECT NULL, NULL WHERE EXISTS (
    SELECT 1 FROM suppressions
    WHERE workspace = %(workspace)s AND number IS NULL AND prefix IS NULL AND lifted_at IS NULL
)
"""  # noqa: S608
_SUPPRESSED_BY_HASH = f"""
WITH standing AS (
    SELECT n.number, s.*
    FROM unnest(string_to_array(%(numbers)s, ','), string_to_array(%(hashes)s, ',')) AS n (number, number_hash)
    CROSS JOIN LATERAL (
        SELECT source, scope, expires_at FROM suppressions
        WHERE workspace = %(workspace)s AND number_hash = n.number_hash AND number IS NULL AND lifted_at IS NULL
        LIMIT 1000
    ) AS s
)
{_STANDING}
"""  # noqa: S608
_UPLOADS = """
SELECT workspace, name, list_date, max_age_days FROM suppression_lists
WHERE workspace = ANY(%s) AND name = ANY(%s) AND state = 'completed'
"""


def suppressed_numbers(tx: Transaction, campaign: Campaign, numbers: Collection[str]) -> dict[str, str]:
    """Which of these numbers must not be called in this campaign now, and why: `list` or `suppressed`."""
    if not numbers:
        return {}
    wanted = list(dict.fromkeys(numbers))
    values: dict[str, object] = {
        "numbers": ",".join(wanted),  # much quicker than the driver's arrays
        "workspace": campaign.workspace,
        "campaign": campaign.campaign_id,
    }
    tx.cursor.execute(_SUPPRESSED.encode(), values)
    rows = tx.cursor.fetchall()
    sources: dict[str, list[str]] = {row["number"]: row["sources"] for row in rows if row["number"] is not None}
    if len(sources) < len(rows):
        hashes = [tx.hash_number(campaign.workspace, number) for number in wanted]
        tx.cursor.execute(_SUPPRESSED_BY_HASH.encode(), values | {"hashes": ",".join(hashes)})
        for row in tx.cursor.fetchall():
            sources[row["number"]] = [*sources.get(row["number"], ()), *row["sources"]]
    return reasons_of(sources)


def stale_lists_of(tx: Transaction, campaigns: Iterable[Campaign], *, now: datetime) -> Mapping[UUID, Sequence[str]]:
    """The campaigns that need a list which is missing or too old, and which lists those are."""
    needing = [campaign for campaign in campaigns if campaign.settings.required_lists]
    if not needing:
        return {}
    names = {name for campaign in needing for name in campaign.settings.required_lists}
    tx.cursor.execute(_UPLOADS, (list({campaign.workspace for campaign in needing}), list(names)))
    uploads: dict[UUID, list[Upload]] = defaultdict(list)
    for row in tx.cursor.fetchall():
        uploads[row["workspace"]].append(Upload(row["name"], row["list_date"], row["max_age_days"]))
    today = now.astimezone(UTC).date()
    found = {
        campaign.campaign_id: stale_lists(campaign.settings.required_lists, uploads[campaign.workspace], today=today)
        for campaign in needing
    }
    return {campaign_id: stale for campaign_id, stale in found.items() if stale}
