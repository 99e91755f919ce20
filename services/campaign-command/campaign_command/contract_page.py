"""An AsyncAPI document as one page of HTML, without scripts and without anything from elsewhere (pure)."""

import json
from collections.abc import Iterator
from html import escape
from typing import Any

Json = dict[str, Any]
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24;
  background: #fff; }
a { color: #0b57a4; } h2 { margin-top: 3rem; border-bottom: 2px solid #d0d7de; } h3 { margin-top: 2rem; }
code, pre { font: 14px/1.45 ui-monospace, monospace; } pre { background: #f4f6f8; padding: .75rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top;
  padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #e3e7eb; }
@media (prefers-color-scheme: dark) { body { color: #e4e8ec; background: #14171a; } a { color: #7db8f5; }
  pre { background: #1f2429; } h2, td, th { border-color: #333a41; } }
"""


def page_of(document: Json) -> str:
    """The page: topics, their facts, each fact's fields and its canonical sample."""
    info = document["info"]
    topics = "".join(_topic(document, name) for name in document["channels"])
    contents = "".join(
        f'<li><a href="#{escape(name)}">{escape(name)}</a>: '
        + ", ".join(f'<a href="#{escape(fact)}">{escape(fact)}</a>' for fact in channel["messages"])
        + "</li>"
        for name, channel in document["channels"].items()
    )
    envelope = document["components"]["schemas"]["Envelope"]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body><main>'
        f"<h1>{escape(info['title'])}</h1><p>{escape(info['description'])}</p>"
        f'<p>The same as a file: <a href="asyncapi.json">asyncapi.json</a>, AsyncAPI 3.</p>'
        f"<ul>{contents}</ul><h2>Envelope</h2><p>{escape(envelope['description'])}</p>{_fields(envelope, document)}"
        f"{topics}</main></body></html>"
    )


def _topic(document: Json, name: str) -> str:
    channel = document["channels"][name]
    [operation] = [o for o in document["operations"].values() if o["channel"]["$ref"] == f"#/channels/{name}"]
    facts = "".join(_fact(document, fact) for fact in channel["messages"])
    partitions = channel["bindings"]["kafka"]["partitions"]
    return (
        f'<h2 id="{escape(name)}">{escape(name)}</h2><p>{escape(channel["description"])} '
        f"{escape(operation['summary'])}. {partitions} partitions.</p>{facts}"
    )


def _fact(document: Json, name: str) -> str:
    message, schema = document["components"]["messages"][name], document["components"]["schemas"][name]
    sample = json.dumps(message["examples"][0]["payload"], indent=2, ensure_ascii=False)
    description = schema.get("description", message["summary"])
    return (
        f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{escape(description)}</p>{_fields(schema, document)}'
        f'<p><a href="schemas/{escape(name)}">JSON Schema</a></p>'
        f'<details><summary>Sample</summary><pre tabindex="0">{escape(sample)}</pre></details>'
    )


def _fields(schema: Json, document: Json) -> str:
    required = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(' or '.join(_kinds(field, document)))}"
        f"{'' if name in required else ', optional'}</td><td>{escape(field.get('description', ''))}</td></tr>"
        for name, field in schema["properties"].items()
    )
    return (
        f'<table><tr><th scope="col">field</th><th scope="col">type</th><th scope="col">meaning</th></tr>{rows}</table>'
    )


def _kinds(field: Json, document: Json) -> Iterator[str]:
    """The types of a field in words, nulls left out: a null is not written."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        target = document["components"]["schemas"][name]
        yield " | ".join(map(str, target["enum"])) if "enum" in target else name
    elif "anyOf" in field:
        for member in field["anyOf"]:
            if member.get("type") != "null":
                yield from _kinds(member, document)
    elif "const" in field:
        yield json.dumps(field["const"])
    elif "enum" in field:
        yield " | ".join(map(str, field["enum"]))
    elif field.get("type") == "array":
        items = field.get("items") or {}
        yield f"list of {' or '.join(_kinds(items, document)) or 'values'}" if items else "list"
    else:
        kind = str(field.get("type", "object"))
        yield f"{kind} ({field['format']})" if "format" in field else kind
