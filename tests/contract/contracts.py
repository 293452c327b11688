"""All that others rely on, as plain data: commands, calls, views, events, refusals, addresses.

Made from the contracts and the service tables themselves, so that nothing can be promised that is not there.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import msgspec
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from deploy import services
from gateway import openapi
from services.ledger.service import writer_service
from shared.contracts import commands as ledger_commands
from shared.contracts import (
    cop,
    dashboard,
    errors,
    events,
    identity,
    journal_payloads,
    ledger,
    ledger_inputs,
    toolbox,
)

SCHEMAS: tuple[ModuleType, ...] = (cop, dashboard, identity, journal_payloads, ledger, ledger_inputs, toolbox)
COMMANDS = (ledger_commands.Command, *openapi.INPUTS)
SERVICES = (*(owner.table() for owner in services.SERVICES.values()), writer_service(0))


def everything() -> dict[str, Any]:
    """The contracts as they are now."""
    problems = errors.PROBLEMS.values()
    return {
        "commands": commands(),
        "schemas": schemas(),
        "calls": calls(),
        "events": {kind.key: kind.schema.__name__ for kind in events.REGISTRY.values()},
        "journal": sorted(journal_payloads.PAYLOADS),
        "problems": {each.slug: {"status": each.status, "final": each.final} for each in problems},
        "http": http(),
    }


def commands() -> dict[str, Any]:
    """The ledger's commands and HTTP input as JSON Schema."""
    _, components = msgspec.json.schema_components(COMMANDS, ref_template="#/{name}")
    return {name: _without_words(schema) for name, schema in sorted(components.items())}


def schemas() -> dict[str, Any]:
    """Every marshmallow schema of the contracts: its fields, their types and limits."""
    plugin = MarshmallowPlugin(schema_name_resolver=_name)
    spec = APISpec("contracts", "1", "3.1.0", plugins=[plugin])
    for module in SCHEMAS:
        for value in vars(module).values():
            is_schema = isinstance(value, type) and issubclass(value, Schema)
            if (
                is_schema
                and value.__module__ == module.__name__
                and value.__name__ not in spec.components.schemas
            ):
                spec.components.schema(value.__name__, schema=value)
    return {name: _without_words(schema) for name, schema in sorted(spec.components.schemas.items())}


def calls() -> dict[str, str | None]:
    """Every RPC method, with the schema of its arguments."""
    return {
        f"{service.name}.{name}": call.schema.__name__ if call.schema else None
        for service in SERVICES
        for name, call in service.calls.items()
    }


def http() -> dict[str, Any]:
    """Every address of the API: its methods, parameters and answers."""
    described = openapi.description()
    return {
        f"{method.upper()} {path}": {
            "parameters": sorted(parameter["name"] for parameter in operation.get("parameters", ())),
            "answers": sorted(operation["responses"]),
        }
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
        if method in ("get", "post", "put", "patch", "delete")
    }


def _name(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__


def _without_words(schema: Any) -> Any:
    """A JSON Schema without titles and descriptions, which may change freely."""
    if isinstance(schema, Mapping):
        words = ("title", "description")
        return {
            key: _without_words(value)
            for key, value in sorted(schema.items())
            if not (key in words and isinstance(value, str))
        }
    return [_without_words(value) for value in schema] if isinstance(schema, list) else schema
