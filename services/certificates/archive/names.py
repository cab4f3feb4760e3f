"""Decides which names a member may have: those that mean the same harmless place on every system. Pure."""

import re
import unicodedata

MAX_NAME_CHARACTERS = 240  # Windows allows 260, with the folder to which it is extracted

_DRIVE = re.compile(r"^[A-Za-z]:")
# These characters turn the reading direction: “fdp.exe” after one of them is read as “exe.pdf”.
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def name_problem(name: str) -> str | None:
    """Returns the rule that `name` breaks, in words that follow "its name …", or None."""
    if not name.strip("/"):
        return "is empty"
    if len(name) > MAX_NAME_CHARACTERS:
        return f"has {len(name)} characters, more than {MAX_NAME_CHARACTERS}"
    if any(unicodedata.category(c) in ("Cc", "Cs") or c in _DIRECTION for c in name):
        return "holds control characters"
    if "\\" in name:
        return "holds a backslash"
    if name.startswith("/") or _DRIVE.match(name):
        return "is an absolute path"
    parts = name.removesuffix("/").split("/")
    if ".." in parts:
        return "leads out of the archive’s folder (..)"
    if "" in parts or "." in parts:
        return "has an empty or a “.” step in its path"
    return None


class Places:
    """Records the places taken so far.

    Systems that ignore case or accents would write one of two such members over the other.
    """

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def take(self, name: str) -> bool:
        """Takes a place for a file (or, if `name` ends in "/", a folder); returns whether it was free."""
        is_folder = name.endswith("/")
        parts = unicodedata.normalize("NFC", name.removesuffix("/").casefold()).split("/")
        place = "/".join(parts)
        above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        if place in self._files or above & self._files or (not is_folder and place in self._folders):
            return False
        self._folders |= above
        (self._folders if is_folder else self._files).add(place)
        return True
