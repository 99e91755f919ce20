"""The rules of the do-not-call list: where an entry comes from, whom it names, and whom undoing it frees.

| source | who says so | a waiting contact becomes | when the entry is lifted |
|---|---|---|---|
| agent | the person, during a call | do_not_call (asked) | stays do_not_call in existing campaigns |
| inbound | the person, by ringing in | do_not_call (asked) | stays |
| network | the person's network, for the person (607) | do_not_call (asked) | stays |
| api | the business, for the person | do_not_call (asked) | stays |
| list | an uploaded list | do_not_call (list) | pending again, if never called and the campaign is Draft or Paused |

An entry names one number, or with a wildcard (`+1900*`) all numbers that begin so. It counts in the whole workspace or
in one campaign, until it expires or is lifted. What a person asked for and what a list says stand beside each other.

A registry's list has a date and a greatest age in days: it is fresh up to and with the last of those days, UTC. A
campaign that needs a list which is not there, or of which no upload is fresh, gets no permit (`stale_list`).

What must stay true: no wildcard reaches a whole country, and nobody who asked is freed by undoing a list.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from campaign_command.contact import DO_NOT_CALL, PENDING, Contact, ContactStreamFact
from campaign_events.facts import ContactStatusChanged

Source = Literal["agent", "api", "list", "inbound", "network"]
LISTED = "list"
MIN_PREFIX_DIGITS = 3
"""Digits of a wildcard behind the country's calling code: an area code, or a kind of number such as +1 900."""
MAX_AGE_DAYS = 366
WILDCARD_ALLOWED = f"the calling code of a country, {MIN_PREFIX_DIGITS} digits more and *, such as +1900*"

_WILDCARD = re.compile(r"\+?[0-9 ().\-]*\*+")
_STRICT = re.compile(r"\+([1-9][0-9]{0,13})\*")
# Calling codes of one and two digits; all others have three. Source: ITU-T E.164, list of assigned country codes.
_TWO_DIGITS = frozenset(
    [
        "20",
        "27",
        "30",
        "31",
        "32",
        "33",
        "34",
        "36",
        "39",
        "40",
        "41",
        "43",
        "44",
        "45",
        "46",
        "47",
        "48",
        "49",
        "51",
        "52",
        "53",
        "54",
        "55",
        "56",
        "57",
        "58",
        "60",
        "61",
        "62",
        "63",
        "64",
        "65",
        "66",
        "81",
        "82",
        "84",
        "86",
        "90",
        "91",
        "92",
        "93",
        "94",
        "95",
        "98",
    ]
)


@dataclass(frozen=True, slots=True)
class WildcardRefused:
    """A text with a wildcard that is none, or that reaches too far."""

    reason: Literal["invalid_wildcard", "wildcard_too_wide"]


@dataclass(frozen=True, slots=True)
class Upload:
    """A completed upload of a list that was not undone. Without an age it is always fresh."""

    name: str
    list_date: date | None
    max_age_days: int | None


def reason_of(source: Source) -> str:
    """Why a contact that waited is do_not_call."""
    return LISTED if source == "list" else "asked"


def read_wildcard(text: str) -> str | WildcardRefused | None:
    """The prefix of a wildcard (`+1900` of `+1 900*`); null when the text has no wildcard at all."""
    clean = text.strip().lstrip("'").strip()
    if "*" not in clean:
        return None
    if not _WILDCARD.fullmatch(clean):
        return WildcardRefused("invalid_wildcard")
    strict = _STRICT.fullmatch(re.sub(r"[ ().\-]", "", clean))
    if strict is None:
        # No digit at all, or digits that name no country: what it reaches can't be told.
        return WildcardRefused("wildcard_too_wide" if not re.search("[1-9]", clean) else "invalid_wildcard")
    digits = strict[1]
    if len(digits) < _calling_code_length(digits) + MIN_PREFIX_DIGITS:
        return WildcardRefused("wildcard_too_wide")
    return f"+{digits}"


def pattern_of(prefix: str) -> str:
    """A wildcard as it is written and hashed."""
    return f"{prefix}*"


def is_fresh(upload: Upload, today: date) -> bool:
    """Whether the list may still be relied on."""
    if upload.max_age_days is None:
        return True
    return upload.list_date is not None and today <= upload.list_date + timedelta(days=upload.max_age_days)


def stale_lists(required: Iterable[str], uploads: Sequence[Upload], *, today: date) -> list[str]:
    """Which of the lists a campaign needs are missing or too old; one fresh upload of a list is enough."""
    fresh = {upload.name for upload in uploads if is_fresh(upload, today)}
    return [name for name in dict.fromkeys(required) if name not in fresh]


def free_listed(contact: Contact, *, now: datetime) -> list[ContactStreamFact]:
    """A contact that only a list kept from being called waits again; nothing for one who asked or was called."""
    if contact.status is not DO_NOT_CALL or contact.reason != LISTED or contact.attempt or contact.call is not None:
        return []
    return [
        ContactStatusChanged(
            at=now,
            campaign_id=contact.campaign_id,
            contact_id=contact.contact_id,
            previous=contact.status,
            previous_attempt=contact.attempt,
            previous_due_at=contact.due_at,
            status=PENDING,
            attempt=contact.attempt,
            reason="list_undone",
        )
    ]


def reasons_of(sources: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Why each number is not called: `list` when nothing but lists says so, else `suppressed`."""
    return {number: LISTED if set(said) == {"list"} else "suppressed" for number, said in sources.items()}


def _calling_code_length(digits: str) -> int:
    if digits[0] in "17":
        return 1
    return 2 if digits[:2] in _TWO_DIGITS else 3
