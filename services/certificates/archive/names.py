"""Decides which names a member may have: those that mean the same harmless place on every system. Pure."""

import re
import unicodedata

MAX_NAME_CHARACTERS = 240  # Windows allows 260, with the folder to which it is extracted

# Windows opens a device instead of these, in every folder and with every ending.
_DEVICE = re.compile(r"(con|prn|aux|nul|clock\$|conin\$|conout\$|(com|lpt)[0-9¹²³])[ .]*([.:].*)?", re.IGNORECASE)
_UNSHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, halves of characters, ends of lines
# These characters turn the reading direction: “fdp.exe” after one of them is read as “exe.pdf”.
_REPLACED = str.maketrans('<>"|?*', "______")
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def name_problem(name: str) -> str | None:
    """Returns the rule that `name` breaks, in words that follow "its name …", or None."""
    if not name.strip("/"):
        return "is empty"
    if len(name) > MAX_NAME_CHARACTERS:
        return f"has {len(name)} characters, more than {MAX_NAME_CHARACTERS}"
    if any(unicodedata.category(c) in _UNSHOWN or c in _DIRECTION for c in name):
        return "holds control characters"
    if "\\" in name:
        return "holds a backslash"
    if name.startswith("/"):
        return "is an absolute path"
    if ":" in name:  # a drive, or a stream such as `a.pdf::$DATA`, which is a.pdf itself
        return "holds a colon"
    parts = name.removesuffix("/").split("/")
    if ".." in parts:
        return "leads out of the archive’s folder (..)"
    if "" in parts or "." in parts:
        return "has an empty or a “.” step in its path"
    if any(part[-1] in ". " for part in parts):
        return "ends in a dot or a blank, which Windows drops"
    if any(_DEVICE.fullmatch(part) for part in parts):
        return "is that of a device on Windows"
    return None


class Places:
    """Records the places taken so far.

    Systems that ignore case or accents would write one of two such members over the other.
    """

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def take(self, *names: str) -> bool:
        """Takes the places of one file (or folder, if the names end in "/"); returns whether they were all free."""
        places = {_place(name) for name in names}
        is_folder = names[0].endswith("/")
        above = {folder for place in places for folder in _folders_above(place)}
        if (places | above) & self._files or (not is_folder and places & self._folders):
            return False
        self._folders |= above
        (self._folders if is_folder else self._files).update(places)
        return True


def _folders_above(place: str) -> set[str]:
    parts = place.split("/")
    return {"/".join(parts[:depth]) for depth in range(1, len(parts))}


def _place(name: str) -> str:
    """Returns what is the same for names that some system takes for the same.

    macOS ignores characters without a width; programs for Windows write “_” for those that it does not allow.
    """
    visible = "".join(c for c in name.removesuffix("/") if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFC", visible.translate(_REPLACED).casefold())
