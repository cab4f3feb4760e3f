"""Declares tasks with the names of either package: the real Celery, or Bureau's names."""

from types import ModuleType, SimpleNamespace
from typing import Any

PREFIX = "same"


def declared(celery: ModuleType, app: Any) -> Any:
    """The tasks of an app, made with `celery`, which is Celery or what stands in for it."""

    def task(**options: Any) -> Any:
        return lambda function: app.task(name=f"{PREFIX}.{function.__name__}", **options)(function)

    class Base(app.Task):
        def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
            self.request.started = True

    @task()
    def add(a: Any, b: Any) -> Any:
        return a + b

    @task()
    def echo(*args: Any, **kwargs: Any) -> Any:
        return [list(args), kwargs]

    @task()
    def total(numbers: list[int], more: int = 0) -> int:
        return sum(numbers) + more

    @task()
    def fails(text: str) -> None:
        raise ValueError(text)

    @task(bind=True, max_retries=3)
    def third_time(self: Any) -> int:
        if self.request.retries < 2:
            raise self.retry(exc=KeyError("not yet"), countdown=0)
        return int(self.request.retries)

    @task(bind=True, max_retries=1)
    def never(self: Any, own: bool = True) -> None:
        raise self.retry(exc=LookupError("gone") if own else None, countdown=0)

    @task(bind=True, autoretry_for=(ConnectionError,), retry_kwargs={"max_retries": 2, "countdown": 0})
    def again(self: Any, error: str) -> int:
        if error == "connection":
            if self.request.retries < 2:
                raise ConnectionResetError("cut")
            return int(self.request.retries)
        raise RuntimeError(f"after {self.request.retries} retries")

    @task(bind=True, autoretry_for=(OSError,), dont_autoretry_for=(FileNotFoundError,), default_retry_delay=0)
    def but_not(self: Any) -> None:
        raise FileNotFoundError(f"after {self.request.retries} retries")

    @task(bind=True, max_retries=1)
    def more_than_declared(self: Any) -> int:
        if self.request.retries < 3:
            raise self.retry(countdown=0, max_retries=3)
        return int(self.request.retries)

    @task(bind=True, base=Base)
    def about(self: Any, *args: Any, **kwargs: Any) -> Any:
        request = self.request
        seen = [request.retries, list(request.args), request.kwargs, request.task, request.called_directly]
        return [*seen, request.started, request.id]

    @task(bind=True)
    def ignores(self: Any) -> None:
        raise celery.exceptions.Ignore

    made = locals()
    return SimpleNamespace(**{name: value for name, value in made.items() if hasattr(value, "apply_async")})
