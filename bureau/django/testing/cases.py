"""Provides mixins for Django's test cases.

class OrderTest(RunTasksMixin, TestCase):
    def test_an_order_gets_a_receipt(self):
        self.client.post("/orders", {"customer": "Ada", "total": "5"})
        (result,) = self.run_tasks()
        self.assertEqual(result.return_value, "Ada paid 5.00.")
"""

import unittest
from typing import Any

from bureau.django.tasks_api import Task, TaskResult
from bureau.django.testing.live import LiveBureau, live_bureau
from bureau.django.testing.recorded import RecordedTasks, recording
from bureau.in_process.client import BureauInProcess


class RunTasksMixin(unittest.TestCase):
    """Keeps the tasks that a test enqueues, and runs them in the test's transaction: for `TestCase` and all others.

    It comes before Django's class. Nothing is sent to a gateway, and no worker is needed.
    """

    tasks: RecordedTasks

    @classmethod
    def setUpClass(cls) -> None:
        cls.tasks = cls.enterClassContext(recording())
        super().setUpClass()

    def setUp(self) -> None:
        self.tasks.clear()
        super().setUp()

    def enqueued_tasks(self) -> list[TaskResult]:
        """Returns the tasks that wait, in the order in which they would run."""
        return self.tasks.enqueued()

    def run_tasks(self, *, later: bool = False) -> list[TaskResult]:
        """Runs the tasks that wait, and those that they enqueue, and returns the results.

        Tasks with a `run_after` in the future are left, unless `later`.
        """
        return self.tasks.run(later=later)

    def assertTaskEnqueued(self, task: Task, *args: Any, **kwargs: Any) -> TaskResult:  # noqa: N802 - as unittest's
        """Asserts that the task waits with these arguments, and returns its result."""
        waiting = [result for result in self.enqueued_tasks() if result.task.func is task.func]
        for result in waiting:
            if (result.args, result.kwargs) == (list(args), kwargs):
                return result
        with_others = [(result.args, result.kwargs) for result in waiting]
        raise self.failureException(
            f"{task.module_path} is not enqueued with {args} {kwargs}; it is with {with_others}"
        )

    def assertNoTasksEnqueued(self) -> None:  # noqa: N802 - as unittest's
        """Asserts that no task waits."""
        if waiting := [result.task.module_path for result in self.enqueued_tasks()]:
            raise self.failureException(f"enqueued: {', '.join(waiting)}")


class LiveBureauMixin(unittest.TestCase):
    """Runs the project's tasks on a real Bureau in this process: for `TransactionTestCase` and `LiveServerTestCase`.

    One Bureau serves all tests of the process. A `TestCase` would not do: the workers have connections of their own,
    and see only what is committed. `self.bureau` is a client of it, and `self.bureau.outbox` holds the test's mails.
    """

    bureau: BureauInProcess
    _live: LiveBureau

    @classmethod
    def setUpClass(cls) -> None:
        cls._live = live_bureau()
        cls.enterClassContext(cls._live.serving())
        super().setUpClass()

    def setUp(self) -> None:
        super().setUp()
        self.bureau = self._live.client()
        self.addCleanup(self.bureau.close)
        self.addCleanup(self._live.come_to_rest)

    def finished(self, result: TaskResult, seconds: float = 30.0) -> TaskResult:
        """Waits until a task has ended, and returns its result. Raises `NotInTime`."""
        self.bureau.get(result.id).wait(seconds, check=False)
        result.refresh()
        return result
