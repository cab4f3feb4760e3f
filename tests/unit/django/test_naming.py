"""Tests how queues, paths and priorities of Django's tasks become Bureau's."""

from types import SimpleNamespace
from typing import Any

import pytest

from bureau.django.naming import priority_to_bureau, priority_to_django, run_name
from bureau.django.tasks_api import InvalidTask


def task(queue: str = "default", path: str = "shop.tasks.receipt") -> Any:
    return SimpleNamespace(queue_name=queue, module_path=path)


def test_a_run_is_the_queue_and_the_path_in_lower_case() -> None:
    assert run_name(task("slow", "shop.tasks.makePDF")) == "slow.shop.tasks.makepdf"


@pytest.mark.parametrize(
    ("queue", "path", "words"),
    [
        ("mailer", "shop.tasks.a", "belongs to a service of Bureau's"),
        ("Slow", "shop.tasks.a", "rename it in TASKS"),
        ("high-priority", "shop.tasks.a", "rename it in TASKS"),
        ("", "shop.tasks.a", "rename it in TASKS"),
        ("default", "shop.tasks." + "a" * 80, "move or rename the function"),
        ("default", "tienda.tareas.envía", "move or rename the function"),
    ],
)
def test_a_name_that_bureau_cannot_have_is_refused_with_its_mend(queue: str, path: str, words: str) -> None:
    with pytest.raises(InvalidTask, match=words):
        run_name(task(queue, path))


@pytest.mark.parametrize(("django", "bureau"), [(-100, 0), (-20, 4), (0, 5), (25, 6), (100, 9)])
def test_priorities_go_both_ways(django: int, bureau: int) -> None:
    assert priority_to_bureau(django) == bureau
    assert priority_to_django(bureau) == django


def test_a_higher_priority_never_becomes_a_lower_one() -> None:
    sent = [priority_to_bureau(priority) for priority in range(-100, 101)]
    assert sent == sorted(sent)
    assert (sent[0], sent[-1]) == (0, 9)
