"""Lists the languages in which certificates are written. Pure."""

from bureau.services.certificates.issuer.rosters.columns import plain

LANGUAGES = {"en": "English", "es": "español", "ca": "català", "fr": "français", "pt": "português"}

_NAMES = {
    "en": "en eng english ingles angles anglais",
    "es": "es spa spanish espanol espanyol espagnol espanhol castellano castella castilian",
    "ca": "ca cat catalan catala valenciano valencia valencian",
    "fr": "fr fra fre french frances francais",
    "pt": "pt por portuguese portugues portugais",
}
_CODES = {name: code for code, names in _NAMES.items() for name in names.split()}


def language_of(text: str) -> str | None:
    """Returns the code that `text` means: `es`, `es-MX`, `Spanish` and `español` are `es`. None if it names none."""
    words = plain(text).split()
    return _CODES.get(words[0]) if words else None
