"""Calls an errback, which runs as a task after the one that failed, with what the gateway says of that one."""

from collections.abc import Sequence
from typing import Any

from bureau.celery.app.eager import function_of, takes_three
from bureau.celery.app.request import Context as Request
from bureau.celery.results.errors import exception_of
from bureau.celery.results.reading import failed_before, is_numbered, registered
from bureau.celery.sending import gateway
from bureau.celery.utils.json import decoded


def call_errback(task: Any, request: Request, after: Sequence[str]) -> Any:
    """Calls it with request, exception and traceback if it takes several, else with the id, as Celery."""
    job_id = str(request.root_id)
    failed = failed_before(list(gateway.client().get(job_id).all_tasks()), after)
    name = failed["name"] if failed else ""
    failed_id = f"{job_id}:{name}" if is_numbered(name) else job_id
    function = function_of(task)
    if not takes_three(task):
        return function(failed_id, *request.args, **request.kwargs)
    error = exception_of(failed["error"] if failed else None)
    traces = [one.get("traceback") for one in failed["attempts"]] if failed else []
    about = _request_of(failed, failed_id)
    return function(about, error, traces[-1] if traces else None, *request.args, **request.kwargs)


def _request_of(failed: Any, failed_id: str) -> Request:
    if not failed:
        return Request(id=failed_id)
    given = failed["input"]
    return Request(
        id=failed_id,
        task=getattr(registered(failed["run"]), "name", failed["run"].partition(".")[2]),
        args=decoded(given.get("args", [])),
        kwargs=decoded(given.get("kwargs", {})),
        retries=max(0, failed["attempt"] - 1),
        called_directly=False,
    )
