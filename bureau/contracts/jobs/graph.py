"""How the tasks of a job hang together: the checks before a graph is accepted, and results put into inputs.

`{"$result": "/north/rows"}` in an input stands for what the JSON Pointer finds in the results of the tasks in
`after`: its first token is a task's name, the rest leads into that task's result.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bureau.contracts.errors import PermanentError
from bureau.contracts.jobs import pointer
from bureau.contracts.jobs.jobs import MAX_TASKS, TaskSpec
from bureau.contracts.jobs.states import When
from bureau.contracts.problems import FieldError

RESULT_KEY = "$result"

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Reference:
    """A place in an input that stands for a part of a result. `target` is as it was written, of any type."""

    path: Path
    target: Any
    alone: bool  # the object holds nothing but `$result`


def references(value: Any) -> list[Reference]:
    """Every reference in a JSON value."""
    return list(_references(value, ()))


def errors(tasks: Sequence[TaskSpec]) -> list[FieldError]:
    """Everything that is wrong with a graph, with pointers from the job (`#/tasks/2/after/0`)."""
    if len(tasks) > MAX_TASKS:
        detail = f"A job has at most {MAX_TASKS} tasks; this one has {len(tasks)}."
        return [FieldError("too_many_tasks", detail, pointer.fragment(["tasks"]))]
    found = [*_repeated_names(tasks), *_wrong_after(tasks), *_cycles(tasks)]
    for index, task in enumerate(tasks):
        found += wrong_references(index, task)
    return found


def resolve(value: Any, results: Mapping[str, Any]) -> Any:
    """`value` with results in place of references.

    Raises `PermanentError` (`result_missing`) for a reference that leads nowhere.
    """
    match value:
        case {"$result": str() as target}:
            return _found(target, results)
        case dict():
            return {key: resolve(item, results) for key, item in value.items()}
        case list():
            return [resolve(item, results) for item in value]
        case _:
            return value


def _found(target: str, results: Mapping[str, Any]) -> Any:
    try:
        task, *rest = pointer.parse(target)
    except ValueError as error:
        raise PermanentError("result_missing", f"{target} is not a place in a result: {error}.") from None
    if task not in results:
        raise PermanentError("result_missing", f"{target}: the task {task} left no result.")
    try:
        return pointer.lookup(results[task], rest)
    except LookupError as error:
        raise PermanentError("result_missing", f"{target}: the result of {task} has no {error.args[0]}.") from None


def _references(value: Any, path: Path) -> Iterator[Reference]:
    if isinstance(value, dict):
        if RESULT_KEY in value:
            yield Reference(path, value[RESULT_KEY], alone=len(value) == 1)
            return
        for key, item in value.items():
            yield from _references(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, (*path, index))


def _repeated_names(tasks: Sequence[TaskSpec]) -> Iterator[FieldError]:
    first: dict[str, int] = {}
    for index, task in enumerate(tasks):
        if first.setdefault(task.name, index) != index:
            detail = f"Task {first[task.name]} is called {task.name} too; each task needs a name of its own."
            yield FieldError("repeated_name", detail, pointer.fragment(["tasks", index, "name"]))


def _wrong_after(tasks: Sequence[TaskSpec]) -> Iterator[FieldError]:
    known = {task.name for task in tasks}
    for index, task in enumerate(tasks):
        seen: set[str] = set()
        for position, upstream in enumerate(task.after):
            at = pointer.fragment(["tasks", index, "after", position])
            if upstream not in known:
                yield FieldError("unknown_task", f"No task of this job is called {upstream}.", at)
            elif upstream in seen:
                yield FieldError("repeated_task", f"{upstream} is listed twice.", at)
            seen.add(upstream)
        if task.when is When.FAILED and not task.after:
            detail = "A task that runs when another failed needs that other in `after`."
            yield FieldError("nothing_to_fail", detail, pointer.fragment(["tasks", index, "when"]))


def _cycles(tasks: Sequence[TaskSpec]) -> Iterator[FieldError]:
    """One mistake for each cycle, its path named. One that shares a task with a cycle named before is not named."""
    index_of = {task.name: index for index, task in reversed(list(enumerate(tasks)))}
    blocked = {task.name: [u for u in task.after if u in index_of] for task in reversed(tasks)}
    while blocked := _without_the_free(blocked):
        path = _walk_back(blocked)
        detail = f"These tasks wait for each other: {' after '.join([*path, path[0]])}."
        yield FieldError("cycle", detail, pointer.fragment(["tasks", index_of[path[0]], "after"]))
        for name in path:
            del blocked[name]


def _without_the_free(after: dict[str, list[str]]) -> dict[str, list[str]]:
    """The tasks that wait, directly or not, for a cycle (Kahn's algorithm: take off what waits for nothing left)."""
    downstream: dict[str, list[str]] = {name: [] for name in after}
    waits_for = {name: len([u for u in set(upstreams) if u in after]) for name, upstreams in after.items()}
    for name, upstreams in after.items():
        for upstream in set(upstreams):
            if upstream in downstream:
                downstream[upstream].append(name)
    free = [name for name, count in waits_for.items() if count == 0]
    while free:
        for name in downstream[free.pop()]:
            waits_for[name] -= 1
            if waits_for[name] == 0:
                free.append(name)
    return {name: [u for u in upstreams if waits_for.get(u)] for name, upstreams in after.items() if waits_for[name]}


def _walk_back(blocked: dict[str, list[str]]) -> list[str]:
    """A cycle, from any task of it: each of these waits for one of these, so walking back must come round."""
    path: list[str] = []
    name = min(blocked)
    while name not in path:
        path.append(name)
        name = min(blocked[name])
    return path[path.index(name) :]


def wrong_references(index: int, task: TaskSpec) -> Iterator[FieldError]:
    """What is wrong with the `$result`s in the input of the task at `index`."""
    for reference in references(task.input):
        detail = _wrong_reference(reference, task.after)
        if detail:
            at = pointer.fragment(["tasks", index, "input", *reference.path])
            yield FieldError("wrong_result_reference", detail, at)


def _wrong_reference(reference: Reference, after: Iterable[str]) -> str | None:
    if not reference.alone:
        return "An object with $result holds nothing else."
    if not isinstance(reference.target, str):
        return 'What $result holds is a JSON Pointer such as "/task/rows".'
    try:
        tokens = pointer.parse(reference.target)
    except ValueError as error:
        return f"{reference.target} is not a JSON Pointer: {error}."
    if not tokens:
        return 'A reference starts with a task\'s name: "/task".'
    if tokens[0] not in after:
        return f"{tokens[0]} is not in this task's `after`, so its result is not known when this task starts."
    return None
