"""GET /reports: lists reports, shows the form made from a report's schema, previews its rows, and runs it."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from flask import Response

from bureau.contracts.catalog import ReportDescription
from bureau.contracts.problems import FieldError, ProblemError
from bureau.ledger.access.keys import Role
from bureau.services.gateway.console import schema_form
from bureau.services.gateway.console.api_calls import ApiCalls
from bureau.services.gateway.console.frame import DONE, HTML, Frame, go, refused_page
from bureau.services.gateway.http.forms import PostedForm
from bureau.services.gateway.http.operation import Call, Documented, Nothing, Operation
from bureau.services.gateway.problems import not_found

SHOWN_ROWS = 50
REFUSALS = (404, 409, 422, 504)  # after these the page shows the form again, with what is wrong
DELIMITERS = ((",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "bar"))


def operations(frame: Frame, acting: ApiCalls) -> list[Operation[Any, Any]]:
    def listed(call: Call[Nothing, Nothing]) -> Response:
        known = frame.gateway.announcements.known()
        found = [report.description for _, report in sorted(known.reports.items())]
        return frame.page("reports.html", call, reports=found)

    def show(call: Call[Nothing, Nothing]) -> Response:
        return _form(frame, call, {})

    def act(call: Call[PostedForm, Nothing]) -> Response:
        """Runs the report, or previews its rows, as the button says."""
        report = _find(frame, call)
        filled = dict(call.body.fields)
        params = schema_form.values(report.params_schema, filled)
        try:
            if call.body.get("do") == "preview":
                rows: Any = acting.perform("preview-report", call, {"params": params})
                return _form(frame, call, filled, preview=rows)
            body = {"report": report.name, "params": params, **_delivery(call.body)}
            job: Any = acting.once("create-report", call, body, call.body.get("key") or "")
        except ProblemError as refusal:
            if refusal.problem.status not in REFUSALS:
                raise
            return _form(frame, call, filled, refusal=refusal)
        return go(f"/jobs/{job.id}", done="submitted")

    return [
        frame.get("reports", "/reports", listed, "The catalog of reports"),
        frame.get("report", "/reports/<name>", show, "The form of a report"),
        frame.post(
            "run-report",
            "/reports/<name>",
            act,
            "Run the report, or show its first rows",
            role=Role.SUBMIT,
            answers=[
                DONE,
                Documented(200, "The page with the first rows.", media_types=HTML),
                *(refused_page(status, "The page says what is wrong.") for status in REFUSALS),
            ],
        ),
    ]


def _form(
    frame: Frame,
    call: Call[Any, Any],
    filled: Mapping[str, str],
    *,
    preview: Any = None,
    refusal: ProblemError | None = None,
) -> Response:
    report = _find(frame, call)
    fields = schema_form.fields(report.params_schema)
    wrong = error_messages(refusal.problem.errors) if refusal else {}
    named = {field.key for field in fields} | {"email_to", "subject"}
    others = [text for key, text in wrong.items() if key not in named]
    if refusal and not wrong:
        others = [refusal.problem.detail]
    return frame.page(
        "report.html",
        call,
        status=refusal.problem.status if refusal else 200,
        report=report,
        fields=fields,
        filled=filled,
        wrong=wrong,
        others=others,
        key=uuid4().hex,
        delimiters=DELIMITERS,
        preview=preview,
        shown_rows=SHOWN_ROWS,
    )


def error_messages(errors: tuple[FieldError, ...]) -> dict[str, str]:
    """Returns the validation errors by the name of their field."""
    found: dict[str, str] = {}
    for error in errors:
        parts = (error.pointer or "#").split("/")[1:]
        key = "p." + parts[1] if len(parts) > 1 and parts[0] == "params" else parts[0] if parts else ""
        found[key] = f"{found[key]} {error.detail}" if key in found else error.detail
    return found


def _delivery(form: PostedForm) -> dict[str, Any]:
    """Reads who gets the file, and its format."""
    written: dict[str, Any] = {"delimiter": form.get("delimiter")} if form.get("delimiter") else {}
    if form.get("bom"):
        written["bom"] = True
    if form.get("compression"):
        written["compression"] = "gzip"
    addresses = [line.strip() for line in (form.get("email_to") or "").splitlines() if line.strip()]
    body: dict[str, Any] = {"format": written} if written else {}
    if addresses:
        body["email_to"] = addresses
    return {**body, "subject": form.get("subject")} if form.get("subject") else body


def _find(frame: Frame, call: Call[Any, Any]) -> ReportDescription:
    """Returns the report. Raises a 404 problem."""
    found = frame.gateway.announcements.known().reports.get(call.path["name"])
    if found is None:
        raise not_found("report")
    return found.description
