"""Keeps the theme in a cookie, so that no script is needed: light, dark, or that of the system."""

from flask import Response, request

from bureau.services.gateway.http import prefix

COOKIE = "bureau_theme"
THEMES = ("system", "dark", "light")
_YEAR = 365 * 86_400


def chosen_theme() -> str:
    chosen = request.cookies.get(COOKIE, "")
    return chosen if chosen in THEMES else "system"


def keep(answer: Response, theme: str) -> Response:
    answer.set_cookie(COOKIE, theme, max_age=_YEAR, httponly=True, samesite="Lax", path=prefix.current().root or "/")
    return answer
