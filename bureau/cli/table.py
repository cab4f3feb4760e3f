"""Lays out tables: each column is as wide as its cells, and one column is cut if the line would be too long."""

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from bureau.cli.cells import Cell, Column
from bureau.cli.formatting import one_line

GAP = 2


def table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int) -> list[Text]:
    """Returns a header and one line for each row.

    No line is wider than `width`, unless the flexible column would become narrower than eight characters.
    """
    cells = [[_text(cell) for cell in row] for row in rows]
    widths = [
        max([cell_len(column.title), *(cell_len(row[index].plain) for row in cells)])
        for index, column in enumerate(columns)
    ]
    excess = sum(widths) + GAP * (len(columns) - 1) - width
    if excess > 0:
        index = next(index for index, column in enumerate(columns) if column.flexible)
        widths[index] = max(8, widths[index] - excess)
    head = _line(columns, [Text(column.title) for column in columns], widths, "bold")
    return [head, *(_line(columns, row, widths, "") for row in cells)]


def _text(cell: Cell) -> Text:
    return Text(one_line(cell)) if isinstance(cell, str) else Text(cell.text, style=cell.style)


def cut(text: str, width: int) -> str:
    """Returns the text, cut to `width` terminal columns; a cut text ends in an ellipsis."""
    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)).rstrip() + "…"


def _line(columns: Sequence[Column], cells: Sequence[Text], widths: Sequence[int], style: str) -> Text:
    line = Text(style=style)
    for index, (column, cell, width) in enumerate(zip(columns, cells, widths, strict=True)):
        shown = cut(cell.plain, width)
        pad = " " * (width - cell_len(shown))
        filled = pad + shown if column.right else shown + pad
        line.append(filled, str(cell.style) or column.style or None)
        if index < len(columns) - 1:
            line.append(" " * GAP)
    line.rstrip()
    return line
