"""Walks through the modules of a project and collects what is found in them, and the changes that `--write` makes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import libcst as cst

from bureau.port.beat import schedules
from bureau.port.beat.schedules import BeatEntry
from bureau.port.finding import Finding, Kind, Verdict
from bureau.port.judging import commits, declarations, imports, settings
from bureau.port.judging.calls import judged_attribute, judged_call
from bureau.port.judging.judgement import Judgement
from bureau.port.judging.options import text_of
from bureau.port.judging.renames import renamed
from bureau.port.reading.module import Module, dotted
from bureau.port.reading.project import Project
from bureau.port.reading.source_files import source_files


@dataclass
class Survey:
    """Holds all findings, the changed text of the files that `--write` changes, and the entries of beat."""

    root: Path
    findings: list[Finding] = field(default_factory=list)
    changes: dict[Path, str] = field(default_factory=dict)
    entries: list[BeatEntry] = field(default_factory=list)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    files: int = 0
    queues: dict[str, str] = field(default_factory=dict)  # of tasks that name one
    time_zone: str = "UTC"

    @property
    def has_schedules(self) -> bool:
        return any(entry.is_written for entry in self.entries)


def survey(path: Path) -> Survey:
    """Reads the project in a folder, or one file. Raises `FileNotFoundError`."""
    files = source_files(path)
    project = Project(files)
    found = Survey(path, files=len(files), unreadable=project.unreadable)
    for module in project.modules():
        walker = _Walker(project, module)
        module.tree.visit(walker)
        found.findings += sorted(walker.findings, key=lambda one: one.line)
        found.entries += walker.entries
        found.queues |= walker.queues
        found.time_zone = walker.time_zone or found.time_zone
        if walker.changes:
            changed = module.tree.visit(_Replacing(walker.changes))
            found.changes[module.file.path] = changed.code
    return found


class _Walker(cst.CSTVisitor):
    """Judges each node of a module once."""

    def __init__(self, project: Project, module: Module) -> None:
        self._project, self._module = project, module
        self.findings: list[Finding] = []
        self.changes: dict[cst.CSTNode, cst.CSTNode] = {}
        self.entries: list[BeatEntry] = []
        self.queues: dict[str, str] = {}
        self.time_zone: str | None = None
        self._called: set[cst.CSTNode] = set()  # names that a call was judged by

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:  # noqa: N802 - libcst's name
        if (decorator := self._project.is_task(node, self._module)) is not None:
            self._note(decorator, declarations.judged_task(decorator, self._project, self._module))
            self._skip(decorator.decorator)
            self._queue(node, decorator)
        for other in node.decorators:
            if not isinstance(other.decorator, cst.Call) and other is not decorator:
                self._note(other, judged_attribute(other.decorator, self._project, self._module, decorates=True))
                self._called.add(other.decorator)

    def visit_ClassDef(self, node: cst.ClassDef) -> None:  # noqa: N802 - libcst's name
        if self._module.definitions.names.get(node):
            self._note(node, declarations.judged_class(node, self._project, self._module))
            self._settings(settings.in_class(node))

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802 - libcst's name
        if node in self._called:
            return
        if change := commits.without_waiting(node, self._project, self._module):
            self.changes[node] = change
            self._note(node, [Judgement(Kind.CALL, Verdict.REWRITTEN, "the outbox is part of the transaction")])
            self._skip(*(inner for argument in node.args for inner in commits.calls_in(argument.value)))
            return
        judgements = list(judged_call(node, self._project, self._module))
        self._note(node, judgements)
        if judgements:
            self._called.add(node.func)
        if any(one.verdict is Verdict.REWRITTEN for one in judgements):
            self.changes.update((old, new) for old, new in renamed(node).items())
        self._settings(settings.in_call(node, self._project, self._module))

    def visit_Attribute(self, node: cst.Attribute) -> None:  # noqa: N802 - libcst's name
        if node not in self._called:
            self._note(node, judged_attribute(node, self._project, self._module))

    def visit_Assign(self, node: cst.Assign) -> None:  # noqa: N802 - libcst's name
        for target in node.targets:
            self._settings(settings.assigned(target.target, node.value, self._project, self._module))
        if change := settings.installed_apps(node):
            self.changes[node] = change
            self._note(node, [Judgement(Kind.SETTING, Verdict.REWRITTEN, "bureau.django in place of Celery's apps")])

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:  # noqa: N802 - libcst's name
        if node.value is not None:
            self._settings(settings.assigned(node.target, node.value, self._project, self._module))

    def visit_Import(self, node: cst.Import) -> None:  # noqa: N802 - libcst's name
        self._import(node, *imports.plain(node))

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:  # noqa: N802 - libcst's name
        self._import(node, *imports.of_names(node))
        return False

    def _import(self, node: cst.CSTNode, judgements: Iterable[Judgement], change: cst.CSTNode | None) -> None:
        self._note(node, judgements)
        if change is not None:
            self.changes[node] = change

    def _settings(self, found: settings.Found) -> None:
        for node, judgement in found.judgements:
            self._note(node, [judgement])
        self.time_zone = found.time_zone or self.time_zone
        for name, value in found.schedules:
            for entry, judgement in schedules.entries(name, value, self._project, self._module):
                self._note(entry.node, [judgement])
                if judgement.verdict is not Verdict.BY_HAND:
                    self.entries.append(entry)

    def _queue(self, function: cst.FunctionDef, decorator: cst.Decorator) -> None:
        options = self._project.task_options(decorator)
        queue = text_of(options["queue"]) if "queue" in options else None
        name = text_of(options["name"]) if "name" in options else None
        if queue:
            self.queues[name or f"{self._module.name}.{function.name.value}"] = queue

    def _skip(self, *nodes: cst.CSTNode) -> None:
        """Leaves out what was judged as a part of something else."""
        for node in nodes:
            self._called.add(node)
            if isinstance(node, cst.Call):
                self._called.add(node.func)

    def _note(self, node: cst.CSTNode, judgements: Iterable[Judgement]) -> None:
        for one in judgements:
            shown = (
                one.shown
                or (dotted(node) if isinstance(node, cst.Attribute) else None)
                or _headline(node, self._module)
            )
            self.findings.append(
                Finding(
                    self._module.file.shown, self._module.line(node), one.kind, one.verdict, shown, one.why, one.certain
                )
            )


def _headline(node: cst.CSTNode, module: Module) -> str:
    if isinstance(node, cst.ClassDef):
        return f"class {node.name.value}"
    if isinstance(node, cst.Attribute) and (name := dotted(node)):
        return name
    return module.code(node)


class _Replacing(cst.CSTTransformer):
    def __init__(self, changes: Mapping[cst.CSTNode, cst.CSTNode]) -> None:
        self._changes = changes

    def on_leave(self, original_node: cst.CSTNode, updated_node: cst.CSTNode) -> cst.CSTNode:  # type: ignore[override]
        change = self._changes.get(original_node)
        return updated_node if change is None else change
