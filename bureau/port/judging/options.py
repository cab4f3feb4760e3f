"""Judges the options of declarations and calls."""

from collections.abc import Iterable

import libcst as cst

from bureau.port.known.names import CALL_OPTIONS, CALL_REASONS_BY_OPTION, TASK_REASONS_BY_OPTION

JSON = frozenset({"json"})


def text_of(node: cst.BaseExpression) -> str | None:
    """Returns the value of a literal text."""
    value = node.evaluated_value if isinstance(node, cst.SimpleString | cst.ConcatenatedString) else None
    return value if isinstance(value, str) else None


def is_literal(node: cst.BaseExpression, name: str) -> bool:
    return isinstance(node, cst.Name) and node.value == name


def wrong_task_options(options: Iterable[tuple[str, cst.BaseExpression]]) -> list[str]:
    """Returns a reason for each option of a declaration that the names layer refuses; others are attributes."""
    return [
        f"{name}: {TASK_REASONS_BY_OPTION[name]}"
        for name, value in options
        if name in TASK_REASONS_BY_OPTION and not _is_harmless(name, value)
    ]


def wrong_call_options(options: Iterable[tuple[str, cst.BaseExpression]]) -> list[str]:
    """Returns a reason for each option of a call that the names layer refuses."""
    reasons = []
    for name, value in options:
        if name == "task_id" and isinstance(value, cst.SimpleString | cst.FormattedString):
            reasons.append("task_id: The id of a job is a UUID: make one with celery.uuid(), and tag the job.")
        elif name not in CALL_OPTIONS and name != "expiration" and not _is_harmless(name, value):
            why = CALL_REASONS_BY_OPTION.get(name, "The names layer does not have this option.")
            reasons.append(f"{name}: {why}")
    return reasons


def _is_harmless(name: str, value: cst.BaseExpression) -> bool:
    """Tells whether an option says what is so anyhow."""
    if name in ("serializer", "result_serializer") and text_of(value) in JSON:
        return True
    return is_literal(value, "None") or is_literal(value, "False")


def keywords(call: cst.Call) -> list[tuple[str, cst.BaseExpression]]:
    return [(argument.keyword.value, argument.value) for argument in call.args if argument.keyword]
