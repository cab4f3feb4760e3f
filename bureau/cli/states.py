"""Shows the state of a job or task as a coloured word."""

from bureau.cli.cells import Styled

_STYLES = {
    "succeeded": "green",
    "failed": "bold red",
    "cancelled": "yellow",
    "skipped": "yellow",
    "retrying": "yellow",
    "running": "cyan",
}


def style(state: str) -> str:
    """Returns the colour of a state, or an empty string for states that need no attention and for unknown ones."""
    return _STYLES.get(state, "")


def shown(state: str) -> Styled:
    """Returns the state's name in its colour."""
    return Styled(state, style(state))
