"""Announces the project's tasks without a worker, a step of each deployment: `manage.py bureau_announce`."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = "Announces the tasks of queues, so that they are accepted before a worker runs. DATABASE_URL is Bureau's."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--queue", action="append", help="One of QUEUES in TASKS; repeat it. All without it.")
        parser.add_argument("--backend", default="default", help="The entry of TASKS.")
        parser.add_argument("--withdraw", action="store_true", help="Take back what was announced for the queues.")

    def handle(self, **options: Any) -> None:
        """Prints a line for each queue. Bureau's library is imported here, because only a worker needs it otherwise."""
        from bureau.announcing.catalogs import NotAllowed, announce, take_back
        from bureau.django.operating.queue_tasks import queues_of, tasks_on
        from bureau.ledger.db.database import Database, LedgerUnavailable
        from bureau.service import services_of
        from bureau.settings import PlatformSettings, SettingsError, load

        queues, alias = options["queue"] or [], options["backend"]
        try:
            (settings,) = load(PlatformSettings)
            db = Database(settings.database_url.get_secret_value())
            try:
                if options["withdraw"]:
                    lines = take_back(db, queues or queues_of(alias))
                else:
                    lines = announce(db, services_of(tasks_on(queues, alias)))
            finally:
                db.close()
        except LedgerUnavailable as error:
            raise CommandError(f"Bureau's database does not answer, and nothing was changed: {error}") from error
        except (SettingsError, NotAllowed, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from error
        for line in lines:
            self.stdout.write(line)
