"""Submits a signature: as one job, or a group as a job for each member."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from bureau.celery import state
from bureau.celery.canvas.graph import Layout, Made
from bureau.celery.exceptions import NotInBureau
from bureau.celery.results.group import TAG, GroupResult, member_ids
from bureau.celery.results.result import AsyncResult
from bureau.celery.sending import gateway
from bureau.celery.sending.naming import step_name
from bureau.celery.sending.options import checked, patience, times
from bureau.celery.sending.publish import was_published
from bureau.celery.sending.routes import checked_priority
from bureau.celery.utils.json import encoded
from bureau.contracts.ids import new_id

_OF_CALL = ("link", "link_error")


def launch(
    node: Mapping[str, Any], options: Mapping[str, Any], *, args: tuple[Any, ...] = (), kwargs: Any = None
) -> Any:
    """Submits a signature and returns its result. Raises `BureauError`, `NotInBureau`, `NotJson`."""
    called = checked(options)
    before = Made(args=tuple(encoded(list(args), "args")), kwargs=encoded(kwargs or {}, "kwargs"))
    if node.get("subtask_type") == "group":
        return _launch_group(node, called, before)
    job_id = job_id_of(called)
    body, made = job_of(node, called, before, job_id)
    gateway.submit(body, job_id, seconds=patience(called))
    _tell(body, str(job_id))
    return _result(node, str(job_id), made)


def job_of(
    node: Mapping[str, Any], called: Mapping[str, Any], before: Made, job_id: UUID | str, *, group: str | None = None
) -> tuple[dict[str, Any], Made]:
    """Returns the job of a signature with the options of its call, in the form of POST /v1/jobs."""
    now = datetime.now(UTC)
    whole = node.get("subtask_type") is not None
    layout = Layout(str(job_id), now, called.get("queue"), called.get("headers"))
    if not whole:
        node = {**node, "options": {**node["options"], **called}}
    made = layout.lay(node, before, main=True)
    if whole:
        layout.callbacks({name: called.get(name) for name in _OF_CALL}, made)
        terms, header = times(called, now)
        layout.terms |= terms
        if header:
            layout.tasks[0]["input"].setdefault("celery", {}).update(header)
        if (priority := checked_priority(called.get("priority"))) is not None:
            layout.terms["priority"] = priority
    body = {"tasks": layout.tasks, **layout.terms}
    if shadow := called.get("shadow"):
        body["title"] = str(shadow)[:200]
    if group:
        body["tags"] = [f"{TAG}{group}"]
        for spec in layout.tasks:
            spec["input"].setdefault("celery", {})["group"] = group
    return body, made


def job_id_of(options: Mapping[str, Any]) -> UUID:
    """Returns the id that the call chose, or a new one. Raises `NotInBureau` for one that is no UUID."""
    chosen = options.get("task_id")
    if chosen is None:
        return new_id()
    try:
        return UUID(str(chosen))
    except ValueError:
        raise NotInBureau(f"task_id={chosen!r}: Bureau's ids are UUIDs; make one with celery.utils.uuid()") from None


def _launch_group(node: Mapping[str, Any], called: dict[str, Any], before: Made) -> GroupResult:
    members = node["kwargs"]["tasks"]
    group_id = str(called.pop("task_id", None) or new_id())
    ids = [
        job_id_of(member["options"]) if member["options"].get("task_id") else made
        for member, made in zip(members, member_ids(len(members)), strict=True)
    ]
    jobs = [job_of(member, called, before, job_id, group=group_id) for member, job_id in zip(members, ids, strict=True)]
    gateway.submit_all([(job_id, body) for job_id, (body, _) in zip(ids, jobs, strict=True)])
    for job_id, (body, _) in zip(ids, jobs, strict=True):
        _tell(body, str(job_id))
    results = [_result(member, str(job_id), made) for member, job_id, (_, made) in zip(members, ids, jobs, strict=True)]
    return GroupResult(group_id, results)


def _result(node: Mapping[str, Any], job_id: str, made: Made) -> Any:
    """Returns the result of a job: the last step's; a chain's knows the steps before as its parents."""
    if isinstance(made.results, list):
        return _group_result(job_id, made.results, job_id)
    return AsyncResult(job_id, parent=_parent(node, job_id), task_name=node["task"])


def _group_result(group_id: str, results: list[Any], job_id: str) -> GroupResult:
    members = [
        _group_result(f"{job_id}", one, job_id) if isinstance(one, list) else AsyncResult(f"{job_id}:{one}")
        for one in results
    ]
    return GroupResult(group_id, members)


def _parent(node: Mapping[str, Any], job_id: str) -> AsyncResult | None:
    """Returns the results of a chain's steps before the last one, if each is a single task."""
    steps = node["kwargs"].get("tasks", []) if node.get("subtask_type") == "chain" else []
    parent = None
    if all(step.get("subtask_type") is None and not step["options"].get("link") for step in steps):
        for index, step in enumerate(steps[:-1]):
            parent = AsyncResult(f"{job_id}:{index + 1}-{step_name(step['task'])}", parent=parent)
    return parent


def _tell(body: Mapping[str, Any], job_id: str) -> None:
    for spec in body["tasks"]:
        path = spec["run"].partition(".")[2]
        task = next((name for name in state.TASKS if name.lower() == path), path)
        was_published(task, job_id if len(body["tasks"]) == 1 else f"{job_id}:{spec['name']}", spec["input"])
