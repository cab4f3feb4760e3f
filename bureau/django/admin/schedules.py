"""Shows Bureau's schedules in the admin: when they run next and why they do not, with pause, resume and run now."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from bureau.client import Bureau
from bureau.django.admin.remote import RemoteAct, RemoteAdmin
from bureau.django.models import Schedule
from bureau.django.operating.job_rows import as_json, moment

REQUESTS = ("job", "report", "email", "certificates")


def _enabled(enabled: bool) -> Any:
    return lambda client, name: client.change_schedule(name, enabled=enabled)


@admin.register(Schedule)
class ScheduleAdmin(RemoteAdmin):
    """Lists schedules by name, and shows one with its next times and what it submits."""

    acts = {
        "pause": RemoteAct("Pause", "paused", _enabled(False)),
        "resume": RemoteAct("Resume", "resumed", _enabled(True)),
        "run": RemoteAct("Run now", "run", lambda client, name: client.run_schedule(name)),
    }
    list_template = "admin/bureau/schedules.html"
    detail_template = "admin/bureau/schedule.html"

    def read_page(self, client: Bureau, request: HttpRequest) -> dict[str, Any]:
        return {"rows": [_shown(one) for one in client.schedules()]}

    def read_one(self, client: Bureau, key: str) -> dict[str, Any]:
        schedule: Any = client.schedule(key, next=10)
        kind = next((name for name in REQUESTS if schedule.get(name)), "job")
        return {
            "original": Schedule(pk=key),
            "row": _shown(schedule),
            "kind": kind,
            "submits": as_json(schedule.get(kind)),
        }


def _shown(schedule: Any) -> dict[str, Any]:
    """Returns a schedule with its times as datetimes, and when it runs in words."""
    seconds, problem = schedule["every_seconds"], schedule["problem"]
    return {
        **schedule,
        "when": f"every {seconds} s" if seconds else f"{schedule['cron']} ({schedule['time_zone']})",
        "next_runs": [moment(run) for run in schedule["next_runs"]],
        "problem": {**problem, "at": moment(problem["at"])} if problem else None,
        "is_from_file": schedule["source"] == "file",
    }
