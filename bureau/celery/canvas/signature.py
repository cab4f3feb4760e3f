"""Defines Signature: a call that is not made yet, as data. It is a dict, as in Celery, so JSON can hold it."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, ClassVar, Self

from bureau.celery import state
from bureau.celery.canvas import launch
from bureau.celery.exceptions import NotInBureau, NotRegistered
from bureau.celery.results.result import AsyncResult
from bureau.celery.utils import uuid


class Signature(dict[str, Any]):
    """Names a task with arguments and options. Those of a call come before it, unless it is immutable."""

    TYPES: ClassVar[dict[str, type["Signature"]]] = {}
    subtask: ClassVar[str | None] = None

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if cls.subtask:
            Signature.TYPES[cls.subtask] = cls

    def __init__(
        self,
        task: Any = None,
        args: Any = None,
        kwargs: Any = None,
        options: Any = None,
        type: Any = None,
        subtask_type: str | None = None,
        immutable: bool = False,
        app: Any = None,
        **more: Any,
    ) -> None:
        if isinstance(task, Mapping):
            super().__init__(task)
            return
        super().__init__(
            task=task if isinstance(task, str) else task.name,
            args=tuple(args or ()),
            kwargs=dict(kwargs or {}),
            options={**(options or {}), **more},
            subtask_type=subtask_type,
            immutable=immutable,
        )

    @classmethod
    def from_dict(cls, found: Mapping[str, Any], app: Any = None) -> "Signature":
        """Returns the signature that a dict describes, such as one that came as JSON."""
        kind = cls.TYPES.get(found.get("subtask_type") or "", Signature)
        made = kind.__new__(kind)
        dict.__init__(made, found)
        return made

    task = property(lambda self: self["task"], lambda self, value: self.__setitem__("task", value))
    args = property(lambda self: tuple(self["args"]), lambda self, value: self.__setitem__("args", value))
    kwargs = property(lambda self: self["kwargs"], lambda self, value: self.__setitem__("kwargs", value))
    options = property(lambda self: self["options"], lambda self, value: self.__setitem__("options", value))
    immutable = property(
        lambda self: self.get("immutable", False), lambda self, value: self.__setitem__("immutable", value)
    )
    subtask_type = property(lambda self: self.get("subtask_type"))

    @property
    def name(self) -> str:
        return str(self["task"])

    @property
    def id(self) -> str | None:
        found: str | None = self["options"].get("task_id")
        return found

    @property
    def type(self) -> Any:
        """Returns the task. Raises `NotRegistered` if this process does not have it."""
        try:
            return state.TASKS[self["task"]]
        except KeyError:
            raise NotRegistered(self["task"]) from None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the task in this process."""
        args, kwargs, _ = self.merged(args, kwargs, force=True)
        return self.type(*args, **kwargs)

    def delay(self, *args: Any, **kwargs: Any) -> Any:
        return self.apply_async(args, kwargs)

    def apply_async(self, args: Any = None, kwargs: Any = None, route_name: str | None = None, **options: Any) -> Any:
        """Submits the task and returns its result."""
        args, kwargs, options = self.merged(args, kwargs, options)
        if self["task"] in state.TASKS:  # a project's own class may have an apply_async of its own
            return self.type.apply_async(args, kwargs, **options)
        return launch.launch(Signature(self["task"], args, kwargs), options)

    def apply(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Runs the task in this process and returns its result."""
        args, kwargs, options = self.merged(args, kwargs, options)
        return self.type.apply(args, kwargs, **options)

    def merged(
        self, args: Any = None, kwargs: Any = None, options: Any = None, *, force: bool = False
    ) -> tuple[tuple[Any, ...], dict[str, Any], dict[str, Any]]:
        """Returns arguments and options together with those of a call."""
        together = {**self["options"], **(options or {})}
        if self.immutable and not force:
            return self.args, dict(self["kwargs"]), together
        return (*(args or ()), *self.args), {**self["kwargs"], **(kwargs or {})}, together

    def clone(self, args: Any = None, kwargs: Any = None, **options: Any) -> Self:
        """Returns a copy with more arguments and options."""
        args, kwargs, options = self.merged(args, kwargs, options)
        made = deepcopy(self)
        made.update(args=args, kwargs=kwargs, options=options)
        return made

    partial = clone

    def replace(self, args: Any = None, kwargs: Any = None, options: Any = None) -> Self:
        """Returns a copy with other arguments or options."""
        made = self.clone()
        made.update({k: v for k, v in {"args": args, "kwargs": kwargs, "options": options}.items() if v is not None})
        return made

    def set(self, immutable: bool | None = None, **options: Any) -> Self:
        """Sets options of this signature and returns it."""
        if immutable is not None:
            self.set_immutable(immutable)
        self["options"].update(options)
        return self

    def set_immutable(self, immutable: bool) -> None:
        self["immutable"] = immutable

    def freeze(self, _id: str | None = None, **_: Any) -> AsyncResult:
        """Gives the task its id before it is submitted, and returns its result."""
        self["options"].setdefault("task_id", _id or uuid())
        return AsyncResult(self["options"]["task_id"])

    _freeze = freeze

    def link(self, callback: "Signature") -> "Signature":
        """Has `callback` run with the result, once the task succeeded."""
        return self._append("link", callback)

    def link_error(self, errback: "Signature") -> "Signature":
        """Has `errback` run if the task fails."""
        return self._append("link_error", errback)

    def on_error(self, errback: "Signature") -> Self:
        self.link_error(errback)
        return self

    def _append(self, key: str, made: "Signature") -> "Signature":
        found = self["options"].setdefault(key, [])
        found = self["options"][key] = list(found) if isinstance(found, list | tuple) else [found]
        if made not in found:
            found.append(made)
        return made

    def __or__(self, other: Any) -> "Signature":  # type: ignore[override]
        if not isinstance(other, Signature):
            return NotImplemented
        return self.TYPES["chain"].from_steps([*self.steps(), *other.steps()])

    def steps(self) -> "list[Signature]":
        """Returns what a chain makes of this: itself, or the steps of a chain."""
        return [self]

    @classmethod
    def from_steps(cls, steps: "list[Signature]") -> "Signature":
        raise NotImplementedError

    def __invert__(self) -> Any:
        return self.apply_async().get()

    def __deepcopy__(self, memo: Any) -> Self:
        made = type(self).__new__(type(self))
        dict.__init__(made, {key: _copied(value, memo) for key, value in self.items()})
        return made

    def __reduce__(self) -> Any:
        return signature, (dict(self),)

    def __json__(self) -> dict[str, Any]:
        return dict(self)

    def stamp(self, *_args: Any, **_: Any) -> Any:
        raise NotInBureau(
            "Signature.stamp: Bureau has no stamping; pass headers={…}, which come as self.request.headers"
        )

    def __repr__(self) -> str:
        parts = [repr(one) for one in self.args] + [f"{k}={v!r}" for k, v in self["kwargs"].items()]
        return f"{self['task']}({', '.join(parts)})"


def _copied(value: Any, memo: Any) -> Any:
    """Returns a copy of what may change; arguments that cannot be copied stay as they are."""
    if isinstance(value, Signature | dict | list | tuple):
        return deepcopy(value, memo)
    return value


def signature(varies: Any, *args: Any, **kwargs: Any) -> Signature:
    """Returns a signature: of a task, its name, a signature, or a dict that was one."""
    if isinstance(varies, Mapping):
        if isinstance(varies, Signature):
            return varies.clone()
        return Signature.from_dict(varies)
    return Signature(varies, *args, **kwargs)


def maybe_signature(found: Any, app: Any = None, clone: bool = False) -> Any:
    """Returns a dict that was a signature as one, and anything else as it is."""
    if isinstance(found, Signature):
        return found.clone() if clone else found
    return Signature.from_dict(found) if isinstance(found, dict) else found


subtask = signature
maybe_subtask = maybe_signature
