"""Schemas only grow, and the committed files are what the code says."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from campaign_events import schema_files
from campaign_events.facts import FACTS
from campaign_events.schema_files import ASYNCAPI, SCHEMAS, files, schema_of
from campaign_events.schema_growth import schema_growth

GENERATED = files()


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.stem)
def test_a_committed_file_is_what_the_code_generates(path: Path) -> None:
    assert path.read_text() == GENERATED[path], "run python -m campaign_events.schema_files"


def test_no_schema_is_left_of_a_fact_that_is_gone() -> None:
    assert {path.stem for path in SCHEMAS.iterdir()} == set(FACTS)
    assert ASYNCAPI.exists()


@pytest.mark.parametrize("name", FACTS)
def test_a_schema_grows_into_itself(name: str) -> None:
    schema = schema_of(FACTS[name])
    assert schema_growth(schema, deepcopy(schema)) == []


# --- what growing is --------------------------------------------------------------------------------------------------


class Wheel(BaseModel):
    size: int = Field(ge=10)


class Bicycle(BaseModel):
    """A fact."""

    name: str
    kind: Literal["city", "race"]
    gears: int = 1
    wheels: list[Wheel]
    spare: Wheel | None = None
    colours: tuple[str, int] = ("red", 1)
    marks: dict[str, int] = {}
    tyre: Wheel = Wheel(size=20)


OLD = Bicycle.model_json_schema(mode="serialization")


def changed(*path: str | int, to: Any) -> dict[str, Any]:
    """The schema with one place changed; `to` None takes it away."""
    new = deepcopy(OLD)
    place: Any = new
    for step in path[:-1]:
        place = place[step]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return new


GROWTH = {
    "nothing": OLD,
    "an object's default with a new field": changed(
        "properties", "tyre", "default", to={"size": 20, "tubeless": False}
    ),
    "an optional field": changed("properties", "bell", to={"type": "string", "default": ""}),
    "an optional field of a part": changed("$defs", "Wheel", "properties", "spokes", to={"type": "integer"}),
    "another description": changed("description", to="Another fact."),
    "another title": changed("properties", "name", "title", to="Called"),
    "examples": changed("properties", "name", "examples", to=["Anna"]),
}


@pytest.mark.parametrize("new", GROWTH.values(), ids=GROWTH.keys())
def test_growing_is_allowed(new: dict[str, Any]) -> None:
    assert schema_growth(OLD, new) == []


BROKEN = {
    "removed": (changed("properties", "gears", to=None), ["gears: removed or renamed"]),
    "renamed": (
        {**OLD, "properties": {("label" if k == "name" else k): v for k, v in OLD["properties"].items()}},
        ["name: removed or renamed"],
    ),
    "retyped": (
        changed("properties", "gears", "type", to="string"),
        ["gears: retyped, type 'integer' became 'string'"],
    ),
    "another default in an object": (
        changed("properties", "tyre", "default", to={"size": 21}),
        ["tyre: retyped, default {'size': 20} became {'size': 21}"],
    ),
    "another default": (changed("properties", "gears", "default", to=3), ["gears: retyped, default 1 became 3"]),
    "newly required": (
        changed("required", to=["name", "kind", "wheels", "gears"]),
        ["gears: newly required, so that older facts may lack it"],
    ),
    "added and required": (
        {
            **OLD,
            "properties": {**OLD["properties"], "bell": {"type": "string"}},
            "required": [*OLD["required"], "bell"],
        },
        ["bell: newly required, so that older facts may lack it"],
    ),
    "no longer required": (
        changed("required", to=["name", "kind"]),
        ["wheels: no longer required, so that older readers may miss it"],
    ),
    "a part's field removed": (
        changed("$defs", "Wheel", "properties", "size", to=None),
        ["wheels[].size: removed or renamed"],
    ),
    "a part's bound moved": (
        changed("$defs", "Wheel", "properties", "size", "minimum", to=5),
        ["wheels[].size: retyped, minimum 10 became 5"],
    ),
    "a value added to an enumeration": (
        changed("properties", "kind", "enum", to=["city", "race", "cargo"]),
        ["kind: retyped, enum ['city', 'race'] became ['city', 'race', 'cargo']"],
    ),
    "a list of other things": (
        changed("properties", "wheels", "items", to={"type": "string"}),
        [
            "wheels[]: retyped, type 'object' became 'string'",
            "wheels[].size: removed or renamed",
        ],
    ),
    "no longer null": (
        changed("properties", "spare", "anyOf", to=[{"$ref": "#/$defs/Wheel"}]),
        ["spare: retyped, anyOf has 1 members instead of 2"],
    ),
    "a pair of other things": (
        changed("properties", "colours", "prefixItems", 1, to={"type": "string"}),
        ["colours<1>: retyped, type 'integer' became 'string'"],
    ),
    "closed to other fields": (
        changed("properties", "marks", "additionalProperties", to=False),
        ["marks[]: retyped, {'type': 'integer'} became False"],
    ),
    "no longer an object": (changed("type", to="array"), ["the fact itself: retyped, type 'object' became 'array'"]),
}


@pytest.mark.parametrize(("new", "violations"), BROKEN.values(), ids=BROKEN.keys())
def test_what_does_not_only_grow_is_named(new: dict[str, Any], violations: list[str]) -> None:
    assert schema_growth(OLD, new) == violations


def test_a_model_that_holds_itself_is_compared_once() -> None:
    tree = {
        "$defs": {"Node": {"type": "object", "properties": {"left": {"$ref": "#/$defs/Node"}}}},
        "properties": {"root": {"$ref": "#/$defs/Node"}},
    }
    assert schema_growth(tree, deepcopy(tree)) == []


# --- the command ----------------------------------------------------------------------------------------------------


def redirected(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    monkeypatch.setattr(schema_files, "SCHEMAS", folder / "schemas")
    monkeypatch.setattr(schema_files, "ASYNCAPI", folder / "asyncapi.json")
    return folder / "schemas"


def test_the_command_writes_every_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    schemas = redirected(monkeypatch, tmp_path)
    schema_files.main()
    assert {path.stem for path in schemas.iterdir()} == set(FACTS)
    assert (tmp_path / "asyncapi.json").read_text() == ASYNCAPI.read_text()


def test_the_command_writes_nothing_when_a_published_fact_would_break(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    schemas = redirected(monkeypatch, tmp_path)
    schema_files.main()
    published = schemas / "CampaignPaused.json"
    older = json.loads(published.read_text())
    older["properties"]["until"] = {"type": "string"}
    published.write_text(json.dumps(older))
    with pytest.raises(SystemExit, match=r"CampaignPaused: until: removed or renamed"):
        schema_files.main()
    assert json.loads(published.read_text()) == older
