"""What a person is shown of a file before it is imported: how it would be read, and how sure that is."""

from typing import Any

import pytest

from campaign_command.contact_file import FileRefused
from campaign_command.contact_rows import Candidate
from campaign_command.csv_rows import Limits
from campaign_command.import_preview import HEAD_BYTES, Preview, preview


def seen(data: bytes, *, is_whole: bool = True, **options: Any) -> Preview:
    given: dict[str, Any] = {"encoding": None, "delimiter": None, "mapping": {}, "default_country": None}
    return preview(data, is_whole=is_whole, limits=Limits(), **(given | options))


def test_each_column_says_what_it_is_taken_for_why_and_how_surely() -> None:
    data = b"Phone,e-mail,tz,plan\n+442079460201,a@example.org,Europe/London,gold\nn/a,,EST,\n"
    assert [(c.name, c.meaning, c.confidence, c.by) for c in seen(data).columns] == [
        ("Phone", "phone", 0.5, "name"),
        ("e-mail", "email", 1.0, "name"),
        ("tz", "time_zone", 0.5, "name"),
        ("plan", "variable", 1.0, "none"),
    ]
    told = seen(data, mapping={"plan": "external_id"}).columns[3]
    assert (told.meaning, told.confidence, told.by) == ("external_id", 1.0, "mapping")


def test_the_first_rows_are_read_as_the_import_would() -> None:
    data = "phone;name\n020 7946 0201;Ada\n0800 FLOWERS;Ben\n".encode("utf-16")
    found = seen(data, default_country="GB")
    assert (found.layout.encoding, found.layout.delimiter) == ("utf-16", ";")
    (_, first), (_, second) = found.rows
    assert isinstance(first, Candidate)
    assert (first.contact.number, first.contact.name, first.note) == ("+442079460201", "Ada", "normalized")
    assert getattr(second, "reason", None) == "letters"


def test_a_column_of_numbers_with_an_unknown_name_is_suggested_but_the_import_still_refuses() -> None:
    found = seen(b"Anruf,name\n+442079460201,Ada\n+442079460202,Ben\n")
    assert found.refused is not None
    assert found.refused.code == "no_phone_column"
    assert [(c.meaning, c.by) for c in found.columns] == [("phone", "values"), ("name", "name")]
    assert len(found.rows) == 2


def test_between_two_phone_columns_nobody_is_guessing() -> None:
    found = seen(b"phone,mobile\n+442079460201,+442079460202\n")
    assert found.refused is not None
    assert found.refused.code == "several_phone_columns"
    assert [(c.meaning, c.numbers) for c in found.columns] == [("variable", 1.0), ("variable", 1.0)]
    assert found.rows == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
def test_a_beginning_is_cut_between_rows_wherever_its_last_byte_is(encoding: str) -> None:
    bom = "\ufeff" if encoding == "utf-16-be" else ""
    data = (bom + "phone,name\n" + '+442079460201,"Zoë, é"\n' * 30).encode(encoding)
    for end in range(300, 400):
        found = seen(data[:end], is_whole=False)
        assert found.refused is None
        assert {row.contact.name for _, row in found.rows if isinstance(row, Candidate)} == {"Zoë, é"}
        assert all(isinstance(row, Candidate) for _, row in found.rows)
        assert found.layout.warnings == (("encoding_guessed",) if encoding == "cp1252" else ())


def test_at_most_twenty_rows_are_shown() -> None:
    rows = b"".join(b"+4420794602%02d\n" % i for i in range(50))
    assert len(seen(b"phone\n" + rows).rows) == 20
    assert HEAD_BYTES == 65536


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "empty_file"), (b"phone\n", "no_rows"), (b"PK\x03\x04", "not_csv"), (b"a,a\n", "duplicate_column")],
)
def test_what_no_mapping_can_help_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(FileRefused) as refused:
        seen(data)
    assert refused.value.code == code
