"""Applies the project's schedules, a step of each deployment: `manage.py bureau_schedules`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bureau.client import BureauError
from bureau.client.shapes import ScheduleData
from bureau.django.operating.apply_schedules import applied, apply
from bureau.django.operating.client import operator_client
from bureau.django.operating.declared_schedules import declared_schedules
from bureau.django.operating.schedule_plan import Act, Step, plan

_SHOWN_RUNS = 2
_WILL = {Act.CREATE: "to create", Act.REPLACE: "to change", Act.DELETE: "to delete"}


class Command(BaseCommand):
    help = "Creates and changes the schedules that the project declares, and deletes those that it declares no more."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", help="A .toml or .json file, instead of BUREAU_SCHEDULES.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would be done, and do nothing.")
        parser.add_argument(
            "--take-over",
            action="store_true",
            help="Replace schedules of these names that the project did not make.",
        )

    def handle(self, **options: Any) -> None:
        """Prints a line for each schedule, with its next runs in its time zone."""
        try:
            declared = declared_schedules(options["file"])
            client = operator_client()
            existing = {one["name"]: one for one in client.schedules()}
            steps = plan(declared, applied(), existing, take_over=options["take_over"])
            if options["dry_run"]:
                self._print([_line(step, existing.get(step.name), _WILL.get(step.act, step.act)) for step in steps])
                return
            self._refuse([step.name for step in steps if step.act is Act.REFUSE])
            lines = []
            try:
                for step, schedule in apply(client, steps, existing):
                    lines.append(_line(step, schedule, step.act))
            finally:
                self._print(lines)
        except (BureauError, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from error

    def _refuse(self, names: list[str]) -> None:
        if names:
            raise CommandError(
                f"The gateway has schedules of these names that this project did not make: {', '.join(names)}. "
                "Rename them in the project, or replace them with --take-over. Nothing was changed."
            )

    def _print(self, lines: Sequence[tuple[str, ...]]) -> None:
        if not lines:
            self.stdout.write("No schedules.")
            return
        rows = [("name", "when", "", "next runs"), *lines]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        for row in rows:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _line(step: Step, schedule: ScheduleData | None, state: str) -> tuple[str, str, str, str]:
    source: Any = schedule or step.body
    seconds = source.get("every_seconds")
    zone = source.get("time_zone") or "UTC"
    when = f"every {seconds} s" if seconds else f"{source.get('cron')} {zone}"
    return step.name, when, state, _next_runs(step, schedule, zone)


def _next_runs(step: Step, schedule: ScheduleData | None, zone: str) -> str:
    if schedule is None or step.act is Act.DELETE:
        return ""
    if not schedule["enabled"]:
        return "paused"
    moments = [datetime.fromisoformat(run).astimezone(ZoneInfo(zone)) for run in schedule["next_runs"][:_SHOWN_RUNS]]
    return ", ".join(f"{moment:%Y-%m-%d %H:%M}" for moment in moments)
