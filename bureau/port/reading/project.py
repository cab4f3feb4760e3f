"""Knows all modules of a project, and what each expression in them stands for, across imports and assignments."""

from collections.abc import Iterable, Iterator

import libcst as cst

from bureau.port.reading.exports import Exports, exports_of
from bureau.port.reading.meanings import FACTORIES, attribute, called, is_celery, normal
from bureau.port.reading.module import LOCALS, Module, dotted
from bureau.port.reading.source_files import SourceFile, mentions_celery, uses_decorator

_DEEPEST = 40  # names that stand for names; a project has a handful
_MAKING = FACTORIES | {"@factory"}


class Project:
    """Finds the meaning of expressions. Modules that do not mention Celery are read only where names lead to them."""

    def __init__(self, files: Iterable[SourceFile]) -> None:
        self._modules: dict[str, Module | None] = {}
        self._files = {file.module: file for file in files}
        self._exports: dict[str, Exports] = {}
        self._known: dict[str, str | None] = {}
        self._factories: frozenset[str] = frozenset()
        self.unreadable: dict[str, str] = {}

    def modules(self) -> Iterator[Module]:
        """Yields the modules that mention Celery or a decorator of the project's that makes tasks, in file order."""
        known = [module for file in self._files.values() if (module := self._module(file)) is not None]
        self._factories = frozenset(name for module in known for name in self._factories_of(module))
        self._modules = {name: module for name, module in self._modules.items() if module is not None}
        for file in self._files.values():
            if (module := self._module(file)) is not None:
                yield module

    def meaning(self, node: cst.BaseExpression, module: Module, depth: int = 0) -> str | None:
        """Returns what an expression stands for, as in `meanings`; None for all that is not of Celery."""
        if depth > _DEEPEST:
            return None
        match node:
            case cst.Name() | cst.Attribute() if dotted(node) and (whole := module.qualified(node)):
                return self.named(whole, depth + 1)
            case cst.Name():
                return self._starred(module.definitions, node.value, depth)
            case cst.Attribute():
                owner = self.meaning(node.value, module, depth + 1)
                return attribute(owner, node.attr.value) if owner else None
            case cst.Call():
                return self._called(node, module, depth)
            case cst.Subscript():
                owner = self.meaning(node.value, module, depth + 1)
                return {"@app.tasks": "@task", "celery.Celery": owner, "@Task": owner}.get(owner or "")
            case cst.BinaryOperation(operator=cst.BitOr()):
                sides = (self.meaning(side, module, depth + 1) for side in (node.left, node.right))
                return "@canvas" if "@canvas" in sides else None
            case cst.IfExp():
                return self.meaning(node.body, module, depth + 1) or self.meaning(node.orelse, module, depth + 1)
            case cst.Await():
                return None
        return None

    def named(self, whole: str, depth: int = 0) -> str | None:
        """Returns what a whole name stands for."""
        if is_celery(whole):
            return normal(whole)
        if depth > _DEEPEST:
            return None
        if whole not in self._known:
            self._known[whole] = None  # a name that stands for itself stands for nothing
            self._known[whole] = self._found(whole, depth)
        return self._known[whole]

    def is_task(self, function: cst.FunctionDef, module: Module) -> cst.Decorator | None:
        """Returns the decorator that makes a task of a function."""
        for decorator in function.decorators:
            meaning = self.meaning(decorator.decorator, module)
            if meaning in FACTORIES or meaning in ("@factory", "@maker"):
                return decorator
        return None

    def task_options(self, decorator: cst.Decorator) -> dict[str, cst.BaseExpression]:
        call = decorator.decorator
        if not isinstance(call, cst.Call):
            return {}
        return {argument.keyword.value: argument.value for argument in call.args if argument.keyword}

    def _called(self, call: cst.Call, module: Module, depth: int) -> str | None:
        meaning = self.meaning(call.func, module, depth + 1)
        first = call.args[0] if call.args else None
        function = first is not None and first.keyword is None and not first.star
        return called(
            meaning, with_function=function and not isinstance(first.value if first else None, cst.SimpleString)
        )

    def _found(self, whole: str, depth: int) -> str | None:
        file, rest = self._split(whole)
        if file is None or not rest:
            return None
        module = self._module(file)
        exports = module.definitions if module else self._exported(file)
        head, _, tail = rest.partition(".")
        if LOCALS not in rest and head in exports.imported:
            return self.named(exports.imported[head] + (f".{tail}" if tail else ""), depth + 1)
        name, attributes = self._longest(rest, module) if module else (None, [])
        if module is None or name is None:
            return self._starred(exports, rest, depth)
        meaning = self._defined(name, module, depth)
        for one in attributes:
            meaning = attribute(meaning, one) if meaning else None
        return meaning

    def _split(self, whole: str) -> tuple[SourceFile | None, str]:
        """Splits a whole name into the module that it begins with, as long as there is one, and the rest."""
        parts = whole.split(".")
        for end in range(len(parts), 0, -1):
            if file := self._files.get(".".join(parts[:end])):
                return file, ".".join(parts[end:])
        return None, ""

    def _longest(self, rest: str, module: Module) -> tuple[str | None, list[str]]:
        """Splits a name within a module into the longest one that is defined there, and attributes."""
        definitions, parts = module.definitions, rest.split(".")
        for end in range(len(parts), 0, -1):
            name = ".".join(parts[:end])
            places = (definitions.functions, definitions.classes, definitions.assigned, definitions.parameters)
            if any(name in place for place in places):
                return name, parts[end:]
        return None, []

    def _defined(self, name: str, module: Module, depth: int) -> str | None:
        definitions = module.definitions
        if name in definitions.parameters:
            return self._first_parameter(definitions.parameters[name], module)
        if name in definitions.classes:
            return self._class(definitions.classes[name], module, depth)
        if name in definitions.functions:
            return self._function(name, definitions.functions[name], module, depth)
        meanings = [self.meaning(value, module, depth + 1) for value in definitions.assigned[name]]
        found = next((meaning for meaning in reversed(meanings) if meaning), None)
        return "@app" if found is None and name in definitions.configured else found

    def _first_parameter(self, function: str, module: Module) -> str | None:
        """Returns `@task` for the first parameter of a bound task, and of a method of a class of tasks."""
        definitions = module.definitions
        node = definitions.functions[function]
        if (decorator := self.is_task(node, module)) is not None:
            bound = self.task_options(decorator).get("bind")
            return "@task" if isinstance(bound, cst.Name) and bound.value == "True" else None
        owner = definitions.classes.get(function.rpartition(".")[0])
        return "@task" if owner is not None and self._class(owner, module, 0) == "@Task" else None

    def _class(self, node: cst.ClassDef, module: Module, depth: int) -> str | None:
        bases = [self.meaning(base.value, module, depth + 1) for base in node.bases if not base.star]
        return next((meaning for meaning in ("@Task", "celery.Celery") if meaning in bases), None)

    def _function(self, name: str, node: cst.FunctionDef, module: Module, depth: int) -> str | None:
        if self.is_task(node, module):
            return "@task"
        makes = _Makes(self, module, depth)
        node.body.visit(makes)
        if "@app" in makes.returned:
            return "@makes_app"
        if makes.tasks:
            return "@factory"
        return "@makes_task" if "@task" in makes.returned and LOCALS not in name else None

    def _starred(self, exports: Exports, rest: str, depth: int) -> str | None:
        if LOCALS in rest:
            return None
        found = (self.named(f"{star}.{rest}", depth + 1) for star in exports.starred)
        return next((meaning for meaning in found if meaning), None)

    def _factories_of(self, module: Module) -> Iterator[str]:
        """Yields the functions of a module that make tasks of other functions: those with a function inside."""
        inner = {name.partition(".")[0] for name in module.definitions.functions if LOCALS in name}
        for name in inner & module.definitions.functions.keys():
            if self.named(f"{module.name}.{name}") == "@factory":
                yield name

    def _module(self, file: SourceFile) -> Module | None:
        """Returns a module that mentions Celery."""
        if file.module not in self._modules:
            self._modules[file.module] = None
            try:
                text = file.text()
                if mentions_celery(text) or uses_decorator(text, self._factories):
                    self._modules[file.module] = Module(file, text)
            except cst.ParserSyntaxError as error:
                self.unreadable[file.shown] = f"line {error.raw_line}: it is not Python"
            except (OSError, UnicodeDecodeError) as error:
                self.unreadable[file.shown] = str(error)
        return self._modules[file.module]

    def _exported(self, file: SourceFile) -> Exports:
        """Returns what a module that does not mention Celery imports, which others may import from it."""
        if file.module not in self._exports:
            self._exports[file.module] = exports_of(file)
        return self._exports[file.module]


class _Makes(cst.CSTVisitor):
    """Looks in a function for what makes tasks of other functions, and for what it returns."""

    def __init__(self, project: Project, module: Module, depth: int) -> None:
        self._project, self._module, self._depth = project, module, depth
        self.tasks = False
        self.returned: set[str | None] = set()

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802 - libcst's name
        self.tasks |= self._project.meaning(node.func, self._module, self._depth + 1) in _MAKING

    def visit_Return(self, node: cst.Return) -> None:  # noqa: N802 - libcst's name
        if node.value is not None:
            self.returned.add(self._project.meaning(node.value, self._module, self._depth + 1))
