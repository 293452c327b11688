"""The API's description in OpenAPI 3.1, made from the contracts that its views check."""

from typing import Any

import msgspec
from apispec import APISpec
from flask import Flask
from flask_smorest import Api

from gateway import addresses
from gateway.api import (
    account_changes,
    accounts,
    charters,
    currencies,
    documents,
    events,
    givebacks,
    groups,
    indicators,
    linked_transfers,
    pending_transfers,
    people,
    proposals,
    schedules,
    sessions,
    transfers,
)
from gateway.api.schemas import ProblemView
from gateway.problems import CONTENT_TYPE
from shared.contracts import ledger_inputs, toolbox
from shared.contracts.ledger_inputs import BULK_MAX_BYTES, BULK_MAX_LINES, CHARTER_MAX_BYTES

TITLE = "MedTOWN"
VERSION = "v1"
OPENAPI_VERSION = "3.1.0"
INTRODUCTION = f"""Local currencies: accounts, transfers and the figures that follow from them.

**Money** is an integer of the currency's minor units. **Ids** are UUIDv7; whatever the ledger shall do has
one made by the client, and sending the same again does nothing twice. **Errors** are problem+json (RFC 9457),
in the language of `Accept-Language`. Sign in at `/sessions` and send the session as bearer token. Bodies have
at most 64 kB, those with a charter {CHARTER_MAX_BYTES // 1024} kB, a bulk upload
{BULK_MAX_BYTES // 1024 // 1024} MiB and {BULK_MAX_LINES:,} lines."""

PARTS = (
    sessions,
    people,
    currencies,
    charters,
    accounts,
    account_changes,
    transfers,
    pending_transfers,
    linked_transfers,
    givebacks,
    proposals,
    schedules,
    indicators,
    events,
    groups,
    documents,
)
INPUTS = (
    ledger_inputs.TransferInput,
    ledger_inputs.PostingInput,
    ledger_inputs.LinkedTransfersInput,
    ledger_inputs.RefundInput,
    ledger_inputs.ReversalInput,
    ledger_inputs.CorrectionInput,
    ledger_inputs.ScheduleInput,
    ledger_inputs.LimitsInput,
    ledger_inputs.TagsInput,
    ledger_inputs.DelegateInput,
    ledger_inputs.FreezeInput,
    ledger_inputs.ClosureInput,
    ledger_inputs.CharterInput,
    ledger_inputs.Input,
)
"""What compiled schemas read."""


class _Api(Api):
    """Describes; the errors are ours."""

    ERROR_SCHEMA = ProblemView

    def _register_error_handlers(self) -> None:
        pass


def register(app: Flask) -> APISpec:
    """Add the API to an application; its description is the answer."""
    app.config.update(
        API_TITLE=TITLE,
        API_VERSION=VERSION,
        OPENAPI_VERSION=OPENAPI_VERSION,
        OPENAPI_URL_PREFIX=None,
        API_SPEC_OPTIONS={"info": {"description": INTRODUCTION}, "security": [{"session": []}]},
    )
    addresses.register(app)
    api = _Api(app)
    api.spec.components.security_scheme("session", {"type": "http", "scheme": "bearer"})
    for module in PARTS:
        api.register_blueprint(module.part)
    _describe_inputs(api.spec)
    for schema in (toolbox.DocumentInput, toolbox.VersionInput):
        api.spec.components.schema(schema.__name__, schema=schema)
    return api.spec


def description() -> dict[str, Any]:
    """The whole description, as `/api/v1/openapi.json` gives it."""
    return complete(register(Flask("gateway")))


def complete(spec: APISpec) -> dict[str, Any]:
    """The description, with every error as problem+json and what the compiled schemas read."""
    described: dict[str, Any] = spec.to_dict()
    schemas = described["components"]["schemas"]
    # Of the library's own ways of paging, which we do not use.
    schemas.pop("PaginationMetadata", None)
    for name, schema in schemas.items():
        if name.endswith("View"):
            # Answers may grow: readers must not refuse what they do not know.
            schema.pop("additionalProperties", None)
    answers = described["components"]["responses"]
    problem = {"$ref": "#/components/schemas/ProblemView"}
    for answer in answers.values():
        if "content" in answer:
            answer["content"] = {CONTENT_TYPE: {"schema": problem}}
    for path in described["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation["responses"].setdefault("default", {"$ref": "#/components/responses/DEFAULT_ERROR"})
    return described


def _describe_inputs(spec: APISpec) -> None:
    _, components = msgspec.json.schema_components(INPUTS, ref_template="#/components/schemas/{name}")
    for name, schema in components.items():
        spec.components.schema(name, schema)
