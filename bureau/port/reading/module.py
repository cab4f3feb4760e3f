"""Reads one module: its syntax tree, what its names stand for, what is assigned to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider, ScopeProvider

from bureau.port.reading.exports import Exports, absolute, exports_in
from bureau.port.reading.source_files import SourceFile

LOCALS = "<locals>"


@dataclass
class Definitions(Exports):
    """Holds what a module defines, by names within it: `shop`, `Order.save`, `Order.save.<locals>.sent`."""

    assigned: dict[str, list[cst.BaseExpression]] = field(default_factory=dict)
    functions: dict[str, cst.FunctionDef] = field(default_factory=dict)
    classes: dict[str, cst.ClassDef] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)  # the first parameter of a function: the function's name
    configured: set[str] = field(default_factory=set)  # what is told to find tasks, so it is an app
    names: dict[cst.CSTNode, str] = field(default_factory=dict)  # of functions and classes


class Module:
    """Holds a module that was parsed. Raises `libcst.ParserSyntaxError` for one that is not Python."""

    def __init__(self, file: SourceFile, text: str) -> None:
        wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
        self.file = file
        self.tree = wrapper.module
        found = wrapper.resolve_many([PositionProvider, ScopeProvider])
        self._positions: Mapping[cst.CSTNode, Any] = found[PositionProvider]
        self._scopes: Mapping[cst.CSTNode, Any] = found[ScopeProvider]
        exports = exports_in(text, file.package)
        self.definitions = Definitions(exports.imported, exports.starred)
        self.tree.visit(_Reader(self.definitions))

    @property
    def name(self) -> str:
        return self.file.module

    def line(self, node: cst.CSTNode) -> int:
        return int(self._positions[node].start.line)

    def code(self, node: cst.CSTNode) -> str:
        """Returns the text of a node on one line, not longer than people read in a table."""
        text = " ".join(self.tree.code_for_node(node).split())
        return text if len(text) <= 100 else f"{text[:99]}…"

    def qualified(self, node: cst.BaseExpression) -> str | None:
        """Returns the whole name of what a name stands for; `self.name + "."` begins those of this module."""
        scope = self._scopes.get(node)
        names = scope.get_qualified_names_for(node) if scope is not None else ()
        for one in sorted(names, key=lambda name: name.name):
            if one.source.name == "IMPORT":
                return absolute(one.name, self.file.package)
            if one.source.name == "LOCAL":
                return f"{self.name}.{one.name}"
        return None


def dotted(node: cst.CSTNode | None) -> str | None:
    """Returns the text of a name with dots; None for anything else."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr.value}" if before else None
    return None


class _Reader(cst.CSTVisitor):
    """Notes what is defined, and in which function or class."""

    def __init__(self, definitions: Definitions) -> None:
        self._into = definitions
        self._inside: list[str] = []

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:  # noqa: N802 - libcst's name
        name = self._named(node.name.value)
        self._into.functions[name] = node
        self._into.names[node] = name
        if parameters := [*node.params.posonly_params, *node.params.params]:
            self._into.parameters[f"{name}.{LOCALS}.{parameters[0].name.value}"] = name
        self._inside += [node.name.value, LOCALS]

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:  # noqa: N802, ARG002 - libcst's names
        del self._inside[-2:]

    def visit_ClassDef(self, node: cst.ClassDef) -> None:  # noqa: N802 - libcst's name
        name = self._named(node.name.value)
        self._into.classes[name] = node
        self._into.names[node] = name
        self._inside.append(node.name.value)

    def leave_ClassDef(self, original_node: cst.ClassDef) -> None:  # noqa: N802, ARG002 - libcst's names
        self._inside.pop()

    def visit_Assign(self, node: cst.Assign) -> None:  # noqa: N802 - libcst's name
        for target in node.targets:
            self._assign(target.target, node.value)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:  # noqa: N802 - libcst's name
        if node.value is not None:
            self._assign(node.target, node.value)

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802 - libcst's name
        match node.func:
            case cst.Attribute(value=cst.Name(value=name), attr=cst.Name(value="autodiscover_tasks")):
                self._into.configured.add(self._named(name))

    def visit_NamedExpr(self, node: cst.NamedExpr) -> None:  # noqa: N802 - libcst's name
        self._assign(node.target, node.value)

    def _assign(self, target: cst.BaseExpression, value: cst.BaseExpression) -> None:
        if isinstance(target, cst.Name):
            self._into.assigned.setdefault(self._named(target.value), []).append(value)

    def _named(self, name: str) -> str:
        return ".".join([*self._inside, name])
