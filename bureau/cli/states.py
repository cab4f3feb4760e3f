"""States in colour, beside their word."""

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
    """Nothing for what is as it should be, or not known."""
    return _STYLES.get(state, "")


def shown(state: str) -> Styled:
    return Styled(state, style(state))
