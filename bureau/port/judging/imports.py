"""Judges imports of Celery and its family, and points those that the names layer has at it."""

from collections.abc import Sequence

import libcst as cst

from bureau.port.finding import Kind, Verdict
from bureau.port.judging.judgement import Judgement, by_hand
from bureau.port.known.names import has, reason
from bureau.port.reading.module import dotted

_FAMILY = {
    "kombu": "Bureau has queues and no exchanges: name the queue with `queue=`; a message is no part of the interface.",
    "billiard": "A Bureau worker runs tasks on threads: use `multiprocessing` in a process of your own.",
    "django_celery_beat": "Schedules are rows of Bureau's ledger: import these tables once with "
    "`python -m bureau.celery -A APP schedules`, then change schedules through Bureau.put_schedule.",
    "django_celery_results": "Results are in the ledger: read them through AsyncResult or Bureau.jobs().",
    "celery_once": "Give the job an idempotency key, or an id of your own.",
    "celery_singleton": "Give the job an idempotency key, or an id of your own.",
    "flower": "The console lists jobs, queues and workers.",
}
_RENAMED = {  # from Celery 4: what `task` was is `shared_task` now
    "celery.task": "shared_task",
    "celery.task.task": "shared_task",
    "celery.decorators.task": "shared_task",
}
Changed = tuple[list[Judgement], cst.CSTNode | None]


def plain(node: cst.Import) -> Changed:
    """Judges `import celery`, and changes it to `import bureau.celery as celery`."""
    judgements: list[Judgement] = []
    aliases: list[cst.ImportAlias] = []
    changed = False
    for alias in node.names:
        name = alias.evaluated_name
        if (why := _of_family(name)) is not None:
            judgements.append(by_hand(Kind.IMPORT, why, f"import {name}"))
        elif name == "celery" or (name.startswith("celery.") and has(name)):
            judgements.append(Judgement(Kind.IMPORT, Verdict.REWRITTEN))
            changed = True
            aliases += _plain_aliases(alias, name)
            continue
        elif name.startswith("celery."):
            judgements.append(by_hand(Kind.IMPORT, reason(name), f"import {name}"))
        aliases.append(alias)
    return judgements, node.with_changes(names=_separated(aliases)) if changed else None


def of_names(node: cst.ImportFrom) -> Changed:
    """Judges `from celery import …`; names that the names layer does not have stay where they are."""
    module = dotted(node.module)
    if node.relative or module is None:
        return [], None
    if (why := _of_family(module)) is not None:
        return [by_hand(Kind.IMPORT, why)], None
    if module != "celery" and not module.startswith("celery."):
        return [], None
    if isinstance(node.names, cst.ImportStar):
        return [by_hand(Kind.IMPORT, "Name what is imported.")], None
    names = [alias.evaluated_name for alias in node.names]
    missing = [name for name in names if not has(f"{module}.{name}") and f"{module}.{name}" not in _RENAMED]
    if missing:
        whys = [f"{name}: {reason(f'{module}.{name}')}" for name in missing]
        return [by_hand(Kind.IMPORT, " ".join(whys))], None
    return [Judgement(Kind.IMPORT, Verdict.REWRITTEN)], _moved(node, module)


def _moved(node: cst.ImportFrom, module: str) -> cst.ImportFrom:
    aliases: list[cst.ImportAlias] = []
    for alias in node.names if not isinstance(node.names, cst.ImportStar) else ():
        new = _RENAMED.get(f"{module}.{alias.evaluated_name}")
        if new:
            name = cst.AsName(cst.Name(alias.evaluated_alias or alias.evaluated_name))
            aliases.append(cst.ImportAlias(cst.Name(new), asname=name, comma=alias.comma))
        else:
            aliases.append(alias)
    target = "celery" if module in ("celery.task", "celery.decorators") else module
    return node.with_changes(module=_name(f"bureau.{target}"), names=aliases)


def _plain_aliases(alias: cst.ImportAlias, name: str) -> Sequence[cst.ImportAlias]:
    if alias.asname is not None:
        return [cst.ImportAlias(_name(f"bureau.{name}"), asname=alias.asname)]
    first = cst.ImportAlias(_name("bureau.celery"), asname=cst.AsName(cst.Name("celery")))
    return [first] if name == "celery" else [cst.ImportAlias(_name(f"bureau.{name}")), first]


def _separated(aliases: Sequence[cst.ImportAlias]) -> list[cst.ImportAlias]:
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    last = len(aliases) - 1
    return [
        alias.with_changes(comma=comma if index < last else cst.MaybeSentinel.DEFAULT)
        for index, alias in enumerate(aliases)
    ]


def _of_family(name: str) -> str | None:
    return _FAMILY.get(name.partition(".")[0])


def _name(text: str) -> cst.Attribute | cst.Name:
    first, *others = text.split(".")
    node: cst.Attribute | cst.Name = cst.Name(first)
    for other in others:
        node = cst.Attribute(node, cst.Name(other))
    return node
