"""The contract of the topics over HTTP: schemas, samples, the AsyncAPI document and its page. Public: it holds no data.

What must stay true: what is served is generated from the facts that this process writes, and a schema is found under
the very text that a fact's `dataschema` says.
"""

from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field

from campaign_command.contract_page import page_of
from campaign_events.envelope import CONTENT_TYPE, decode, schema_address
from campaign_events.facts import FACTS
from campaign_events.schema_files import asyncapi, samples_of, schema_of
from campaign_events.topics import address_of
from campaign_service.problems import Problem, ProblemDetails

PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": ProblemDetails, "description": "No such fact"},
    422: {"model": ProblemDetails, "description": "Not a name"},
}
Name = Annotated[str, Path(max_length=100, pattern="^[A-Za-z0-9:-]+$", description="A fact's name, or `dataschema`")]
_KEPT = {"Cache-Control": "public, max-age=300"}
_PAGE_HEADERS = {
    **_KEPT,
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}

router = APIRouter(tags=["contract"])


class SchemaEntry(BaseModel):
    """A fact, and where to read more of it."""

    name: str = Field(description="The fact's stored name, the `type` of its events")
    topic: str
    dataschema: str = Field(description="What the events say; the schema's `$id`, and a name it is served under")
    schema_path: str
    sample_path: str
    summary: str


class SchemaEntries(BaseModel):
    """All facts, in the order of the contract."""

    items: list[SchemaEntry]


@router.get("/v1/schemas", response_model=SchemaEntries, summary="The facts of all topics")
async def list_schemas() -> Response:
    return Response(_entries().model_dump_json(), media_type="application/json", headers=_KEPT)


@router.get(
    "/v1/schemas/{name}", responses=PROBLEMS, summary="The JSON Schema of a fact, by its name or its `dataschema`"
)
async def get_schema(name: Name) -> dict[str, Any]:
    return _schema(_known(name))


@router.get(
    "/v1/schemas/{name}/sample",
    response_class=Response,
    responses={
        200: {"content": {CONTENT_TYPE.decode(): {"schema": {"type": "object"}}}, "description": "A CloudEvent"},
        **PROBLEMS,
    },
    summary="A fact's canonical sample: one event as it is in its topic",
)
async def get_sample(name: Name) -> Response:
    return Response(samples_of(_known(name))[0], media_type=CONTENT_TYPE.decode(), headers=_KEPT)


@router.get("/v1/asyncapi.json", summary="The topics as an AsyncAPI 3 document")
async def get_asyncapi() -> dict[str, Any]:
    return _document()


@router.get("/v1/asyncapi", response_class=HTMLResponse, summary="The topics as a page to read")
async def get_page() -> HTMLResponse:
    return HTMLResponse(_page(), headers=_PAGE_HEADERS)


def _known(name: str) -> str:
    """The fact's name. The addresses that events have carried so far are kept for ever."""
    by_address = {schema_address(fact): fact for fact in FACTS}
    found = by_address.get(name, name)
    if found not in FACTS:
        raise Problem(404, "not_found", f"There is no fact of this name; there are: {', '.join(FACTS)}.")
    return found


@cache
def _schema(name: Name) -> dict[str, Any]:
    return schema_of(FACTS[name])


@cache
def _entries() -> SchemaEntries:
    return SchemaEntries(
        items=[
            SchemaEntry(
                name=name,
                topic=address_of(decode(samples_of(name)[0]).data).topic,
                dataschema=schema_address(name),
                schema_path=f"/v1/schemas/{name}",
                sample_path=f"/v1/schemas/{name}/sample",
                summary=(fact.__doc__ or "").strip().partition("\n")[0],
            )
            for name, fact in FACTS.items()
        ]
    )


@cache
def _document() -> dict[str, Any]:
    return asyncapi()


@cache
def _page() -> str:
    return page_of(_document())
