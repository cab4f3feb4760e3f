"""Defines the same task with Bureau's own names and with Celery's, for a worker."""

from bureau import Context, task
from bureau.celery import Celery

app = Celery("measured")


@task("bare.add")
def bare_add(ctx: Context, a: int, b: int) -> int:
    return a + b


@app.task(name="layer.add")
def layer_add(a: int, b: int) -> int:
    return a + b
