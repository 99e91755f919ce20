"""What libphonenumber says of a number that is clean E.164 already, at a tenth of the price.

What must stay true: an answer given here is the library's own answer (its parse leaves such a text as it is, its type
is this one); whatever could differ is not answered. The numbering plans are the library's, read from its metadata.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, NamedTuple, cast

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberType
from phonenumbers.phonenumberutil import is_number_type_geographical, region_code_for_country_code
from phonenumbers.timezone import UNKNOWN_TIMEZONE
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

Kind = Literal["fixed", "mobile", "premium", "other"]
"""`fixed` may be a mobile number too, where the plan can't tell; `other` is toll-free, voice over IP, a pager, …"""

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_OTHER = ("toll_free", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail")


class CleanNumber(NamedTuple):
    """A valid number: its kind, and the digits of its country's calling code. `at_place`: its exchange has a place."""

    kind: Kind
    country_code: str
    at_place: bool


@lru_cache(maxsize=2048)  # a row's number is asked for twice: valid? and where?
def clean_number(text: str) -> CleanNumber | None:
    """The valid number that `text` is, written in E.164; null for everything else, and where only the library knows."""
    if not _E164.fullmatch(text):
        return None
    for end in (2, 3, 4):
        plan = _plan(text[1:end])
        if plan is not None:
            national = text[end:]
            kind = None if plan.would_rewrite(national) else plan.kind(national)
            if kind is None:
                return None
            return CleanNumber(kind, text[1:end], kind == "fixed" or (kind == "mobile" and plan.mobiles_at_place))
    return None


def zones_of(text: str, number: CleanNumber) -> tuple[str, ...]:
    """The IANA zones a number may stand in: its exchange's, or its country's. Empty when the library knows none."""
    digits = text[1 : 1 + TIMEZONE_LONGEST_PREFIX] if number.at_place else number.country_code
    for length in range(len(digits), 0, -1):
        zones: tuple[str, ...] | None = TIMEZONE_DATA.get(digits[:length])
        if zones is not None:
            return zones if UNKNOWN_TIMEZONE not in zones else tuple(z for z in zones if z != UNKNOWN_TIMEZONE)
    return ()


@dataclass(frozen=True, slots=True)
class _Region:
    leading: re.Pattern[str] | None
    metadata: Any
    by_length: dict[int, re.Pattern[str] | None] = field(default_factory=dict)

    def kind(self, national: str) -> Kind | None:
        """The first that fits, in the library's order."""
        length = len(national)
        if length not in self.by_length:
            self.by_length[length] = _pattern(self.metadata, length)
        pattern = self.by_length[length]
        found = pattern.match(national) if pattern is not None else None
        return cast(Kind, found.lastgroup) if found is not None else None


@dataclass(frozen=True, slots=True)
class _Plan:
    """The numbers of one calling code: those of one region, or of several that share it."""

    prefix: re.Pattern[str] | None
    regions: tuple[_Region, ...]
    mobiles_at_place: bool

    def would_rewrite(self, national: str) -> bool:
        """Whether the library's parse may take a trunk prefix off, or put an area code in."""
        found = self.prefix.match(national) if self.prefix is not None else None
        return found is not None and (found.end() > 0 or any(group is not None for group in found.groups()))

    def kind(self, national: str) -> Kind | None:
        if len(self.regions) == 1:
            return self.regions[0].kind(national)
        for region in self.regions:
            if region.leading is not None:
                if region.leading.match(national):
                    return region.kind(national)
            elif (kind := region.kind(national)) is not None:
                return kind
        return None


@lru_cache(maxsize=1200)
def _plan(country_code: str) -> _Plan | None:
    code = int(country_code)
    names = COUNTRY_CODE_TO_REGION_CODE.get(code)
    if names is None:
        return None
    main = PhoneMetadata.metadata_for_region_or_calling_code(code, region_code_for_country_code(code))
    assert main is not None, "each calling code has a plan"
    regions = []
    for name in names:
        metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, name)
        assert metadata is not None
        leading = re.compile(metadata.leading_digits) if metadata.leading_digits is not None else None
        regions.append(_Region(leading, metadata))
    prefix = main.national_prefix_for_parsing
    return _Plan(
        prefix=re.compile(prefix) if prefix else None,
        regions=tuple(regions),
        mobiles_at_place=is_number_type_geographical(PhoneNumberType.MOBILE, code),
    )


def _pattern(metadata: Any, length: int) -> re.Pattern[str] | None:
    """A region's kinds of national numbers of one length, as named groups of one pattern; null where none can be."""

    def of(*names: str) -> str | None:
        found = [
            desc.national_number_pattern
            for name in names
            if (desc := getattr(metadata, name)) is not None
            and desc.national_number_pattern
            and (not desc.possible_length or length in desc.possible_length)
        ]
        return "|".join(f"(?:{one})" for one in found) or None

    kinds: list[tuple[Kind, str | None]] = [
        ("premium", of("premium_rate")),
        ("other", of(*_OTHER)),
        ("fixed", of("fixed_line")),
        ("mobile", None if metadata.same_mobile_and_fixed_line_pattern else of("mobile")),
    ]
    general = of("general_desc")
    groups = [rf"(?P<{kind}>(?:{pattern})\Z)" for kind, pattern in kinds if pattern is not None]
    return re.compile(rf"(?=(?:{general})\Z)(?:{'|'.join(groups)})") if general is not None and groups else None
