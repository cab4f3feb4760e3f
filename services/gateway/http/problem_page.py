"""Shows a problem as a small page, for people whose browser was refused: a wrong address, an expired link, no key."""

from flask import Response
from markupsafe import escape
from werkzeug.datastructures import MIMEAccept

from bureau.contracts.problems import Problem
from bureau.services.gateway.http import prefix
from bureau.services.gateway.http.security import PAGE_POLICY
from bureau.services.gateway.problem_model import PROBLEM_TYPE

_PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>{title} · Bureau</title>
  <link rel="stylesheet" href="{root}/static/bureau.css">
  <link rel="stylesheet" href="{root}/static/narrow.css">
  <link rel="icon" type="image/svg+xml" href="{root}/static/bureau.svg">
</head>
<body>
  <header class="top">
    <a class="brand" href="{root}/"><img src="{root}/static/bureau.svg" alt="" width="22" height="22"> Bureau</a>
  </header>
  <main>
    <h1>{title}</h1>
    <p>{detail}</p>
    <p><a href="{root}/">To the start</a> · <a href="{root}/problems/{slug}">What this means</a></p>
  </main>
</body>
</html>
"""


def wants_page(accepted: MIMEAccept) -> bool:
    """Returns whether the client prefers HTML.

    Browsers name it first; programs get JSON, also those that accept anything.
    """
    return accepted.best_match([PROBLEM_TYPE, "application/json", "text/html"]) == "text/html"


def problem_page(refused: Problem) -> Response:
    title, detail = escape(refused.title), escape(refused.detail)
    text = _PAGE.format(title=title, detail=detail, slug=refused.slug, root=escape(prefix.current().root))
    # The policy for answers to programs would block the stylesheet.
    headers = {**refused.headers, "Vary": "Accept", "Content-Security-Policy": PAGE_POLICY}
    return Response(text, refused.status, headers, content_type="text/html; charset=utf-8")
