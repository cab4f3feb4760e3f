"""Lays signatures out as the tasks of one job: who waits for whom, and whose result goes where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bureau.celery import state
from bureau.celery.exceptions import NotInBureau
from bureau.celery.sending.naming import run_name, step_name
from bureau.celery.sending.options import checked, later, times
from bureau.celery.sending.publish import published
from bureau.celery.sending.routes import checked_priority, routed
from bureau.celery.utils.json import encoded

TASKS_AT_MOST = 1000  # in a job
_OF_TASK = ("queue", "priority", "expires", "ignore_result")


@dataclass(frozen=True)
class Made:
    """Says what comes before a step: the steps it waits for, and what it gets first."""

    after: tuple[str, ...] = ()
    args: tuple[Any, ...] = ()  # JSON: values of the call, or `{"$result": …}`
    kwargs: Mapping[str, Any] = field(default_factory=dict)  # JSON: of the call
    results: Any = None  # the names of the steps whose results these are: one, or a list


class Layout:
    """Collects the tasks of a job. `terms` are those of the job that its first step asks for."""

    def __init__(self, job_id: str, now: datetime, queue: str | None = None, headers: Any = None) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.terms: dict[str, Any] = {}
        self._job_id = job_id
        self._now = now
        self._queue = queue  # of a call: for steps that name none
        self._headers = headers

    def lay(self, node: Mapping[str, Any], before: Made, *, main: bool = False, when: str = "succeeded") -> Made:
        """Adds a signature. `main`: the result of the job is its result."""
        kind = node.get("subtask_type")
        if kind == "chain":
            made = self._chain(node["kwargs"]["tasks"], before, main, when)
        elif kind == "group":
            made = self._group(node["kwargs"]["tasks"], before)
        elif kind == "chord":
            made = self._chain([node["kwargs"]["header"], node["kwargs"]["body"]], before, main, when)
        else:
            return self._task(node, before, main, when)
        self.callbacks(node["options"], made)
        return made

    def callbacks(self, options: Mapping[str, Any], made: Made) -> None:
        """Adds what runs after a step: `link` with its result, `link_error` if it, or one before it, failed."""
        for callback in _listed(options.get("link")):
            self.lay(callback, made)
        for errback in _listed(options.get("link_error")):
            self.lay(errback, Made(made.after), when="failed")

    def _chain(self, steps: Sequence[Mapping[str, Any]], before: Made, main: bool, when: str) -> Made:
        for index, step in enumerate(steps):
            before = self.lay(step, before, main=main and index == len(steps) - 1, when=when)
            when = "succeeded"
        return before

    def _group(self, members: Sequence[Mapping[str, Any]], before: Made) -> Made:
        made = [self.lay(member, before) for member in members]
        values = [one.args[0] if one.args else None for one in made]
        after = tuple(dict.fromkeys(name for one in made for name in one.after))
        return Made(after or before.after, (values,), results=[one.results for one in made])

    def _task(self, node: Mapping[str, Any], before: Made, main: bool, when: str) -> Made:
        if len(self.tasks) >= TASKS_AT_MOST:
            raise NotInBureau(f"a chain or chord has at most {TASKS_AT_MOST} tasks in Bureau; start several")
        task = node["task"]
        options = self._options(node, task)
        name = step_name(task) if main else f"{len(self.tasks) + 1}-{step_name(task)}"
        header = self._header(options, before, first=not self.tasks)
        if when == "failed":
            header["errback"] = list(before.after)
        spec: dict[str, Any] = {"name": name, "run": run_name(options["queue"], task)}
        spec["input"] = self._input(node, before, header)
        if before.after:
            spec |= {"after": list(before.after), "when": when}
        if (limit := options.get("time_limit")) is not None:
            spec["time_limit_seconds"] = float(limit)
        published(task, spec["input"], header, self._job_id if main or not before.after else f"{self._job_id}:{name}")
        if header:
            spec["input"]["celery"] = header
        self.tasks.append(spec)
        made = Made((name,), ({"$result": f"/{name}"},), results=name)
        self.callbacks(options, made)
        return made

    def _options(self, node: Mapping[str, Any], task: str) -> dict[str, Any]:
        """Returns the options of a step: its own, then its task's, then those of the routes."""
        own = state.TASKS.get(task)
        options = checked(node["options"])
        for name in _OF_TASK:
            if name not in options and (value := getattr(own, name, None)) is not None:
                options[name] = value
        if self._queue:
            options.setdefault("queue", self._queue)
        options = routed(task, node["args"], node["kwargs"], options)
        priority = checked_priority(options.get("priority", state.conf().task_default_priority))
        if priority is not None:  # a job has one: the highest
            self.terms["priority"] = max(priority, self.terms.get("priority", 0))
        return options

    def _header(self, options: Mapping[str, Any], before: Made, first: bool) -> dict[str, Any]:
        """Returns what a step is told besides its arguments. The first step's times are those of the job."""
        header: dict[str, Any] = {}
        if first:
            terms, refused = times(options, self._now)
            self.terms |= terms
            header |= refused
        else:
            header |= later(options, self._now)
        if (soft := options.get("soft_time_limit")) is not None:
            header["soft"] = float(soft)
        ignore = options.get("ignore_result", state.conf().task_ignore_result)
        if ignore:
            header["ignore"] = True
        if headers := {**(self._headers or {}), **(options.get("headers") or {})}:
            header["headers"] = encoded(headers, "headers")
        return header

    def _input(self, node: Mapping[str, Any], before: Made, header: dict[str, Any]) -> dict[str, Any]:
        args = encoded(list(node["args"]), "args")
        kwargs = encoded(node["kwargs"], "kwargs")
        if not node.get("immutable"):
            args, kwargs = [*before.args, *args], {**before.kwargs, **kwargs}
            if before.results is not None:
                self._want(before.results)
        return {"args": args, "kwargs": kwargs}

    def _want(self, results: Any) -> None:
        """Has the results kept that a step gets, also those of tasks that ignore them."""
        for name in [results] if isinstance(results, str) else _flat(results):
            for spec in self.tasks:
                if spec["name"] == name and "celery" in spec["input"]:
                    spec["input"]["celery"].pop("ignore", None)


def _flat(results: Sequence[Any]) -> list[str]:
    return [name for one in results for name in ([one] if isinstance(one, str) else _flat(one or []))]


def _listed(found: Any) -> list[Any]:
    if found is None:
        return []
    return list(found) if isinstance(found, list | tuple) else [found]
