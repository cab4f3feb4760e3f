"""A task that its submission sends to another queue, in one process that QUEUES has serve it."""

from tests.support.running.embedded import EmbeddedBureau


def test_a_task_runs_on_the_queue_that_its_submission_names(plain: EmbeddedBureau) -> None:
    add = {"name": "add", "run": "shop.suma", "input": {"a": 2, "b": 2}}
    more = {"name": "more", "run": "shop.suma", "after": ["add"], "input": {"a": {"$result": "/add"}, "b": 4}}
    ended = plain.api.succeeded(plain.api.run(add, {**more, "queue": "bulk"}))
    assert [(task["queue"], task["result"]) for task in ended["tasks"]] == [("shop", 4), ("bulk", 8)]
    assert ended["tasks"][1]["worker"].startswith("bulk-")
