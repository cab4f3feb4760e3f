"""Renames what Bureau calls otherwise in the call of a task: one option, and two methods of Celery's for Django."""

import libcst as cst

_OPTIONS = {"expiration": "expires"}  # that of the message, after which a worker would not see it
_METHODS = {"delay_on_commit": "delay", "apply_async_on_commit": "apply_async"}  # the outbox waits for the commit


def renamed(call: cst.Call) -> dict[cst.Name, cst.Name]:
    """Returns the names in the call of a task that change, each with its new one."""
    found: dict[cst.Name, cst.Name] = {
        argument.keyword: cst.Name(_OPTIONS[argument.keyword.value])
        for argument in call.args
        if argument.keyword and argument.keyword.value in _OPTIONS
    }
    if isinstance(call.func, cst.Attribute) and call.func.attr.value in _METHODS:
        found[call.func.attr] = cst.Name(_METHODS[call.func.attr.value])
    return found
