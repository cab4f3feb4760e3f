"""Serves the gateway under the path of PUBLIC_URL, such as `/bureau`.

Inside, all addresses are the gateway's own (`/jobs`). They get the prefix where they leave: in the `Location` header,
in the fields of JSON answers that are a `LocalAddress`, in templates. So no view can forget it. A request may come with
the prefix or without it, because some proxies strip it and others do not.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from flask import Flask, request
from jinja2.ext import Extension
from werkzeug.datastructures import Headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_ENVIRON = "bureau.prefix"
_ADDRESS = re.compile(r'\b(href|src|action|data-stream)="/')


@dataclass(frozen=True)
class Prefix:
    """Holds the path of PUBLIC_URL, without a slash at its end; empty if there is none.

    With `own` the prefix looks like an address of the gateway itself. Then it is never taken off: `/jobs/1` could mean
    two things, and a proxy has to strip it.
    """

    root: str = ""
    own: bool = False

    @classmethod
    def of(cls, root: str, paths: Iterable[str]) -> "Prefix":
        """Returns the prefix `root` of a gateway that serves these paths."""
        return cls(root, root.split("/", 2)[1:2] in [path.split("/", 2)[1:2] for path in paths])

    def local(self, address: str) -> str:
        """Returns the gateway's own address, without the prefix, which may be percent-encoded in it."""
        for root in (self.root, unquote(self.root)):
            if root and not self.own and (address == root or address.startswith((f"{root}/", f"{root}?"))):
                rest = address.removeprefix(root)
                return rest if rest.startswith("/") else f"/{rest}"
        return address

    def put_before_location(self, headers: Headers) -> None:
        """Completes the `Location` of an answer, if it names an address of the gateway."""
        if self.root and (location := headers.get("Location", "")).startswith("/"):
            headers["Location"] = f"{self.root}{location}"


_NONE = Prefix()


def add_prefix(app: Flask, prefix: Prefix) -> None:
    """Serves the application under a prefix."""
    app.jinja_env.globals["root"] = prefix.root
    app.jinja_env.add_extension(PrefixedAddresses)
    if prefix.root:
        _add_middleware(app, prefix)


def _add_middleware(app: Flask, prefix: Prefix) -> None:
    inner: WSGIApplication = app.wsgi_app

    def served(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ[_ENVIRON] = prefix
        environ["SCRIPT_NAME"] = _as_wsgi(unquote(prefix.root))
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "surrogateescape")
        environ["PATH_INFO"] = _as_wsgi(prefix.local(path))
        return inner(environ, start_response)

    app.wsgi_app = served  # type: ignore[method-assign]  # Flask's own way to add a middleware


def _as_wsgi(text: str) -> str:
    """Returns a path as WSGI passes it on: each byte is a character (PEP 3333)."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def current() -> Prefix:
    """Returns the prefix of the gateway that serves this request."""
    return of(request.environ)


def of(environ: "WSGIEnvironment") -> Prefix:
    """Returns the prefix of the gateway that serves the request with this environment."""
    prefix: Prefix = environ.get(_ENVIRON, _NONE)
    return prefix


class PrefixedAddresses(Extension):
    """Puts the prefix before the addresses that stand in templates. Where a value is an address, write `{{ root }}`."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 - Jinja's
        return _ADDRESS.sub(r'\1="{{ root }}/', source)
