"""Exports what projects import from `celery.result`."""

from bureau.celery.results.eager import EagerResult
from bureau.celery.results.group import GroupResult, ResultSet, result_from_tuple
from bureau.celery.results.result import AsyncResult, allow_join_result

__all__ = ["AsyncResult", "EagerResult", "GroupResult", "ResultSet", "allow_join_result", "result_from_tuple"]
