"""Whether a fact's new JSON Schema only grows: whoever reads with the old one must be able to read with the new.

What must stay true: optional fields may be added; nothing is removed, renamed, retyped or newly required. A new value
of an enumeration is a new meaning, and that is a new fact. A default that is an object grows with it. Titles,
descriptions and examples are free.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
_ANNOTATIONS = frozenset({"title", "description", "examples", "deprecated", "$id", "$schema", "$comment", "$defs"})
_PARTS = ("items", "additionalProperties")
_LISTS = ("prefixItems", "anyOf", "oneOf", "allOf")
_NESTED = frozenset({"properties", "required", *_PARTS, *_LISTS})


def schema_growth(old: Schema, new: Schema) -> list[str]:
    """What `new` breaks, one sentence each, beginning with the path of the field; none if it only grows."""
    return list(_Comparison(old, new).violations(old, new, ""))


class _Comparison:
    def __init__(self, old_root: Schema, new_root: Schema) -> None:
        self._old_root, self._new_root = old_root, new_root
        self._entered: set[tuple[str, str]] = set()

    def violations(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        references = (old.get("$ref", ""), new.get("$ref", ""))
        if all(references) and references in self._entered:
            # A model that holds itself, or that several fields share, is said once; what stands beside it each time.
            old, new = _beside(old), _beside(new)
        else:
            self._entered.add(references)
            old, new = _resolved(old, self._old_root), _resolved(new, self._new_root)
        for keyword in sorted((old.keys() | new.keys()) - _ANNOTATIONS - _NESTED):
            if not _is_kept(keyword, old.get(keyword), new.get(keyword)):
                yield f"{_named(path)}: retyped, {keyword} {old.get(keyword)!r} became {new.get(keyword)!r}"
        yield from self._fields(old, new, path)
        for keyword in _PARTS:
            yield from self._part(old.get(keyword), new.get(keyword), f"{path}[]")
        for keyword in _LISTS:
            befores, afters = old.get(keyword, []), new.get(keyword, [])
            if len(befores) != len(afters):
                yield f"{_named(path)}: retyped, {keyword} has {len(afters)} members instead of {len(befores)}"
            for number, (before, after) in enumerate(zip(befores, afters, strict=False)):
                yield from self._part(before, after, f"{path}<{number}>")

    def _fields(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        befores, afters = old.get("properties", {}), new.get("properties", {})
        was_required, is_required = set(old.get("required", ())), set(new.get("required", ()))
        for name, before in befores.items():
            field = f"{path}.{name}".lstrip(".")
            if name not in afters:
                yield f"{field}: removed or renamed"
                continue
            yield from self.violations(before, afters[name], field)
            if name in was_required and name not in is_required:
                yield f"{field}: no longer required, so that older readers may miss it"
        for name in sorted(is_required - was_required):
            yield f"{path}.{name}".lstrip(".") + ": newly required, so that older facts may lack it"

    def _part(self, before: Any, after: Any, path: str) -> Iterator[str]:
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from self.violations(before, after, path)
        elif before != after:
            yield f"{_named(path)}: retyped, {before!r} became {after!r}"


def _is_kept(keyword: str, before: Any, after: Any) -> bool:
    """Whether a keyword still says what it said; an object's default may name the fields that were added to it."""
    if keyword == "default" and isinstance(before, Mapping) and isinstance(after, Mapping):
        return all(name in after and _is_kept(keyword, value, after[name]) for name, value in before.items())
    return bool(before == after)


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        schema = {**root["$defs"][schema["$ref"].removeprefix("#/$defs/")], **_beside(schema)}
    return schema


def _beside(schema: Schema) -> Schema:
    return {keyword: value for keyword, value in schema.items() if keyword != "$ref"}


def _named(path: str) -> str:
    return path or "the fact itself"
