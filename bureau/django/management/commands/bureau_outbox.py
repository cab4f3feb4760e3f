"""Sends what transactions left in the outbox: `manage.py bureau_outbox`."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections

from bureau.client import BureauError
from bureau.django.outbox import drain


class Command(BaseCommand):
    help = "Sends the tasks that were committed and not sent: those of a request that died, or while Bureau was away."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="End when nothing is due.")
        parser.add_argument("--seconds", type=float, default=1.0, help="The pause between two looks.")

    def handle(self, **options: Any) -> None:
        """Looks again and again. With `--once` it ends with status 1 if the gateway is away."""
        away = False
        while True:
            close_old_connections()
            try:
                if sent := drain():
                    self.stdout.write(f"{sent} sent")
                away = False
            except BureauError as error:
                if options["once"]:
                    raise
                if not away:
                    self.stderr.write(f"Nothing is sent for now: {error}")
                away = True
            if options["once"]:
                return
            time.sleep(options["seconds"])
