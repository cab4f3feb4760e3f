"""Redacts credentials from everything that a process writes."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

_HIDDEN = "***"
_LONGEST_PATTERN = 1300  # what the patterns below match at most
_WINDOW = 65_536  # what is redacted besides, because a text gets shorter
_MIN_LENGTH = 8  # a shorter value may occur in any text; URLs and headers are redacted anyway

# `://user:password@` or `://token@`. A password may contain anything but white space and quotes, even "/" or "@":
# it is better to lose too much of a URL than to keep part of a password. The length limits keep matching of hostile
# text linear.
_CREDENTIALS = re.compile(r"""://(?:[^\s@/:"'<>]{0,256}:[^\s"'<>]{0,1024}|[^\s@/?#:"'<>]{1,1024})@""")
# The gateway's API keys, whose id may be seen, and the tokens of its signed links.
_KEYS = re.compile(r"\b(bureau_[0-9a-z]{4,16}_)[0-9A-Za-z]{32,}")
_TOKENS = re.compile(r"""([?&]token=)[^\s&"'<>]+""")

# Authorization headers for other servers.
_HEADERS = re.compile(r"\b(Bearer|Basic) (?!bureau_[0-9a-z]{4,16}_\*)[A-Za-z0-9._~+/=-]{6,1024}")

_BETWEEN_URLS = re.compile(
    r"[;,](?=[a-z][a-z0-9+]*://)"
)  # separates the URLs of settings that take several, such as BROKER_URL
_SECRET_NAMES = re.compile(r"(KEY|SECRET|TOKEN|PASSWORD|HEADERS|_URL|_API)$")
# A header in a secret that holds several: `X-Key: abc | …`.
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`~-]+:[ \t]*(\S.*)")

_known_secrets: set[str] = set()  # grows only while a process starts


def keep(secrets: Iterable[str]) -> None:
    """Makes `scrub` redact these from now on: whole values, and the passwords in values that are URLs."""
    for secret in secrets:
        urls = _BETWEEN_URLS.split(secret) if "://" in secret else []
        parts = [part for url in urls for part in _parts(url)] if urls else [secret, *_header_values(secret)]
        long = [part for part in parts if len(part) >= _MIN_LENGTH]
        _known_secrets.update(form for part in long for form in _forms(part))


def keep_environment(environment: Mapping[str, str]) -> None:
    """Does the same for all variables named like a secret, also those of services that this process does not run."""
    keep(value for name, value in environment.items() if _SECRET_NAMES.search(name))


def scrub(text: str) -> str:
    """Returns `text` with all credentials redacted.

    These are credentials in URLs (`amqp://***@host`) and headers, API keys, tokens of links, and the values that `keep`
    was given.
    """
    if "://" in text:
        text = _CREDENTIALS.sub(f"://{_HIDDEN}@", text)
    if "bureau_" in text:
        text = _KEYS.sub(rf"\1{_HIDDEN}", text)
    if "token=" in text:
        text = _TOKENS.sub(rf"\1{_HIDDEN}", text)
    if "Bearer " in text or "Basic " in text:
        text = _HEADERS.sub(rf"\1 {_HIDDEN}", text)
    return _without_values(text)


def scrub_cut(text: str, characters: int) -> str:
    """Returns the beginning of `text` without secrets. A text of megabytes costs no more than one of a page."""
    if len(text) <= characters + _WINDOW:
        return scrub(text)[:characters]
    return scrub(text[: characters + _WINDOW])[: -_edge()][:characters]


def scrub_middle_out(text: str, characters: int) -> str:
    """Returns `text` without secrets; of a longer text the first quarter and the end, as a traceback is read."""
    if len(text) <= characters:
        return scrub(text)
    last = characters * 3 // 4
    tail = scrub(text[-(last + _WINDOW) :])
    if len(text) > last + _WINDOW:
        tail = tail[_edge() :]
    return f"{scrub_cut(text, characters // 4)}\n…\n{tail[-last:]}"


def _edge() -> int:
    """Returns what is lost where a text is cut before it is redacted: half a secret would not be recognised there."""
    return max([_LONGEST_PATTERN, *map(len, _known_secrets)])


def _forms(secret: str) -> set[str]:
    """Returns a secret as it stands in a text, in JSON, and in what Python writes of texts and bytes in a traceback."""
    in_json = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (False, True)}
    return {secret, *in_json, repr(secret)[1:-1], repr(secret.encode())[2:-1]}


def _parts(url: str) -> list[str]:
    """Returns the password of a URL, as written and unquoted. A password equal to the user name is not a secret."""
    try:
        user, password = urlsplit(url).username, urlsplit(url).password or ""
    except ValueError:  # not a URL after all
        return [url]
    return [] if password == user else [password, unquote(password)]


def _header_values(secret: str) -> list[str]:
    """Returns the values of headers and the words in them, because an API may repeat only a part of a value."""
    values = [found[1].strip() for line in re.split(r"[\n|]", secret) if (found := _HEADER.fullmatch(line.strip()))]
    return [part for value in values for part in (value, *value.split())]


def hide_secrets(value: Any) -> Any:
    """Returns a JSON value without this process's own secrets.

    It keeps a text that only looks like a credential, because it may be data.
    """
    text = json.dumps(value, ensure_ascii=False)
    return _hidden(value) if any(secret in text for secret in _known_secrets) else value


def _hidden(value: Any) -> Any:
    match value:
        case str():
            return _without_values(value)
        case dict():
            return {_without_values(name): _hidden(item) for name, item in value.items()}
        case list():
            return [_hidden(item) for item in value]
    return value


def _without_values(text: str) -> str:
    for value in sorted((value for value in _known_secrets if value in text), key=len, reverse=True):
        text = text.replace(value, _HIDDEN)
    return text
