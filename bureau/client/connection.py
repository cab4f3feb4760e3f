"""Sends requests to one gateway with the API key and retries those whose failure may pass."""

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

from bureau.client import encoding
from bureau.client.errors import ConnectionLost, Problem, Unreachable, problem_from
from bureau.client.retrying import Patience, is_transient, retry_after_seconds
from bureau.client.upload import Upload, open_parts

DEFAULT_URL = "http://127.0.0.1:8600"
TIMEOUT = httpx.Timeout(60.0, connect=5.0)


class Connection:
    """Sends requests to one gateway. Threads may share it; `close` closes its sockets."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Takes the defaults of `url` and `key` from BUREAU_URL and BUREAU_KEY (or the file in BUREAU_KEY_FILE).

        Raises `ValueError` for an invalid URL and `OSError` if the key file cannot be read.
        """
        base_url = httpx.URL((url or os.environ.get("BUREAU_URL") or DEFAULT_URL).rstrip("/"))
        if base_url.scheme not in ("http", "https") or not base_url.host:
            raise ValueError(
                f"BUREAU_URL: {_without_credentials(base_url)} is not an address: write http://host:port or https://host"
            )
        key = key or _key_from_environment()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=base_url, headers=headers, timeout=TIMEOUT)
        self._patience = patience or Patience()
        self._sleep = sleep
        self.url = _without_credentials(base_url)

    def __repr__(self) -> str:
        return f"Connection({self.url!r})"

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, query: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None) -> Any:
        """Returns the answer's JSON, or None for an empty answer. Raises `Problem`, `Unreachable`."""
        return self._json(self._request("GET", path, params=encoding.query(query or {}), headers=dict(headers or {})))

    def send(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """Sends a JSON body and returns the answer's JSON. Raises `Problem`, `Unreachable`.

        A POST takes effect once even if it is sent again, because it carries an idempotency key: `key`, or a random
        one.
        """
        headers = {"Content-Type": "application/json"} if body is not None else {}
        content = encoding.json_bytes(body) if body is not None else None
        return self._json(
            self._request(method, path, headers=_with_idempotency_key(method, headers, key), content=content)
        )

    def upload(
        self, path: str, field: str, uploads: Sequence[Upload], fields: Mapping[str, Any], *, key: str | None = None
    ) -> Any:
        """Sends files in a multipart body, with the other fields as JSON in its part `options`.

        Returns the answer's JSON. Raises `Problem`, `Unreachable`, `OSError`.
        """
        data = {"options": encoding.json_bytes(dict(fields)).decode()} if fields else {}

        def request() -> httpx.Response:
            with open_parts(field, uploads) as parts:
                return self._client.post(path, headers=headers, data=data, files=parts)

        headers = _with_idempotency_key("POST", {}, key)
        return self._json(self._retried(request))

    def delete(self, path: str) -> None:
        """Deletes a resource. Raises `Problem`, `Unreachable`.

        A 404 after a retry counts as success, because an earlier try whose answer was lost has deleted it.
        """
        tries = 0

        def request() -> httpx.Response:
            nonlocal tries
            tries += 1
            return self._client.request("DELETE", path)

        try:
            self._retried(request)
        except Problem as problem:
            if problem.status != 404 or tries == 1:
                raise

    def get_once(self, path: str) -> Any:
        """Returns the JSON of a single try, whatever its status, because `/readyz` reports failing checks with a 503.

        Raises `Unreachable`.
        """
        try:
            return self._json(self._client.get(path))
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str], *, silence_seconds: float) -> Iterator[httpx.Response]:
        """Opens an answer in a single try, to be read as it arrives.

        `silence_seconds` is the longest time without any byte. Raises `Problem`, and `ConnectionLost`, also in the
        block.
        """
        timeout = httpx.Timeout(TIMEOUT.connect, read=silence_seconds)
        try:
            with self._client.stream("GET", path, headers=headers, timeout=timeout) as answer:
                if answer.status_code >= 400:
                    answer.read()
                    raise _problem(answer)
                yield answer
        except httpx.TransportError as error:
            raise ConnectionLost(str(error) or type(error).__name__) from error

    def wait_before_retry(self, failures: int, since: float, error: Exception) -> None:
        """Sleeps before the next try, or raises `error` if it is permanent or the patience is used up.

        `failures` counts from 1; `since` is the monotonic time of the first failure. A lost connection is raised as
        `Unreachable`.
        """
        retry_after = error.retry_after_seconds if isinstance(error, Problem) else None
        transient = not isinstance(error, Problem) or is_transient(error.status, error.slug)
        waited = time.monotonic() - since
        wait = self._patience.pause(failures, waited, retry_after, random.uniform) if transient else None
        if wait is None:
            raise error if isinstance(error, Problem) else self._unreachable(error)
        self._sleep(wait)

    def _request(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._retried(lambda: self._client.request(method, path, **request))

    def _retried(self, request: Callable[[], httpx.Response]) -> httpx.Response:
        failures, since = 0, 0.0
        while True:
            try:
                return _accepted(request())
            except (httpx.TransportError, Problem) as error:
                since = (
                    since if failures else time.monotonic()
                )  # the time that a long upload took before it failed does not count
                failures += 1
                self.wait_before_retry(failures, since, error)

    def _unreachable(self, error: Exception) -> Unreachable:
        why = str(error) or type(error).__name__
        return Unreachable(f"Cannot reach Bureau at {self.url}: {why}. Set BUREAU_URL to use another address.")

    def _json(self, answer: httpx.Response) -> Any:
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError:
            kind = answer.headers.get("Content-Type", "nothing")
            raise Unreachable(f"The server at {self.url} is not Bureau: it sent {kind}, not JSON.") from None


def _accepted(answer: httpx.Response) -> httpx.Response:
    if answer.status_code >= 300:  # redirects are not followed: the key would be sent to another host
        raise _problem(answer)
    return answer


def _problem(answer: httpx.Response) -> Problem:
    try:
        body = json.loads(answer.content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = {
            "title": f"Status {answer.status_code} {answer.reason_phrase}",
            "detail": "this answer is not from Bureau",
        }
    return problem_from(
        answer.status_code,
        body,
        retry_after_seconds=retry_after_seconds(answer.headers.get("Retry-After"), datetime.now(UTC)),
        request_id=answer.headers.get("Request-Id"),
    )


def _with_idempotency_key(method: str, headers: dict[str, str], key: str | None) -> dict[str, str]:
    return {**headers, "Idempotency-Key": key or str(uuid.uuid4())} if method == "POST" else headers


def _key_from_environment() -> str | None:
    if key := os.environ.get("BUREAU_KEY", "").strip():
        return key
    file = os.environ.get("BUREAU_KEY_FILE")
    return Path(file).read_text().strip() or None if file else None


def _without_credentials(url: httpx.URL) -> str:
    """Returns the URL without the user name and password that it may contain."""
    return str(url.copy_with(username=None, password=None)) if url.userinfo else str(url)
