"""Makes the body of a schedule from the filled form, and the other way round. Pure.

The form shows the usual fields. What a schedule has besides them (`burst`, `cc`, `retry`) stays as it is.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from bureau.contracts.problems import FieldError, ProblemError
from bureau.contracts.schedules.schedules import NAME_PATTERN, NAME_RULE, REQUEST_FIELDS
from bureau.ledger.schedules.ticks import Timing
from bureau.services.gateway.api.schedules.schedule_models import Schedule
from bureau.services.gateway.console import schema_form
from bureau.services.gateway.http.forms import PostedForm
from bureau.services.gateway.http.parsing.json_body import read_json
from bureau.submission.schedules import timing_errors

TIMES = ("cron", "every_seconds", "time_zone", "misfire")
_TEXTS = {  # the fields of each request that are one text, and those that are a text a line
    "report": (("subject", "title"), ("email_to",)),
    "email": (("subject", "text", "template", "title"), ("to",)),
    "certificates": (("subject", "title", "deliver", "language", "encoding"), ("email_to", "failure_email_to")),
    "job": ((), ()),
}
_FORMAT = ("delimiter", "bom", "compression")
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Unreadable(Exception):
    """Says that a field cannot be read: its text is not JSON, or it is empty. It holds the name of the field."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def kind_of(schedule: Schedule) -> str:
    """Returns the name of the request that a schedule has."""
    return next((kind for kind in REQUEST_FIELDS if getattr(schedule, kind) is not None), "job")


def filled(schedule: Schedule, params_schema: Mapping[str, Any] | None) -> dict[str, str]:
    """Returns the texts of the form's fields for a schedule."""
    kind = kind_of(schedule)
    request: dict[str, Any] = getattr(schedule, kind) or {}
    texts, lists = _TEXTS[kind]
    found = {name: _text(getattr(schedule, name)) for name in TIMES}
    found |= {name: _text(request.get(name)) for name in texts}
    found |= {name: "\n".join(request.get(name, ())) for name in lists}
    found["enabled"] = "1" if schedule.enabled else ""
    match kind:
        case "report":
            form = request.get("format", {})
            found |= {name: _text(form.get(name)) for name in _FORMAT}
            found |= schema_form.texts(params_schema or {}, request.get("params", {}))
        case "email":
            found["context"] = _json(request["context"]) if request.get("context") else ""
        case "certificates":
            found["files"] = "\n".join(str(ref["artifact"]) for ref in request.get("files", ()))
        case _:
            found["job"] = _json(request)
    return found


def body(
    kind: str, form: PostedForm, before: Mapping[str, Any], params_schema: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Returns the body for PUT /v1/schedules/{name}; `before` is the request as it was.

    Without `params_schema`, because the report is not announced now, its parameters stay as they were. Raises
    `Unreadable`.
    """
    given: dict[str, Any] = {name: text for name in TIMES if (text := (form.get(name) or "").strip())}
    if "every_seconds" in given:
        given["every_seconds"] = _whole(given["every_seconds"])
    return {**given, "enabled": bool(form.get("enabled")), kind: _request(kind, form, before, params_schema)}


def with_files(form: PostedForm, ids: Sequence[str]) -> PostedForm:
    """Returns the form with the ids of files that were stored for it, as if they had been typed."""
    if not ids:
        return form
    return PostedForm(fields=[*form.fields, ("files", "\n".join([*_lines(form.get("files")), *ids]))])


def file_ids(filled: Mapping[str, str]) -> list[UUID]:
    """Returns the ids of files that a form names, without what is no id."""
    return [UUID(line) for line in _lines(filled.get("files")) if _ID.fullmatch(line)]


def timing(filled: Mapping[str, str]) -> Timing:
    """Returns the times of a form, which are not checked yet. An interval that is no number counts as missing."""
    given = {name: filled.get(name, "").strip() or None for name in TIMES}
    every = _whole(given["every_seconds"] or "")
    return Timing(given["cron"], every if isinstance(every, int) else None, given["time_zone"] or "UTC")


def wrong_times(filled: Mapping[str, str], name: str) -> dict[str, str]:
    """Returns what is wrong with a form's name and times, by field.

    The API finds the same, but only in a request whose fields all have the right type.
    """
    wrong = {} if re.fullmatch(NAME_PATTERN, name) else {"name": NAME_RULE}
    return wrong | {(error.pointer or "#/")[2:]: error.detail for error in timing_errors(timing(filled))}


def _whole(text: str) -> int | str:
    """Returns a whole number, or the text that is none, which the API refuses."""
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 12 else text


def _request(
    kind: str, form: PostedForm, before: Mapping[str, Any], params_schema: Mapping[str, Any] | None
) -> dict[str, Any]:
    if kind == "job":
        return _read_json("job", form)
    texts, lists = _TEXTS[kind]
    own: dict[str, Any] = {name: (form.get(name) or "").replace("\r\n", "\n") for name in texts}
    own |= {name: _lines(form.get(name)) for name in lists}
    match kind:
        case "report":
            own["report"] = before.get("report") or form.get("report")
            own["format"] = _format(form, before.get("format", {}))
            if params_schema is not None:
                own["params"] = schema_form.values(params_schema, dict(form.fields))
        case "email":
            own["context"] = _read_json("context", form)
        case _:
            known = {str(ref["artifact"]): ref for ref in before.get("files", ())}
            own["files"] = [known.get(id, {"artifact": id}) for id in _lines(form.get("files"))]
    return {name: value for name, value in {**before, **own}.items() if value not in (None, "", [], {})}


def wrong_fields(kind: str, errors: tuple[FieldError, ...]) -> dict[str, str]:
    """Returns the validation errors by the name of their field in the form."""
    found: dict[str, str] = {}
    for error in errors:
        key, place = _place(kind, error)
        detail = f"{place}: {error.detail}" if place else error.detail
        found[key] = f"{found[key]} {detail}" if key in found else detail
    return found


def _place(kind: str, error: FieldError) -> tuple[str, str]:
    """Returns the form's field of an error, and the place in it, for a field that holds JSON."""
    if error.parameter:
        return error.parameter, ""
    parts = (error.pointer or "#").split("/")[1:]
    if parts[:1] != [kind]:
        return (parts[0] if parts else ""), ""
    if kind == "job":
        return "job", "/".join(parts[1:])
    if parts[1:2] == ["params"] and len(parts) > 2:
        return schema_form.PREFIX + parts[2], ""
    return (parts[1] if len(parts) > 1 else kind), ""


def _format(form: PostedForm, before: Mapping[str, Any]) -> dict[str, Any]:
    chosen: dict[str, Any] = {"delimiter": form.get("delimiter") or None}
    chosen |= {"bom": True if form.get("bom") else None, "compression": "gzip" if form.get("compression") else None}
    return {name: value for name, value in {**before, **chosen}.items() if value is not None}


def _read_json(field: str, form: PostedForm) -> dict[str, Any]:
    text = (form.get(field) or "").strip()
    if not text:
        return {}
    try:
        value = read_json(text.encode(), "The text")
    except ProblemError as refusal:
        raise Unreadable(field, refusal.problem.detail) from None
    if not isinstance(value, dict):
        raise Unreadable(field, "It is JSON, but not an object in braces.")
    return value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _lines(text: str | None) -> list[str]:
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


def _text(value: Any) -> str:
    return "" if value is None or value is False else "1" if value is True else str(value)
