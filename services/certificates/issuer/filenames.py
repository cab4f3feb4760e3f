"""Names in the archive: readable, allowed on every system, and never the same twice."""

import unicodedata

MAX_CHARACTERS = 60


def certificate_name(number: int, total: int, recipient: str) -> str:
    """`007-Ada-Lovelace.pdf`: the number makes it unique, and keeps the roster's order in a listing."""
    return f"{_numbered(number, total)}-{_plain(recipient, 'certificate')}.pdf"


def roster_folder(number: int, total: int, roster: str) -> str:
    """`2-spring-course/` for a roster's certificates; no folder where it is the only one."""
    if total == 1:
        return ""
    stem = roster.rpartition(".")[0] or roster
    return f"{_numbered(number, total)}-{_plain(stem, 'roster')}/"


def _numbered(number: int, total: int) -> str:
    return str(number).zfill(len(str(total)))


def _plain(text: str, fallback: str) -> str:
    """Letters and digits of any script, in words joined by hyphens. Latin letters lose their accents, which archive
    programs still get wrong."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(c for c in decomposed if not ("\u0300" <= c <= "\u036f"))
    composed = unicodedata.normalize("NFC", bare)
    kept = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in composed)
    return "-".join(kept.split())[:MAX_CHARACTERS].rstrip("-") or fallback
