"""Trunks and phone numbers, as a workspace sets them, and which of its numbers a contact is called from.

A trunk is a way into the telephone network: a carrier, and how much of it may be used at one time. A phone number goes
through one trunk; a number that is not registered, and one that names no trunk, through the trunk `default`, which is
there without being set and has no ceilings until it is.

What must stay true: whoever asks gets the same caller number for a contact, at each attempt and in each service, as
long as the campaign's numbers stay the same.
"""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo

from campaign_events.schedule import is_stored
from campaign_events.settings import E164, NO_NUL

DEFAULT_TRUNK = "default"
CARRIERS = ("simulated",)
MAX_TRUNKS = 50
MAX_PHONE_NUMBERS = 1000
MAX_CALLS = 10_000
MAX_CALLS_PER_SECOND = 1000


def _require_carrier(name: str, info: ValidationInfo[Any]) -> str:
    if name not in CARRIERS and not is_stored(info):
        raise ValueError(f"{name!r} is no carrier; allowed: {', '.join(CARRIERS)}")
    return name


TrunkId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,49}$")]


class Trunk(BaseModel):
    """A way into the telephone network, and its ceilings: they hold for all campaigns of the workspace together."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: TrunkId = Field(description="Its name in phone numbers, `a-z`, `0-9` and `-`; `default` sets the default trunk")
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), NO_NUL] = ""
    carrier: Annotated[str, AfterValidator(_require_carrier)] = Field(
        default=CARRIERS[0], description=f"One of: {', '.join(CARRIERS)}"
    )
    max_calls: int | None = Field(
        default=None, ge=1, le=MAX_CALLS, description="Calls live at one time; null: no ceiling"
    )
    calls_per_second: int | None = Field(
        default=None, ge=1, le=MAX_CALLS_PER_SECOND, description="Calls begun in any sliding second; null: no ceiling"
    )


class PhoneNumber(BaseModel):
    """A number of the business, and the trunk its calls go through."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: E164
    trunk: str = Field(default=DEFAULT_TRUNK, max_length=50, description="A trunk's id")
    label: Annotated[str, Field(max_length=200), NO_NUL] | None = None


def caller_number_of(numbers: Sequence[str], contact_id: UUID) -> str:
    """The number a contact is called from: contacts are spread evenly over the numbers, each keeps its own."""
    return numbers[contact_id.int % len(numbers)]
