"""Closes a Django project's database connections around a task, as Django does around a request.

A connection that is broken or too old is closed before and after each task. Without that every task fails after the
database has cut its connections. One with an open transaction is a test's.
"""

import sys


def close_old() -> None:
    """Closes the connections of this thread that are broken or too old; outside of a Django project it does nothing."""
    if "django.db" not in sys.modules:
        return
    from django.conf import settings
    from django.db import connections

    if not settings.configured:
        return
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


async def close_old_of_coroutines() -> None:
    """Closes them in the thread in which Django's async interface works."""
    if "django.db" not in sys.modules:
        return
    from asgiref.sync import sync_to_async

    await sync_to_async(close_old)()
