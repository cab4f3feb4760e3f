"""What must not be said: credentials are taken out of whatever a process writes."""

import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote, urlsplit

_HIDDEN = "***"
_SHORTEST = 8  # what is shorter may stand in any text; in URLs and headers it is hidden all the same

# `://user:password@` or `://token@`. A password may hold anything but white space and quotes, even "/" or "@":
# rather too much of a URL is lost here than part of a password kept. The lengths keep hostile text linear.
_CREDENTIALS = re.compile(r"""://(?:[^\s@/:"'<>]{0,256}:[^\s"'<>]{0,1024}|[^\s@/?#:"'<>]{1,1024})@""")
# The gateway's keys, whose id may be seen, and the tokens of its signed links.
_KEYS = re.compile(r"\b(bureau_[0-9a-z]{4,16}_)[0-9A-Za-z]{32,}")
_TOKENS = re.compile(r"""([?&]token=)[^\s&"'<>]+""")

# Authorization headers of others.
_HEADERS = re.compile(r"\b(Bearer|Basic) (?!bureau_[0-9a-z]{4,16}_\*)[A-Za-z0-9._~+/=-]{6,1024}")

_BETWEEN_URLS = re.compile(r"[;,](?=[a-z][a-z0-9+]*://)")  # settings that take several: BROKER_URL
_SECRET_NAMES = re.compile(r"(KEY|SECRET|TOKEN|PASSWORD|_URL|_API)$")

_values: set[str] = set()  # grows while a process starts, and then no more


def keep(secrets: Iterable[str]) -> None:
    """From now on `scrub` knows these: whole values, and the passwords in those that are URLs."""
    for secret in secrets:
        urls = _BETWEEN_URLS.split(secret) if "://" in secret else []
        parts = [part for url in urls for part in _parts(url)] if urls else [secret]
        long = [part for part in parts if len(part) >= _SHORTEST]
        _values.update(long, (json.dumps(part, ensure_ascii=False)[1:-1] for part in long))


def keep_environment(environment: Mapping[str, str]) -> None:
    """Whatever is named like a secret, also one of another service that this process does not read."""
    keep(value for name, value in environment.items() if _SECRET_NAMES.search(name))


def scrub(text: str) -> str:
    """`text` without credentials of URLs (`amqp://***@host`) and headers, keys, links' tokens, and what was kept."""
    if "://" in text:
        text = _CREDENTIALS.sub(f"://{_HIDDEN}@", text)
    if "bureau_" in text:
        text = _KEYS.sub(rf"\1{_HIDDEN}", text)
    if "token=" in text:
        text = _TOKENS.sub(rf"\1{_HIDDEN}", text)
    if "Bearer " in text or "Basic " in text:
        text = _HEADERS.sub(rf"\1 {_HIDDEN}", text)
    for value in sorted((value for value in _values if value in text), key=len, reverse=True):
        text = text.replace(value, _HIDDEN)
    return text


def _parts(url: str) -> list[str]:
    """The password of a URL as it is written and as it is meant; one that is the user's name is none."""
    try:
        user, password = urlsplit(url).username, urlsplit(url).password or ""
    except ValueError:  # no URL after all
        return [url]
    return [] if password == user else [password, unquote(password)]
