"""How numbers are written, and what is never guessed. Numbers come from ranges reserved for fiction."""

import random
from collections.abc import Iterator

import phonenumbers
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

from campaign_command.number_plans import clean_number, zones_of
from campaign_command.phone_numbers import NumberRefused, ReadNumber, candidate_zones, read_number, read_time_zone
from campaign_events.schedule import is_time_zone

KINDS = [
    *("fixed_line", "mobile", "premium_rate", "toll_free", "voip", "uan"),
    *("pager", "personal_number", "shared_cost", "voicemail", "general_desc"),
]
NAMES = {
    phonenumbers.PhoneNumberType.FIXED_LINE: "fixed",
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed",
    phonenumbers.PhoneNumberType.MOBILE: "mobile",
    phonenumbers.PhoneNumberType.PREMIUM_RATE: "premium",
}


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("+442079460201", None, "+442079460201"),
        ("(+44) 20 7946 0201", None, "+442079460201"),
        ('="+442079460201"', None, "+442079460201"),
        ("TEL:+44-20-7946-0201", None, "+442079460201"),
        ("０２０　７９４６　０２０１", "GB", "+442079460201"),
        ("\u202a+44 20 7946 0201\u202c", None, "+442079460201"),
        ("020\u00a07946\u20110201", "GB", "+442079460201"),
        ("011 44 20 7946 0201", "US", "+442079460201"),
        ("442079460201", "GB", "+442079460201"),
        ("415.555.0100", "US", "+14155550100"),
        ("030/23125433", "DE", "+493023125433"),
        ("14155550171.00", "US", "+14155550171"),
        ("14,155,550,175.0", "US", "+14155550175"),
        ("1,4155550172e+10", "US", "+14155550172"),
        ("+80012345678", None, "+80012345678"),
    ],
)
def test_a_number_is_read_however_it_is_written(text: str, country: str | None, number: str) -> None:
    assert read_number(text, country) == ReadNumber(number, normalized=text != number)


@pytest.mark.parametrize(
    ("text", "country", "reasons"),
    [
        ("", "US", {"empty"}),
        (" '\u200b ", "US", {"empty"}),
        ("-", "US", {"not_a_number"}),
        ("n/a", "US", {"not_a_number"}),
        ("$4155550173", "US", {"not_a_number"}),
        ("4155550173.5", "US", {"not_a_number"}),
        ("415555017²", "US", {"not_a_number"}),
        ("1.4155550172E+09", "US", {"not_a_number"}),
        ("1.41556E+10", "US", {"digits_lost"}),
        ("4.415E+11", None, {"digits_lost"}),
        ("0800 FLOWERS", "GB", {"letters"}),
        ("020 7946 0201 (home)", "GB", {"letters"}),
        ("020 7946 0210 ext. 5", "GB", {"extension"}),
        ("020 7946 0210x5", "GB", {"extension"}),
        ("020 7946 0210 #5", "GB", {"extension"}),
        ("tel:+44-20-7946-0204;ext=5", None, {"extension"}),
        ("+14155550171,,5", None, {"extension"}),
        ("4155550173,4155550174", "US", {"several_numbers"}),
        ("4155550173 or 4155550174", "US", {"several_numbers"}),
        ("+442079460201 +442079460202", None, {"several_numbers"}),
        ("4155550173\n4155550174", "US", {"several_numbers"}),
        ("030 2312543/44", "DE", {"several_numbers"}),
        ("4155550173", None, {"no_country"}),
        ("14155550174", None, {"no_country"}),
        ("+44 20 79", None, {"invalid_number", "too_short"}),
        ("+44 20 7946 0201 0202", None, {"too_long"}),
        ("5" * 500, "US", {"too_long"}),
        ("+999123456789", "GB", {"invalid_number"}),
        ("0909 879 0000", "GB", {"premium_rate"}),
        ("+979123456789", None, {"premium_rate"}),
    ],
)
def test_what_is_no_single_certain_number_is_refused(text: str, country: str | None, reasons: set[str]) -> None:
    read = read_number(text, country)
    assert isinstance(read, NumberRefused)
    assert read.reason in reasons


@given(
    country=st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)),
    national=st.from_regex(r"[0-9]{4,13}", fullmatch=True),
)
def test_a_number_in_e164_is_accepted_exactly_when_the_library_calls_it_valid(country: int, national: str) -> None:
    text = f"+{country}{national}"
    assume(len(text) <= 16)
    number = phonenumbers.parse(text)
    is_valid = phonenumbers.is_valid_number(number)
    is_premium = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.PREMIUM_RATE
    read = read_number(text, "GB")
    if isinstance(read, ReadNumber):
        assert is_valid
        assert not is_premium
        assert read.e164 == phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        assert read_number(read.e164, None) == ReadNumber(read.e164, normalized=False)
    else:
        assert not is_valid or is_premium or len(text) < len("+1234567")


@given(region=st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
def test_a_country_s_own_example_means_the_same_in_every_usual_form(region: str) -> None:
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.FIXED_LINE)
    if example is None:
        return
    e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    for form in (
        e164,
        "00" + e164[1:],
        "'" + e164,
        e164.translate({ord(str(digit)): chr(0x0660 + digit) for digit in range(10)}),
        phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.INTERNATIONAL),
    ):
        assert read_number(form, None) == ReadNumber(e164, normalized=form != e164), form
    national = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
    assert read_number(national, region) == ReadNumber(e164, normalized=True)


@given(text=st.text(max_size=120), country=st.sampled_from([None, "US", "GB", "DE", "IT"]))
def test_any_text_is_a_number_or_a_refusal(text: str, country: str | None) -> None:
    read = read_number(text, country)
    assert isinstance(read, NumberRefused) or phonenumbers.is_valid_number(phonenumbers.parse(read.e164))


def test_zones_come_from_the_contact_then_the_exchange_then_the_country() -> None:
    assert candidate_zones("+12125550161", "Europe/Paris") == (("Europe/Paris",), "contact")
    assert candidate_zones("+12125550161", None) == (("America/New_York",), "number")
    zones, source = candidate_zones("+18005550123", None)
    assert source == "country"
    assert len(zones) > 30
    assert candidate_zones("+80012345678", None) == ((), "country")


def test_every_zone_the_library_knows_is_one_the_system_knows() -> None:
    from phonenumbers.tzdata import TIMEZONE_DATA

    assert all(is_time_zone(zone) for zones in TIMEZONE_DATA.values() for zone in zones)


@pytest.mark.parametrize("text", ["EST", "GMT+5", "Etc/GMT+5", "UTC", "America/New_Yrok", "", "+02:00"])
def test_a_zone_that_is_no_area_and_location_is_none(text: str) -> None:
    assert read_time_zone(text) is None


def test_a_zone_is_known_whatever_its_case() -> None:
    assert read_time_zone(" america/new_york ") == "America/New_York"


def _numbers_of_all_regions(chance: random.Random) -> Iterator[str]:
    """For every calling code: each region's example of each kind with its end made up anew, and plain digits."""
    for code, regions in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()):
        examples = []
        for region in regions:
            metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
            kinds = (getattr(metadata, kind) for kind in KINDS)
            examples += [kind.example_number for kind in kinds if kind is not None and kind.example_number]
        for _ in range(75):
            for example in examples:
                kept = chance.randrange(len(example) + 1)
                yield f"+{code}{example[:kept]}{''.join(chance.choices('0123456789', k=len(example) - kept))}"
            yield f"+{code}{''.join(chance.choices('0123456789', k=chance.randrange(3, 13)))}"


def test_the_fast_path_answers_as_the_library_for_numbers_of_all_regions() -> None:
    answered = asked = 0
    for text in _numbers_of_all_regions(random.Random(20_260_101)):
        asked += 1
        clean = clean_number(text)
        try:
            number = phonenumbers.parse(text)
        except phonenumbers.NumberParseException:
            assert clean is None, text
            continue
        if clean is None:
            continue
        answered += 1
        kind = phonenumbers.number_type(number)
        assert kind != phonenumbers.PhoneNumberType.UNKNOWN, text
        assert phonenumbers.is_valid_number(number), text
        assert clean.kind == NAMES.get(kind, "other"), text
        assert phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == text
        assert clean.at_place == phonenumbers.is_number_geographical(number), text
        zones = tuple(zone for zone in time_zones_for_number(number) if zone != UNKNOWN_TIMEZONE)
        assert zones_of(text, clean) == zones, text
    assert asked >= 100_000
    assert answered >= asked // 2


@pytest.mark.parametrize(
    "text", ["+442079460201 ", " +442079460201", "+٤٤2079460201", "442079460201", "+44 2079460201"]
)
def test_the_fast_path_leaves_what_is_not_clean_to_the_rest(text: str) -> None:
    assert clean_number(text) is None
    assert read_number(text, "GB") == ReadNumber("+442079460201", normalized=True)
