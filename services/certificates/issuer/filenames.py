"""Makes the names in the archive: readable, allowed on every system, and never the same twice."""

import unicodedata

from bureau.contracts.artifacts import cut_to_bytes

MAX_BYTES = 100  # for the part that comes from a roster; a name may have 255, with its number and ending


def certificate_name(number: int, total: int, recipient: str) -> str:
    """Returns `007-Ada-Lovelace.pdf`. The number makes it unique and keeps the roster's order in a listing."""
    return f"{_numbered(number, total)}-{_plain(recipient, 'certificate')}.pdf"


def roster_folder(number: int, total: int, roster: str) -> str:
    """Returns `2-spring-course/`, the folder for a roster's certificates, or "" if it is the only roster."""
    if total == 1:
        return ""
    stem = roster.rpartition(".")[0] or roster
    return f"{_numbered(number, total)}-{_plain(stem, 'roster')}/"


def _numbered(number: int, total: int) -> str:
    return str(number).zfill(len(str(total)))


def _plain(text: str, fallback: str) -> str:
    """Keeps letters and digits of any script, in words joined by hyphens.

    Latin letters lose their accents, which archive programs still get wrong.
    """
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(c for c in decomposed if not ("\u0300" <= c <= "\u036f"))
    composed = unicodedata.normalize("NFC", bare)
    kept = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in composed)
    return cut_to_bytes("-".join(kept.split()), MAX_BYTES).rstrip("-") or fallback
