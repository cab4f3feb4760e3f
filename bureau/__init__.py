"""Bureau: background paperwork for applications. `@task` makes a function a task; `Context` is its way out."""

from bureau.task import Context, Task, task

__all__ = ["Context", "Task", "task"]
