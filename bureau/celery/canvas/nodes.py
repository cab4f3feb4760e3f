"""Defines chain, group and chord: signatures of several tasks."""

from collections.abc import Mapping
from itertools import count
from typing import Any, ClassVar

from bureau.celery import state
from bureau.celery.canvas import launch
from bureau.celery.canvas.eager import EagerChain, eager_group
from bureau.celery.canvas.signature import Signature, maybe_signature
from bureau.celery.exceptions import NotInBureau


class _Node(Signature):
    """Is a signature whose kwargs hold others."""

    def apply_async(self, args: Any = None, kwargs: Any = None, route_name: str | None = None, **options: Any) -> Any:
        if state.conf().task_always_eager:
            return self.apply(args, kwargs, **{**self["options"], **options})
        return launch.launch(self, {**self["options"], **options}, args=tuple(args or ()), kwargs=kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.apply_async(args, kwargs)

    @property
    def type(self) -> Any:
        return type(self)


class chain(_Node):  # noqa: N801 - Celery's name, as the next
    """Runs tasks one after the other; each gets the result of the one before it first."""

    subtask: ClassVar[str | None] = "chain"

    def __new__(cls, *steps: Any, **_: Any) -> Any:
        """Returns the only step itself, as in Celery."""
        found = _listed(steps)
        if len(found) == 1 and cls is chain and isinstance(found[0], Signature):
            return found[0]
        return super().__new__(cls)

    def __init__(self, *steps: Any, **options: Any) -> None:
        if len(steps) == 1 and steps[0] is self:  # Python calls it with what `__new__` returned
            return
        found = [inner for step in _listed(steps) for inner in maybe_signature(step).steps()]
        super().__init__("celery.chain", (), {"tasks": found}, options, subtask_type="chain")

    @classmethod
    def from_steps(cls, steps: list[Signature]) -> Signature:
        made = Signature.__new__(cls)
        chain.__init__(made, *steps)
        return made

    @property
    def tasks(self) -> list[Signature]:
        return [maybe_signature(one) for one in self["kwargs"]["tasks"]]

    def steps(self) -> list[Signature]:
        """Returns the steps; a chain with options of its own, such as link_error, stays one."""
        return [self] if self["options"] else self.tasks

    def apply(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        return EagerChain(self.tasks, options).run(tuple(args or ()), dict(kwargs or {}))

    def __len__(self) -> int:
        return len(self["kwargs"]["tasks"])

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return " | ".join(repr(one) for one in self.tasks)


class group(_Node):  # noqa: N801
    """Runs tasks at the same time. Each is a job of its own, unless something waits for all of them."""

    subtask: ClassVar[str | None] = "group"

    def __init__(self, *members: Any, **options: Any) -> None:
        found = [maybe_signature(one) for one in _listed(members)]
        super().__init__("celery.group", (), {"tasks": found}, options, subtask_type="group")

    @property
    def tasks(self) -> list[Signature]:
        return [maybe_signature(one) for one in self["kwargs"]["tasks"]]

    def __or__(self, other: Any) -> Signature:  # type: ignore[override]
        return chord(self, body=other) if isinstance(other, Signature) else NotImplemented

    def apply(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        return eager_group(self.tasks, tuple(args or ()), dict(kwargs or {}), options)

    def skew(self, start: float = 1.0, stop: float | None = None, step: float = 1.0) -> "group":
        """Gives the members countdowns that grow."""
        for task, seconds in zip(self["kwargs"]["tasks"], count(start, step), strict=False):
            task.set(countdown=seconds if stop is None else min(seconds, stop))
        return self

    def set_immutable(self, immutable: bool) -> None:
        for task in self["kwargs"]["tasks"]:
            task.set_immutable(immutable)

    def link(self, callback: Signature) -> Signature:
        self["kwargs"]["tasks"][0].link(callback)
        return callback

    def link_error(self, errback: Signature) -> Signature:
        for task in self["kwargs"]["tasks"]:
            task.link_error(errback)
        return errback

    def __len__(self) -> int:
        return len(self["kwargs"]["tasks"])

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"group({self.tasks!r})"


class chord(_Node):  # noqa: N801
    """Runs the tasks of its header at the same time, and then its body with the list of their results."""

    subtask: ClassVar[str | None] = "chord"

    def __init__(
        self, header: Any, body: Any = None, task: str = "celery.chord", args: Any = None, **options: Any
    ) -> None:
        header = maybe_signature(header)
        if not isinstance(header, group):
            header = group([header] if isinstance(header, Signature) else header)
        super().__init__(task, (), {"header": header, "body": maybe_signature(body)}, options, subtask_type="chord")

    @property
    def body(self) -> Any:
        return maybe_signature(self["kwargs"]["body"])

    @property
    def tasks(self) -> Any:
        return maybe_signature(self["kwargs"]["header"])

    def __call__(self, body: Any = None, **options: Any) -> Any:
        return self.apply_async((), {"body": body} if body is not None else {}, **options)

    def apply_async(self, args: Any = None, kwargs: Any = None, route_name: str | None = None, **options: Any) -> Any:
        kwargs = dict(kwargs or {})
        body = kwargs.pop("body", None) or self.body
        if body is None:  # a header alone is a group
            return self.tasks.apply_async(args, kwargs, **options)
        made = chord(self.tasks, body, **self["options"])
        if state.conf().task_always_eager:
            return made.apply(args, kwargs, **options)
        return launch.launch(made, {**self["options"], **options}, args=tuple(args or ()), kwargs=kwargs)

    def apply(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        kwargs = dict(kwargs or {})
        body = kwargs.pop("body", None) or self.body
        return EagerChain([self.tasks, body], options).run(tuple(args or ()), kwargs)

    def set_immutable(self, immutable: bool) -> None:
        self["kwargs"]["body"].set_immutable(immutable)

    def link(self, callback: Signature) -> Signature:
        self["kwargs"]["body"].link(callback)
        return callback

    def link_error(self, errback: Signature) -> Signature:
        self["kwargs"]["body"].link_error(errback)
        return errback

    def __len__(self) -> int:
        return len(self.tasks)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"chord({self.tasks!r}, {self.body!r})"


def _listed(given: Any) -> list[Any]:
    """Returns the members that were given as arguments, as a list or as a generator."""
    if len(given) == 1 and not isinstance(given[0], Mapping) and hasattr(given[0], "__iter__"):
        given = given[0]
    return [one for one in given if one is not None]


def refused(name: str, instead: str) -> Any:
    """Returns a function that refuses a name of Celery's canvas."""

    def refuse(*_args: Any, **_: Any) -> Any:
        raise NotInBureau(f"{name}: Bureau has no such task; write {instead}")

    return refuse


xmap = refused("xmap", "group(task.s(item) for item in items)")
xstarmap = refused("xstarmap", "group(task.s(*items) for items in rows)")
chunks = refused("chunks", "group(task.s(part) for part in parts), with a task that loops over a part")
