"""GET and POST /login, POST /logout, POST /theme: starts and ends a session, and stores the theme."""

from typing import Any

from flask import Response, request

from bureau.services.gateway.auth.sessions import COOKIE, SECONDS
from bureau.services.gateway.console.frame import Frame, go, local_address
from bureau.services.gateway.console.state import theme
from bureau.services.gateway.http.operation import Call, Documented, Nothing, Operation

_NOT_A_KEY = (
    "This key is not valid here. A key has the form bureau_<id>_<secret>; ask the operator of this gateway for one."
)


def operations(frame: Frame) -> list[Operation[Any, Any]]:
    gate = frame.gateway.gate

    def ask(_: Call[Nothing, Nothing]) -> Response:
        return form(request.args.get("next"))

    def form(following: str | None, wrong: str | None = None) -> Response:
        used = gate.keys_are_in_use()
        return frame.page(
            "login.html", status=422 if wrong else 200, following=local_address(following), wrong=wrong, used=used
        )

    def log_in(call: Call[Any, Any]) -> Response:
        signed_in = gate.sign_in(call.body.get("key") or "")
        following = local_address(call.body.get("next"))
        if signed_in is None:
            return form(following, _NOT_A_KEY)
        answer = go(following)
        answer.set_cookie(COOKIE, signed_in[0], max_age=SECONDS, **_attributes(frame))
        return answer

    def log_out(_: Call[Any, Any]) -> Response:
        gate.sign_out(request.cookies.get(COOKIE))
        answer = go("/login", done="logged-out")
        answer.delete_cookie(COOKIE, **_attributes(frame))
        return answer

    def switch(call: Call[Any, Any]) -> Response:
        wanted = call.body.get("theme") or ""
        return theme.keep(go(local_address(call.body.get("next"))), wanted if wanted in theme.THEMES else "system")

    refused = [
        Documented(303, "Logged in, with a cookie.", headers={"Location": "A page.", "Set-Cookie": "The session."}),
        Documented(422, "The key opens nothing.", media_types=("text/html",)),
    ]
    return [
        frame.get("login", "/login", ask, "Log in with a key", role=None),
        frame.post("log-in", "/login", log_in, "Log in with a key", role=None, answers=refused),
        frame.post("log-out", "/logout", log_out, "Log out of the pages", role=None),
        frame.post("theme", "/theme", switch, "Light, dark, or as the system has it", role=None, needs_ledger=False),
    ]


def _attributes(frame: Frame) -> dict[str, Any]:
    secure = frame.gateway.settings.base_url.startswith("https://")
    return {"httponly": True, "samesite": "Lax", "secure": secure, "path": frame.gateway.settings.root or "/"}
