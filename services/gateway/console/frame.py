"""Gives every page its route, its frame and its error pages."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

from flask import Response, g, redirect, render_template, request

from bureau import formatting
from bureau.contracts.problems import Problem
from bureau.ledger.access.keys import Role
from bureau.services.gateway.auth.identity import Identity
from bureau.services.gateway.console.state import notices
from bureau.services.gateway.console.state.dependency_watch import Watch, broker_name
from bureau.services.gateway.console.state.theme import THEMES, chosen_theme
from bureau.services.gateway.console.text import words
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http import prefix
from bureau.services.gateway.http.operation import Call, Documented, Operation
from bureau.services.gateway.http.security import PAGE_HEADERS
from bureau.services.gateway.problems import RETRY_SECONDS

TAG = "Pages"
HTML = ("text/html",)
DONE = Documented(303, "Done: what came of it is at this address.", headers={"Location": "A page."})
STATIC = Path(__file__).with_name("static")

# Address, name, the letter after `g`, and the role that a key needs.
NAVIGATION = (
    ("/", "Overview", "o", Role.VIEW),
    ("/jobs", "Jobs", "j", Role.VIEW),
    ("/tasks", "Tasks", "t", Role.VIEW),
    ("/workers", "Workers", "w", Role.OPERATE),
    ("/schedules", "Schedules", "s", Role.VIEW),
    ("/reports", "Reports", "r", Role.VIEW),
    ("/audit", "Audit", "a", Role.OPERATE),
)
_WORDS = (
    *("ago", "ahead", "clock", "day", "duration", "exact", "id_end", "listed"),
    *("mail_words", "number", "state_words"),
)

View = Callable[[Call[Any, Any]], Response]


def refused_page(status: int, description: str) -> Documented:
    """Describes a status with which a page of its own answers, and else a problem."""
    return Documented(status, description, media_types=(*HTML, "application/problem+json"))


class Frame:
    """The frame around every page; an application has one."""

    def __init__(self, gateway: Gateway, watch: Watch) -> None:
        self.gateway = gateway
        self.watch = watch
        self._version = _fingerprint()

    def get(self, name: str, path: str, view: View, summary: str, **declared: Any) -> Operation[Any, Any]:
        return self._declared("GET", name, path, view, summary, **declared)

    def post(self, name: str, path: str, view: View, summary: str, **declared: Any) -> Operation[Any, Any]:
        return self._declared("POST", name, path, view, summary, **declared)

    def page(
        self,
        template: str,
        call: Call[Any, Any] | None = None,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **values: Any,
    ) -> Response:
        """Renders a template in the frame for the identity of `call`; None where nobody is identified."""
        return self._response(
            template, {**self._around(call.identity if call else None), **values}, status, headers or {}
        )

    def refused(self, problem: Problem) -> Response:
        """Renders a problem as a page, or the login page where no valid key was shown."""
        if problem.status == 401:
            return go("/login", next=request.full_path.rstrip("?") if request.method == "GET" else "/")
        values = {**self._around(_known()), "problem": problem}
        return self._response("refused.html", values, problem.status, dict(problem.headers))

    def away(self) -> Response:
        """Renders the page for an unavailable ledger: since when it is away, and what still works."""
        seen = self.watch.ledger_away()
        headers = {"Retry-After": str(RETRY_SECONDS)}
        broker = (broker_name(self.gateway), self.gateway.relay.healthy)
        return self.page("away.html", status=503, headers=headers, since=seen.since, broker=broker)

    def _response(self, template: str, values: dict[str, Any], status: int, headers: dict[str, str]) -> Response:
        text = render_template(template, **values)
        return Response(text, status, {**PAGE_HEADERS, **headers}, content_type="text/html; charset=utf-8")

    def _declared(
        self, method: Literal["GET", "POST"], name: str, path: str, view: View, summary: str, **declared: Any
    ) -> Operation[Any, Any]:
        answers = [Documented(200, "The page.", media_types=HTML)]
        if method == "POST":
            answers = [DONE]
        given: dict[str, Any] = {"role": Role.VIEW, "answers": answers, "refused": self.refused, "away": self.away}
        return Operation(
            name=f"page-{name}",
            method=method,
            path=path,
            view=view,
            summary=summary,
            tag=TAG,
            api=False,
            **{**given, **declared},
        )

    def _around(self, identity: Identity | None) -> dict[str, Any]:
        theme = chosen_theme()
        return {
            "now": datetime.now(UTC),
            "identity": identity,
            "may_submit": bool(identity and identity.role.includes(Role.SUBMIT)),
            "may_operate": bool(identity and identity.role.includes(Role.OPERATE)),
            "navigation": [entry for entry in NAVIGATION if identity and _may_open(identity, entry[3])],
            "path": request.path,
            "here": request.full_path.rstrip("?"),
            "theme": theme,
            "next_theme": THEMES[(THEMES.index(theme) + 1) % len(THEMES)],
            "version": self._version,
            "notice": notices.read(request.args),
            "base_url": self.gateway.settings.base_url,
            "count": formatting.count,
            "size": formatting.size,
            **{name: getattr(words, name) for name in _WORDS},
        }


def _may_open(identity: Identity, role: Role) -> bool:
    """Tells whether an identity may open a page of the navigation; a signed link opens only the page that it names."""
    return identity.link_token is None and identity.role.includes(role)


def _known() -> Identity | None:
    """Returns the identity of a refused request, as far as the authenticator established it."""
    identity: Identity | None = g.get("identity")
    return identity if identity and identity.owner else None


def go(address: str, **query: str | int) -> Response:
    """Redirects to a page with GET, so that a reload does not post again. The answer gets the prefix as it leaves."""
    given = f"{'&' if '?' in address else '?'}{urlencode(query)}" if query else ""
    answer = redirect(f"{address}{given}", 303)
    return Response(headers={"Location": answer.headers["Location"]}, status=303)


def local_address(text: str | None) -> str:
    """Returns the local address that a form or a query names; `/` for one that leads elsewhere."""
    text = prefix.current().local(text or "/")
    is_ours = text.startswith("/") and text[1:2] not in ("/", "\\") and text.isprintable()
    return text if is_ours else "/"


def _fingerprint() -> str:
    """Hashes the static files, so that browsers fetch the files of a new version."""
    contents = b"".join(path.read_bytes() for path in sorted(STATIC.iterdir()))
    return hashlib.sha256(contents).hexdigest()[:12]
