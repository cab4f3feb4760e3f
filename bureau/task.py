"""Defines `@task` and `Context`, the interface for authors of tasks.

    @task("shop.suma", max_attempts=4, time_limit_seconds=1800)
    def suma(ctx: Context, a: int, b: int) -> int:
        ctx.log("adding")
        return a + b

    @task("shop.price")
    async def price(ctx: Context, url: str) -> int:  # runs on the event loop, beside thousands of others
        await ctx.sleep(1)
        return 4

The prefix (`shop`) names the service, and the task's queue if `queue` names no other. Arguments and result are typed:
their JSON Schemas are announced, and the gateway validates submissions against them. A single parameter that is a
pydantic model is the whole input; otherwise, and for a single file (`ArtifactRef`), the input is an object with one
property per parameter.
"""

import asyncio
import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Generic, ParamSpec, TypeVar, get_type_hints
from uuid import UUID

from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter, create_model

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.base import Contract, clean
from bureau.contracts.catalog import RetryPolicy, TaskDescription
from bureau.contracts.errors import PermanentError
from bureau.contracts.jobs.jobs import QUEUE_NAME
from bureau.contracts.jobs.states import When
from bureau.contracts.mail.delivery import DeliveryEnd
from bureau.stop_token import StopToken
from bureau.task_files import ArtifactBlock, OpenBlock

P = ParamSpec("P")
R = TypeVar("R")


class Context(ABC):
    """Defines the interface of a running task: log lines, progress, files, and the token that asks it to stop.

    Every method raises `Stopped` after the execution was asked to stop; do not catch it. An `async def` task is
    cancelled at its `await` then.
    """

    job_id: UUID
    task_id: UUID
    owner: str
    attempt: int  # from 1
    claim_no: int  # the fencing token: grows with every claim of the task and is never reset
    stop: StopToken
    fails_at_time_limit: bool  # set it to have the time limit fail the task at once, without another attempt

    @abstractmethod
    def log(self, line: str) -> None:
        """Writes a line for people, shown on the job; it is cut to 1,000 characters."""

    @abstractmethod
    def progress(self, current: float, total: float | None = None, note: str | None = None) -> None:
        """Reports how far the task is; only the last report is kept. `note` names the unit."""

    @abstractmethod
    def meta(self, value: dict[str, Any]) -> None:
        """Keeps a small JSON object beside the progress, in place of the one before: at most 4 KiB.

        `tasks[].meta` of the job shows the last one, also when the task has ended. It is written together with the
        progress, about twice a second. Raises `PermanentError` (`invalid_meta`) for what is larger or no JSON object.
        """

    @abstractmethod
    def artifact(self, name: str, media_type: str) -> ArtifactBlock:
        """Opens a file of the job for writing as a stream. It becomes visible to others only when the task succeeds.

        In an `async def` task: `async with ctx.artifact(…) as file: await file.write(…)`.
        """

    @abstractmethod
    def keep(self, ref: ArtifactRef, name: str) -> None:
        """Keeps a file that this execution made, under `name`, for inspection even if the task fails permanently."""

    @abstractmethod
    def open(self, ref: ArtifactRef) -> OpenBlock:
        """Opens a stored file of the same owner. Raises `PermanentError` (`artifact_not_found`) for any other.

        In an `async def` task: `async with ctx.open(ref) as found: await found.file.read(65536)`.
        """

    async def sleep(self, seconds: float) -> None:
        """Sleeps in an `async def` task. In a `def` task it is `ctx.stop.wait(seconds)`."""
        self.stop.check()
        await asyncio.sleep(seconds)
        self.stop.check()

    @abstractmethod
    def add(
        self,
        name: str,
        run: str,
        input: dict[str, Any],
        *,
        after: Sequence[str] = (),
        when: When = When.SUCCEEDED,
        optional: bool = False,
        queue: str | None = None,
    ) -> None:
        """Adds a task to the job. It starts after this task succeeded, and is not created if this task fails.

        `after` names tasks that were added before, and `{"$result": "/name"}` in `input` stands for the result of one
        of them. `queue` names another queue than the task's own. In the job the task is called `<this task>:<name>`.
        Raises `PermanentError` (`invalid_added_task`).
        """

    @abstractmethod
    def raise_after(self, seconds: float, error: type[Exception]) -> None:
        """Has `error` raised in this `def` task, between two of its instructions, if it still runs in `seconds`.

        It is raised once, and an `except` may catch it: time to clean up before the time limit. What is blocked in C is
        reached when the call returns.
        """

    @abstractmethod
    def remove(self, ref: ArtifactRef) -> None:
        """Marks a stored file of the job to be deleted when the task succeeds."""

    @abstractmethod
    def delivered(self, end: DeliveryEnd) -> None:
        """Has the end of a mail's delivery written together with the end of this execution, whichever that is.

        For the mailer: a transaction of its own for each mail would cost as much as the finish.
        """


class Task(Generic[P, R]):
    """Holds a function with its name, its retry policy and the schemas made from its signature.

    A call of the task calls the function: `suma(ctx, 2, 2)`. An `async def` function runs on the event loop of its
    process (`is_async`), any other in a thread. The constructor raises `TypeError` for a signature that
    cannot be served, and `ValueError` for an invalid name or policy.

    `interruptible`: a task that was asked to stop and does not look at its context is interrupted by an exception
    between two of its instructions. Pass False for one that looks often and must not be interrupted anywhere else.
    `queue`: where it waits if its submission names no queue; the service's without it.
    """

    def __init__(
        self,
        name: str,
        function: Callable[P, R],
        *,
        max_attempts: int = 8,
        base_seconds: float = 1.0,
        cap_seconds: float = 300.0,
        time_limit_seconds: float = 1800.0,
        interruptible: bool = True,
        queue: str | None = None,
    ) -> None:
        self.name = name
        self.interruptible = interruptible
        self.function = function
        self.service = name.split(".", 1)[0]
        self.queue = _queue(name, self.service if queue is None else queue)
        self.is_async = inspect.iscoroutinefunction(function)
        hints = get_type_hints(function, include_extras=True)
        parameters = _parameters(name, function, hints)
        self._whole: type[BaseModel] | None = _only_model(parameters, hints)
        self._file: str | None = _only_file(parameters, hints)
        self._input = self._whole or _model_of(name, parameters, hints)
        self._result = _adapter(hints.get("return", Any))
        self.description = TaskDescription(
            name=name,
            description=inspect.getdoc(function) or "",
            queue=self.queue,
            input_schema=self._input.model_json_schema(),
            result_schema=self._result.json_schema(mode="serialization"),
            retry=RetryPolicy(max_attempts=max_attempts, base_seconds=base_seconds, cap_seconds=cap_seconds),
            time_limit_seconds=time_limit_seconds,
        )

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def run(self, ctx: Context, data: dict[str, Any]) -> Any:
        """Calls the function with a JSON input and returns its result as JSON. Raises as `parse` and `call` do."""
        return self.call(ctx, self.parse(data))

    def parse(self, data: dict[str, Any]) -> BaseModel:
        """Validates a JSON input and returns it in the function's types. Raises pydantic's ValidationError."""
        if self._file and isinstance(data.get("artifact"), str):  # submitted before 0.2.0, when the file was the input
            data = {self._file: data}
        return self._input.model_validate(data)

    def call(self, ctx: Context, parsed: BaseModel) -> Any:
        """Calls the function and returns its result as JSON.

        Raises the function's errors, and `PermanentError` (`result_not_json`) for a result that JSON cannot hold.
        """
        return self._as_json(self._called(ctx, parsed))

    async def call_async(self, ctx: Context, parsed: BaseModel) -> Any:
        """Awaits the function, which is `async def`, and returns its result as JSON. Raises as `call` does."""
        return self._as_json(await self._called(ctx, parsed))

    def _called(self, ctx: Context, parsed: BaseModel) -> Any:
        call: Callable[..., Any] = self.function
        if self._whole:
            return call(ctx, parsed)
        return call(ctx, **{field: getattr(parsed, field) for field in type(parsed).model_fields})

    def _as_json(self, result: Any) -> Any:
        try:
            return clean(self._result.dump_python(result, mode="json", by_alias=True))
        # pydantic's errors, bytes that are not text, or a value that contains itself
        except (ValueError, RecursionError) as error:
            raise PermanentError("result_not_json", f"The result cannot be written as JSON: {error}.") from error


def _queue(name: str, queue: str) -> str:
    """Returns the queue. Raises `ValueError` for a name that a queue cannot have."""
    if re.fullmatch(QUEUE_NAME, queue):
        return queue
    raise ValueError(
        f"task {name}: {queue!r} is no name of a queue: write a-z, 0-9, _ and -, a letter first, at most 40"
    )


def _parameters(name: str, function: Callable[..., Any], hints: dict[str, Any]) -> list[inspect.Parameter]:
    """Returns the parameters after the context, which is the first one. Raises `TypeError`."""
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"task {name}: a generator would not be run; return the result, do not yield it")
    parameters = list(inspect.signature(function).parameters.values())
    kind = hints.get(parameters[0].name, Context) if parameters else None
    if not (kind is Any or (inspect.isclass(kind) and (issubclass(kind, Context) or issubclass(Context, kind)))):
        raise TypeError(f"task {name}: its first parameter must be the execution's Context: def work(ctx: Context, …)")
    return parameters[1:]


def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Returns the serializer of results. It keeps NaN, so that the runner refuses it; pydantic would write null."""
    try:
        return TypeAdapter(kind, config=ConfigDict(ser_json_inf_nan="constants"))
    except PydanticUserError:  # a model has its own configuration
        return TypeAdapter(kind)


def _only_model(parameters: list[inspect.Parameter], hints: dict[str, Any]) -> type[BaseModel] | None:
    """Returns the model that is the whole input; None for several parameters, and for a file, which has a name."""
    kind = hints.get(parameters[0].name) if len(parameters) == 1 else None
    return kind if inspect.isclass(kind) and issubclass(kind, BaseModel) and kind is not ArtifactRef else None


def _only_file(parameters: list[inspect.Parameter], hints: dict[str, Any]) -> str | None:
    """Returns the name of the only parameter if it is a file."""
    names = [parameter.name for parameter in parameters]
    return names[0] if len(names) == 1 and hints.get(names[0]) is ArtifactRef else None


def _model_of(name: str, parameters: list[inspect.Parameter], hints: dict[str, Any]) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise TypeError(f"task {name}: parameter {parameter} cannot come from JSON; name each parameter")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints.get(parameter.name, Any), default)
    return create_model(name, __base__=Contract, **fields)


DECLARED: dict[str, Task[Any, Any]] = {}  # all tasks made by `@task`, for `bureau.worker`


def task(
    name: str,
    *,
    max_attempts: int = 8,
    base_seconds: float = 1.0,
    cap_seconds: float = 300.0,
    time_limit_seconds: float = 1800.0,
    interruptible: bool = True,
    queue: str | None = None,
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Makes a function a task that `bureau worker your.module` runs.

    Raises `ValueError` if another function has this name, and as `Task` does.
    """

    def declare(function: Callable[P, R]) -> Task[P, R]:
        declared = Task(
            name,
            function,
            max_attempts=max_attempts,
            base_seconds=base_seconds,
            cap_seconds=cap_seconds,
            time_limit_seconds=time_limit_seconds,
            interruptible=interruptible,
            queue=queue,
        )
        before = DECLARED.get(name, declared).function
        if (before.__module__, before.__qualname__) != (function.__module__, function.__qualname__):
            raise ValueError(f"task {name} is declared twice: {before.__qualname__} and {function.__qualname__}")
        DECLARED[name] = declared
        return declared

    return declare
