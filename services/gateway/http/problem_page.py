"""A problem as a small page, for people whose browser was refused: what is left when the dialog for a key is closed."""

from flask import Response
from markupsafe import escape
from werkzeug.datastructures import MIMEAccept

from bureau.contracts.problems import Problem
from services.gateway.http.problem_model import PROBLEM_TYPE

_PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>{title} · Bureau</title>
  <link rel="stylesheet" href="/static/bureau.css">
  <link rel="icon" type="image/svg+xml" href="/static/bureau.svg">
</head>
<body>
  <main>
    <h1>{title}</h1>
    <p>{detail}</p>
    <p><a href="/">To the start</a> · <a href="/problems/{slug}">What this means</a></p>
  </main>
</body>
</html>
"""


def wants_page(accepted: MIMEAccept) -> bool:
    """Browsers name HTML before anything else; programs get JSON, also those that take anything."""
    return accepted.best_match([PROBLEM_TYPE, "application/json", "text/html"]) == "text/html"


def problem_page(refused: Problem) -> Response:
    text = _PAGE.format(title=escape(refused.title), detail=escape(refused.detail), slug=refused.slug)
    return Response(
        text, refused.status, {**refused.headers, "Vary": "Accept"}, content_type="text/html; charset=utf-8"
    )
