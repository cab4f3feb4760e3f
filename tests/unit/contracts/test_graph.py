"""Tests graphs of tasks: all validation errors at once, and results put in place of references."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.contracts.errors import PermanentError
from bureau.contracts.jobs import graph
from bureau.contracts.jobs.jobs import TaskSpec


def task(name: str, after: str = "", **fields: Any) -> TaskSpec:
    return TaskSpec(name=name, run="shop.suma", after=after.split(), **fields)


def found(*tasks: TaskSpec) -> list[tuple[str, str | None]]:
    return [(error.code, error.pointer) for error in graph.errors(tasks)]


def test_chains_groups_chords_and_diamonds_are_valid() -> None:
    assert found(task("a"), task("b", "a"), task("c", "b")) == []
    assert found(task("a"), task("b")) == []
    assert found(task("a"), task("b"), task("c", "a b")) == []
    assert found(task("d", "b c"), task("b", "a"), task("c", "a"), task("a")) == []


def test_repeated_and_unknown_names_and_a_cycle_are_found_together() -> None:
    assert found(task("a"), task("a"), task("b", "nobody"), task("x", "y"), task("y", "x")) == [
        ("repeated_name", "#/tasks/1/name"),
        ("unknown_task", "#/tasks/2/after/0"),
        ("cycle", "#/tasks/3/after"),
    ]


def test_the_path_of_a_cycle_is_named() -> None:
    (error,) = graph.errors([task("a", "c"), task("b", "a"), task("c", "b"), task("tail", "a"), task("free")])
    assert error.detail == "These tasks wait for each other: a after c after b after a."


def test_a_task_after_itself_is_a_cycle() -> None:
    (error,) = graph.errors([task("a", "a")])
    assert error.detail == "These tasks wait for each other: a after a."


def test_each_separate_cycle_is_named_once() -> None:
    errors = list(graph.errors([task("a", "b"), task("b", "a"), task("c", "d"), task("d", "c")]))
    assert [error.pointer for error in errors] == ["#/tasks/0/after", "#/tasks/2/after"]


def test_a_task_listed_twice_is_found() -> None:
    assert found(task("a"), task("b", "a a")) == [("repeated_task", "#/tasks/1/after/1")]


def test_a_task_that_waits_for_a_failure_needs_one_that_can_fail() -> None:
    assert found(task("a", when="failed")) == [("nothing_to_fail", "#/tasks/0/when")]


def test_more_than_a_thousand_tasks_are_refused() -> None:
    (error,) = graph.errors([task(f"t{number}") for number in range(1001)])
    assert "1000" in error.detail
    assert "1001" in error.detail


def test_a_chain_of_a_thousand_tasks_is_checked_without_recursion() -> None:
    assert found(*[task(f"t{number}", f"t{number - 1}" if number else "") for number in range(1000)]) == []


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ({"$result": "/north/rows", "more": 1}, "no other field"),
        ({"$result": 5}, "JSON Pointer"),
        ({"$result": "north"}, "starts with a slash"),
        ({"$result": "/north/a~2"}, "~0"),
        ({"$result": ""}, "task's name"),
        ({"$result": "/south/rows"}, "south is not in this task's `after`"),
    ],
)
def test_an_invalid_reference_is_reported_at_its_path(reference: Any, words: str) -> None:
    north = task("north")
    (error,) = graph.errors([north, task("mail", "north", input={"context": {"rows": [1, reference]}})])
    assert error.pointer == "#/tasks/1/input/context/rows/1"
    assert words in error.detail


def test_results_take_the_place_of_references() -> None:
    value = {"to": ["a"], "context": {"rows": {"$result": "/north/rows"}, "all": [{"$result": "/north"}]}}
    assert graph.resolve(value, {"north": {"rows": 7}}) == {
        "to": ["a"],
        "context": {"rows": 7, "all": [{"rows": 7}]},
    }


def test_a_reference_inside_a_result_is_data() -> None:
    assert graph.resolve({"$result": "/a"}, {"a": {"$result": "/b"}}) == {"$result": "/b"}


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("/south", "the task south has no result"),
        ("/north/columns", "has no columns"),
        ("north", "not a place in a result"),
        ("", "not a place in a result"),
    ],
)
def test_a_missing_result_is_a_permanent_error_that_names_it(target: str, words: str) -> None:
    with pytest.raises(PermanentError, match=words) as caught:
        graph.resolve({"x": {"$result": target}}, {"north": {"rows": 7}})
    assert caught.value.code == "result_missing"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(JSON)
def test_a_value_without_references_stays_as_it_is(value: Any) -> None:
    assert graph.resolve(value, {}) == value
    assert graph.references(value) == []


@given(JSON, JSON)
def test_a_reference_anywhere_becomes_the_result(value: Any, result: Any) -> None:
    wrapped = {"before": value, "here": [{"$result": "/t"}]}
    resolved = graph.resolve(wrapped, {"t": result})
    assert json.dumps(resolved) == json.dumps({"before": value, "here": [result]})


@st.composite
def acyclic(draw: st.DrawFn) -> list[TaskSpec]:
    """Tasks each after some earlier ones, in any order."""
    count = draw(st.integers(1, 12))
    tasks = []
    for number in range(count):
        earlier = draw(st.sets(st.integers(0, number - 1))) if number else set()
        tasks.append(task(f"t{number}", " ".join(f"t{n}" for n in sorted(earlier))))
    return draw(st.permutations(tasks))


@given(acyclic())
def test_a_graph_without_cycles_is_valid_in_any_order(tasks: list[TaskSpec]) -> None:
    assert list(graph.errors(tasks)) == []


@given(acyclic(), st.data())
def test_an_edge_that_closes_a_cycle_is_always_found(tasks: list[TaskSpec], data: st.DataObject) -> None:
    by_name = {task.name: task for task in tasks}
    start = data.draw(st.sampled_from(sorted(by_name)))
    reachable = {start}
    while more := {up for name in reachable for up in by_name[name].after} - reachable:
        reachable |= more
    end = data.draw(st.sampled_from(sorted(reachable)))
    closing = by_name[end].model_copy(update={"after": [*by_name[end].after, start]})
    changed = [closing if task.name == end else task for task in tasks]
    codes = [error.code for error in graph.errors(changed)]
    assert codes[0] in ("cycle", "repeated_task")
    assert "cycle" in codes
