"""The API in OpenAPI's words (https://spec.openapis.org/oas/v3.1.0), made of the rows that the routes are made of."""

from typing import Any

from minifaces import __version__
from minifaces.pictures.portrait import KINDS
from minifaces.server import asked
from minifaces.server.api import AVATARS, ENDPOINTS, PICTURE, Endpoint

_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_REFUSALS = {
    "400": "What is asked makes no sense; the sentence says what.",
    "401": "A token is needed.",
    "404": "There is no such face.",
    "413": "More is sent than is taken.",
    "421": "This name of the machine is not known.",
    "503": "Too much is asked for at once, or it took too long: come back after Retry-After seconds.",
}
_KINDS = {"application/json": {"type": "object"}}


def described() -> dict[str, Any]:
    """The document."""
    schemas: dict[str, Any] = {
        "Problem": {
            "type": "object",
            "required": ["status", "detail"],
            "properties": {"status": {"type": "integer"}, "detail": {"type": "string"}},
        }
    }
    paths: dict[str, dict[str, Any]] = {"/avatar/{file}": {"get": _avatar()}}
    for row in ENDPOINTS:
        operation: dict[str, Any] = {"operationId": row.name, "summary": row.summary, "responses": _responses(row)}
        schema = row.asked.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        if row.body == PICTURE:
            operation["parameters"] = _query(schema)
            operation["requestBody"] = {
                "required": True,
                "content": {PICTURE: {"schema": {"type": "string", "format": "binary"}}},
            }
        elif row.body:
            operation["requestBody"] = {"required": True, "content": {row.body: {"schema": schema}}}
        else:
            operation["parameters"] = _query(schema)
        paths[row.path] = {row.method.lower(): operation}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "minifaces",
            "version": __version__,
            "description": "Faces of toy minifigures: invented, encoded, decoded, morphed, and one for every text.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"token": []}],
    }


def _avatar() -> dict[str, Any]:
    kinds: dict[str, Any] = {KINDS[kind]: {} for kind in AVATARS}
    file = {"type": "string", "pattern": rf"^[^\\/]*\.({'|'.join(AVATARS)})$", "maxLength": 1000}
    return {
        "operationId": "avatar",
        "summary": "The face of a text, always the same one, as TEXT.png, TEXT.webp or TEXT.svg.",
        "parameters": [
            {"name": "file", "in": "path", "required": True, "schema": file, "example": "Ada.png"},
            *_query(asked.Portrait.model_json_schema()),
        ],
        "responses": {
            "200": {"description": "Done.", "content": kinds},
            "304": {"description": "What you have is what there is."},
            **_refusals(),
        },
    }


def _responses(row: Endpoint) -> dict[str, Any]:
    content = {kind: {"schema": _KINDS.get(kind, {})} for kind in row.answers}
    return {"200": {"description": "Done.", "content": content}, **_refusals()}


def _refusals() -> dict[str, Any]:
    return {status: {"description": text, "content": _PROBLEM} for status, text in _REFUSALS.items()}


def _query(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": value}
        for name, value in schema.get("properties", {}).items()
    ]
