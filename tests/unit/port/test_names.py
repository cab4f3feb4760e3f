"""Names are followed through imports, aliases, apps in other modules and decorators of the project's own."""

import pytest

from bureau.port.finding import Finding, Kind, Verdict
from bureau.port.survey import Survey
from tests.unit.port.conftest import Read

TASKS = """
    from celery import shared_task

    @shared_task
    def suma(a, b):
        return a + b
"""


def calls(found: Survey, kind: Kind = Kind.CALL) -> list[Finding]:
    return [one for one in found.findings if one.kind is kind]


@pytest.mark.parametrize(
    "user",
    [
        "from tasks import suma\nsuma.delay(1, 2)",
        "from tasks import suma as add\nadd.delay(1, 2)",
        "import tasks\ntasks.suma.delay(1, 2)",
        "import tasks as t\nt.suma.apply_async((1, 2))",
        "from tasks import *\nsuma.delay(1, 2)",
        "def view():\n    from tasks import suma\n    suma.delay(1, 2)",
        "from tasks import suma\nlater = suma.s(1)\nlater.delay()",
        "from tasks import suma\n(suma.s(1) | suma.s(2)).apply_async()",
        "from celery import chain\nfrom tasks import suma\nchain(suma.s(1, 2), suma.s(3))()",
        "from celery import current_app\ncurrent_app.tasks['tasks.suma'].delay(1, 2)",
        "from celery import current_app\ncurrent_app.send_task('tasks.suma', (1, 2))",
        "from reexported import plus\nplus.delay(1, 2)",
    ],
)
def test_a_call_is_known_however_the_task_was_bound(read: Read, user: str) -> None:
    found = read(tasks=TASKS, reexported="from tasks import suma as plus", user=user)
    (call,) = (one for one in calls(found) if one.file == "user.py")
    assert (call.verdict, call.certain) == (Verdict.AS_IS, True)


@pytest.mark.parametrize(
    "declared",
    [
        "from celery import shared_task as st\n@st(bind=True)\ndef work(self): ...",
        "import celery\n@celery.shared_task()\ndef work(): ...",
        "import celery as c\n@c.shared_task\ndef work(): ...",
        "from core import app\n@app.task\ndef work(): ...",
        "from core import make\nown = make()\n@own.task(name='x')\ndef work(): ...",
        "from core import counted\n@counted('reports')\ndef work(): ...",
        "from celery import Celery\nown = Celery[int]('x')\n@own.task\ndef work(): ...",
        "from found import own\n@own.task\ndef work(): ...",
        "from core import app\ndef plain(): ...\nwork = app.task(plain)",
        "from core import app\nclass Work(app.Task):\n    def run(self): ...\nwork = app.register_task(Work())",
    ],
)
def test_a_declaration_is_known_whatever_made_it(read: Read, declared: str) -> None:
    core = """
        from celery import Celery

        app = Celery("shop")

        def make():
            made = Celery("other")
            return made

        def counted(what):
            def decorate(function):
                return app.task(name=what)(function)
            return decorate
    """
    discovered = "from registry import load\nown = load('celery')('shop')\nown.autodiscover_tasks()"
    found = read(core=core, found=discovered, declared=declared, user="from declared import work\nwork.delay()")
    (call,) = (one for one in calls(found) if one.file == "user.py")
    assert call.certain
    assert any(one.file == "declared.py" and one.kind in (Kind.TASK, Kind.APP) for one in found.findings)


def test_packages_and_relative_imports_are_followed(read: Read) -> None:
    found = read(
        {
            "src/shop/__init__.py": "",
            "src/shop/orders/__init__.py": "from .tasks import send as post",
            "src/shop/orders/tasks.py": "from celery import shared_task\n@shared_task\ndef send(n): ...",
            "src/shop/views.py": "from .orders import post\npost.delay(1)",
        }
    )
    (call,) = calls(found)
    assert (call.file, call.certain) == ("src/shop/views.py", True)


def test_the_first_parameter_of_a_bound_task_is_the_task(read: Read) -> None:
    found = read(
        tasks="""
        from celery import shared_task

        @shared_task(bind=True)
        def work(self):
            self.update_state(state="PROGRESS", meta={"n": self.request.retries})
            raise self.retry(countdown=3)

        @shared_task
        def plain(self):
            self.retry()
        """
    )
    assert [(one.line, one.kind) for one in found.findings if one.kind in (Kind.RETRY, Kind.CONTEXT)] == [
        (5, Kind.CONTEXT),
        (5, Kind.CONTEXT),
        (6, Kind.RETRY),
    ]


def test_a_call_of_something_unknown_counts_as_unsure(read: Read) -> None:
    found = read(user="import celery\ndef start(task):\n    task.delay(1)")
    (call,) = calls(found)
    assert (call.verdict, call.certain) == (Verdict.AS_IS, False)


def test_modules_that_import_each_other_are_read(read: Read) -> None:
    found = read(
        a="from celery import chain\nfrom b import x\ny = x\ny.delay()", b="import celery\nfrom a import y\nx = y"
    )
    assert len(calls(found)) == 1


def test_a_file_that_is_not_python_is_named_and_the_rest_is_read(read: Read) -> None:
    found = read(tasks=TASKS, broken="from celery import (")
    assert list(found.unreadable) == ["broken.py"]
    assert calls(found, Kind.TASK)
