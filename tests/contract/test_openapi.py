"""The API's description: valid, complete, and true to what the application answers."""

import re
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate

from gateway import openapi
from gateway.app import create_app
from shared.config import load
from shared.contracts import ids
from tests.unit.gateway.canned import CannedClient, CannedWriter


@pytest.fixture(scope="module")
def app() -> Flask:
    return create_app(load({}), CannedClient(), CannedWriter())


@pytest.fixture(scope="module")
def described(app: Flask) -> dict[str, Any]:
    answer: dict[str, Any] = app.test_client().get("/api/v1/openapi.json").get_json()
    return answer


def test_the_description_is_valid_openapi_3_1(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1")
    validate(described)


def test_the_command_prints_the_same_description(described: dict[str, Any]) -> None:
    assert openapi.description() == described


def test_every_address_of_the_api_is_described(app: Flask, described: dict[str, Any]) -> None:
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1/") and rule.rule != "/api/v1/openapi.json"
    }
    assert served == {
        (path, method)
        for path, operations in described["paths"].items()
        for method in operations
        if method != "parameters"
    }


def test_every_operation_says_what_it_is_for_and_how_it_fails(described: dict[str, Any]) -> None:
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            assert operation["summary"], f"{method} {path}"
            assert "default" in operation["responses"], f"{method} {path}"


def test_what_is_open_to_everybody_is_said_and_true(app: Flask, described: dict[str, Any]) -> None:
    """Every address that is read: with no session, and with one that is none."""
    client = app.test_client()
    for path, operations in described["paths"].items():
        if "get" in operations:
            security = operations["get"].get("security", described["security"])
            address = re.sub(r"\{\w+\}", ids.new_account_id(0), path)
            # What a query must name is an id as well.
            named = [each["name"] for each in operations["get"].get("parameters", ()) if _is_asked(each)]
            asked = dict.fromkeys(named, ids.new_account_id(0))
            for headers, refused in (
                ({}, {"session": []} in security and {} not in security),
                ({"Authorization": "Bearer none"}, {"session": []} in security),
            ):
                answer = client.get(address, headers=headers, query_string=asked)
                assert (answer.status_code == 401) == refused, (path, headers, answer.text)


def _is_asked(parameter: dict[str, Any]) -> bool:
    return bool(parameter.get("in") == "query" and parameter.get("required"))


def test_errors_are_described_as_problem_json(described: dict[str, Any]) -> None:
    for answer in described["components"]["responses"].values():
        assert list(answer["content"]) == ["application/problem+json"]


def test_answers_may_grow(described: dict[str, Any]) -> None:
    for name, schema in described["components"]["schemas"].items():
        if name.endswith("View"):
            assert "additionalProperties" not in schema, name
