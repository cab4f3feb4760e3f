"""Lays out the reference of the HTTP API: what each route takes and answers, every object and every problem."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bureau.contracts.jobs.jobs import Terms
from bureau.services.gateway.http.openapi import document
from bureau.services.gateway.http.operation import Operation
from bureau.services.gateway.http.parsing.multipart import OPTIONS
from bureau.services.gateway.problems import KINDS
from bureau.services.http_reference.types import (
    Names,
    Schema,
    anchor,
    default_words,
    limit_words,
    referenced,
    type_words,
)

INTRODUCTION = """\
# The HTTP API

Requests and answers are JSON. Field names are in `snake_case`; times are RFC 3339, in UTC in answers. A field or query
parameter that a route does not know is refused by name. `GET /openapi.json` describes the same routes for programs; the
[client](client.md) and the [command](cli.md) use them. `make docs` makes this page from the routes.

**Keys.** With keys in use, send `Authorization: Bearer <key>`. Each route names the role that the key needs; a role
includes those before it: `view`, `submit`, `operate`. Without keys the gateway answers its own machine only.
[keys.md](keys.md) says more.

**Lists** have the form `{"items": […], "next_cursor": …}`. `limit` is the number of items, `cursor` the `next_cursor`
of the page before; it is null on the last page.

**Errors** are problem documents (RFC 9457), with the content type `application/problem+json`: see
[ProblemDocument](#problemdocument). `errors` lists everything that is wrong with a request at once. Each route names
its own problems; every route can answer those about keys, roles, limits, unreadable or invalid requests, outages and
the idempotency key. [Problems](#problems) lists all.

**`Idempotency-Key`** may be sent with every POST. The same key with the same request answers what the first request
answered, for 24 hours, and does nothing again (`Idempotent-Replayed: true`); with another request it is refused. So a
client can repeat a request whose answer it did not get.

**`Prefer: wait=10`**, where a route takes it, holds the answer back until the job has ended, at most that many seconds
(`Preference-Applied`).

**Forms.** A route that takes files takes `multipart/form-data`: each plain field is a part of the form, and nested
values go into one JSON object in the part `options`.

Every answer has the header `Request-Id`, which names the request in the gateway's log.
"""
_EVERYWHERE = {"Request-Id", "RateLimit", "RateLimit-Policy", "Idempotent-Replayed", "Preference-Applied"}
_TERMS = "Terms"
_TAGS = ("Submit", "Follow", "Act", "Schedules", "Mail", "Catalog", "Health")
_LISTED = {"items", "next_cursor"}
_OF_ALL = {"Idempotency-Key", "Prefer", "limit", "cursor"}  # the introduction explains them


def page(operations: Sequence[Operation[Any, Any]]) -> str:
    """Returns the whole page as Markdown."""
    described = document(operations, version="")
    definitions: dict[str, Any] = {**described["components"]["schemas"], _TERMS: Terms.model_json_schema()}
    names = {name: name.rpartition("__")[2] for name in definitions}
    tags = sorted({operation.tag for operation in operations}, key=_TAGS.index)
    parts = [INTRODUCTION, _contents(operations, tags)]
    used: dict[str, None] = {_TERMS: None}
    for tag in tags:
        parts.append(f"## {tag}\n")
        for operation in operations:
            if operation.tag == tag:
                route = described["paths"][_path(operation)][operation.method.lower()]
                parts.append(_route(operation, route, definitions, names, used))
    parts += ["## Objects\n", *_objects(used, definitions, names), _problems()]
    return "\n".join(parts)


def _path(operation: Operation[Any, Any]) -> str:
    return "".join(
        f"{{{part.partition('>')[0].rpartition(':')[2]}}}{part.partition('>')[2]}" if index else part
        for index, part in enumerate(operation.path.split("<"))
    )


def _contents(operations: Sequence[Operation[Any, Any]], tags: Sequence[str]) -> str:
    lines = ["| route | what it does |", "|---|---|"]
    for tag in tags:
        for operation in operations:
            if operation.tag == tag:
                heading = _heading(operation)
                lines.append(f"| [`{heading}`](#{anchor(heading)}) | {operation.summary} |")
    return "\n".join(lines) + "\n"


def _heading(operation: Operation[Any, Any]) -> str:
    return f"{operation.method} {_path(operation)}"


def _route(
    operation: Operation[Any, Any], route: Schema, definitions: Mapping[str, Any], names: Names, used: dict[str, None]
) -> str:
    role = f"Role: `{operation.role}`." if operation.role else "No key is needed."
    linked = " A signed link opens it too." if operation.linked else ""
    waits = " Takes `Prefer: wait`." if operation.waits else ""
    lines = [f"### {_heading(operation)}\n", f"{operation.summary}. {role}{linked}{waits}\n"]
    if parameters := [one for one in route["parameters"] if one["in"] != "path" and one["name"] not in _OF_ALL]:
        lines += ["| parameter | in | type | meaning |", "|---|---|---|---|"]
        lines += [_parameter(one, names) for one in parameters]
        lines.append("")
    if content := route.get("requestBody", {}).get("content"):
        lines += _body(content, definitions, names, used)
    lines += [
        _answer(str(one.status), route["responses"][str(one.status)], definitions, names, used)
        for one in operation.answers
    ]
    slugs = [*operation.problems, *(["not-found"] if "<" in operation.path else [])]
    if slugs:
        lines.append(f"* Problems: {', '.join(f'`{KINDS[slug].status} {slug}`' for slug in dict.fromkeys(slugs))}")
    return "\n".join(lines) + "\n"


def _parameter(one: Schema, names: Names) -> str:
    schema = one["schema"]
    meaning = one.get("description") or schema.get("description", "")
    facts = [meaning, _sentence(limit_words(schema))]
    return _row(f"`{one['name']}`", one["in"], type_words(schema, names), " ".join(filter(None, facts)))


def _body(
    content: Mapping[str, Any], definitions: Mapping[str, Any], names: Names, used: dict[str, None]
) -> Iterator[str]:
    schemas: dict[str, Any] = {kind: body["schema"] for kind, body in content.items()}
    kinds = " or ".join(f"`{kind}`" for kind in schemas)
    form = schemas.get("multipart/form-data")
    schema: Any = schemas.get("application/json", form)
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = definitions[name]
    if "properties" not in schema:
        yield f"Body: {kinds}, {type_words(schema, names)}.\n"
        return
    properties = dict(schema["properties"])
    if form is not None and schema is not form:
        properties |= {name: prop for name, prop in form["properties"].items() if name not in properties}
    properties.pop(OPTIONS, None)
    terms = definitions[_TERMS]["properties"]
    takes_terms = {*terms} - {"retry"} <= {*properties}  # nested, so a form has it in `options`
    if takes_terms:
        properties = {name: prop for name, prop in properties.items() if name not in terms}
    more = f" It also takes the [terms](#{anchor(_TERMS)}) of every submission." if takes_terms else ""
    yield f"Body: {kinds}.{more}\n"
    if properties:
        yield from _fields({**schema, "properties": properties}, names)
        yield ""
    _use(properties, used)


def _fields(schema: Schema, names: Names, *, answered: bool = False) -> Iterator[str]:
    """Yields a table of the fields of an object. Of an answer it leaves out what is required: all of it comes."""
    required = set(schema.get("required", ()))
    yield "| field | type | meaning |" if answered else "| field | type | default | meaning |"
    yield "|---|---|---|" if answered else "|---|---|---|---|"
    for name, prop in schema["properties"].items():
        meaning = " ".join(filter(None, (prop.get("description", ""), _examples(prop), _sentence(limit_words(prop)))))
        default = [] if answered else [default_words(prop, required=name in required)]
        yield _row(f"`{name}`", type_words(prop, names), *default, meaning)


def _examples(prop: Schema) -> str:
    examples = prop.get("examples", ())
    return f"For example {', '.join(f'`{one}`' for one in examples)}." if examples else ""


def _answer(status: str, answer: Schema, definitions: Mapping[str, Any], names: Names, used: dict[str, None]) -> str:
    contents = [
        _content(kind, content, definitions, names, used) for kind, content in answer.get("content", {}).items()
    ]
    words = [f"* `{status}`{' ' if contents else ''}{' or '.join(contents)}: {answer['description']}"]
    headers = {name: one["description"] for name, one in answer.get("headers", {}).items() if name not in _EVERYWHERE}
    words += [f"`{name}`: {text}" for name, text in headers.items()]
    return " ".join(words)


def _content(kind: str, content: Schema, definitions: Mapping[str, Any], names: Names, used: dict[str, None]) -> str:
    """Returns the type of an answer. A page of a list names its items, because all lists have the same form."""
    schema = content.get("schema")
    if not schema:
        return f"`{kind}`"
    properties = definitions[next(referenced(schema))].get("properties", {})
    if properties.keys() == _LISTED:
        schema = properties["items"]
    _use(schema, used)
    return type_words(schema, names)


def _use(schema: Any, used: dict[str, None]) -> None:
    used.update(dict.fromkeys(referenced(schema)))


def _objects(used: dict[str, None], definitions: Mapping[str, Any], names: Names) -> Iterator[str]:
    """Yields a table for each definition that a route names, and for those that these name, by name."""
    _use({"$ref": "ProblemDocument"}, used)
    waiting = list(used)
    while waiting:
        inner = [one for one in referenced(definitions[waiting.pop()]) if one not in used]
        used.update(dict.fromkeys(inner))
        waiting += inner
    for name in sorted(used, key=lambda one: names[one]):
        definition = definitions[name]
        lines = [f"### {names[name]}\n", f"{definition.get('description', '')}\n"]
        if "properties" in definition:
            answered = definition.get("additionalProperties") is not False
            lines += _fields(definition, names, answered=answered)
        else:
            lines.append(f"{_sentence(type_words(definition, names))}")
        yield "\n".join(lines) + "\n"


def _problems() -> str:
    lines = [
        "## Problems\n",
        "`type` is `/problems/` and the name below; compare that, because `title` and `detail` are for people.\n",
        "| name | status | title | meaning |",
        "|---|---|---|---|",
        *(_row(f"`{kind.slug}`", str(kind.status), kind.title, kind.meaning) for kind in KINDS.values()),
    ]
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""
