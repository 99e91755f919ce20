"""What became of each row of an import: kept in few rows, read in the order of the file.

What must stay true: each line has one result. The accepted ones of a chunk, nearly all of a file, are one row together;
the others, and those of a dry run, stand by themselves.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

from campaign_command.contacts import NULL

_COPY = """
COPY import_rows (import_id, line, result, reason, note, changes, number_key, contact_id, of_line, of_contact,
                  row_values)
FROM STDIN
"""
_ACCEPT = """
INSERT INTO import_accepted (import_id, last_line, lines, contact_ids, notes)
VALUES (%s, %s, %s::bigint[], %s::uuid[], %s::text[])
"""
_ROWS = """
SELECT line, result, reason, note, changes, contact_id, of_line, of_contact, row_values
FROM import_rows
WHERE import_id = %(import)s AND line > %(after)s{result}
ORDER BY line LIMIT %(limit)s
"""
_ACCEPTED = """
SELECT a.line, 'accepted' AS result, NULL AS reason, a.note, NULL AS changes, a.contact_id, NULL AS of_line,
       NULL AS of_contact, NULL AS row_values
FROM (
    SELECT lines, contact_ids, notes FROM import_accepted
    WHERE import_id = %(import)s AND last_line > %(after)s ORDER BY last_line LIMIT 1
) AS chunk
CROSS JOIN LATERAL unnest(chunk.lines, chunk.contact_ids, chunk.notes) AS a (line, contact_id, note)
WHERE a.line > %(after)s
ORDER BY a.line LIMIT %(limit)s
"""


class Result(NamedTuple):
    """What became of a row; a tuple, since a million are made. `number_key` is a dry run's, `contact_id` is not."""

    line: int
    result: str
    reason: str | None = None
    note: str | None = None
    changes: list[str] | None = None
    number_key: UUID | None = None
    contact_id: UUID | None = None
    of_line: int | None = None
    of_contact: UUID | None = None
    row_values: list[str] | None = None


def save_results(cursor: Cursor[DictRow], import_id: UUID, results: Sequence[Result]) -> None:
    """Keep the results of a chunk, which are in the order of the file."""
    accepted = [result for result in results if result.contact_id is not None]
    if accepted:
        notes = [result.note for result in accepted]
        values = (
            import_id,
            accepted[-1].line,
            # Text is quicker made here than by the driver.
            "{" + ",".join([str(result.line) for result in accepted]) + "}",
            "{" + ",".join([result.contact_id.hex for result in accepted if result.contact_id]) + "}",
            notes if any(notes) else None,
        )
        cursor.execute(_ACCEPT, values)
    if len(accepted) == len(results):
        return
    with cursor.copy(_COPY) as copy:
        for result in results:
            if result.contact_id is not None:
                continue
            if result.changes is None and result.row_values is None:
                copy.write("\t".join([NULL if value is None else str(value) for value in (import_id, *result)]) + "\n")
            else:
                copy.write_row((import_id, *result))


def read_results(
    cursor: Cursor[DictRow], import_id: UUID, *, after: int, limit: int, result: str | None = None
) -> list[DictRow]:
    """The results behind line `after`, of all rows or of those with one result, in the order of the file."""
    values: dict[str, Any] = {"import": import_id, "after": after, "result": result, "limit": limit}
    # Planned each time: the indexes by result hold only what the result asked for may be in.
    query = _ROWS.format(result=" AND result = %(result)s" if result else "")
    rows = cursor.execute(query.encode(), values, prepare=False).fetchall()
    if result not in (None, "accepted"):
        return rows
    accepted: list[DictRow] = []
    while len(accepted) < limit:
        more = cursor.execute(_ACCEPTED, values | {"limit": limit - len(accepted)}).fetchall()
        if not more:
            break
        accepted += more
        values["after"] = more[-1]["line"]
    return sorted(rows + accepted, key=lambda row: int(row["line"]))[:limit]
