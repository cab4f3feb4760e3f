"""Validates a submitted graph, and builds its tasks for the ledger."""

from collections.abc import Iterator, Sequence

from bureau.contracts.jobs import graph, pointer
from bureau.contracts.jobs.jobs import MAX_TASKS, JobSpec, TaskSpec
from bureau.contracts.problems import FieldError
from bureau.ledger.jobs.submit import NewTask
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.names import named
from bureau.submission.terms import overridden, policy_of


def graph_errors(tasks: Sequence[TaskSpec], known: CatalogSnapshot) -> Iterator[FieldError]:
    """Returns errors of names, order and references, of unknown tasks, and of inputs that do not fit their schema."""
    yield from graph.errors(tasks)
    if len(tasks) > MAX_TASKS:
        return
    for index, task in enumerate(tasks):
        yield from _input_errors(index, task, known)


def _input_errors(index: int, task: TaskSpec, known: CatalogSnapshot) -> Iterator[FieldError]:
    announced = known.tasks.get(task.run)
    if announced is None:
        detail = f"No service has announced {task.run}; {named('task', known.tasks)}"
        yield FieldError("unknown_run", detail, pointer.fragment(["tasks", index, "run"]))
        return
    yield from announced.schema.errors(task.input, ["tasks", index, "input"])


def new_tasks(spec: JobSpec, known: CatalogSnapshot) -> list[NewTask]:
    return [_new_task(spec, task, known) for task in spec.tasks]


def title_of(spec: JobSpec) -> str:
    first = spec.tasks[0].run
    return first if len(spec.tasks) == 1 else f"{first} and {len(spec.tasks) - 1} more"


def _new_task(spec: JobSpec, task: TaskSpec, known: CatalogSnapshot) -> NewTask:
    policy = overridden(policy_of(task.run, known), spec, task.retry, task.time_limit_seconds)
    return NewTask(
        task.name,
        task.run,
        policy.queue,
        task.input,
        after=tuple(task.after),
        when=task.when,
        optional=task.optional,
        retry=policy.retry,
        time_limit_seconds=policy.time_limit_seconds,
    )
