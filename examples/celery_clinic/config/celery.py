"""Makes the app, as Celery's documentation has it for Django."""

import os

from celery import Celery
from celery.signals import task_failure, worker_ready
from celery.utils.log import get_task_logger

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("clinic")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

log = get_task_logger(__name__)


@app.task(bind=True, ignore_result=True)
def debug_task(self):
    print(f"Request: {self.request!r}")


@worker_ready.connect
def announce(sender, **kwargs):
    log.info("the clinic's worker is ready: %s", sender)


@task_failure.connect
def report(sender, task_id, exception, **kwargs):
    log.error("%s (%s) failed: %s", sender.name, task_id, exception)
