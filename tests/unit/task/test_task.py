"""Tests tasks: schemas made from signatures, inputs and results as JSON."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.errors import PermanentError
from bureau.contracts.schemas import Schema
from bureau.task import Context, Task
from tests.support.context import FakeContext

FILE = "7f3e0f5e-3c4e-4c1e-9d0c-0d7d7d7d7d7d"


@pytest.fixture
def ctx(tmp_path: Path) -> FakeContext:
    return FakeContext(tmp_path)


def a_task(function: Callable[..., Any], **policy: Any) -> Task[Any, Any]:
    return Task("shop.work", function, **policy)


def suma(ctx: Context, a: int, b: int = 2) -> int:
    """Adds two numbers."""
    return a + b


class Order(BaseModel):
    """A whole input."""

    model_config = ConfigDict(extra="forbid")
    number: int = Field(ge=1)
    items: list[str] = []


@dataclass
class Point:
    """A result of several values."""

    x: int
    y: float


def test_a_task_describes_itself() -> None:
    described = a_task(suma, max_attempts=4, base_seconds=2, cap_seconds=60, time_limit_seconds=90).description
    assert (described.name, described.queue, described.description) == ("shop.work", "shop", "Adds two numbers.")
    assert (described.retry.max_attempts, described.retry.base_seconds, described.retry.cap_seconds) == (4, 2, 60)
    assert described.time_limit_seconds == 90
    assert described.result_schema == {"type": "integer"}


def test_the_input_is_an_object_with_a_property_a_parameter() -> None:
    schema = a_task(suma).description.input_schema
    assert schema["type"] == "object"
    assert schema["required"] == ["a"]
    assert schema["additionalProperties"] is False
    assert {name: (of["type"], of.get("default")) for name, of in schema["properties"].items()} == {
        "a": ("integer", None),
        "b": ("integer", 2),
    }


def test_a_task_without_parameters_takes_an_empty_object(ctx: FakeContext) -> None:
    def ping(ctx: Context) -> str:
        return "pong"

    made = a_task(ping)
    assert made.description.input_schema["properties"] == {}
    assert made.run(ctx, {}) == "pong"
    with pytest.raises(ValidationError):
        made.run(ctx, {"a": 1})


def test_a_single_model_is_the_whole_input(ctx: FakeContext) -> None:
    def ship(ctx: Context, order: Order) -> int:
        return order.number + len(order.items)

    made = a_task(ship)
    assert set(made.description.input_schema["properties"]) == {"number", "items"}
    assert made.run(ctx, {"number": 2, "items": ["a"]}) == 3
    with pytest.raises(ValidationError):
        made.run(ctx, {"order": {"number": 2}})


def test_a_single_file_is_a_property_with_the_name_of_its_parameter(ctx: FakeContext) -> None:
    def shrink(ctx: Context, photo: ArtifactRef) -> str:
        return str(photo.artifact)

    made = a_task(shrink)
    assert set(made.description.input_schema["properties"]) == {"photo"}
    assert made.run(ctx, {"photo": {"artifact": FILE}}) == FILE
    assert made.run(ctx, {"artifact": FILE, "name": None}) == FILE  # accepted by 0.1.0, where the file was the input


def test_a_single_file_may_be_called_artifact(ctx: FakeContext) -> None:
    def shrink(ctx: Context, artifact: ArtifactRef) -> str:
        return str(artifact.artifact)

    made = a_task(shrink)
    assert made.run(ctx, {"artifact": {"artifact": FILE}}) == made.run(ctx, {"artifact": FILE}) == FILE


def test_a_model_beside_another_parameter_is_a_property(ctx: FakeContext) -> None:
    def ship(ctx: Context, order: Order, express: bool = False) -> list[Any]:
        return [order.number, express]

    made = a_task(ship)
    assert set(made.description.input_schema["properties"]) == {"order", "express"}
    assert made.run(ctx, {"order": {"number": 2}}) == [2, False]


def test_constraints_of_a_parameter_are_announced_and_checked(ctx: FakeContext) -> None:
    def roll(ctx: Context, dice: Annotated[int, Field(ge=1, le=6, description="how many")]) -> int:
        return dice

    made = a_task(roll)
    described = made.description.input_schema["properties"]["dice"]
    assert (described["minimum"], described["maximum"], described["description"]) == (1, 6, "how many")
    with pytest.raises(ValidationError):
        made.run(ctx, {"dice": 7})


def test_announced_schemas_are_such_as_the_gateway_admits() -> None:
    def much(
        ctx: Context,
        order: Order,
        at: datetime,
        day: date,
        id_: UUID,
        price: Decimal,
        tags: set[str],
        other: Any = None,
    ) -> dict[str, list[Point]] | None:
        return None

    described = a_task(much).description
    Schema(described.input_schema)
    Schema(described.result_schema)


def test_parameters_without_types_take_anything(ctx: FakeContext) -> None:
    def echo(ctx, value, other=None):  # type: ignore[no-untyped-def]
        return [value, other]

    assert a_task(echo).run(ctx, {"value": {"n": [1]}}) == [{"n": [1]}, None]


def test_an_input_is_checked_and_converted(ctx: FakeContext) -> None:
    def when(ctx: Context, at: datetime, id_: UUID) -> dict[str, Any]:
        assert isinstance(at, datetime)
        assert isinstance(id_, UUID)
        return {"at": at, "id": id_}

    made = a_task(when)
    given = {"at": "2026-01-02T03:04:05Z", "id_": "6fa459ea-ee8a-3ca4-894e-db77e160355e"}
    assert made.run(ctx, given) == {"at": "2026-01-02T03:04:05Z", "id": given["id_"]}


@pytest.mark.parametrize("wrong", [{}, {"a": "x"}, {"a": 1, "c": 2}, {"a": None}, {"a": 1.5}])
def test_an_input_that_does_not_fit_is_refused(ctx: FakeContext, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        a_task(suma).run(ctx, wrong)


def test_a_default_is_made_anew_for_each_run(ctx: FakeContext) -> None:
    def collect(ctx: Context, items: list[int] = []) -> list[int]:  # noqa: B006 - what an author may write
        items.append(1)
        return items

    made = a_task(collect)
    assert [made.run(ctx, {}), made.run(ctx, {})] == [[1], [1]]


@pytest.mark.parametrize(
    ("result", "kept"),
    [
        (Point(1, 2.5), {"x": 1, "y": 2.5}),
        (Order(number=1), {"number": 1, "items": []}),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00Z"),
        (Decimal("1.10"), "1.10"),
        ({1: "a"}, {"1": "a"}),
        ((1, 2), [1, 2]),
        (b"abc", "abc"),
        ({"n\x00": "a\x00b\ud800"}, {"n": "ab\ufffd"}),
        (None, None),
    ],
)
def test_a_result_is_kept_as_json(ctx: FakeContext, result: Any, kept: Any) -> None:
    def give(ctx: Context) -> Any:
        return result

    assert a_task(give).run(ctx, {}) == kept


def test_a_result_goes_by_its_aliases(ctx: FakeContext) -> None:
    class Aliased(BaseModel):
        inner: int = Field(serialization_alias="outer")

    def give(ctx: Context) -> Aliased:
        return Aliased(inner=1)

    made = a_task(give)
    assert made.run(ctx, {}) == {"outer": 1}
    assert set(made.description.result_schema["properties"]) == {"outer"}


@pytest.mark.parametrize("result", [object(), [object()], {"a": lambda: None}, b"\xff"])
def test_a_result_that_no_json_can_hold_fails_for_good(ctx: FakeContext, result: Any) -> None:
    def give(ctx: Context) -> Any:
        return result

    with pytest.raises(PermanentError) as refused:
        a_task(give).run(ctx, {})
    assert refused.value.code == "result_not_json"


def test_numbers_that_json_lacks_pass_here_and_are_the_runners_to_refuse(ctx: FakeContext) -> None:
    def give(ctx: Context) -> Any:
        return math.inf

    assert a_task(give).run(ctx, {}) == math.inf


def test_a_validation_error_of_the_tasks_own_is_not_taken_for_one_of_the_input(ctx: FakeContext) -> None:
    def reads_an_answer(ctx: Context, a: int) -> int:
        return Order.model_validate({"number": "what the other side sent"}).number

    made = a_task(reads_an_answer)
    parsed = made.parse({"a": 1})
    with pytest.raises(ValidationError) as wrong:
        made.call(ctx, parsed)
    assert wrong.value.title == "Order"
    with pytest.raises(ValidationError):
        made.parse({"a": "x"})


def test_calling_a_task_calls_its_function(ctx: FakeContext) -> None:
    made = Task("shop.suma", suma)
    assert made(ctx, 2, 2) == 4
    assert made(ctx, 2, b=3) == 5


def test_a_method_may_be_a_task(ctx: FakeContext) -> None:
    class Shop:
        def __init__(self, price: int) -> None:
            self.price = price

        def total(self, _ctx: Context, count: int) -> int:
            return self.price * count

    assert a_task(Shop(3).total).run(ctx, {"count": 4}) == 12
