"""Collects tasks that a running task adds to its job: checks them at once, and its finish writes them.

So a crash adds none.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from bureau.contracts.errors import PermanentError
from bureau.contracts.jobs import graph
from bureau.contracts.jobs.jobs import TaskSpec
from bureau.contracts.jobs.states import When
from bureau.ledger.db.asking import asking_ledger
from bureau.ledger.jobs.submit import NewTask, added_name
from bureau.submission.announcements import Announcements, CatalogSnapshot, KnownTask
from bureau.submission.graphs import queue_errors, result_errors
from bureau.submission.names import named

MAX_ADDED = 10_000


class AddedTasks:
    """Holds the tasks that one execution adds. `after` names earlier ones; all start after the execution succeeded."""

    def __init__(self, adding: str, announcements: Announcements) -> None:
        self._adding = adding
        self._announcements = announcements
        self._new: dict[str, NewTask] = {}

    @property
    def new(self) -> tuple[NewTask, ...]:
        return tuple(self._new.values())

    def add(
        self,
        name: str,
        run: str,
        data: dict[str, Any],
        *,
        after: Sequence[str],
        when: When,
        optional: bool,
        queue: str | None = None,
    ) -> None:
        """Adds a task. Raises `PermanentError` for one that a submission could not contain either."""
        try:
            spec = TaskSpec(
                name=name, run=run, input=data, after=list(after), when=when, optional=optional, queue=queue
            )
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise _refused(name, f"{'/'.join(map(str, first['loc']))}: {first['msg']}") from error
        self._check_place(spec)
        known = self._known()
        announced = _announced(spec, known)
        runs = {task: new.run for task, new in self._new.items()}
        for mistake in [
            *graph.wrong_references(0, spec),
            *announced.schema.errors(spec.input, ["input"]),
            *queue_errors(spec, known, ["queue"]),
            *result_errors(spec, runs, known, ["input"]),
        ]:
            place = (mistake.pointer or "#").replace("#/tasks/0", "#")
            raise _refused(name, f"{place}: {mistake.detail.rstrip('.')}")
        policy = announced.description
        self._new[name] = NewTask(
            added_name(self._adding, name),
            run,
            spec.queue or policy.queue,
            spec.input,
            after=tuple(added_name(self._adding, before) for before in spec.after),
            when=spec.when,
            optional=spec.optional,
            retry=policy.retry,
            time_limit_seconds=policy.time_limit_seconds,
        )

    def _check_place(self, spec: TaskSpec) -> None:
        if spec.name in self._new:
            raise _refused(spec.name, "a task of this name was added already")
        if unknown := [before for before in spec.after if before not in self._new]:
            raise _refused(spec.name, f"after: {unknown[0]!r} was not added before it")
        if len(self._new) >= MAX_ADDED:
            raise _refused(spec.name, f"a task adds at most {MAX_ADDED:,} others")

    def _known(self) -> CatalogSnapshot:
        with asking_ledger():
            return self._announcements.known()


def _announced(spec: TaskSpec, known: CatalogSnapshot) -> KnownTask:
    if spec.run not in known.tasks:
        raise _refused(spec.name, f"no service has announced {spec.run}; {named('task', known.tasks)}")
    return known.tasks[spec.run]


def _refused(name: str, why: str) -> PermanentError:
    return PermanentError("invalid_added_task", f"The task {name!r} cannot be added: {why}.")
