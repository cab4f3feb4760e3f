"""Shows the job of an object on the object's own page in the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

from bureau.client import BureauError
from bureau.django.operating.client import operator_client
from bureau.django.operating.job_rows import progress_of


class BureauJobMixin:
    """Adds `bureau_job` to the page of a model that holds the id of a job: its state, progress and a link.

    It is for `ModelAdmin` and for inlines. `bureau_job_field` names the field with the id. In `list_display` use
    `bureau_job_link`, which asks the gateway nothing: a list of a hundred rows would be a hundred requests.
    """

    bureau_job_field = "job"
    admin_site: Any

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        given: Any = super().get_readonly_fields(request, obj)  # type: ignore[misc]  # a ModelAdmin comes after it
        return (*given, "bureau_job")

    @admin.display(description="Bureau job")
    def bureau_job(self, obj: Any) -> str:
        """Reads the job from the gateway."""
        job_id = self._job_id(obj)
        if not job_id:
            return "-"
        try:
            job = operator_client().get(job_id)
            progress = progress_of(job.progress) if not job.ended else None
        except BureauError as error:
            return format_html("{} ({})", self._link(job_id, job_id), str(error))
        text = f"{job.state}, {progress.text}" if progress else job.state
        return format_html("{}: {}", self._link(job_id, job.title), text)

    @admin.display(description="Bureau job")
    def bureau_job_link(self, obj: Any) -> str:
        """Links to the job."""
        job_id = self._job_id(obj)
        return self._link(job_id, job_id[:8]) if job_id else "-"

    def _job_id(self, obj: Any) -> str:
        return str(getattr(obj, self.bureau_job_field, None) or "")

    def _link(self, job_id: str, text: str) -> str:
        try:
            address = reverse("admin:bureau_job_change", args=(job_id,), current_app=self.admin_site.name)
        except NoReverseMatch:  # a site of the project's own that has no page for jobs
            return text
        return str(format_html('<a href="{}">{}</a>', address, text))
