"""Draws a job's tasks in columns: each is drawn to the right of the tasks that it waits for. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bureau.ledger.reads.job_views import TaskView

MOST = 50  # tasks; a table shows more of them better
_WIDTH, _HEIGHT = 168, 36
_APART, _BELOW = 44, 12
_MARGIN = 4
_LETTERS = 17


@dataclass(frozen=True)
class Node:
    """The box of a task, at `x` and `y`."""

    task: TaskView
    x: int
    y: int

    @property
    def label(self) -> str:
        name = self.task.name
        return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"


@dataclass(frozen=True)
class Graph:
    """The drawing: `edges` are SVG paths from the right of one box to the left of another."""

    nodes: tuple[Node, ...]
    edges: tuple[str, ...]
    width: int
    height: int
    box: tuple[int, int] = (_WIDTH, _HEIGHT)


def graph(tasks: Sequence[TaskView]) -> Graph | None:
    """Returns the drawing; None for a single task, for tasks that do not depend on each other, or for too many."""
    if not 2 <= len(tasks) <= MOST or not any(task.after for task in tasks):
        return None
    columns: dict[str, int] = {}
    for task in _in_order(tasks):
        columns[task.name] = max((columns[name] + 1 for name in task.after if name in columns), default=0)
    rows: dict[int, int] = {}
    nodes = {}
    for task in tasks:
        column = columns[task.name]
        row = rows.get(column, 0)
        rows[column] = row + 1
        x, y = _MARGIN + column * (_WIDTH + _APART), _MARGIN + row * (_HEIGHT + _BELOW)
        nodes[task.name] = Node(task, x, y)
    edges = [_edge(nodes[name], nodes[task.name]) for task in tasks for name in task.after if name in nodes]
    width = _MARGIN * 2 + (max(columns.values()) + 1) * (_WIDTH + _APART) - _APART
    height = _MARGIN * 2 + max(rows.values()) * (_HEIGHT + _BELOW) - _BELOW
    return Graph(tuple(nodes.values()), tuple(edges), width, height)


def _in_order(tasks: Sequence[TaskView]) -> list[TaskView]:
    """Sorts tasks so that each comes after those it waits for. They come in any order, and none waits for itself."""
    left = list(tasks)
    done: list[TaskView] = []
    names = {task.name for task in tasks}
    while left:
        placed = {task.name for task in done}
        ready = [task for task in left if names & set(task.after) <= placed]
        done += ready or left
        left = [task for task in left if task not in ready] if ready else []
    return done


def _edge(start: Node, end: Node) -> str:
    x1, y1 = start.x + _WIDTH, start.y + _HEIGHT // 2
    x2, y2 = end.x, end.y + _HEIGHT // 2
    bend = max((x2 - x1) // 2, 12)
    return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
