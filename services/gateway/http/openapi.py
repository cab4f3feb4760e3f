"""Makes the OpenAPI 3.1 document from the operations: the same models read requests and write answers."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal, cast

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bureau.services.gateway.http.operation import Documented, Operation
from bureau.services.gateway.http.parsing import form_values
from bureau.services.gateway.http.parsing.multipart import OPTIONS, Files
from bureau.services.gateway.problem_model import PROBLEM_TYPE, ProblemDocument
from bureau.services.gateway.problems import KINDS, ProblemKind
from bureau.signing.signed_links import PARAMETER

Mode = Literal["validation", "serialization"]
Schemas = dict[tuple[type[BaseModel], Mode], dict[str, Any]]

_EVERYWHERE = ("host-not-allowed", "internal-error")
_KEYED = ("key-missing", "key-invalid", "role-too-low", "too-many-requests")
_ACTED = ("job-ended", "job-not-failed", "count-changed")  # the API may refuse what a page's form asks for
_LOG_IN = Documented(303, "The client must log in first.", headers={"Location": "The login page."})
_LINKED = ("link-invalid", "link-expired")
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key: `bureau_<id>_<secret>`."},
    "basic": {"type": "http", "scheme": "basic", "description": "For browsers: any name, the key as password."},
    "link": {"type": "apiKey", "in": "query", "name": PARAMETER, "description": "The token of a signed link."},
}
_HEADERS = {
    "Request-Id": "The id of the request in the gateway's log.",
    "Retry-After": "Seconds.",
    "Content-Range": "The size of the file.",
    "WWW-Authenticate": "`Bearer`, or `Basic` for browsers.",
    "RateLimit": 'With a key: the requests that are left, `"requests";r=1199;t=1`.',
    "RateLimit-Policy": 'With a key: the requests per minute, `"requests";q=1200;w=60`.',
}


def document(operations: Sequence[Operation[Any, Any]], version: str, root: str = "") -> dict[str, Any]:
    """Returns the whole document. `root` is the path of PUBLIC_URL."""
    schemas, definitions = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, schemas)
        if operation.method == "GET":
            paths[path]["head"] = _head(paths[path]["get"])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Bureau",
            "version": version,
            "description": "Background paperwork: certificates, CSV reports, e-mail and tasks of your own.",
        },
        "servers": [{"url": root or "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(operation.tag for operation in operations)],
        "paths": paths,
        "components": {"schemas": definitions, "securitySchemes": _SCHEMES},
    }


def _schemas(operations: Iterable[Operation[Any, Any]]) -> tuple[Schemas, dict[str, Any]]:
    wanted: dict[tuple[type[BaseModel], Mode], None] = {(ProblemDocument, "serialization"): None}
    for operation in operations:
        if operation.body:
            wanted[(operation.body.model, "validation")] = None
        for answer in operation.answers:
            if answer.model:
                wanted[(answer.model, "serialization")] = None
    found, document = models_json_schema(list(wanted), ref_template="#/components/schemas/{model}")
    return cast("Schemas", found), document.get("$defs", {})


def _operation(operation: Operation[Any, Any], schemas: Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [*_path(operation), *_query(operation), *_request_headers(operation)],
        "responses": _responses(operation, schemas),
        "security": _security(operation),
    }
    if operation.raw:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": _EVENTS}}}
    if operation.body:
        described["requestBody"] = {"required": True, "content": _body(operation, schemas)}
    return described


_EVENTS = {"type": "array", "items": {"type": "object"}}  # the provider's own format; unknown events are ignored


def _security(operation: Operation[Any, Any]) -> list[dict[str, list[str]]]:
    """Lists the alternative security schemes. The last, empty one is for open routes and for gateways without keys."""
    ways: list[str] = [*(["bearer", "basic"] if operation.role else []), *(["link"] if operation.linked else [])]
    described: list[dict[str, list[str]]] = [{way: []} for way in ways]
    return [*described, {}]


def _head(get: dict[str, Any]) -> dict[str, Any]:
    """Returns the HEAD operation: as GET, but without contents."""
    responses = {
        status: {name: part for name, part in answer.items() if name != "content"}
        for status, answer in get["responses"].items()
    }
    return {**get, "operationId": f"{get['operationId']}-head", "responses": responses}


def _path(operation: Operation[Any, Any]) -> list[dict[str, Any]]:
    uuids = set(re.findall(r"<uuid:(\w+)>", operation.path))
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": _path_schema(operation, name, is_uuid=name in uuids),
        }
        for name in operation.path_parameters
    ]


def _path_schema(operation: Operation[Any, Any], name: str, *, is_uuid: bool) -> dict[str, Any]:
    if is_uuid:
        return {"type": "string", "format": "uuid"}
    if name in operation.path_patterns:
        return {"type": "string", "pattern": f"^{operation.path_patterns[name]}$"}
    return {"type": "string", "minLength": 1}


def _query(operation: Operation[Any, Any]) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    schema = operation.query.model_json_schema(ref_template="#/components/schemas/{model}")
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "schema": _without_null(prop),
        }
        for name, prop in schema.get("properties", {}).items()
    ]


def _without_null(prop: dict[str, Any]) -> dict[str, Any]:
    """Removes null from a parameter's schema: an optional parameter is left out, never null."""
    alternatives = [alternative for alternative in prop.get("anyOf", ()) if alternative.get("type") != "null"]
    plain = {k: v for k, v in prop.items() if k not in ("anyOf", "default")}
    default = {"default": prop["default"]} if prop.get("default") is not None else {}
    return {**plain, **(alternatives[0] if alternatives else {}), **default}


def _request_headers(operation: Operation[Any, Any]) -> list[dict[str, Any]]:
    described: list[tuple[str, str, dict[str, Any]]] = [
        (name, text, {"type": "string"}) for name, text in operation.request_headers.items()
    ]
    if operation.takes_key:
        text = "A request that is sent again with the same key gets the first answer; kept for 24 hours."
        described.append(("Idempotency-Key", text, {"type": "string", "minLength": 1, "maxLength": 255}))
    if operation.waits:
        text = "With `wait=N` the gateway answers when the job has ended, after N seconds at the latest."
        described.append(("Prefer", text, {"type": "string", "examples": ["wait=10"]}))
    return [
        {"name": name, "in": "header", "required": False, "description": text, "schema": schema}
        for name, text, schema in described
    ]


def _body(operation: Operation[Any, Any], schemas: Schemas) -> dict[str, Any]:
    body = operation.body
    if body is None:
        return {}
    reference = schemas[(body.model, "validation")]
    content: dict[str, Any] = {"application/json": {"schema": reference}} if body.json else {}
    if body.files:
        content["multipart/form-data"] = {"schema": _form_schema(body.model, body.files)}
    return content


def _form_schema(model: type[BaseModel], files: Files) -> dict[str, Any]:
    """Returns the schema of a form: each plain field is a part, nested fields go into `options`."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    nested = {name for name, kind in form_values.kinds(schema).items() if kind is form_values.FieldKind.NESTED}
    plain = {name: _without_null(prop) for name, prop in schema.get("properties", {}).items() if name not in nested}
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    part = {"type": "array", "items": file, "minItems": files.at_least, "maxItems": files.at_most}
    options = {
        "type": "string",
        "contentMediaType": "application/json",
        "description": f"A JSON object with the nested fields ({', '.join(sorted(nested))}) and others that are "
        "not sent as form fields.",
    }
    return {
        "type": "object",
        "properties": {
            **plain,
            files.field: part if files.at_most > 1 else file,
            **({OPTIONS: options} if nested else {}),
        },
        "required": [files.field] if files.at_least else [],
        "additionalProperties": False,
    }


def _responses(operation: Operation[Any, Any], schemas: Schemas) -> dict[str, Any]:
    limited = ("RateLimit", "RateLimit-Policy") if operation.role else ()
    responses = {str(answer.status): _answer(answer, schemas, limited) for answer in operation.answers}
    if not operation.api and operation.role:
        responses.setdefault("303", _answer(_LOG_IN, schemas, limited))
    by_status: dict[int, list[ProblemKind]] = {}
    for slug in dict.fromkeys(_slugs(operation)):
        by_status.setdefault(KINDS[slug].status, []).append(KINDS[slug])
    for status, kinds in sorted(by_status.items()):
        responses.setdefault(str(status), _problem(kinds, limited))
    return responses


def _slugs(operation: Operation[Any, Any]) -> list[str]:
    """Returns the slugs of the problems that follow from a declaration, and of those it names."""
    slugs = [*_EVERYWHERE, *operation.problems]
    if operation.role:
        slugs += _KEYED
    if operation.linked:
        slugs += _LINKED
    if operation.path.startswith("/v1/"):
        slugs += ["ledger-unavailable"]
    if "<" in operation.path or operation.submits:  # a replay finds its job deleted
        slugs += ["not-found"]
    slugs += ["invalid"]
    if not operation.api and operation.role:
        slugs += ["ledger-unavailable"]
        if operation.changes:
            slugs += _ACTED
    if operation.changes:
        slugs += ["origin-not-allowed"]
    if operation.takes_body:
        slugs += ["unreadable", "too-large"]
    if operation.takes_key:
        slugs += ["idempotency-key-busy", "idempotency-key-reused"]
    if operation.body:
        slugs += ["unsupported-media-type"]
    return slugs


def _answer(answer: Documented, schemas: Schemas, limited: Sequence[str]) -> dict[str, Any]:
    everywhere = {name: _HEADERS[name] for name in ("Request-Id", *limited)}
    described: dict[str, Any] = {
        "description": answer.description,
        "headers": {name: _header(text) for name, text in {**everywhere, **answer.headers}.items()},
    }
    content: dict[str, Any] = {media_type: {} for media_type in answer.media_types}
    if answer.model:
        content["application/json"] = {"schema": schemas[(answer.model, "serialization")]}
    if content:
        described["content"] = content
    return described


def _problem(kinds: Sequence[ProblemKind], limited: Sequence[str]) -> dict[str, Any]:
    names = ["Request-Id", *(() if kinds[0].status == 401 else limited)]
    if kinds[0].status == 401:
        names.append("WWW-Authenticate")
    if any(kind.status in (409, 429, 503) for kind in kinds):
        names.append("Retry-After")
    if any(kind.status == 416 for kind in kinds):
        names.append("Content-Range")
    return {
        "description": "; ".join(f"{kind.title} (`{kind.slug}`)" for kind in kinds) + ".",
        "headers": {name: _header(_HEADERS[name]) for name in names},
        "content": {PROBLEM_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}}},
    }


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}
