"""What arrives in contact files, and what must come of it. The hard ones lie in tests/data/messy with their answers."""

import csv
import io
import itertools
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_command import contact_file, csv_rows
from campaign_command.contact_file import FileRefused, Layout, inspect_file, read_rows
from campaign_command.contact_rows import Candidate, read_contact
from campaign_command.csv_rows import BadRow, Limits, Row

MESSY = Path(__file__).parent.parent / "data" / "messy"
EXPECTED: dict[str, dict[str, Any]] = json.loads((MESSY / "expected.json").read_text(encoding="utf-8"))
LIMITS = Limits()
SHORT = {"too_short", "too_long"}


def read(data: bytes, *, limits: Limits = LIMITS, **options: Any) -> tuple[Layout, list[Row | BadRow]]:
    file = io.BytesIO(data)
    layout = inspect_file(file, limits=limits, **options)
    return layout, list(read_rows(file, layout, limits=limits))


def values_of(data: bytes, **options: Any) -> list[list[str]]:
    return [row.values for row in read(data, **options)[1]]


def refusal_of(data: bytes, *, limits: Limits = LIMITS, **options: Any) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        read(data, limits=limits, **options)
    return caught.value


@pytest.mark.parametrize("name", [name for name, answer in EXPECTED.items() if "refused" in answer])
def test_a_file_that_is_no_contact_list_is_refused_whole(name: str) -> None:
    expected = EXPECTED[name]["refused"]
    refused = refusal_of((MESSY / name).read_bytes())
    assert refused.code == expected["code"]
    for column in expected.get("detail_names", "").split(", "):
        assert column in refused.detail


@pytest.mark.parametrize("name", [name for name, answer in EXPECTED.items() if "rows" in answer])
def test_each_row_of_a_messy_file_gets_its_answer(name: str) -> None:
    expected = EXPECTED[name]
    layout, rows = read((MESSY / name).read_bytes())
    assert layout.warnings == ((expected["warning"],) if "warning" in expected else ())
    answers = []
    lines: dict[str, int] = {}
    for row in rows:
        answer = read_contact(row, layout, default_country=expected["settings"].get("default_country"))
        if not isinstance(answer, Candidate):
            answers.append({"line": answer.line, "result": "rejected", "reason": answer.reason})
            continue
        contact = answer.contact
        of_line = lines.setdefault(contact.number, answer.line)
        if of_line != answer.line:
            answers.append({"line": answer.line, "result": "duplicate", "number": contact.number, "of_line": of_line})
            continue
        told = {"line": answer.line, "result": "accepted", "number": contact.number, "variables": contact.variables}
        told |= {"first_name": contact.first_name, "name": contact.name, "note": answer.note}
        answers.append(told | {"note_value": contact.variables.get("note"), "time_zone": contact.time_zones[0]})
    assert len(answers) == len(expected["rows"])
    for got, wanted in zip(answers, expected["rows"], strict=True):
        if wanted.get("reason") == "invalid_number" and got.get("reason") in SHORT:
            got["reason"] = "invalid_number"
        assert {field: got.get(field) for field in wanted} == wanted
        assert got.get("note") == wanted.get("note")


@given(
    rows=st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20), min_size=3, max_size=3),
        min_size=1,
        max_size=8,
    ),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    # The writer leaves line ends bare that are not its own; RFC 4180 wants them quoted.
    style=st.sampled_from([(csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\n"), (csv.QUOTE_NONNUMERIC, "\r")]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_a_csv_writer_writes_comes_back(
    rows: list[list[str]], delimiter: str, style: tuple[Any, str], encoding: str
) -> None:
    for row in rows:
        row[0] = "x" + row[0]  # a row is not blank
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=style[0], lineterminator=style[1])
    writer.writerows([["phone", "a", "b"], *rows])
    assert values_of(text.getvalue().encode(encoding)) == rows


@given(data=st.binary(max_size=300))
def test_any_bytes_are_rows_or_a_refusal(data: bytes) -> None:
    try:
        layout, rows = read(b"phone,name\n" + data)
    except FileRefused:
        return
    assert rows
    assert all(len(row.values) == len(layout.columns) for row in rows if isinstance(row, Row))
    starts = [row.line for row in rows]
    assert starts == sorted(set(starts))


@given(text=st.text(st.sampled_from('ab,"\n\r x'), max_size=200))
def test_every_line_with_text_belongs_to_a_row(text: str) -> None:
    _, rows = read(b"phone,name\n+1,Ada\n" + text.encode())
    covered = {line for row in rows for line in range(row.line, row.last_line + 1)}
    for number, line in enumerate(io.StringIO(text, newline=""), start=3):
        assert number in covered or not line.strip(' ,"\r\n')


def test_one_stray_quote_costs_one_row() -> None:
    data = b'phone,name,note\n+1,"Ada,x\n+2,Ben,"y"\n+3,Chloe,z\n'
    _, rows = read(data)
    assert [(row.line, row.reason if isinstance(row, BadRow) else "sound") for row in rows] == [
        (2, "unclosed_quote"),
        (3, "sound"),
        (4, "sound"),
    ]


def test_text_behind_a_closing_quote_costs_its_row_only() -> None:
    _, rows = read(b'phone,name\n+1,"Ada" B\n+2,Ben\n')
    assert [type(row) for row in rows] == [BadRow, Row]


def test_a_quote_inside_plain_text_is_text() -> None:
    assert values_of(b'phone,name\n+1,Ada "the first" B\n') == [["+1", 'Ada "the first" B']]


def test_spaces_around_quotes_are_no_part_of_the_value() -> None:
    assert values_of(b'phone,name,note\n+1, "O\'Neil, Jr." ,x\n') == [["+1", "O'Neil, Jr.", "x"]]


def test_a_field_that_is_too_long_costs_its_row_only() -> None:
    limits = Limits(max_field_chars=10)
    for field in ("x" * 11, '"' + "x" * 11 + '"', '"' + '""' * 11 + '"', '"' + "x\n" * 11 + '"'):
        _, rows = read(f"phone,name\n+1,{field}\n+2,Ben\n".encode(), limits=limits)
        assert [row.reason if isinstance(row, BadRow) else row.values[1] for row in rows] == ["field_too_long", "Ben"]
        assert max(len(value) for value in rows[0].values) <= 10


@pytest.mark.parametrize("filler", ["x", ",", '"', '""', '"x\n', '"\n",', "\r", "x,"])
def test_memory_does_not_grow_with_the_file(filler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The buffers of fixed size are made small, so that small files show what grows.
    monkeypatch.setattr(contact_file, "_BLOCK", 1 << 14)
    monkeypatch.setattr(csv_rows, "_MAX_REWIND", 1 << 14)

    def peak(size: int) -> int:
        file = io.BytesIO(b"phone,name\n+1,Ada\n" + (filler * (size // len(filler))).encode())
        tracemalloc.start()
        try:
            layout = inspect_file(file, limits=limits)
            for _ in read_rows(file, layout, limits=limits):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    limits = Limits(max_columns=4, max_field_chars=256)
    assert peak(600_000) < peak(300_000) + 150_000


def test_a_line_longer_than_any_row_may_be_costs_itself_only() -> None:
    limits = Limits(max_columns=4, max_field_chars=16)
    for length, end in itertools.product(range(100, 300), ("\n", "\r\n", "\r")):
        _, rows = read(f"phone,name{end}{'5' * length}{end}+2,Ben{end}".encode(), limits=limits)
        assert [(row.line, isinstance(row, Row)) for row in rows] == [(2, False), (3, True)]


def test_quotes_at_any_place_of_a_long_line_are_understood() -> None:
    limits = Limits(max_columns=4, max_field_chars=1000)
    for length in range(7_900, 8_100, 7):
        quoted = '"' + 'x""' * length + '"'
        _, rows = read(f"phone,name\n{quoted},y\n+2,Ben\n".encode(), limits=limits)
        assert [row.line for row in rows] == [2, 3]
        assert isinstance(rows[1], Row)


def test_windows_1252_is_guessed_only_when_the_text_is_no_utf_8() -> None:
    late = b"phone,name\n" + b"+1,Ada\n" * 100_000 + b"+1,Ren\xe9e\n"
    layout, rows = read(late)
    assert layout.warnings == ("encoding_guessed",)
    assert rows[-1].values == ["+1", "Renée"]


def test_bytes_that_no_encoding_knows_are_never_replaced() -> None:
    assert refusal_of(b"phone,name\n+1,\x81\xe9\n").code == "not_csv"
    assert refusal_of(b"\xef\xbb\xbfphone,name\n+1,\xe9\n").code == "not_csv"
    assert refusal_of(b"phone,name\n+1,a\0b\n").code == "not_csv"


def test_a_declared_encoding_delimiter_or_column_overrules_the_guess() -> None:
    assert values_of("phone,name\n+1,Zoë\n".encode("latin-1"), encoding="iso-8859-1") == [["+1", "Zoë"]]
    assert values_of(b"phone;a,b\n+1;x,y\n", delimiter=";") == [["+1", "x,y"]]
    layout, _ = read(b"phone,mobile\n+1,+2\n", mapping={"Mobile": "phone"})
    assert layout.fields == (None, "phone")
    assert refusal_of(b"phone,mobile\n+1,+2\n", mapping={"fax": "phone"}).code == "no_phone_column"


def test_a_mapping_says_what_columns_are_and_the_others_keep_their_names() -> None:
    data = b"Handy,phone,Kunde,mail,Intern,name\n+1,+2,7,a@b.c,x,Ada\n"
    mapping: Any = {"handy": "phone", "Kunde": "external_id", "mail": "email", "Intern": "ignored", "name": "variable"}
    layout, _ = read(data, mapping=mapping)
    assert layout.fields == ("phone", None, "external_id", "email", "ignored", None)
    assert read(data.replace(b"Kunde", b"id"), mapping={"mail": "external_id", "phone": "phone"})[0].fields == (
        None,
        "phone",
        None,
        "external_id",
        None,
        "name",
    )


@pytest.mark.parametrize(
    ("mapping", "code"),
    [
        ({"fax": "email"}, "unknown_column"),
        ({"phone": "variable"}, "no_phone_column"),
        ({"name": "email", "city": "email"}, "duplicate_column"),
        ({"phone": "phone", "city": "phone"}, "several_phone_columns"),
        ({"name": "email", "NAME": "variable"}, "duplicate_column"),
    ],
)
def test_a_mapping_that_fits_no_file_or_says_two_things_is_refused_with_the_columns(mapping: Any, code: str) -> None:
    refused = refusal_of(b"phone,name,city\n+1,Ada,Paris\n", mapping=mapping)
    assert refused.code == code
    assert set(refused.columns) <= {"phone", "name", "city"}
    assert refused.columns


@pytest.mark.parametrize(
    "column", ["phone", "Phone Number", "PHONE_NUMBER", "mobile-phone", "Tel.", "Phone #", "Phone 1", "MSISDN", "Cell"]
)
def test_a_phone_column_is_known_by_its_usual_names(column: str) -> None:
    assert read(f"name,{column}\nAda,+1\n".encode())[0].phone == 1


def test_of_two_columns_for_one_field_the_other_is_a_variable() -> None:
    layout, _ = read(b"phone,id,external_id\n+1,7,x\n")
    assert layout.fields == ("phone", None, "external_id")


def test_the_limits_of_a_file_are_kept() -> None:
    assert refusal_of(b"phone," + b",".join(b"c%d" % i for i in range(64)) + b"\n+1\n").code == "too_many_columns"
    assert refusal_of(b"phone\n+1\n", limits=Limits(max_bytes=8)).code == "file_too_large"
    three = b'phone,name\n+1,"a\nb"\n\n+2,x\n+3,y\n'
    assert refusal_of(three, limits=Limits(max_rows=2)).code == "file_too_large"
    assert len(read(three, limits=Limits(max_rows=3))[1]) == 3


def test_empty_rows_and_trailing_delimiters_say_nothing() -> None:
    assert values_of(b'phone,name,\n,,,\n+1,Ada,,,\n"",\n\t \n') == [["+1", "Ada"]]


def test_a_column_without_a_name_is_left_out_with_a_warning() -> None:
    layout, rows = read(b"phone,,name\n+1,x,Ada\n")
    assert layout.warnings == ("unnamed_columns_ignored",)
    assert layout.fields == ("phone", "ignored", "name")
    assert rows[0].values == ["+1", "x", "Ada"]


def test_a_file_of_refused_rows_is_read_back_as_it_was() -> None:
    layout, rows = read(b"error_line,error_reason,phone,'=note\n7,letters,'=+44 x,''-5\n")
    assert layout.fields == ("ignored", "ignored", "phone", None)
    assert layout.columns[3] == "=note"
    assert rows[0].values == ["7", "letters", "=+44 x", "'-5"]


def test_variables_beyond_16_kilobytes_are_too_long() -> None:
    header = ",".join(["phone", *(f"v{i}" for i in range(5))])
    layout, rows = read(f"{header}\n+442079460101,{','.join(['x' * 4000] * 5)}\n".encode())
    answer = read_contact(rows[0], layout, default_country=None)
    assert getattr(answer, "reason", None) == "field_too_long"


def test_a_header_may_hold_quotes_line_ends_and_a_spreadsheets_hint() -> None:
    layout, rows = read(b'sep=;\r\n\r\n"phone\r\nnumber";size 5";"a;b"\r\n+1;x;y\r\n')
    assert layout.columns == ("phone\r\nnumber", 'size 5"', "a;b")
    assert [(row.line, row.values) for row in rows] == [(5, ["+1", "x", "y"])]
