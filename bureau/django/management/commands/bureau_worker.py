"""Runs a worker of one queue: `manage.py bureau_worker --queue default`."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = "Runs the tasks of one queue. DATABASE_URL, BROKER_URL and STORAGE_URL say where Bureau is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--queue", default="default", help="The queue, one of QUEUES in TASKS.")
        parser.add_argument("--backend", default="default", help="The entry of TASKS.")
        parser.add_argument("--threads", type=int, default=8, help="How many tasks a process runs at once.")
        parser.add_argument("--processes", type=int, default=1)

    def handle(self, **options: Any) -> None:
        """Replaces this process by Dramatiq's command."""
        os.environ["DJANGO_SETTINGS_MODULE"] = settings.SETTINGS_MODULE
        os.environ |= {"BUREAU_QUEUE": options["queue"], "BUREAU_TASKS_BACKEND": options["backend"]}
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")]))
        command = [sys.executable, "-m", "dramatiq", "bureau.worker", "bureau.django.worker", "--skip-logging"]
        command += ["--processes", str(options["processes"]), "--threads", str(options["threads"])]
        self.stdout.flush()
        os.execv(sys.executable, command)  # noqa: S606 - the arguments are numbers and names, and no shell reads them
