"""Shows Bureau's jobs in the admin: what they do, why they failed, and buttons to retry and cancel them."""

import re
from typing import Any
from urllib.parse import quote, urlencode

from django.contrib import admin
from django.http import HttpRequest

from bureau.client import Bureau
from bureau.django.admin.remote import RemoteAct, RemoteAdmin
from bureau.django.models import Job
from bureau.django.operating.client import console_address
from bureau.django.operating.job_rows import STATES, job_row, moment, progress_of, running_reports, task_view

PAGE = 50
_PART_OF_ID = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,28}")


def _send(verb: str) -> Any:
    return lambda client, job_id: client.connection.send("POST", f"/v1/jobs/{quote(job_id, safe='')}/{verb}")


@admin.register(Job)
class JobAdmin(RemoteAdmin):
    """Lists jobs, the newest first, and shows one with its tasks and their attempts."""

    acts = {
        "retry": RemoteAct("Retry", "retried", _send("retry")),
        "cancel": RemoteAct("Cancel", "cancelled", _send("cancel")),
    }
    list_template = "admin/bureau/jobs.html"
    detail_template = "admin/bureau/job.html"

    def read_page(self, client: Bureau, request: HttpRequest) -> dict[str, Any]:
        """Reads a page of jobs, and the progress of those that run."""
        state, query = request.GET.get("state", ""), request.GET.get("q", "").strip()
        search = {"id" if _PART_OF_ID.fullmatch(query) else "q": query} if query else {}
        asked = {"state": state or None, "limit": PAGE, "cursor": request.GET.get("cursor"), **search}
        page = client.connection.get("/v1/jobs", asked)
        running = any(job["state"] == "running" for job in page["items"])
        reports = running_reports(client.tasks(state="running", limit=200)) if running else {}
        older = page["next_cursor"]
        kept = {"state": state, "q": query}
        return {
            "rows": [job_row(job, reports) for job in page["items"]],
            "filters": [(name, _address({**kept, "state": name}), name == state) for name in ("", *STATES)],
            "query": query,
            "state": state,
            "newest": _address(kept) if request.GET.get("cursor") else None,
            "older": _address({**kept, "cursor": older}) if older else None,
        }

    def read_one(self, client: Bureau, key: str) -> dict[str, Any]:
        """Reads a job with its tasks; of a large one the first hundred."""
        job: Any = client.get(key).data
        return {
            "original": Job(pk=job["id"], title=job["title"]),
            "job": {**job, "created_at": moment(job["created_at"]), "finished_at": moment(job["finished_at"])},
            "row": job_row(job, {}),
            "progress": progress_of(job["progress"]),
            "tasks": [task_view(task) for task in job["tasks"]],
            "more_tasks": max(0, sum(job["counts"].values()) - len(job["tasks"])),
            "console": console_address(job["id"]),
        }


def _address(query: dict[str, str]) -> str:
    return "?" + urlencode({name: value for name, value in query.items() if value})
