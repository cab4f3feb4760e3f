"""Measures `delay()` in a transaction of Django's: one INSERT into the outbox, beside Celery's message to RabbitMQ."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import celery as real_celery
from sqlalchemy.engine import make_url

from bureau.celery import Celery, shared_task

ROUNDS, CALLS = 7, 300
SECONDS_TO_SEND = 30.0


def seconds_a_call(call: Callable[[int], Any], *, sent: bool) -> tuple[float, float]:
    """The mean seconds of a call, and of the transaction around it, with another INSERT as a view has it."""
    from django.db import connection, transaction

    called = whole = 0.0
    for number in range(CALLS):
        began = time.perf_counter()
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO orders (total) VALUES (%s)", [number])
            before = time.perf_counter()
            call(number)
            called += time.perf_counter() - before
            if not sent:
                transaction.set_rollback(True)
        whole += time.perf_counter() - began
    _wait_until_sent()
    return called / CALLS, whole / CALLS


def run(database_url: str, broker_url: str, bureau_url: str) -> float:
    """Prints the figures, and returns how many times longer `delay()` takes here than in Celery."""
    _set_up(database_url, bureau_url)
    theirs = real_celery.Celery("theirs", broker=broker_url, set_as_current=False)
    their_task = theirs.task(name="layer.add", ignore_result=True)(_add)
    Celery("ours")
    our_task = shared_task(name="layer.add")(_add)
    rounds = []
    for _ in range(ROUNDS):
        rounds.append(
            (
                seconds_a_call(lambda number: their_task.delay(number, 1), sent=True),
                seconds_a_call(lambda number: our_task.delay(number, 1), sent=False),
                seconds_a_call(lambda number: our_task.delay(number, 1), sent=True),
            )
        )
    their_call, our_call = (median(one[which][0] for one in rounds) * 1e6 for which in (0, 1))
    their_view, our_view = (median(one[which][1] for one in rounds) * 1e6 for which in (0, 2))
    ratio = median(one[1][0] / one[0][0] for one in rounds)
    print(f"delay() in a transaction: Celery {their_call:.0f} µs, Bureau {our_call:.0f} µs ({ratio:.2f} x)")
    print(f"the whole transaction: Celery {their_view:.0f} µs, Bureau {our_view:.0f} µs, sent by its thread")
    return ratio


def _wait_until_sent() -> None:
    """Waits for the thread that sends, so that it takes nothing from what is measured next."""
    from bureau.django.models import Submission
    from bureau.django.outbox import drain

    until = time.monotonic() + SECONDS_TO_SEND
    while Submission.objects.exists():
        if time.monotonic() > until:
            drain()
        time.sleep(0.05)


def _add(a: int, b: int) -> int:
    return a + b


def _set_up(database_url: str, bureau_url: str) -> None:
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    url = make_url(database_url)
    database: dict[str, Any] = {"ENGINE": "django.db.backends.postgresql", "NAME": url.database, "USER": url.username}
    database |= {"HOST": url.host or url.query.get("host"), "PORT": url.port, "PASSWORD": url.password or ""}
    installed = ["django.contrib.contenttypes", "django.contrib.auth", "bureau.django"]
    settings.configure(DATABASES={"default": database}, INSTALLED_APPS=installed, BUREAU_URL=bureau_url, USE_TZ=True)
    django.setup()
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE orders (id serial PRIMARY KEY, total integer)")
