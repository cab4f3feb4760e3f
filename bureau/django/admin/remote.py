"""Provides the base of admin pages whose rows are at the gateway, not in the database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from bureau.client import Bureau, BureauError, Problem
from bureau.django.operating.client import operator_client

MOST_SELECTED = 200  # a page has fewer; each of them is a request to the gateway


@dataclass(frozen=True)
class RemoteAct:
    """Describes what can be done with a row: its button, and the word for it in messages and in the history."""

    label: str
    done: str
    call: Callable[[Bureau, str], object]


class RemoteAdmin(admin.ModelAdmin):
    """Reads rows from the gateway and acts on them there. Subclasses say how in `read_page` and `read_one`.

    Viewing needs Django's permission `view`, acting `change`. Each act is written into Django's own history.
    """

    acts: Mapping[str, RemoteAct] = {}
    list_template = ""
    detail_template = ""

    def read_page(self, client: Bureau, request: HttpRequest) -> dict[str, Any]:
        """Returns the context of the list."""
        raise NotImplementedError

    def read_one(self, client: Bureau, key: str) -> dict[str, Any]:
        """Returns the context of one row's page, with the row's instance as `original`."""
        raise NotImplementedError

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Returns an instance without reading it, for the page of its history."""
        return self.model(pk=object_id)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Shows a page of rows; a POST acts on the selected ones."""
        self._check_may_view(request)
        if request.method == "POST":
            return self._act(request, request.POST.getlist("_selected_action"))
        try:
            page, status = self.read_page(operator_client(), request), 200
        except BureauError as error:
            page, status = {"away": _why(error)}, 503
        context = self._context(request) | page | (extra_context or {})
        context |= {"title": self.opts.verbose_name_plural.capitalize(), "cl": SimpleNamespace(opts=self.opts)}
        context["action_form"] = True  # has Django's template load the texts that its script for actions needs
        return TemplateResponse(request, self.list_template, context, status=status)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Shows one row; a POST acts on it."""
        self._check_may_view(request)
        if object_id is None:
            raise PermissionDenied  # nothing is added here
        key = unquote(object_id)
        if request.method == "POST":
            return self._act(request, [key])
        try:
            page, status = self.read_one(operator_client(), key), 200
        except Problem as problem:
            if problem.status == 404:
                return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            page, status = self._not_read(key, problem), 503
        except BureauError as error:
            page, status = self._not_read(key, error), 503
        context = self._context(request) | page | (extra_context or {})
        context |= {"title": str(context["original"]), "add": False, "change": True}
        return TemplateResponse(request, self.detail_template, context, status=status)

    def _not_read(self, key: str, error: BureauError) -> dict[str, Any]:
        return {"away": _why(error), "original": self.model(pk=key)}

    def _check_may_view(self, request: HttpRequest) -> None:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied

    def _context(self, request: HttpRequest) -> dict[str, Any]:
        may_act = self.has_change_permission(request)
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "has_view_permission": True,
            "acts": self.acts if may_act else {},
        }

    def _act(self, request: HttpRequest, keys: Sequence[str]) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        back = HttpResponseRedirect(request.get_full_path())
        act = self.acts.get(request.POST.get("action", ""))
        if act is None or not keys:
            self.message_user(request, "Select rows, and an action.", messages.WARNING)
            return back
        done = [key for key in keys[:MOST_SELECTED] if self._did(request, act, key)]
        if done:
            noun = self.opts.verbose_name if len(done) == 1 else self.opts.verbose_name_plural
            self.message_user(request, f"{len(done)} {noun} {act.done}.", messages.SUCCESS)
        return back

    def _did(self, request: HttpRequest, act: RemoteAct, key: str) -> bool:
        try:
            act.call(operator_client(), key)
        except BureauError as error:
            self.message_user(request, f"{key}: {_why(error)}", messages.ERROR)
            return False
        self.log_change(request, self.model(pk=key), f"{act.done.capitalize()}.")
        return True


def _why(error: BureauError) -> str:
    """Returns what people should read: of a refusal its detail, without the request's id."""
    return (error.detail or error.title) if isinstance(error, Problem) else str(error)
