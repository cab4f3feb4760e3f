"""Requests to one gateway: sent with the key, repeated while that can help, answered or raised."""

import json
import os
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from bureau.client import plain
from bureau.client.errors import ConnectionLost, Problem, Unreachable, problem_from
from bureau.client.retrying import Patience, is_passing, retry_after_seconds
from bureau.client.upload import Upload, opened

DEFAULT_URL = "http://127.0.0.1:8600"
TIMEOUT = httpx.Timeout(60.0, connect=5.0)


class Connection:
    """Threads may share it; `close` gives its sockets back."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`url` and `key` default to BUREAU_URL and BUREAU_KEY (or the file that BUREAU_KEY_FILE names)."""
        given = httpx.URL((url or os.environ.get("BUREAU_URL") or DEFAULT_URL).rstrip("/"))
        if given.scheme not in ("http", "https") or not given.host:
            raise ValueError(f"BUREAU_URL: {_shown(given)} is no address: write http://host:port or https://host")
        key = key or _key_from_environment()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=given, headers=headers, timeout=TIMEOUT)
        self._patience = patience or Patience()
        self._sleep = sleep
        self.url = _shown(given)

    def __repr__(self) -> str:
        return f"Connection({self.url!r})"

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, query: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None) -> Any:
        """The answer's JSON, None where it has none. Raises `Problem`, `Unreachable`."""
        return self._json(self._answer("GET", path, params=plain.query(query or {}), headers=dict(headers or {})))

    def send(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """The same, with a JSON body. A POST is done once however often it is sent: `key` says what is the same."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        content = plain.json_bytes(body) if body is not None else None
        return self._json(self._answer(method, path, headers=_keyed(method, headers, key), content=content))

    def upload(
        self, path: str, field: str, uploads: Sequence[Upload], fields: Mapping[str, Any], *, key: str | None = None
    ) -> Any:
        """The same, with files in a multipart body; the other fields go as JSON in its part `options`."""
        data = {"options": plain.json_bytes(dict(fields)).decode()} if fields else {}

        def request() -> httpx.Response:
            with opened(field, uploads) as parts:
                return self._client.post(path, headers=headers, data=data, files=parts)

        headers = _keyed("POST", {}, key)
        return self._json(self._repeated(request))

    def delete(self, path: str) -> None:
        """What is gone after a try whose answer was lost is deleted, not missing."""
        tries = 0

        def request() -> httpx.Response:
            nonlocal tries
            tries += 1
            return self._client.request("DELETE", path)

        try:
            self._repeated(request)
        except Problem as problem:
            if problem.status != 404 or tries == 1:
                raise

    def look(self, path: str) -> Any:
        """The JSON of one try, whatever its status: `/readyz` answers 503 to say what is not ready."""
        try:
            return self._json(self._client.get(path))
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str], *, silence_seconds: float) -> Iterator[httpx.Response]:
        """One try of an answer that is read as it comes. Raises `Problem`, and `ConnectionLost` also in the block."""
        timeout = httpx.Timeout(TIMEOUT.connect, read=silence_seconds)
        try:
            with self._client.stream("GET", path, headers=headers, timeout=timeout) as answer:
                if answer.status_code >= 400:
                    answer.read()
                    raise _problem(answer)
                yield answer
        except httpx.TransportError as error:
            raise ConnectionLost(str(error) or type(error).__name__) from error

    def again(self, failures: int, since: float, error: Exception) -> None:
        """Sleeps before the next try; raises where the error is not passing or patience is over.

        `failures` counts from 1, `since` is the monotonic time of the first.
        """
        asked = error.retry_after_seconds if isinstance(error, Problem) else None
        passing = not isinstance(error, Problem) or is_passing(error.status, error.slug)
        waited = time.monotonic() - since
        wait = self._patience.pause(failures, waited, asked, random.uniform) if passing else None
        if wait is None:
            raise error if isinstance(error, Problem) else self._unreachable(error)
        self._sleep(wait)

    def _answer(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._repeated(lambda: self._client.request(method, path, **request))

    def _repeated(self, request: Callable[[], httpx.Response]) -> httpx.Response:
        failures, since = 0, 0.0
        while True:
            try:
                return _accepted(request())
            except (httpx.TransportError, Problem) as error:
                since = since if failures else time.monotonic()  # a long upload that failed is no patience spent
                failures += 1
                self.again(failures, since, error)

    def _unreachable(self, error: Exception) -> Unreachable:
        why = str(error) or type(error).__name__
        return Unreachable(f"Cannot reach Bureau at {self.url}: {why}. BUREAU_URL names another address.")

    def _json(self, answer: httpx.Response) -> Any:
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError:
            kind = answer.headers.get("Content-Type", "nothing")
            raise Unreachable(f"What answers at {self.url} is not Bureau: it sent {kind}, not JSON.") from None


def _accepted(answer: httpx.Response) -> httpx.Response:
    if answer.status_code >= 300:  # redirects are not followed: the key would go along
        raise _problem(answer)
    return answer


def _problem(answer: httpx.Response) -> Problem:
    try:
        body = json.loads(answer.content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = {"title": f"Status {answer.status_code} {answer.reason_phrase}", "detail": "not Bureau's own answer"}
    return problem_from(
        answer.status_code,
        body,
        retry_after_seconds=retry_after_seconds(answer.headers.get("Retry-After"), datetime.now(UTC)),
        request_id=answer.headers.get("Request-Id"),
    )


def _keyed(method: str, headers: dict[str, str], key: str | None) -> dict[str, str]:
    return {**headers, "Idempotency-Key": key or str(uuid.uuid4())} if method == "POST" else headers


def _key_from_environment() -> str | None:
    if key := os.environ.get("BUREAU_KEY", "").strip():
        return key
    file = os.environ.get("BUREAU_KEY_FILE")
    return Path(file).read_text().strip() or None if file else None


def _shown(url: httpx.URL) -> str:
    """Without the name and password that may stand in it."""
    return str(url.copy_with(username=None, password=None)) if url.userinfo else str(url)
