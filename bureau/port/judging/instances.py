"""Finds instances of Django's models among the arguments of a submission: they cannot become JSON."""

from collections.abc import Iterator

import libcst as cst

from bureau.port.reading.module import Module, dotted

_ONE = frozenset({"get", "create", "first", "last", "latest", "earliest"})
_USERS = frozenset({"request.user", "self.request.user", "info.context.user"})


def instance_in(call: cst.Call, module: Module) -> cst.BaseExpression | None:
    """Returns the first argument that is seen to be an instance of a model."""
    return next((value for value in _values(call) if _is_instance(value, module)), None)


def _values(call: cst.Call) -> Iterator[cst.BaseExpression]:
    direct = isinstance(call.func, cst.Attribute) and call.func.attr.value.startswith("delay")
    for argument in call.args:
        name = argument.keyword.value if argument.keyword else ""
        if direct and not argument.star:
            yield argument.value
        elif not direct and name in ("", "args", "kwargs"):
            yield from _inside(argument.value)


def _inside(value: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    match value:
        case cst.List(elements=elements) | cst.Tuple(elements=elements):
            yield from (one.value for one in elements)
        case cst.Dict(elements=elements):
            yield from (one.value for one in elements if isinstance(one, cst.DictElement))


def _is_instance(value: cst.BaseExpression, module: Module) -> bool:
    if not isinstance(value, cst.Name):
        return dotted(value) in _USERS
    whole = (module.qualified(value) or "").removeprefix(f"{module.name}.")
    assigned = module.definitions.assigned.get(whole)
    if assigned:
        return all(_gives_instance(one) for one in assigned)
    function = module.definitions.parameters.get(whole)
    owner = module.definitions.classes.get(function.rpartition(".")[0]) if function else None
    return owner is not None and value.value == "self" and _is_model(owner)


def _gives_instance(value: cst.BaseExpression) -> bool:
    """Tells whether an expression is `Model.objects.get(…)` or the like."""
    if not isinstance(value, cst.Call):
        return False
    if isinstance(value.func, cst.Name):
        return value.func.value in ("get_object_or_404", "aget_object_or_404")
    path = _path(value.func)
    return path[-1:] != [] and path[-1] in _ONE and "objects" in path[:-1]


def _path(node: cst.BaseExpression) -> list[str]:
    """Returns the names along a chain of attributes and calls: `Order.objects.filter(…).first`."""
    names: list[str] = []
    while True:
        match node:
            case cst.Attribute(value=before, attr=name):
                names.insert(0, name.value)
                node = before
            case cst.Call(func=function):
                node = function
            case cst.Name(value=name):
                return [name, *names]
            case _:
                return names


def _is_model(node: cst.ClassDef) -> bool:
    return any((dotted(base.value) or "").rpartition(".")[2] == "Model" for base in node.bases)
