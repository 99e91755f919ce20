"""What campaign-command serves of the contract is what events say and what the repository holds; no token is needed."""

import json
import re
from collections.abc import AsyncIterator

import httpx
import jsonschema_rs
import pytest

from campaign_command.api import create_app
from campaign_events.envelope import decode
from campaign_events.facts import FACTS
from campaign_events.schema_files import ASYNCAPI, SCHEMAS, samples_of
from campaign_service.health import Health


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(Health()))
    async with httpx.AsyncClient(transport=transport, base_url="http://command") as made:
        yield made


@pytest.mark.parametrize("name", FACTS)
async def test_the_dataschema_of_an_event_leads_to_the_schema_that_its_data_has(
    name: str, client: httpx.AsyncClient
) -> None:
    sample = await client.get(f"/v1/schemas/{name}/sample")
    assert sample.headers["content-type"] == "application/cloudevents+json"
    assert sample.content == samples_of(name)[0]
    event = decode(sample.content)
    schema = (await client.get(f"/v1/schemas/{event.dataschema}")).raise_for_status().json()
    assert schema["$id"] == event.dataschema
    assert (
        schema == (await client.get(f"/v1/schemas/{name}")).json() == json.loads((SCHEMAS / f"{name}.json").read_text())
    )
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(sample.json()["data"])


async def test_every_fact_is_listed_with_where_to_read_more(client: httpx.AsyncClient) -> None:
    items = (await client.get("/v1/schemas")).raise_for_status().json()["items"]
    assert [item["name"] for item in items] == list(FACTS)
    for item in items:
        assert item["summary"]
        assert (await client.get(item["schema_path"])).json()["$id"] == item["dataschema"]
        assert (await client.get(item["sample_path"])).json()["type"] == item["name"]


@pytest.mark.parametrize("name", ["a" * 101, "..facts.py", "Call Ended"])
async def test_what_is_no_name_is_a_422(name: str, client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/v1/schemas/{name}")).status_code == 422


@pytest.mark.parametrize("path", ["/v1/schemas/CallLost", "/v1/schemas/CallLost/sample", "/v1/schemas/urn:other"])
async def test_a_fact_that_is_not_there_is_a_404(path: str, client: httpx.AsyncClient) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


async def test_the_asyncapi_document_is_the_committed_one(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/asyncapi.json")).json() == json.loads(ASYNCAPI.read_text())


async def test_the_page_shows_every_fact_with_its_fields_and_needs_nothing_from_elsewhere(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/v1/asyncapi")
    page = answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for name, fact in FACTS.items():
        assert f'<h3 id="{name}">' in page
        for field in fact.model_fields:
            assert f"<code>{field}</code>" in page
    assert not re.search(r"<script|<link|<img|src=|url\(", page)
    assert set(re.findall(r'href="([^"]+)"', page)) == {
        "asyncapi.json",
        *(f"#{topic}" for topic in json.loads(ASYNCAPI.read_text())["channels"]),
        *(f"#{name}" for name in FACTS),
        *(f"schemas/{name}" for name in FACTS),
    }
