"""Lines, graphs and words of the pages: numbers in, coordinates and sentences out."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from bureau.ledger.reads.event_history import Happened
from bureau.ledger.reads.job_views import TaskView
from bureau.services.gateway.console.text.redaction import HIDDEN, MOST_CHARACTERS, pretty, redacted
from bureau.services.gateway.console.text.sparkline import sparkline
from bureau.services.gateway.console.text.task_graph import MOST, graph
from bureau.services.gateway.console.text.timeline import render_event, why_it_waits
from bureau.services.gateway.console.text.words import listed

ID = UUID(int=1)
TASK = TaskView(
    id=ID,
    position=0,
    name="a",
    run="shop.suma",
    queue="shop",
    state="queued",
    input={},
    after=[],
    attempt=0,
    max_attempts=8,
    due_at=None,
    worker=None,
    hinted_at=None,
    started_at=None,
    finished_at=None,
    progress=None,
    attempts=[],
    logs=[],
    result=None,
    error=None,
)


def task(name: str, *after: str) -> TaskView:
    return replace(TASK, name=name, after=list(after))


@pytest.mark.parametrize(
    ("numbers", "words"),
    [([0, 5, 10], "15 in the last hour, at most 10 a minute"), ([0] * 60, "nothing in the last hour")],
)
def test_a_line_says_the_same_in_words(numbers: list[int], words: str) -> None:
    line = sparkline(numbers)
    assert (line.words, line.flat, len(line.points.split())) == (words, not any(numbers), len(numbers))


def test_a_chord_is_drawn_from_left_to_right() -> None:
    drawn = graph([task("mail", "north", "south"), task("north"), task("south")])
    assert drawn is not None
    places = {node.task.name: (node.x, node.y) for node in drawn.nodes}
    assert places["north"][0] == places["south"][0] < places["mail"][0]
    assert places["north"][1] < places["south"][1]
    assert len(drawn.edges) == 2
    assert all(x + drawn.box[0] <= drawn.width and y + drawn.box[1] <= drawn.height for x, y in places.values())


@pytest.mark.parametrize(
    "tasks",
    [
        [task("only")],
        [task("a"), task("b")],
        [task("0"), *(task(str(n), str(n - 1)) for n in range(1, MOST + 1))],
    ],
    ids=["one", "a group", "too many"],
)
def test_there_is_nothing_to_draw(tasks: list[TaskView]) -> None:
    assert graph(tasks) is None


def test_a_task_after_one_that_is_not_shown_is_drawn_all_the_same() -> None:
    drawn = graph([task("a", "elsewhere"), task("b", "a")])
    assert drawn is not None
    assert len(drawn.edges) == 1


@pytest.mark.parametrize("name", ["password", "smtp_password", "apiKey", "api_key", "Authorization", "client_secret"])
def test_what_goes_by_the_name_of_a_secret_is_hidden(name: str) -> None:
    assert redacted({"outer": [{name: "hush"}]}) == {"outer": [{name: HIDDEN}]}


def test_what_does_not_is_shown() -> None:
    plain = {"passenger": "Ada", "keyboard": 1, "to": ["a@example.com"], "password": None}
    assert redacted(plain) == plain


def test_a_long_value_says_how_much_of_it_is_left_out() -> None:
    assert pretty("x" * (MOST_CHARACTERS + 8)).endswith("… and 10 more characters")


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        ("task.logged", {"line": "12 rows"}, "12 rows"),
        (
            "task.retrying",
            {"error": {"code": "away", "message": "No."}, "delay_seconds": 4, "counted": True},
            "tries again in 4.0 s, away: No.",
        ),
        ("task.failed", {"error": {"code": "away", "message": "No."}}, "failed, away: No."),
        ("task.retrying", {"by": "request", "delay_seconds": 0.01}, "asked to run again"),
        ("task.retrying", {"by": "request", "delay_seconds": 90}, "asked to run again, in 1 min"),
        ("task.failed", {}, "failed, no reason was given"),
        ("job.finished", {"state": "succeeded"}, "the job succeeded"),
        ("task.started", {}, "started"),
    ],
)
def test_an_event_is_told_in_words(kind: str, data: dict[str, Any], text: str) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert render_event(Happened(ID, 1, kind, at, "a", data)).text == text


@pytest.mark.parametrize(
    ("waiting", "text"),
    [
        (None, None),
        (
            {"reason": "no_worker"},
            "No running worker has the task shop.suma of the queue shop. It starts when one does.",
        ),
        ({"reason": "queue_paused"}, "The queue shop is paused. It starts after somebody resumes the queue."),
        (
            {"reason": "behind", "position": 4, "starts_in_seconds": 12.0},
            "It waits its turn in the queue shop: 3 tasks ahead of it. It should start in about 12 s.",
        ),
        ({"reason": "behind", "position": 1}, "It waits its turn in the queue shop: it is next."),
        ({"reason": "not_due", "starts_in_seconds": 7200}, "It is not due yet. It should start in about 2 h."),
        ({"reason": "dependency"}, "It waits for other tasks."),
    ],
)
def test_why_a_job_waits(waiting: dict[str, Any] | None, text: str | None) -> None:
    assert why_it_waits(waiting, "shop.suma", "shop") == text


def test_a_list_is_told_as_people_say_it() -> None:
    assert [listed(parts) for parts in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
