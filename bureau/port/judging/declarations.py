"""Judges declarations of tasks and classes of tasks."""

from collections.abc import Iterator

import libcst as cst

from bureau.port.finding import Kind
from bureau.port.judging.judgement import Judgement, by_hand, judged
from bureau.port.judging.options import keywords, wrong_task_options
from bureau.port.reading.module import Module
from bureau.port.reading.project import Project

_PERIODIC = "Celery itself removed periodic_task in version 5: use shared_task and a schedule."
_STATE = (
    "The class keeps {names} in its instance. Celery's forked children each had one; here all threads of a worker "
    "share one instance: make it in the task, or once a process in a @lifespan."
)


def judged_task(decorator: cst.Decorator, project: Project, module: Module) -> Iterator[Judgement]:
    """Judges the options of a task. A decorator of the project's own is judged where it is defined."""
    call = decorator.decorator
    maker = project.meaning(call.func if isinstance(call, cst.Call) else call, module)
    if maker in ("celery.task.periodic_task", "celery.decorators.periodic_task"):
        yield by_hand(Kind.TASK, _PERIODIC)
        return
    reasons: list[str] = []
    if isinstance(call, cst.Call) and maker not in ("@factory", "@maker"):
        reasons = wrong_task_options(keywords(call))
    yield judged(Kind.TASK, reasons)


def judged_class(node: cst.ClassDef, project: Project, module: Module) -> Iterator[Judgement]:
    """Judges a class of tasks: one that keeps no state moves."""
    if not _is_task_class(node, project, module):
        return
    state = sorted(set(_kept(node)))
    reasons = [_STATE.format(names=", ".join(state))] if state else []
    yield judged(Kind.TASK, reasons)


def _is_task_class(node: cst.ClassDef, project: Project, module: Module) -> bool:
    return any(project.meaning(base.value, module) == "@Task" for base in node.bases)


def _methods(node: cst.ClassDef) -> Iterator[cst.FunctionDef]:
    if isinstance(node.body, cst.IndentedBlock):
        yield from (one for one in node.body.body if isinstance(one, cst.FunctionDef))


def _kept(node: cst.ClassDef) -> Iterator[str]:
    """Yields the attributes that methods set on the task itself."""
    for method in _methods(node):
        finder = _Kept()
        method.visit(finder)
        yield from finder.names


class _Kept(cst.CSTVisitor):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_AssignTarget(self, node: cst.AssignTarget) -> None:  # noqa: N802 - libcst's name
        self._set(node.target)

    def visit_AugAssign(self, node: cst.AugAssign) -> None:  # noqa: N802 - libcst's name
        self._set(node.target)

    def _set(self, target: cst.BaseExpression) -> None:
        if isinstance(target, cst.Attribute) and isinstance(target.value, cst.Name) and target.value.value == "self":
            self.names.add(target.attr.value)
