"""Takes submissions out of `transaction.on_commit(…)`: the outbox makes them a part of the transaction.

Between a commit and the function that follows it a process may die, and the submission is lost; a row of the outbox is
committed with the data. Only what is evaluated now as it would be then is taken out: `partial(f.delay, order.pk)`, and
a lambda whose arguments are literals.
"""

from collections.abc import Iterator

import libcst as cst

from bureau.port.reading.module import Module, dotted
from bureau.port.reading.project import Project

_ON_COMMIT = ("django.db.transaction.on_commit", "on_commit")
_SUBMITTING = ("@task.delay", "@task.apply_async", "@canvas.delay", "@canvas.apply_async")
_LITERALS = (cst.Integer, cst.Float, cst.SimpleString)


def without_waiting(call: cst.Call, project: Project, module: Module) -> cst.Call | None:
    """Returns the submission of an `on_commit` that may be made at once."""
    if len(call.args) != 1 or call.args[0].keyword or not _is_on_commit(call, module):
        return None
    match call.args[0].value:
        case cst.Lambda(params=cst.Parameters(params=[]), body=cst.Call() as inner):
            submits = project.meaning(inner.func, module) in _SUBMITTING
            return inner if submits and all(isinstance(one.value, _LITERALS) for one in inner.args) else None
        case cst.Call(func=maker, args=[cst.Arg(keyword=None, star="", value=function), *rest]) if (
            dotted(maker) in ("partial", "functools.partial") and project.meaning(function, module) in _SUBMITTING
        ):
            return cst.Call(
                function, [*rest[:-1], rest[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)] if rest else []
            )
        case cst.Attribute() as function if project.meaning(function, module) in _SUBMITTING:
            return cst.Call(function)
    return None


def calls_in(value: cst.BaseExpression) -> Iterator[cst.CSTNode]:
    """Yields the calls and names inside an argument, which are judged with the `on_commit`."""
    finder = _Calls()
    value.visit(finder)
    yield from finder.found


def _is_on_commit(call: cst.Call, module: Module) -> bool:
    whole = module.qualified(call.func) if dotted(call.func) else None
    return whole in _ON_COMMIT


class _Calls(cst.CSTVisitor):
    def __init__(self) -> None:
        self.found: list[cst.CSTNode] = []

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802 - libcst's name
        self.found.append(node)

    def visit_Attribute(self, node: cst.Attribute) -> None:  # noqa: N802 - libcst's name
        self.found.append(node)
