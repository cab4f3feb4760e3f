"""GET /schedules/new and /schedules/{name}/edit: the form that makes, changes and deletes a schedule."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from flask import Response, request

from bureau.contracts.catalog import ReportDescription
from bureau.contracts.certificates import MAX_FILES
from bureau.contracts.problems import ProblemError
from bureau.contracts.schedules.cron import zone_names
from bureau.contracts.schedules.schedules import REQUEST_FIELDS, Misfire
from bureau.ledger.access.keys import Role
from bureau.ledger.files import artifacts
from bureau.ledger.files.artifacts import StoredArtifact
from bureau.ledger.reads import throughput
from bureau.ledger.schedules.ticks import after
from bureau.services.gateway.api.schedules.schedule_models import NextRuns, Schedule
from bureau.services.gateway.console import schedule_form, schema_form
from bureau.services.gateway.console.api_calls import ApiCalls
from bureau.services.gateway.console.frame import HTML, Frame, go
from bureau.services.gateway.console.pages.reports import DELIMITERS
from bureau.services.gateway.console.text.schedule_words import local_times
from bureau.services.gateway.http.forms import PostedForm
from bureau.services.gateway.http.operation import Call, Documented, Nothing, Operation
from bureau.services.gateway.http.parsing.multipart import Files
from bureau.services.gateway.job_builders.accept import QUOTAS
from bureau.services.gateway.models import artifact_of
from bureau.services.gateway.problems import not_found, refuse
from bureau.submission.schedules import timing_errors

NEXT = 5
FIRST = {"time_zone": "UTC", "misfire": "once", "enabled": "1", "deliver": "owner"}  # of a new schedule


@dataclass(frozen=True)
class Draft:
    """Holds a form: of the schedule `before`, or of a new one. `filled` are the texts of its fields, by name."""

    kind: str
    report: str
    filled: Mapping[str, str]
    before: Schedule | None = None

    @property
    def request(self) -> dict[str, Any]:
        """Returns the request as it was."""
        return getattr(self.before, self.kind, None) or {}


def operations(frame: Frame, acting: ApiCalls) -> list[Operation[Any, Any]]:
    def choose(call: Call[Nothing, Nothing]) -> Response:
        kind, report = request.args.get("kind", ""), request.args.get("report", "")
        if kind not in REQUEST_FIELDS:
            return frame.page("schedule_choice.html", call, reports=_reports(frame))
        return _page(frame, call, Draft(kind, report, FIRST))

    def edit(call: Call[Nothing, Nothing]) -> Response:
        return _page(frame, call, _draft(frame, _editable(acting, call)))

    def make(call: Call[PostedForm, Nothing]) -> Response:
        form = call.body
        kind = form.get("kind") or ""
        draft = Draft(kind if kind in REQUEST_FIELDS else "job", form.get("report") or "", dict(form.fields))
        return _act(frame, acting, call, draft, (form.get("name") or "").strip())

    def change(call: Call[PostedForm, Nothing]) -> Response:
        draft = replace(_draft(frame, _editable(acting, call)), filled=dict(call.body.fields))
        return _act(frame, acting, call, draft, call.path["name"])

    def ask(call: Call[Nothing, Nothing]) -> Response:
        return frame.page("schedule_delete.html", call, schedule=_editable(acting, call))

    def delete(call: Call[Any, Any]) -> Response:
        acting.perform("delete-schedule", call)
        return go("/schedules", done="schedule-deleted")

    one = "/schedules/<name>"
    operate: dict[str, Any] = {"role": Role.OPERATE}
    settings = frame.gateway.settings
    rosters = Files("rosters", at_least=0, at_most=settings.max_files, max_bytes=settings.max_file_bytes, of_page=True)
    saving: dict[str, Any] = {
        **operate,
        "answers": _SAVED,
        "problems": ["not-found", "storage-unavailable", "too-many-bytes-stored"],
        "form_files": rosters,
    }
    return [
        frame.get(
            "new-schedule", "/schedules/new", choose, "The form of a schedule", **operate, problems=["not-found"]
        ),
        frame.post("make-schedule", "/schedules/new", make, "Make the schedule, or show its times", **saving),
        frame.get("edit-schedule", f"{one}/edit", edit, "The form of a schedule", **operate),
        frame.post("change-schedule", f"{one}/edit", change, "Change the schedule, or show its times", **saving),
        frame.get("ask-delete-schedule", f"{one}/delete", ask, "A page that asks before it deletes", **operate),
        frame.post("delete-schedule", f"{one}/delete", delete, "Delete the schedule", **operate),
    ]


_SAVED = [
    Documented(200, "The form, with the next times.", media_types=HTML),
    Documented(303, "It is saved.", headers={"Location": "A page."}),
]


def _act(frame: Frame, acting: ApiCalls, call: Call[PostedForm, Nothing], draft: Draft, name: str) -> Response:
    """Stores the uploaded rosters, then saves the schedule or shows its next times, as the button says.

    The form then names the rosters by their ids, so that they need not be sent again if something else is wrong. One
    that no schedule gets to refer to expires like any upload.
    """
    try:
        refuse(call.body.file_errors)
        if draft.kind == "certificates":
            call = replace(call, body=schedule_form.with_files(call.body, _stored(acting, call)))
            draft = replace(draft, filled=dict(call.body.fields))
        description = _report(frame, draft.report)
        schema = description.params_schema if description else None
        body = schedule_form.body(draft.kind, call.body, draft.request, schema)
        if call.body.get("do") == "times":
            return _page(frame, call, draft)
        if draft.kind == "certificates" and not draft.filled.get("files", "").strip():
            raise schedule_form.Unreadable("rosters", "Choose a roster, or give the id of a stored one below.")
        if draft.before is None and _exists(acting, call, name):
            return _page(frame, call, draft, wrong={"name": f"There is a schedule {name} already; edit that one."})
        acting.perform("put-schedule", replace(call, path={"name": name}), body)
    except schedule_form.Unreadable as error:
        wrong = schedule_form.wrong_times(draft.filled, name)
        return _page(frame, call, draft, wrong={**wrong, error.field: str(error)})
    except ProblemError as refusal:
        if refusal.problem.status not in (409, 422, 503) and refusal.problem.slug not in QUOTAS:
            raise
        found = schedule_form.wrong_fields(draft.kind, refusal.problem.errors) or {"": refusal.problem.detail}
        wrong = {**schedule_form.wrong_times(draft.filled, name), **found}
        return _page(frame, call, draft, wrong=wrong, status=refusal.problem.status)
    return go("/schedules", done="schedule-saved")


def _stored(acting: ApiCalls, call: Call[PostedForm, Nothing]) -> list[str]:
    """Stores the uploaded files as POST /v1/files does, and returns their ids."""
    stored: list[Any] = [acting.perform("create-file", replace(call, files=[file])) for file in call.files]
    return [str(one.id) for one in stored]


def _page(
    frame: Frame,
    call: Call[Any, Any],
    draft: Draft,
    *,
    wrong: Mapping[str, str] | None = None,
    status: int | None = None,
) -> Response:
    wrong = wrong or {}
    report = _report(frame, draft.report)
    if draft.kind == "report" and report is None and draft.before is None:
        raise not_found("report")
    fields = schema_form.fields(report.params_schema) if report else []
    templates = [(name, name) for name in sorted(frame.gateway.announcements.known().templates)]
    shown = {*(field.key for field in fields), *_SHOWN[draft.kind], *_ALWAYS}
    return frame.page(
        "schedule_form.html",
        call,
        status=status or (422 if wrong else 200),
        draft=draft,
        report=report,
        fields=fields,
        filled=draft.filled,
        wrong=wrong,
        others=[text for key, text in wrong.items() if key not in shown],
        zones=sorted(zone_names()),
        misfires=_MISFIRES,
        delimiters=DELIMITERS,
        templates=templates,
        rosters=[artifact_of(file) for file in _rosters(frame, call, draft)] if draft.kind == "certificates" else [],
        times=_next_times(frame, draft.filled),
    )


_ALWAYS = ("name", *schedule_form.TIMES)
_SHOWN = {
    "report": ("email_to", "subject", "title"),
    "email": ("to", "subject", "text", "template", "context", "title"),
    "certificates": (
        *("rosters", "files", "email_to", "failure_email_to"),
        *("subject", "deliver", "language", "encoding", "title"),
    ),
    "job": ("job",),
}
_MISFIRES = (
    (Misfire.ONCE, "one job for all of them"),
    (Misfire.SKIP, "no job"),
    (Misfire.ALL, "a job for each"),
)


def _rosters(frame: Frame, call: Call[Any, Any], draft: Draft) -> list[StoredArtifact]:
    """Returns the stored files that the form names, as far as they are there."""
    wanted = [(file_id, call.owner) for file_id in schedule_form.file_ids(draft.filled)[:MAX_FILES]]
    return [found for found in artifacts.find_all(frame.gateway.database, wanted) if found is not None]


def _next_times(frame: Frame, filled: Mapping[str, str]) -> list[tuple[datetime, str]]:
    """Returns the next times of a form in its zone, or none while they cannot be read."""
    timing = schedule_form.timing(filled)
    if any(timing_errors(timing)):
        return []
    now = throughput.clock(frame.gateway.database).astimezone(UTC).replace(microsecond=0)
    return local_times(islice(after(timing, now, now), NEXT), timing.time_zone, seconds=timing.cron is None)


def _draft(frame: Frame, schedule: Schedule) -> Draft:
    name = str((schedule.report or {}).get("report", ""))
    report = _report(frame, name)
    filled = schedule_form.filled(schedule, report.params_schema if report else None)
    return Draft(schedule_form.kind_of(schedule), name, filled, schedule)


def _editable(acting: ApiCalls, call: Call[Any, Any]) -> Schedule:
    """Returns the schedule of the path. Raises a 404 problem; also for one of the file, which has no form."""
    found: Any = acting.perform("read-schedule", call, query=NextRuns())
    if found.source != "api":
        raise not_found("schedule that can be changed here")
    schedule: Schedule = found
    return schedule


def _exists(acting: ApiCalls, call: Call[Any, Any], name: str) -> bool:
    try:
        acting.perform("read-schedule", replace(call, path={"name": name}), query=NextRuns())
    except ProblemError as refusal:
        if refusal.problem.status == 404:
            return False
        raise
    return True


def _reports(frame: Frame) -> list[ReportDescription]:
    return [known.description for _, known in sorted(frame.gateway.announcements.known().reports.items())]


def _report(frame: Frame, name: str) -> ReportDescription | None:
    known = frame.gateway.announcements.known().reports.get(name)
    return known.description if known else None
