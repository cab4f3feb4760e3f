"""Validates a submitted graph, and builds its tasks for the ledger."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bureau.contracts.jobs import graph, pointer
from bureau.contracts.jobs.jobs import MAX_TASKS, JobSpec, TaskSpec
from bureau.contracts.jobs.result_fields import missing_field
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
    runs = {task.name: task.run for task in tasks}
    for index, task in enumerate(tasks):
        yield from _input_errors(index, task, known)
        yield from result_errors(task, runs, known, ("tasks", index, "input"))


def _input_errors(index: int, task: TaskSpec, known: CatalogSnapshot) -> Iterator[FieldError]:
    announced = known.tasks.get(task.run)
    if announced is None:
        detail = f"No service has announced {task.run}; {named('task', known.tasks)}"
        yield FieldError("unknown_run", detail, pointer.fragment(["tasks", index, "run"]))
        return
    yield from announced.schema.errors(task.input, ["tasks", index, "input"])
    yield from queue_errors(task, known, ["tasks", index, "queue"])


def queue_errors(task: TaskSpec, known: CatalogSnapshot, at: Iterable[str | int]) -> Iterator[FieldError]:
    """Yields an error if the task names a queue on which no worker announced it. Its own queue needs no worker yet."""
    own = known.tasks[task.run].description.queue
    if task.queue is None or task.queue == own:
        return
    announced = known.queues_by_task.get(task.run, ())
    if task.queue not in announced:
        others = ", ".join(announced) or "no other queue"
        detail = f"No worker serves {task.run} on the queue {task.queue}; it is served on {others}."
        yield FieldError("unknown_queue", detail, pointer.fragment(at))


def result_errors(
    task: TaskSpec, runs: Mapping[str, str], known: CatalogSnapshot, at: Iterable[str | int]
) -> Iterator[FieldError]:
    """Yields the references of a task's input to fields that the announced results of other tasks do not have.

    `runs` holds what each task of the job runs, by its name. Malformed references are the errors of `graph`.
    """
    at = tuple(at)
    for reference in graph.references(task.input):
        tokens = _tokens(reference)
        announced = known.tasks.get(runs.get(tokens[0], "")) if tokens and tokens[0] in task.after else None
        if announced is None:
            continue
        if wrong := missing_field(announced.description.result_schema, tokens[1:]):
            detail = f"The result of {tokens[0]} ({announced.description.name}) {wrong}."
            yield FieldError("unknown_result_field", detail, pointer.fragment([*at, *reference.path]))


def _tokens(reference: graph.Reference) -> list[str]:
    """Returns the tokens of a reference; none for a malformed one."""
    try:
        return pointer.parse(reference.target) if isinstance(reference.target, str) else []
    except ValueError:
        return []


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
        task.queue or policy.queue,
        task.input,
        after=tuple(task.after),
        when=task.when,
        optional=task.optional,
        retry=policy.retry,
        time_limit_seconds=policy.time_limit_seconds,
    )
