"""Flask applications for tests, put together quickly: what werkzeug compiles for a route is compiled once a process.

It writes and compiles two functions a route, which is four fifths of what an application takes; a test has its own.
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
