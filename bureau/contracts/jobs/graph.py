"""Checks the dependencies between the tasks of a job, and puts results into inputs.

`{"$result": "/north/rows"}` in an input stands for the value that the JSON Pointer finds in the results of the tasks in
`after`: its first token is a task's name, the others point into that task's result.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bureau.contracts.errors import PermanentError
from bureau.contracts.jobs import pointer
from bureau.contracts.jobs.jobs import MAX_TASKS, TaskSpec
from bureau.contracts.jobs.states import When
from bureau.contracts.problems import FieldError

RESULT_KEY = "$result"
MAX_LINKS = 20_000  # for all tasks of a job together: each link is a row, which is read when a task ends
VALUE_WEIGHT = 64  # about the bytes that Python needs for a value
MAX_RESOLVED_WEIGHT = 32 * 1024 * 1024

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Reference:
    """Describes a place in an input that stands for a part of a result. `target` is unchecked and of any type."""

    path: Path
    target: Any
    alone: bool  # the object holds nothing but `$result`


def references(value: Any) -> list[Reference]:
    """Returns every reference in a JSON value."""
    return list(_references(value, ()))


def errors(tasks: Sequence[TaskSpec]) -> Iterator[FieldError]:
    """Yields the validation errors of a graph, with pointers from the job (`#/tasks/2/after/0`), as it finds them."""
    if len(tasks) > MAX_TASKS:
        detail = f"A job has at most {MAX_TASKS} tasks; this one has {len(tasks)}."
        yield FieldError("too_many_tasks", detail, pointer.fragment(["tasks"]))
        return
    if (links := sum(len(task.after) for task in tasks)) > MAX_LINKS:
        detail = f"The tasks of a job name at most {MAX_LINKS} others in `after`, all together; these name {links}."
        yield FieldError("too_many_links", detail, pointer.fragment(["tasks"]))
        return
    yield from _repeated_names(tasks)
    yield from _after_errors(tasks)
    yield from _cycles(tasks)
    for index, task in enumerate(tasks):
        yield from wrong_references(index, task)


def resolve(value: Any, results: Mapping[str, Any]) -> Any:
    """Returns `value` with results in place of references.

    Raises `PermanentError`: `result_missing` for a reference that finds nothing, `input_too_large` if the results
    make the input heavier than `MAX_RESOLVED_WEIGHT`. A result counts each time it is named, because each reference
    becomes a copy when the task reads its input.
    """
    targets = [one.target for one in references(value) if isinstance(one.target, str)]
    found = {target: _lookup_result(target, results) for target in targets}
    weights = {target: weight(result) for target, result in found.items()}
    total = weight(value) + sum(weights[target] for target in targets)
    if total > MAX_RESOLVED_WEIGHT:
        raise PermanentError(
            "input_too_large",
            f"With the results of other tasks in it, the input weighs {total:,}; {MAX_RESOLVED_WEIGHT:,} are allowed "
            f"({VALUE_WEIGHT} for each value, and the length of each text). Hand large data on as files.",
        )
    return _resolved(value, found)


def weight(value: Any) -> int:
    """Estimates how many bytes a JSON value takes in memory, without recursion."""
    total, layer = 0, [value]
    while layer:
        total += VALUE_WEIGHT * len(layer) + sum(len(item) for item in layer if isinstance(item, str))
        inner = [item for item in layer if isinstance(item, dict | list)]
        total += sum(len(name) for item in inner if isinstance(item, dict) for name in item)
        layer = [part for item in inner for part in (item.values() if isinstance(item, dict) else item)]
    return total


def _resolved(value: Any, found: Mapping[str, Any]) -> Any:
    match value:
        case {"$result": str() as target}:
            return found[target]
        case dict():
            return {key: _resolved(item, found) for key, item in value.items()}
        case list():
            return [_resolved(item, found) for item in value]
        case _:
            return value


def _lookup_result(target: str, results: Mapping[str, Any]) -> Any:
    try:
        task, *rest = pointer.parse(target)
    except ValueError as error:
        raise PermanentError("result_missing", f"{target} is not a place in a result: {error}.") from None
    if task not in results:
        raise PermanentError("result_missing", f"{target}: the task {task} has no result.")
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
            detail = f"Task {first[task.name]} is called {task.name} too; each task needs its own name."
            yield FieldError("repeated_name", detail, pointer.fragment(["tasks", index, "name"]))


def _after_errors(tasks: Sequence[TaskSpec]) -> Iterator[FieldError]:
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
            detail = "A task that runs after a failure needs the task that may fail in `after`."
            yield FieldError("nothing_to_fail", detail, pointer.fragment(["tasks", index, "when"]))


def _cycles(tasks: Sequence[TaskSpec]) -> Iterator[FieldError]:
    """Yields one error with the path of each cycle, except cycles that share a task with one that was reported."""
    index_of = {task.name: index for index, task in reversed(list(enumerate(tasks)))}
    blocked = _Blocked({task.name: {u for u in task.after if u in index_of} for task in reversed(tasks)})
    while blocked.after:
        path = _walk_back(blocked.after)
        detail = f"These tasks wait for each other: {' after '.join([*path, path[0]])}."
        yield FieldError("cycle", detail, pointer.fragment(["tasks", index_of[path[0]], "after"]))
        blocked.remove(path)


class _Blocked:
    """Holds the tasks that wait, directly or not, for a cycle.

    It uses Kahn's algorithm, which repeatedly removes the tasks that wait for no remaining task.
    """

    def __init__(self, after: dict[str, set[str]]) -> None:
        """Takes each name with the names it waits for, all of which must be keys of `after`."""
        self.after = after
        self._downstream: dict[str, list[str]] = {name: [] for name in after}
        for name, upstreams in after.items():
            for upstream in upstreams:
                self._downstream[upstream].append(name)
        self.remove([name for name, upstreams in after.items() if not upstreams])

    def remove(self, names: Sequence[str]) -> None:
        """Removes these tasks, and all tasks that then wait for nothing."""
        unblocked = list(names)
        while unblocked:
            name = unblocked.pop()
            if self.after.pop(name, None) is None:
                continue
            for waiting in self._downstream[name]:
                remaining = self.after.get(waiting)
                if remaining is not None:
                    remaining.discard(name)
                    if not remaining:
                        unblocked.append(waiting)


def _walk_back(blocked: Mapping[str, set[str]]) -> list[str]:
    """Returns a cycle among the blocked tasks.

    Each blocked task waits for another blocked one, so following `after` must come back to a task on the path.
    """
    path: dict[str, None] = {}  # a dict, because a list would be searched again at each step
    name = min(blocked)
    while name not in path:
        path[name] = None
        name = min(blocked[name])
    walked = list(path)
    return walked[walked.index(name) :]


def wrong_references(index: int, task: TaskSpec) -> Iterator[FieldError]:
    """Yields the validation errors of the `$result` references in the input of the task at `index`."""
    after = frozenset(task.after)
    for reference in references(task.input):
        detail = _reference_error(reference, after)
        if detail:
            at = pointer.fragment(["tasks", index, "input", *reference.path])
            yield FieldError("wrong_result_reference", detail, at)


def _reference_error(reference: Reference, after: Collection[str]) -> str | None:
    if not reference.alone:
        return "An object with $result must have no other field."
    if not isinstance(reference.target, str):
        return 'The value of $result must be a JSON Pointer such as "/task/rows".'
    try:
        tokens = pointer.parse(reference.target)
    except ValueError as error:
        return f"{reference.target} is not a JSON Pointer: {error}."
    if not tokens:
        return 'A reference starts with a task\'s name: "/task".'
    if tokens[0] not in after:
        return f"{tokens[0]} is not in this task's `after`, so its result is not known when this task starts."
    return None
