"""Builds Flask applications for tests quickly: werkzeug's code for a route is compiled once a process.

werkzeug writes and compiles two functions for each route, which is four fifths of an application's start; each test has
an application of its own.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]


@cache
def share_url_builders() -> None:
    """The functions know nothing of their application: they are methods of the route, which is handed in."""
    compiled: dict[tuple[Any, ...], Builder] = {}
    compile_builder = Rule._compile_builder

    def shared(rule: Rule, append_unknown: bool = True) -> Builder:
        if rule.defaults:
            return compile_builder(rule, append_unknown)
        key = (append_unknown, *rule._trace)
        if key not in compiled:
            compiled[key] = compile_builder(rule, append_unknown)
        return compiled[key]

    Rule._compile_builder = shared  # type: ignore[method-assign,assignment]
