"""Tests that nothing of Celery's is ignored: what Bureau does not have is refused by its name, with what to use."""

from collections.abc import Callable
from typing import Any

import pytest

from bureau.celery import Celery, chord, chunks, current_app, group, signals, xmap, xstarmap
from bureau.celery.exceptions import CeleryWarning, ImproperlyConfigured, NotInBureau
from bureau.celery.running.found_app import found_app
from bureau.celery.schedules import crontab, solar
from bureau.celery.utils.json import NotJson


class Model:
    _meta = pk = None


def declare(app: Celery, **options: Any) -> Any:
    return app.task(**options)(lambda: None)


REFUSED: dict[str, Callable[[Celery, Any], Any]] = {
    "rate_limit": lambda app, t: declare(app, rate_limit="10/m"),
    "serializer='pickle'": lambda app, t: declare(app, serializer="pickle"),
    "pydantic": lambda app, t: declare(app, pydantic=True),
    "priority=200": lambda app, t: declare(app, priority=200),
    "time_limit=100000": lambda app, t: declare(app, time_limit=100_000),
    "task_serializer|serializer='pickle'": lambda app, t: app.conf.update(task_serializer="pickle"),
    "accept_content": lambda app, t: app.conf.update(accept_content=["pickle"]),
    "task_annotations": lambda app, t: app.conf.update(task_annotations={"*": {"rate_limit": "1/s"}}),
    r"routing_key=": lambda app, t: t.add.s(1, 2).set(routing_key="x").freeze() and send(app, t, routing_key="x"),
    r"stamped_headers=": lambda app, t: send(app, t, stamped_headers=["a"]),
    r"no_such_option=": lambda app, t: send(app, t, no_such_option=1),
    "queue 'mailer'": lambda app, t: send(app, t, queue="mailer"),
    "task_id='x'": lambda app, t: send(app, t, task_id="x"),
    "countdown=90000 on a later step": lambda app, t: send_sig(app, t.add.s(1, 2) | t.add.s(1).set(countdown=90_000)),
    "at most 1000 tasks": lambda app, t: send_sig(app, chord([t.add.s(1, 1)] * 1000, t.total.s())),
    "xmap": lambda app, t: t.add.map([1]),
    "xstarmap": lambda app, t: t.add.starmap([(1, 2)]),
    "chunks": lambda app, t: t.add.chunks([(1, 2)], 2),
    "self.replace": lambda app, t: t.add.replace(t.add.s()),
    "add_to_chord": lambda app, t: t.add.add_to_chord(t.add.s()),
    "Signature.stamp": lambda app, t: t.add.s().stamp(),
    "AsyncResult.then": lambda app, t: t.add.AsyncResult("x").then(print),
    "signal beat_init": lambda app, t: signals.beat_init.connect(print),
    "signal task_received": lambda app, t: signals.task_received.connect(print),
    "solar": lambda app, t: solar("sunset", 1, 2),
    "in cron either": lambda app, t: crontab(day_of_week=1, day_of_month=1).cron,
    "control.rate_limit": lambda app, t: current_app.control.rate_limit("a", "1/s"),
    "control.broadcast": lambda app, t: app.control.broadcast("x"),
    "app.worker_main": lambda app, t: app.worker_main(),
}


def send(app: Celery, tasks: Any, **options: Any) -> Any:
    app.conf.task_always_eager = False
    return tasks.add.apply_async((1, 2), **options)


def send_sig(app: Celery, sig: Any) -> Any:
    app.conf.task_always_eager = False
    return sig.apply_async()


@pytest.mark.parametrize("words", REFUSED)
def test_it_is_refused_by_its_name(app: Celery, ours: Any, words: str) -> None:
    with pytest.raises(NotInBureau, match=words):
        REFUSED[words](app, ours)


def test_names_of_the_canvas_that_bureau_lacks_say_what_to_write() -> None:
    for name, refuse in {"xmap": xmap, "xstarmap": xstarmap, "chunks": chunks}.items():
        with pytest.raises(NotInBureau, match=rf"{name}: .*group\("):
            refuse()


def test_a_retry_with_other_arguments_is_refused(ours: Any, app: Celery) -> None:
    @app.task(bind=True, name="other")
    def other(self: Any) -> None:
        self.retry(args=(1,))

    result = other.delay()
    assert isinstance(result.result, NotInBureau)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Model(), r"args\[0\]: .*Model is a model .* its primary key"),
        ({1, 2}, "set cannot be written as JSON"),
        (float("nan"), "no JSON number"),
        ({"$result": 1}, "stands for the result"),
        ([object()], r"args\[0\]\[0\]"),
        ({(1, 2): 3}, "keys must be text"),
    ],
)
def test_an_argument_that_is_no_json_is_refused_where_the_task_is_called(ours: Any, value: Any, words: str) -> None:
    with pytest.raises(NotJson, match=words):
        ours.echo.delay(value)


def test_endless_retries_are_said_to_end(app: Celery) -> None:
    with pytest.warns(CeleryWarning, match="max_retries=None means 99 here"):
        declare(app, name="endless", max_retries=None)


def test_upper_case_settings_need_a_namespace(app: Celery) -> None:
    app.config_from_object({"CELERY_RESULT_BACKEND": "redis"})
    with pytest.raises(ImproperlyConfigured, match="namespace='CELERY'"):
        app.conf.get("timezone")


def test_an_empty_group_is_nothing(ours: Any) -> None:
    assert group([]).delay().get() == []


def test_a_command_without_an_app_says_how_to_name_it() -> None:
    with pytest.raises(ImproperlyConfigured, match="pass -A config, or set BUREAU_CELERY_APP=config"):
        found_app("")
