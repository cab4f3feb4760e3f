"""Finds Celery's settings in modules of settings, in classes of settings and on an app, and judges them."""

from dataclasses import dataclass, field

import libcst as cst

from bureau.port.finding import Kind, Verdict
from bureau.port.judging.judgement import Judgement, by_hand
from bureau.port.judging.options import keywords, text_of
from bureau.port.known.settings import setting
from bureau.port.reading.module import Module
from bureau.port.reading.project import Project

_PREFIXES = ("CELERY_", "CELERYD_", "CELERYBEAT_", "CELERYMON_", "BROKER_")
_SCHEDULE = "beat_schedule"
_APPS = frozenset({"django_celery_beat", "django_celery_results"})
_OURS = "bureau.django"
_PICKLE = "An input is JSON: pass ids, numbers, texts, lists and objects in place of Python objects."
_SERIALIZERS = frozenset({"task_serializer", "result_serializer", "accept_content", "event_serializer"})


@dataclass
class Found:
    """Holds the judgements of settings, and the values of schedules."""

    judgements: list[tuple[cst.CSTNode, Judgement]] = field(default_factory=list)
    schedules: list[tuple[str, cst.BaseExpression]] = field(default_factory=list)
    time_zone: str | None = None


def assigned(target: cst.BaseExpression, value: cst.BaseExpression, project: Project, module: Module) -> Found:
    """Judges `CELERY_TIMEZONE = …`, `app.conf.timezone = …` and `app.conf.beat_schedule["x"] = …`."""
    found = Found()
    if isinstance(target, cst.Subscript):
        key = _key(target)
        if key and _is_schedule(target.value, project, module):
            found.schedules.append((key, value))
        elif key and project.meaning(target.value, module) == "@app.conf":
            _add(found, target, _plain(key), value)
    elif name := _setting_name(target, project, module):
        _add(found, target, name, value)
    return found


def in_class(node: cst.ClassDef) -> Found:
    """Judges the settings in a class such as `class CeleryConfig`."""
    found = Found()
    if "celery" not in node.name.value.lower() or not isinstance(node.body, cst.IndentedBlock):
        return found
    for line in node.body.body:
        for one in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(one, cst.Assign) and isinstance(one.targets[0].target, cst.Name):
                name = one.targets[0].target.value
                if not name.startswith(_PREFIXES) and setting(name.lower())[0] != "unknown":
                    _add(found, one.targets[0].target, name.lower(), one.value)
    return found


def in_call(call: cst.Call, project: Project, module: Module) -> Found:
    """Judges `app.conf.update(…)`, with keywords or a dictionary."""
    found = Found()
    if project.meaning(call.func, module) not in ("@app.conf.update", "@app.conf.add_defaults"):
        return found
    for name, value in keywords(call):
        _add(found, value, _plain(name), value)
    for argument in call.args:
        if isinstance(argument.value, cst.Dict) and not argument.keyword:
            for element in argument.value.elements:
                if isinstance(element, cst.DictElement) and (key := text_of(element.key)):
                    _add(found, element.key, _plain(key), element.value)
    return found


def installed_apps(node: cst.Assign) -> cst.Assign | None:
    """Returns the assignment of a list of Django apps with `bureau.django` in place of Celery's apps."""
    target = node.targets[0].target
    if not (isinstance(target, cst.Name) and target.value.endswith("APPS")):
        return None
    if not isinstance(node.value, cst.List | cst.Tuple):
        return None
    names = [text_of(element.value) for element in node.value.elements]
    if _APPS.isdisjoint(name for name in names if name):
        return None
    kept: list[cst.BaseElement] = []
    has_ours = _OURS in names
    for element, name in zip(node.value.elements, names, strict=True):
        if name not in _APPS:
            kept.append(element)
        elif not has_ours:
            kept.append(element.with_changes(value=cst.SimpleString(f'"{_OURS}"')))
            has_ours = True
    if kept:  # what stands before the bracket belongs to the last comma
        kept[-1] = kept[-1].with_changes(comma=node.value.elements[-1].comma)
    return node.with_changes(value=node.value.with_changes(elements=kept))


def _setting_name(target: cst.BaseExpression, project: Project, module: Module) -> str | None:
    if isinstance(target, cst.Name):
        whole = module.name.rpartition(".")[2] == "celeryconfig"
        return _plain(target.value) if whole or target.value.startswith(_PREFIXES) else None
    meaning = project.meaning(target, module) if isinstance(target, cst.Attribute) else None
    return _plain(meaning.removeprefix("@app.conf.")) if meaning and meaning.startswith("@app.conf.") else None


def _plain(name: str) -> str:
    """Returns a setting's name as Celery has it without a namespace, in small letters."""
    name = name.removeprefix("CELERY_") if name.startswith("CELERY_") else name
    return name.lower()


def _add(found: Found, node: cst.CSTNode, name: str, value: cst.BaseExpression) -> None:
    answer, why = setting(name)
    if answer == "unknown":  # a setting of the project's own
        return
    if name == "timezone":
        found.time_zone = text_of(value)
    if name in ("beat_schedule", "celerybeat_schedule"):
        found.schedules.append(("", value))
    reason = why if answer == "by hand" else _wrong_value(name, value)
    if reason:
        found.judgements.append((node, by_hand(Kind.SETTING, reason, name)))
    else:
        note = "" if answer == "read" else "It has no meaning for Bureau and may stay."
        found.judgements.append((node, Judgement(Kind.SETTING, Verdict.AS_IS, note, name)))


def _wrong_value(name: str, value: cst.BaseExpression) -> str:
    return _PICKLE if name in _SERIALIZERS and _mentions_pickle(value) else ""


def _mentions_pickle(value: cst.BaseExpression) -> bool:
    if isinstance(value, cst.List | cst.Tuple | cst.Set):
        return any(_mentions_pickle(element.value) for element in value.elements)
    return "pickle" in (text_of(value) or "")


def _is_schedule(node: cst.BaseExpression, project: Project, module: Module) -> bool:
    if isinstance(node, cst.Name):
        return _plain(node.value) in (_SCHEDULE, "celerybeat_schedule")
    return project.meaning(node, module) == f"@app.conf.{_SCHEDULE}"


def _key(target: cst.Subscript) -> str | None:
    index = target.slice[0].slice
    return text_of(index.value) if isinstance(index, cst.Index) else None
