"""Reads the entries of a beat schedule, and writes them as a file of schedules (SCHEDULES_FILE)."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from bureau.port.beat.timing import NotTiming, timing_of
from bureau.port.finding import Kind, Verdict
from bureau.port.judging.judgement import Judgement, by_hand
from bureau.port.judging.options import text_of
from bureau.port.reading.literals import NotLiteral, value_of
from bureau.port.reading.module import Module
from bureau.port.reading.project import Project

_COMPUTED = "It is computed: the names layer reads it when the project runs, and `--write` leaves it out of the file."
_OTHER = re.compile(r"[^a-z0-9_]")
_OTHER_IN_PATH = re.compile(r"[^a-z0-9_.]")
_OTHER_IN_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class BeatEntry:
    """Holds one entry of a schedule; `timing` is None if it is computed."""

    node: cst.CSTNode
    name: str
    task: str | None
    timing: dict[str, Any] | None
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    queue: str | None = None

    @property
    def is_written(self) -> bool:
        return self.timing is not None and self.task is not None


def entries(
    name: str, value: cst.BaseExpression, project: Project, module: Module
) -> Iterator[tuple[BeatEntry, Judgement]]:
    """Yields the entries of a dictionary, or the one entry called `name`."""
    value = _behind(value, module)
    if name:
        yield _entry(name, value, value, project, module)
        return
    for element in value.elements if isinstance(value, cst.Dict) else ():
        if isinstance(element, cst.DictElement):
            shown = text_of(element.key) or module.code(element.key)
            yield _entry(shown, element.key, _behind(element.value, module), project, module)


def _entry(
    name: str, node: cst.CSTNode, value: cst.BaseExpression, project: Project, module: Module
) -> tuple[BeatEntry, Judgement]:
    fields = _fields(value)
    schedule = fields.get("schedule")
    try:
        timing = timing_of(schedule, project, module) if schedule is not None else None
        args, kwargs = (_literal(fields.get(part), empty) for part, empty in (("args", []), ("kwargs", {})))
        options = _literal(fields.get("options"), {})
    except NotTiming as wrong:
        return BeatEntry(node, name, None, None), by_hand(Kind.SCHEDULE, str(wrong), name)
    except NotLiteral:
        return BeatEntry(node, name, None, None), Judgement(Kind.SCHEDULE, Verdict.AS_IS, _COMPUTED, name)
    task = text_of(fields["task"]) if "task" in fields else None
    entry = BeatEntry(node, name, task, timing, list(args), kwargs, options.get("queue"))
    if not entry.is_written:
        return entry, Judgement(Kind.SCHEDULE, Verdict.AS_IS, _COMPUTED, name)
    return entry, Judgement(Kind.SCHEDULE, Verdict.REWRITTEN, "", name)


def _fields(value: cst.BaseExpression) -> dict[str, cst.BaseExpression]:
    if isinstance(value, cst.Dict):
        pairs = ((text_of(one.key), one.value) for one in value.elements if isinstance(one, cst.DictElement))
        return {name: value for name, value in pairs if name}
    if isinstance(value, cst.Call) and isinstance(value.func, cst.Name) and value.func.value == "dict":
        return {one.keyword.value: one.value for one in value.args if one.keyword}
    return {}


def _literal(node: cst.BaseExpression | None, empty: Any) -> Any:
    return empty if node is None else value_of(node)


def _behind(value: cst.BaseExpression, module: Module) -> cst.BaseExpression:
    """Returns what a name of the module was assigned, if it is one."""
    assigned = module.definitions.assigned.get(value.value, []) if isinstance(value, cst.Name) else []
    return assigned[-1] if assigned else value


def schedule_file(found: Iterable[BeatEntry], queues: dict[str, str], time_zone: str) -> str:
    """Returns the text of a file of schedules. `queues` holds the queue of each task that names one."""
    lines = [
        "# Written by `bureau port`. Set SCHEDULES_FILE to this file: docs/schedules.md.",
        "owner: local",
        "schedules:",
    ]
    for entry in found:
        if entry.timing is None or entry.task is None:
            continue
        queue = entry.queue or queues.get(entry.task) or "celery"
        task = {
            "name": "task",
            "run": run_name(queue, entry.task),
            "input": {"args": entry.args, "kwargs": entry.kwargs},
        }
        lines.append(f"  {schedule_name(entry.name)}:")
        timing = entry.timing | ({"time_zone": time_zone} if "cron" in entry.timing else {})
        lines += [f"    {name}: {json.dumps(value)}" for name, value in timing.items()]
        lines += ["    job:", f"      tasks: [{json.dumps(task, ensure_ascii=False)}]"]
    return "\n".join(lines) + "\n"


def run_name(queue: str, task: str) -> str:
    """Returns what a task of a queue is called in Bureau, as `bureau.celery` names it."""
    return f"{_OTHER.sub('_', queue.lower())}.{_OTHER_IN_PATH.sub('_', task.lower())}"


def schedule_name(entry: str) -> str:
    """Returns an entry's name as a schedule may have it."""
    return _OTHER_IN_NAME.sub("-", entry).strip("-.")[:100] or "schedule"
