"""Makes a process die, freeze or misbehave at a named place.

Python imports this by its name at every start if this folder is on PYTHONPATH. Only fault tests put it there, and
nothing in Bureau knows of it.

A point fires if a file `<program>.<point>` is in the folder FAILPOINTS (`*.<point>` for any program); the program is
supervisor's name for the process. The file's text is the action; the process that removes the file first carries it
out, once. The actions are:

    kill        SIGKILL to itself
    freeze      the thread never continues
    pause 2.5   the thread continues after so many seconds
    double      (at `publish`) the message is published twice, as long as the file exists
    drop 10     (at `publish`) every tenth message is not published, as long as the file exists

The last two write a byte for each message to the files `.doubled` and `.dropped`.

SIGUSR1 writes every thread's stack to stderr, which shows what a test waits for in vain.

FAILPOINT_SETTINGS is JSON: `{"bureau.messaging.broker:STUCK_SECONDS": 3}` replaces the module's own constant before the
module runs, so that its functions' defaults and all importers have the new value too.
"""

import ast
import faulthandler
import functools
import importlib.machinery
import itertools
import json
import os
import signal
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

Function = Callable[..., Any]


def fire(point: str) -> None:
    """Acts where the point's file is there and nobody else was first."""
    for program in (_PROGRAM, "*"):
        file = _FOLDER / f"{program}.{point}"
        try:
            act = file.read_text()
            file.unlink()
        except FileNotFoundError:
            continue
        _act(act)


def _act(act: str) -> None:
    match act.split():
        case ["kill"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["freeze"]:
            threading.Event().wait()
        case ["pause", seconds]:
            threading.Event().wait(float(seconds))
        case _:
            raise ValueError(f"no such act: {act!r}")


def _note(name: str) -> None:
    with (_FOLDER / name).open("ab") as file:
        file.write(b".")


def before(point: str) -> Callable[[Function], Function]:
    def wrap(function: Function) -> Function:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            fire(point)
            return function(*args, **kwargs)

        return wrapped

    return wrap


def after(point: str) -> Callable[[Function], Function]:
    """After the function returned something: an empty answer is no claim, no take-back, nothing done."""

    def wrap(function: Function) -> Function:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            if result is not None:
                fire(point)
            return result

        return wrapped

    return wrap


def waking_the_relay(function: Function) -> Function:
    """`Loop.wake`, of the relay's loop only: what made it due has been committed."""

    @functools.wraps(function)
    def wrapped(loop: Any) -> None:
        if loop.name == "relay":
            fire("wake")
        function(loop)

    return wrapped


def with_a_batch(function: Function) -> Function:
    """`Relay._publish`: rows are stamped, nothing of them is published."""

    @functools.wraps(function)
    def wrapped(relay: Any, queue: str, batch: Sequence[Any]) -> None:
        if batch:
            fire("stamped")
        function(relay, queue, batch)

    return wrapped


def publishing(function: Function) -> Function:
    """`HintBroker.enqueue`: twice, not every time, and dying in the middle of a batch."""
    counted = itertools.count(1)

    @functools.wraps(function)
    def wrapped(broker: Any, message: Any, **options: Any) -> Any:
        try:
            mode = (_FOLDER / f"{_PROGRAM}.publish").read_text().split()
        except FileNotFoundError:
            mode = []
        if mode[:1] == ["drop"] and next(counted) % int(mode[1]) == 0:
            _note(".dropped")
            return message
        if mode == ["double"]:
            function(broker, message, **options)
            _note(".doubled")
        published = function(broker, message, **options)
        fire("published")
        return published

    return wrapped


# module -> (name in it, what is put around it)
POINTS: dict[str, list[tuple[str, Callable[[Function], Function]]]] = {
    "bureau.runtime.claiming": [
        ("Claiming.claim", before("before_claim")),
        ("Claiming.claim", after("after_claim")),
        ("Claiming.claim_group", after("group_claimed")),  # of coroutines: committed, none has begun
    ],
    "bureau.runtime.finishing": [
        ("Finishing.finish", before("before_finish")),  # the effect has happened
        ("Finishing.finish_group", before("before_finish")),
        ("Finishing._after", before("after_finish")),  # committed, the relay not yet woken
        ("Finishing.finish_group", before("before_group_finish")),  # coroutines have returned
        ("Finishing.finish_group", after("group_finished")),  # committed, their hints not settled
    ],
    "bureau.runtime.execution.execution": [("Execution.log", before("in_the_middle"))],
    "bureau.messaging.consumer": [
        ("HintConsumer.ack", before("before_ack")),
        ("HintConsumer.__next__", before("turn")),
    ],
    "bureau.messaging.broker": [("HintBroker.enqueue", publishing)],
    "bureau.messaging.relay": [("Relay._publish", with_a_batch)],
    "bureau.ledger.submissions.statement": [("submit_batch", before("in_group"))],  # nothing of it is written
    "bureau.services.gateway.submitter": [("Submitter._publish", before("accepted"))],  # committed, hints not handed on
    "bureau.process.background_loop": [("Loop.wake", waking_the_relay)],
    "bureau.ledger.jobs.claim": [("_claim", after("in_claim"))],  # a group's rows are claimed, no thread has its claim
    "bureau.ledger.jobs.one_statement.lone_success": [
        ("end_lone", before("before_lone_ends")),  # a group's tasks have ended, nothing of it is written
        ("end_lone", after("after_lone_ends")),  # it is committed, nobody was told
    ],
    "bureau.ledger.jobs.one_statement.link_success": [
        ("end_links", before("in_finish")),  # a group's tasks have ended, nothing of it is written
        ("end_links", after("after_links")),  # it is committed, nobody was told
    ],
    "bureau.ledger.mail.first_intents": [
        ("open_first", before("in_intents")),  # a group's mails are about to be sent, no intent is written
        ("open_first", after("intents_written")),  # the intents are committed, no thread knows
    ],
    "bureau.ledger.mail.deliveries": [
        ("close_all", before("in_delivery_ends")),  # a group's mails are there, nothing of their ends is written
    ],
    "bureau.ledger.jobs.leases": [("_take_back", after("taken_back"))],
    "bureau.ledger.jobs.locked_job": [
        ("write_jobs", before("in_finish"))
    ],  # task and dependents written, not committed
    "bureau.services.mailer.delivery_log": [
        ("DeliveryLog._opened", after("intent_written")),  # committed, and the mail not begun
        ("DeliveryLog.move", after("moved")),  # its row names the next transport
    ],
    "bureau.services.mailer.transports.smtp": [
        ("SmtpTransport._ended", before("before_dot")),  # the mail is there but for its end
        ("SmtpTransport._ended", after("after_dot")),  # the server took it, the ledger does not know
    ],
}


class Patching:
    """Finds modules where Python does, and changes the modules above once they have run."""

    def __init__(self, constants: dict[str, dict[str, Any]]) -> None:
        self._constants = constants

    def find_spec(self, name: str, path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in POINTS and name not in self._constants:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            run: Function = spec.loader.exec_module
            if name in self._constants:
                run = functools.partial(_run_with, self._constants[name])
            spec.loader.exec_module = functools.partial(self._run, run)  # type: ignore[method-assign]
        return spec

    def _run(self, run: Function, module: ModuleType) -> None:
        run(module)
        for name, wrap in POINTS.get(module.__name__, ()):
            owner, _, attribute = name.rpartition(".")
            holder = getattr(module, owner) if owner else module
            setattr(holder, attribute, wrap(getattr(holder, attribute)))


def _run_with(constants: Mapping[str, Any], module: ModuleType) -> None:
    """Runs a module whose source says something else where it sets these names."""
    file = str(module.__file__)
    tree, left = ast.parse(Path(file).read_text()), set(constants)
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if name in left:
                statement.value = ast.copy_location(ast.Constant(constants[name]), statement)
                left.remove(name)
    if left:
        raise AttributeError(f"{module.__name__} sets no {', '.join(sorted(left))}")
    exec(compile(tree, file, "exec"), vars(module))  # noqa: S102 - our own


def _constants(text: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for place, value in json.loads(text).items():
        module, _, name = place.partition(":")
        found[module][name] = value
    return found


if "FAILPOINTS" in os.environ:
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    _FOLDER = Path(os.environ["FAILPOINTS"])
    _PROGRAM = os.environ.get("SUPERVISOR_PROCESS_NAME", "")
    sys.meta_path.insert(0, Patching(_constants(os.environ.get("FAILPOINT_SETTINGS", "{}"))))
