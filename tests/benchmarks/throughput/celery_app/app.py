"""Configures the Celery application with the settings that its documentation recommends if no work may be lost.

* `task_acks_late` and `task_reject_on_worker_lost`: a message is acknowledged after its task, and is redelivered if the
  worker died. The default acknowledges before, and a crash loses the task.
* Messages are persistent and queues durable, as always with Celery.
* `worker_prefetch_multiplier` stays at its default of 4: 1, which is often set with `task_acks_late`, is slower here.
* `confirm_publish` makes `delay()` wait until RabbitMQ has the message. It is off by default, and so it is here; with
  CELERY_CONFIRMS=1 it is on. Bureau's answer always means that the job is on disk.
* Results are kept in Redis, as an application needs that queries the result of a task.
"""

import os

from celery import Celery

app = Celery(
    "bench",
    broker=os.environ["CELERY_BROKER_URL"],
    backend=os.environ["CELERY_RESULT_BACKEND"],
    include=["tests.benchmarks.throughput.celery_app.tasks"],
)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    broker_transport_options={"confirm_publish": os.environ["CELERY_CONFIRMS"] == "1"},
    broker_connection_retry_on_startup=True,
)
