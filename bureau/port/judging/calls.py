"""Judges calls and names: what submits, retries, reads results, controls workers, listens to signals."""

from collections.abc import Iterator

import libcst as cst

from bureau.port.finding import Kind, Verdict
from bureau.port.judging.instances import instance_in
from bureau.port.judging.judgement import Judgement, by_hand, fine, judged
from bureau.port.judging.options import is_literal, keywords, wrong_call_options, wrong_task_options
from bureau.port.judging.renames import renamed
from bureau.port.known import names as support
from bureau.port.reading.meanings import FACTORIES
from bureau.port.reading.module import Module
from bureau.port.reading.project import Project

_SUBMITTING = frozenset({"delay", "apply_async", "delay_on_commit", "apply_async_on_commit"})
_SIGNATURES = frozenset({"s", "si", "signature"})
_CANVAS = frozenset(
    [
        "set",
        "link",
        "link_error",
        "on_error",
        "clone",
        "apply",
        "replace",
        "freeze",
        "set_immutable",
        "from_dict",
        "merged",
        "skew",
        "name",
        "id",
        "type",
        "tasks",
        "body",
        "args",
        "kwargs",
        "options",
        "get",
        "items",
        "keys",
        "values",
        "update",
        "copy",
        "append",
        "extend",
    ]
)
_BUILT = frozenset({"celery.chain", "celery.group", "celery.chord", "celery.signature"})
_MAPPED = {"celery.xmap": "map", "celery.xstarmap": "starmap", "celery.chunks": "chunks"}
_APP = frozenset(
    [
        "config_from_object",
        "autodiscover_tasks",
        "task",
        "register_task",
        "set_default",
        "set_current",
        "finalize",
        "tasks",
        "conf",
        "main",
        "config_from_envvar",
        "add_defaults",
        "add_periodic_task",
        "on_after_configure",
        "on_after_finalize",
        "timezone",
        "now",
        "send_task",
        "control",
        "Task",
    ]
)
_REQUEST = frozenset(
    [
        "id",
        "retries",
        "args",
        "kwargs",
        "hostname",
        "task",
        "called_directly",
        "is_eager",
        "eta",
        "expires",
        "timelimit",
        "root_id",
        "parent_id",
        "get",
        "chain",
        "chord",
        "children",
        "callbacks",
        "correlation_id",
        "delivery_info",
        "errbacks",
        "group",
        "group_index",
        "headers",
        "ignore_result",
        "logfile",
        "loglevel",
        "origin",
        "properties",
        "reply_to",
        "shadow",
        "stamps",
        "stamped_headers",
        "utc",
        "update",
        "bureau",
    ]
)
_APP_REASONS = {
    "worker_main": "Start a worker with Bureau's command: docs/cli.md.",
    "start": "Start a worker with Bureau's command: docs/cli.md.",
    "Worker": "Start a worker with Bureau's command: docs/cli.md.",
    "Beat": "The scheduler is a process of Bureau's.",
    "steps": "Bureau's worker has no bootsteps: use @lifespan, or a process of your own.",
    "user_options": "Bureau's command takes no options of the project: use environment variables.",
    "backend": "Results are in the ledger: read them through AsyncResult.",
    "connection": "There is no connection to a broker: ask the gateway, Bureau.readiness().",
    "connection_for_write": "There is no connection to a broker: ask the gateway, Bureau.readiness().",
    "connection_for_read": "There is no connection to a broker: ask the gateway, Bureau.readiness().",
    "connection_or_acquire": "There is no connection to a broker: ask the gateway, Bureau.readiness().",
    "pool": "There is no connection to a broker: ask the gateway, Bureau.readiness().",
    "broker_connection": "There is no connection to a broker: ask the gateway, Bureau.readiness().",
    "amqp": "There is no connection to a broker: queues are listed by `bureau queues`.",
    "events": "Events are read from Bureau: Job.follow(), docs/events.md.",
    "log": "Bureau's worker sets up its logs itself.",
    "loader": "Bureau's worker imports the modules on its command line.",
}


def judged_call(call: cst.Call, project: Project, module: Module) -> Iterator[Judgement]:
    """Judges a call; yields nothing for one that has nothing to do with Celery."""
    meaning = project.meaning(call.func, module)
    if meaning is None:
        yield from _unknown(call, module)
        return
    owner, _, name = meaning.rpartition(".")
    if meaning in _BUILT:
        yield fine(Kind.CANVAS)
    elif meaning in _MAPPED:
        yield by_hand(Kind.CANVAS, support.TASK_REASONS[_MAPPED[meaning]])
    elif meaning == "@canvas" or (owner in ("@task", "@canvas", "@app") and name in {*_SUBMITTING, "send_task"}):
        yield _submission(call, module)
    elif meaning == "@task.retry":
        yield judged(Kind.RETRY, _wrong_retry(call))
    elif owner == "@task":
        yield from _of_task(name)
    elif owner == "@canvas":
        yield (
            fine(Kind.CANVAS) if name in _CANVAS else by_hand(Kind.CANVAS, f"{name}: The names layer does not have it.")
        )
    elif meaning.startswith(("@task.request.", "celery.exceptions.")):
        yield from _context(meaning)
    elif meaning in FACTORIES and call.args and not call.args[0].keyword:
        yield judged(Kind.TASK, wrong_task_options(keywords(call)))
    elif meaning == "celery.Celery":
        yield judged(Kind.APP, _app_options(call))
    else:
        yield from _named(meaning)


def judged_attribute(
    node: cst.BaseExpression, project: Project, module: Module, *, decorates: bool = False
) -> Iterator[Judgement]:
    """Judges a name that is not called: `self.request.retries`, `@task_failure.connect`, `result.state`."""
    meaning = project.meaning(node, module)
    if meaning is None:
        return
    if meaning.startswith("@task.request."):
        yield from _context(meaning)
    elif meaning.startswith("@result."):
        name = meaning.rpartition(".")[2]
        yield judged(Kind.RESULT, [f"{name}: {support.RESULT_REASONS[name]}"] if name in support.RESULT_REASONS else [])
    elif meaning.startswith("@app.") and meaning.split(".")[1] in _APP_REASONS:
        yield by_hand(Kind.APP, _APP_REASONS[meaning.split(".")[1]])
    elif decorates and meaning.startswith("celery.signals."):
        yield from _named(meaning)


def _unknown(call: cst.Call, module: Module) -> Iterator[Judgement]:
    """Judges `.delay(…)` of something that cannot be followed: at run time it is a task, or something else."""
    if isinstance(call.func, cst.Attribute) and call.func.attr.value in _SUBMITTING:
        found = _submission(call, module)
        yield Judgement(found.kind, found.verdict, found.why, certain=False)


def _submission(call: cst.Call, module: Module) -> Judgement:
    name = call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
    sends = name in ("apply_async", "apply_async_on_commit", "send_task")
    reasons = wrong_call_options((name, value) for name, value in keywords(call) if name != "name") if sends else []
    if (instance := instance_in(call, module)) is not None:
        reasons.append(
            f"{module.code(instance)} is an instance of a model, and an input is JSON: pass its primary key, and read "
            "it in the task."
        )
    if not reasons and (changes := renamed(call)):
        why = ", ".join(f"{new.value} in place of {old.value}" for old, new in changes.items())
        return Judgement(Kind.CALL, Verdict.REWRITTEN, why)
    return judged(Kind.CALL, reasons)


def _of_task(name: str) -> Iterator[Judgement]:
    if name in support.TASK_REASONS:
        kind = Kind.CANVAS if name in ("map", "starmap", "chunks") else Kind.CONTEXT
        yield by_hand(kind, support.TASK_REASONS[name])
    elif name in _SIGNATURES:
        yield fine(Kind.CANVAS)
    elif name in ("update_state", "apply", "run", "__call__"):
        yield fine(Kind.CONTEXT if name == "update_state" else Kind.CALL)


def _wrong_retry(call: cst.Call) -> list[str]:
    """Returns why a retry does not move: Bureau repeats a task as it was submitted."""
    repeated = {"exc", "throw", "eta", "countdown", "max_retries"}
    wrong = [
        name
        for name, value in keywords(call)
        if (name not in repeated and not is_literal(value, "None")) or (name == "throw" and is_literal(value, "False"))
    ]
    if any(not argument.keyword and not argument.star for argument in call.args):
        wrong.insert(0, "args")
    if not wrong:
        return []
    return [f"{', '.join(wrong)}: Bureau repeats a task as it was submitted: call apply_async(…) and return."]


def _context(meaning: str) -> Iterator[Judgement]:
    name = meaning.removeprefix("@task.request.").split(".")[0]
    if meaning.startswith("celery.exceptions."):
        yield fine(Kind.CONTEXT) if support.has(meaning) else by_hand(Kind.CONTEXT, support.reason(meaning))
    elif name in _REQUEST:
        yield fine(Kind.CONTEXT)
    else:
        yield by_hand(Kind.CONTEXT, f"{name}: The request of a running task does not hold it.")


def _named(meaning: str) -> Iterator[Judgement]:
    parts = meaning.split(".")
    last = parts[-1]
    if meaning.startswith("@app.control.") or parts[0] == "@inspect":
        known = support.INSPECT if parts[0] == "@inspect" else support.CONTROL
        yield (
            fine(Kind.CONTROL)
            if last in known
            else by_hand(Kind.CONTROL, support.CONTROL_REASONS.get(last, "The names layer does not have it."))
        )
    elif meaning.startswith("celery.signals.") and last in ("connect", "disconnect", "send"):
        signal = parts[2]
        yield (
            fine(Kind.SIGNAL)
            if signal in support.SIGNALS
            else by_hand(Kind.SIGNAL, support.reason(f"celery.signals.{signal}"))
        )
    elif parts[0] == "@app" and len(parts) > 1:
        if parts[1] in _APP_REASONS:
            yield by_hand(Kind.APP, _APP_REASONS[parts[1]])
        elif parts[1] in _APP and parts[1] not in ("conf", "task"):
            yield fine(Kind.APP)
    elif parts[0] == "@result" and len(parts) > 1:
        why = support.RESULT_REASONS.get(parts[1])
        yield by_hand(Kind.RESULT, why) if why else fine(Kind.RESULT)
    elif meaning.startswith("celery.result."):
        yield fine(Kind.RESULT)
    elif parts[0] == "celery" and parts[1:2] != ["schedules"] and not support.has(meaning) and last[:1].islower():
        yield by_hand(Kind.APP, support.reason(meaning))


def _app_options(call: cst.Call) -> list[str]:
    return [f"{name}: {why}" for name, _ in keywords(call) if (why := _APP_OPTIONS.get(name))]


_APP_OPTIONS = {
    "task_cls": "See the class: it may only hold options.",
    "loader": "Bureau's worker imports the modules on its command line.",
    "amqp": "There is no connection to a broker.",
    "events": "Events are read from Bureau: Job.follow(), docs/events.md.",
    "log": "Bureau's worker sets up its logs itself.",
    "control": "The names layer has a control of its own.",
}
