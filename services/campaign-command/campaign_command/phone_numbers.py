"""Reads phone numbers as people and spreadsheets write them, and says which time zones a number may stand in.

What must stay true: no number is guessed. A text that could stand for two numbers, or has lost digits, is refused.
Validity, types and zones are libphonenumber's; this module decides what it is asked, because left alone it would turn
letters into digits, swallow a spreadsheet's decimal point and drop an extension. Rules: docs of the contact import.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import available_timezones

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType, ValidationResult
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_geographical_number, time_zones_for_number

from campaign_command.number_plans import clean_number, zones_of
from campaign_events.schedule import is_time_zone

NumberReason = Literal[
    "empty",
    "not_a_number",
    "letters",
    "extension",
    "several_numbers",
    "digits_lost",
    "no_country",
    "too_short",
    "too_long",
    "invalid_number",
    "premium_rate",
]
ZoneSource = Literal["contact", "number", "country"]


class ReadNumber(NamedTuple):
    """A number that can be called, in E.164; `normalized` when the text was written differently."""

    e164: str
    normalized: bool


@dataclass(frozen=True, slots=True)
class NumberRefused:
    """A text that is no callable number, and why."""

    reason: NumberReason


_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# What else a number may be written with, besides digits and the plus in front.
_PUNCTUATION = re.compile(r"[-\s()\[\]./‐-―−－ー（）［］．／·]")
_FLOAT = re.compile(r"(\+?[0-9]+|\+?[0-9]{1,3}(?:,[0-9]{3})+)\.0{1,2}")
_FRACTION = re.compile(r"\+?[0-9]{7,}\.[0-9]{1,2}")
_THOUSANDS = re.compile(r"\+?[0-9]{1,3}(?:,[0-9]{3})+")
_SCIENTIFIC = re.compile(r"\+?([0-9]+)(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,2})")
_EXTENSION = re.compile(
    r"[^0-9]*(?:[0-9][^0-9]*){5,}?(?:;?\s*\b(?:ext(?:n|ensi[oó]n)?|extens[aã]o|anexo|int|доб)\b[.:=\s]*|\s*[x#~]\s*|\s*[,;]+\s*)"
    r"[0-9]{1,6}\W*",
    re.IGNORECASE,
)
_BETWEEN_NUMBERS = re.compile(r"[/\\;,|&\n\r]|\s[-–—]\s|\b(?:or|and|oder|und|ou|et|o|y|e|i)\b", re.IGNORECASE)
_SECOND_ENDING = re.compile(r"[^0-9]*(?:[0-9][^0-9]*){7,}/\s*[0-9]{1,2}")
MIN_DIGITS_OF_A_NUMBER = 7
MAX_TEXT = 100
"""Characters of a cleaned text. No single number needs as many, and the patterns above stay cheap."""
_TOO_SHORT = {NumberParseException.TOO_SHORT_NSN, NumberParseException.TOO_SHORT_AFTER_IDD}


def read_number(text: str, default_country: str | None) -> ReadNumber | NumberRefused:
    """The number a cell holds. `default_country` (ISO 3166) is what national numbers are read in, if known."""
    if (known := clean_number(text)) is not None:
        return NumberRefused("premium_rate") if known.kind == "premium" else ReadNumber(text, normalized=False)
    clean = _clean(text)
    if not clean:
        return NumberRefused("empty")
    if len(clean) > MAX_TEXT:
        return NumberRefused("too_long" if any(character.isdigit() for character in clean) else "not_a_number")
    scientific = _SCIENTIFIC.fullmatch(clean)
    if scientific:
        expanded = _expand(scientific)
        if isinstance(expanded, NumberRefused):
            return expanded
        clean = expanded
    if floating := _FLOAT.fullmatch(clean):
        clean = floating[1]
    if _THOUSANDS.fullmatch(clean):
        clean = clean.replace(",", "")
    if reason := _unreadable(clean):
        return NumberRefused(reason)
    compact = _PUNCTUATION.sub("", clean)
    if not re.fullmatch(r"\++[0-9]+|[0-9]+", compact):
        return NumberRefused("not_a_number")
    if compact.startswith("00"):
        compact = "+" + compact[2:]
    return _parse(compact, default_country, text)


def candidate_zones(e164: str, own_zone: str | None) -> tuple[tuple[str, ...], ZoneSource]:
    """The IANA zones the number's owner may be in, in order of trust: told us, the exchange's, the country's.

    `own_zone` is trusted as it is: read it with `read_time_zone`. Empty when a number belongs to no country (+800).
    """
    if own_zone is not None:
        return (own_zone,), "contact"
    if (clean := clean_number(e164)) is not None:
        zones = zones_of(e164, clean)
        return zones, "number" if clean.at_place and zones else "country"
    number = phonenumbers.parse(e164)
    is_at_a_place = phonenumbers.is_number_geographical(number)
    found = time_zones_for_geographical_number(number) if is_at_a_place else time_zones_for_number(number)
    known = tuple(zone for zone in found if zone != UNKNOWN_TIMEZONE)
    return known, "number" if is_at_a_place and known else "country"


def read_time_zone(text: str) -> str | None:
    """The IANA `Area/Location` name a cell holds, spelled as there; null for abbreviations, offsets and typos."""
    found = _zones_by_folded_name().get(text.strip().casefold())
    return found if found is not None and "/" in found else None


@lru_cache(maxsize=1)
def _zones_by_folded_name() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones() if is_time_zone(name)}


def _clean(text: str) -> str:
    # Cc holds tabs and line ends, Cf zero-width and direction marks; they say nothing, but a line end may part numbers.
    kept = []
    for character in text:
        if character.isascii():
            kept.append(character)
            continue
        category = unicodedata.category(character)
        if category == "Nd":
            kept.append(str(unicodedata.decimal(character)))
        elif category == "Zs":
            kept.append(" ")
        elif character == "＋":
            kept.append("+")
        elif category != "Cf":
            kept.append(character)
    clean = "".join(kept).strip()
    # A spreadsheet's ways to say "this is text": '0123, ="0123".
    while clean[:1] in {"'", "=", '"', "`", "’"} or clean[-1:] in {"'", '"'}:
        clean = (clean[1:] if clean[:1] in {"'", "=", '"', "`", "’"} else clean[:-1]).strip()
    return clean[4:].strip() if clean[:4].lower() == "tel:" else clean


def _expand(scientific: re.Match[str]) -> str | NumberRefused:
    """The digits of `1.4155550172E+10`, if all of them are there."""
    whole, fraction, exponent = scientific[1], scientific[2] or "", int(scientific[3])
    if len(fraction) < exponent:
        return NumberRefused("digits_lost")
    if fraction[exponent:].strip("0"):
        return NumberRefused("not_a_number")
    return whole + fraction[:exponent]


def _unreadable(clean: str) -> NumberReason | None:
    """Why a text can't be handed to the library, which would make some number out of it."""
    if not any(character.isdigit() for character in clean):
        return "not_a_number"
    parts = [sum(c.isdigit() for c in part) for part in _BETWEEN_NUMBERS.split(clean)]
    by_plus = [sum(c.isdigit() for c in part) for part in clean.split("+")]
    if any(sum(digits >= MIN_DIGITS_OF_A_NUMBER for digits in counts) > 1 for counts in (parts, by_plus)):
        return "several_numbers"
    if _SECOND_ENDING.fullmatch(clean):  # 030 2312543/44: two lines of one office
        return "several_numbers"
    if _EXTENSION.fullmatch(clean):
        return "extension"
    if any(character.isalpha() for character in clean):
        return "letters"
    if _FRACTION.fullmatch(clean):
        return "not_a_number"
    return None


def _parse(compact: str, default_country: str | None, text: str) -> ReadNumber | NumberRefused:
    if not compact.startswith("+") and default_country is None:
        digits = compact.strip("0")
        return NumberRefused("no_country" if digits else "not_a_number")
    try:
        number = phonenumbers.parse(compact, default_country)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            return NumberRefused("invalid_number")
        if error.error_type == NumberParseException.TOO_LONG:
            return NumberRefused("too_long")
        return NumberRefused("too_short" if error.error_type in _TOO_SHORT else "not_a_number")
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:  # the library's is_valid_number asks the same, at twice the price
        possible = phonenumbers.is_possible_number_with_reason(number)
        if possible == ValidationResult.TOO_SHORT:
            return NumberRefused("too_short")
        return NumberRefused("too_long" if possible == ValidationResult.TOO_LONG else "invalid_number")
    if kind == PhoneNumberType.PREMIUM_RATE:
        return NumberRefused("premium_rate")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not _E164.fullmatch(e164):  # some countries' plans reach beyond what E.164 and the facts hold
        return NumberRefused("too_short" if len(e164) < len("+1234567") else "too_long")
    return ReadNumber(e164=e164, normalized=e164 != text)
