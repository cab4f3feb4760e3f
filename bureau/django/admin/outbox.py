"""Shows the outbox in the admin: what is not sent yet, and what the gateway refused and why."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone

from bureau.client import BureauError
from bureau.django.models import Submission
from bureau.django.outbox import drain


@admin.register(Submission)
class SubmissionAdmin(admin.ModelAdmin):
    """Lists submissions. They are read-only: their content was decided in a transaction of the application."""

    list_display = ("__str__", "sender", "created_at", "tries", "next_try_at", "refused_at", "trouble")
    list_filter = ("sender", ("refused_at", admin.EmptyFieldListFilter))
    actions = ("send_now",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Returns whether the user may have rows sent. A row itself is never changed."""
        return obj is None and bool(super().has_change_permission(request))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return tuple(field.name for field in self.opts.fields)

    @admin.action(description="Send now, also what was refused", permissions=["change"])
    def send_now(self, request: HttpRequest, rows: Any) -> None:
        """Sends the selected rows, and what else is due. A row may have been refused because a queue was missing."""
        rows.update(refused_at=None, next_try_at=timezone.now())
        try:
            sent = drain()
        except BureauError as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        self.message_user(request, f"{sent} sent.", messages.SUCCESS)
