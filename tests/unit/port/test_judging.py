"""Each use of Celery that does not move is named, with a reason."""

import pytest

from bureau.port.finding import Kind, Verdict
from bureau.port.summary import call_sites
from tests.unit.port.conftest import Read

START = "from celery import Celery, Task, shared_task, chain, group, signals\napp = Celery('shop')\n"

BY_HAND = {
    "@shared_task(serializer='pickle')\ndef f(): ...": "JSON",
    "@shared_task(rate_limit='10/m')\ndef f(): ...": "rate limit",
    "@shared_task(routing_key='x')\ndef f(): ...": "queue=",
    "@shared_task(pydantic=True)\ndef f(): ...": "model_validate",
    "class B(Task):\n    def db(self):\n        self.c = 1\n        return self.c": "share one instance",
    "@app.task\ndef f(): ...\nf.starmap([(1, 2)])": "group of signatures",
    "@app.task\ndef f(): ...\nf.chunks([(1,)], 10)": "group of signatures",
    "@app.task\ndef f(): ...\nf.apply_async((1,), routing_key='x')": "queue=",
    "@app.task\ndef f(): ...\nf.apply_async((1,), serializer='pickle')": "JSON",
    "@app.task\ndef f(): ...\nf.apply_async((1,), task_id='mine')": "UUID",
    "@app.task(bind=True)\ndef f(self):\n    self.replace(f.s())": "cannot replace itself",
    "@app.task(bind=True)\ndef f(self):\n    self.retry(args=(1,), countdown=1)": "as it was submitted",
    "@app.task\ndef f(u): ...\nu = User.objects.get(pk=1)\nf.delay(u)": "primary key",
    "@app.task\ndef f(u): ...\ndef view(request):\n    f.apply_async(args=[request.user])": "primary key",
    "@app.task\ndef f(u): ...\nclass Order(models.Model):\n    def save(self):\n        f.delay(self)": "primary key",
    "app.control.broadcast('x')": "No messages",
    "app.control.inspect().memdump()": "no such command",
    "@signals.task_received.connect\ndef f(**_): ...": "task_prerun",
    "@signals.beat_init.connect()\ndef f(**_): ...": "scheduler",
    "app.connection().ensure_connection()": "no connection to a broker",
    "app.backend.get('celery-task-meta-1')": "ledger",
    "app.steps['worker'].add(1)": "bootsteps",
    "from celery.result import AsyncResult\nAsyncResult('1').collect()": "tasks of the job",
}


@pytest.mark.parametrize(("code", "reason"), BY_HAND.items())
def test_what_does_not_move_is_named_with_its_reason(read: Read, code: str, reason: str) -> None:
    found = read(code=START + code)
    hand = [one for one in found.findings if one.verdict is Verdict.BY_HAND]
    assert len(hand) >= 1
    assert any(reason in one.why for one in hand), hand


AS_IS = [
    "@shared_task(bind=True, max_retries=3, retry_backoff=True, autoretry_for=(OSError,))\ndef f(self): ...",
    "@app.task(serializer='json', rate_limit=None)\nasync def f(): ...",
    "class B(Task):\n    max_retries = 5\n    def on_failure(self, *a): print(a)\n@app.task(base=B)\ndef f(): ...",
    "@app.task\ndef f(): ...\nf.apply_async((1,), countdown=3, queue='q', priority=9, link=f.s(), headers={'a': 1})",
    "@app.task\ndef f(): ...\nf.apply_async((1,), task_id=str(uuid4()))",
    "@app.task\ndef f(n): ...\nu = User.objects.get(pk=1)\nf.delay(u.pk)",
    "@app.task\ndef f(n): ...\nn = User.objects.count()\nf.delay(n)",
    "app.control.revoke('x', terminate=True)\napp.control.inspect().active()",
    "@signals.task_failure.connect(sender='x')\ndef f(**_): ...",
    "from celery.result import AsyncResult\nAsyncResult('1').get(timeout=3)",
    "app.autodiscover_tasks()\napp.config_from_object('django.conf:settings', namespace='CELERY')",
]


@pytest.mark.parametrize("code", AS_IS)
def test_what_the_names_layer_has_moves_as_it_is(read: Read, code: str) -> None:
    found = read(code=START + code)
    assert [one for one in found.findings if one.verdict is Verdict.BY_HAND] == []
    assert call_sites(found.findings).as_is >= 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("CELERY_WORKER_MAX_TASKS_PER_CHILD = 100", "after a number of tasks"),
        ("CELERYD_MAX_TASKS_PER_CHILD = 100", "after a number of tasks"),
        ("CELERY_TASK_SERIALIZER = 'pickle'", "JSON"),
        ("CELERY_ACCEPT_CONTENT = ['json', 'pickle']", "JSON"),
        ("CELERY_BEAT_SCHEDULER = 'django_celery_beat.schedulers:DatabaseScheduler'", "ledger"),
        ("class CeleryConfig:\n    worker_pool = 'gevent'", "threads"),
        ("from celery import Celery\napp = Celery()\napp.conf.worker_max_memory_per_child = 1", "memory"),
        ("from celery import Celery\napp = Celery()\napp.conf.update(result_serializer='pickle')", "JSON"),
    ],
)
def test_settings_that_a_person_decides_are_named(read: Read, line: str, reason: str) -> None:
    found = read({"conf.py": f"{line}\n"})
    (one,) = (one for one in found.findings if one.verdict is Verdict.BY_HAND)
    assert one.kind is Kind.SETTING
    assert reason in one.why


def test_other_settings_stay_and_the_projects_own_are_no_business_of_ours(read: Read) -> None:
    found = read(settings="CELERY_BROKER_URL = 'redis://'\nCELERY_TASK_TIME_LIMIT = 60\nCELERY_SHOP_NAME = 'x'\n")
    assert [(one.what, one.verdict) for one in found.findings] == [
        ("broker_url", Verdict.AS_IS),
        ("task_time_limit", Verdict.AS_IS),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "from kombu import Queue",
        "import billiard",
        "from celery import bootsteps",
        "from celery.worker.control import Panel",
        "from celery.contrib.abortable import AbortableTask",
        "from django_celery_beat.models import PeriodicTask",
    ],
)
def test_imports_of_what_is_celerys_alone_are_named(read: Read, line: str) -> None:
    found = read(code=line)
    (one,) = found.findings
    assert (one.kind, one.verdict) == (Kind.IMPORT, Verdict.BY_HAND)
    assert one.why
    assert not found.changes
