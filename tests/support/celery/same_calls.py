"""Lists calls whose outcome is the same on Celery and on Bureau."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from types import ModuleType
from typing import Any
from uuid import UUID

MOMENT = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
Call = Callable[[Any, ModuleType], Any]  # takes the tasks and the package, returns a result

ANY_WAY: dict[str, Call] = {
    "a value": lambda t, c: t.add.delay(2, 3),
    "keywords": lambda t, c: t.add.apply_async(kwargs={"a": 2, "b": 3}),
    "what JSON has": lambda t, c: t.echo.delay(1, 2.5, "é", None, True, [1, [2]], {"a": {"b": 1}}),
    "a tuple is a list": lambda t, c: t.echo.delay((1, 2)),
    "keys are text": lambda t, c: t.echo.delay({1: "a", None: "b"}),
    "times and numbers": lambda t, c: t.echo.delay(
        MOMENT, date(2026, 1, 2), MOMENT.time(), Decimal("1.10"), UUID(int=7)
    ),
    "bytes": lambda t, c: t.echo.delay(b"text", b"\xff\x00"),
    "an exception": lambda t, c: t.fails.delay("no"),
    "a retry": lambda t, c: t.third_time.delay(),
    "retries that are used up": lambda t, c: t.never.delay(),
    "retries that are used up without an exception": lambda t, c: t.never.delay(own=False),
    "an automatic retry": lambda t, c: t.again.delay("connection"),
    "only what asks for a retry is retried": lambda t, c: t.again.delay("other"),
    "what is excepted from it": lambda t, c: t.but_not.delay(),
    "more retries than declared": lambda t, c: t.more_than_declared.delay(),
    "a chain": lambda t, c: (t.add.s(1, 2) | t.add.s(3) | t.add.s(b=4)).delay(),
    "a chain of its own name": lambda t, c: c.chain(t.add.s(1, 2), t.add.s(3))(),
    "a chain that is given the first argument": lambda t, c: c.chain(t.add.s(2), t.add.s(3)).delay(1),
    "an immutable step": lambda t, c: c.chain(t.add.s(1, 2), t.add.si(10, 20), t.add.s(1)).delay(),
    "a chain of one": lambda t, c: c.chain(t.add.s(1, 2)).delay(),
    "a group": lambda t, c: c.group(t.add.s(i, i) for i in range(3)).delay(),
    "a group with an argument": lambda t, c: c.group([t.add.s(1), t.add.s(2)])(10),
    "a chord": lambda t, c: c.chord([t.add.s(1, 1), t.add.s(2, 2)])(t.total.s()),
    "a chord with more arguments": lambda t, c: c.chord((t.add.s(i, i) for i in range(4)), t.total.s(more=100)).delay(),
    "a group and what follows": lambda t, c: (c.group(t.add.s(1, 1), t.add.s(2, 2)) | t.total.s() | t.add.s(1)).delay(),
    "a step before a group": lambda t, c: (t.add.s(1, 1) | c.group(t.add.s(1), t.add.s(2)) | t.total.s()).delay(),
    "a chain in a group": lambda t, c: c.chord([t.add.s(1, 1) | t.add.s(5), t.add.s(2, 2)], t.total.s()).delay(),
    "a clone with more": lambda t, c: t.add.s(2).clone(args=(1,)).delay(),
    "a signature that was JSON": lambda t, c: c.signature(dict(t.add.s(1, 2)), app=t.add.app).delay(),
    "a group of calls of a chord's body": lambda t, c: c.chord([t.add.s(1, 1)], t.total.si([5, 6])).delay(),
}
NOT_EAGER: dict[str, Call] = {  # in this process Celery raises what a step raised where others come after it
    "a chain that breaks": lambda t, c: c.chain(t.add.s(1, 2), t.fails.si("broken"), t.add.s(1)).delay(),
    "a group of which one fails": lambda t, c: c.group(t.add.s(1, 1), t.fails.s("one")).delay(),
}


def outcome(result: Any, seconds: float) -> Any:
    """What came out: a value, or the class and the words of an exception."""
    try:
        return result.get(timeout=seconds)
    except Exception as error:  # noqa: BLE001 - whatever a task raised
        return type(error).__name__, str(error).partition("[")[0]  # an id may follow
