"""The numbers a business calls from: whose they are, and which of them a campaign may use.

What must stay true: a number is registered by one workspace at most; who asks first has it. All of this runs under the
append lock, so two can't register it at one time, and no campaign gets a number that was registered meanwhile.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

from campaign_events.schedule import STORED
from campaign_events.trunks import PhoneNumber
from campaign_service.problems import Problem

SHOWN_ALLOWED = 10

_OF_WORKSPACE = "SELECT number, trunk, label FROM phone_numbers WHERE workspace = %s ORDER BY place"
_OF_OTHERS = "SELECT number FROM phone_numbers WHERE number = ANY(%s) AND workspace <> %s"
_INSERT = """
INSERT INTO phone_numbers (number, workspace, place, trunk, label)
SELECT number, %s, place, trunk, label
FROM unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS given (number, trunk, label, place)
"""


def load_phone_numbers(cursor: Cursor[DictRow], workspace: UUID) -> tuple[PhoneNumber, ...]:
    """The numbers a workspace has registered, in its order."""
    rows = cursor.execute(_OF_WORKSPACE, (workspace,)).fetchall()
    return tuple(PhoneNumber.model_validate(row, context=STORED) for row in rows)


def save_phone_numbers(cursor: Cursor[DictRow], workspace: UUID, numbers: Sequence[PhoneNumber]) -> None:
    """These, and no others, are the workspace's."""
    cursor.execute("DELETE FROM phone_numbers WHERE workspace = %s", (workspace,))
    columns = [[one.number for one in numbers], [one.trunk for one in numbers], [one.label for one in numbers]]
    cursor.execute(_INSERT, (workspace, *columns))


def require_own(cursor: Cursor[DictRow], numbers: Sequence[str], *, workspace: UUID) -> None:
    """Problem 409 when another workspace has registered one of the numbers."""
    taken = _of_others(cursor, numbers, workspace)
    errors = [
        _error(f"phone_numbers.{n}.number", "belongs to another workspace; allowed: numbers of your own", number)
        for n, number in enumerate(numbers)
        if number in taken
    ]
    if errors:
        raise _problem("number_of_another_workspace", errors)


def require_caller_numbers(cursor: Cursor[DictRow], numbers: Sequence[str], *, workspace: UUID) -> None:
    """Problem 409 when a campaign of the workspace may not call from one of these numbers.

    Allowed are the workspace's registered numbers; while it has none, any that no other workspace has registered.
    """
    if not numbers:
        return
    taken = _of_others(cursor, numbers, workspace)
    own = [row["number"] for row in cursor.execute(_OF_WORKSPACE, (workspace,)).fetchall()]
    more = ", …" if len(own) > SHOWN_ALLOWED else ""
    allowed = ", ".join(own[:SHOWN_ALLOWED]) + more if own else "E.164 numbers of your own"
    errors = []
    for n, number in enumerate(numbers):
        if number in taken:
            rule = f"belongs to another workspace; allowed: {allowed}"
        elif own and number not in own:
            rule = f"is not among the workspace's phone numbers; allowed: {allowed}"
        else:
            continue
        errors.append(_error(f"caller_numbers.{n}", rule, number))
    if errors:
        raise _problem("caller_number_not_allowed", errors)


def _of_others(cursor: Cursor[DictRow], numbers: Sequence[str], workspace: UUID) -> set[str]:
    rows = cursor.execute(_OF_OTHERS, (list(numbers), workspace)).fetchall()
    return {row["number"] for row in rows}


def _error(field: str, message: str, value: str) -> dict[str, Any]:
    return {"field": field, "message": message, "value": value}


def _problem(code: str, errors: list[dict[str, Any]]) -> Problem:
    return Problem(409, code, f"{errors[0]['field']}: {errors[0]['message']}", errors=errors)
