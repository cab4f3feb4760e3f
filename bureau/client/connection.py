"""Sends requests to one gateway with the API key and retries those whose failure may pass.

`Endpoint` and the functions send nothing; the connection of `AsyncBureau` stands on them too.
"""

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
from bureau.client.retrying import Outage, Patience, is_transient, retry_after_seconds
from bureau.client.upload import Upload, open_parts

DEFAULT_URL = "http://127.0.0.1:8600"
TIMEOUT = httpx.Timeout(60.0, connect=5.0)


class Endpoint:
    """Holds the address, the key and the patience of one client, and judges the answers of its gateway."""

    def __init__(self, url: str | None, key: str | None, patience: Patience | None) -> None:
        """Takes the defaults of `url` and `key` from BUREAU_URL and BUREAU_KEY (or the file in BUREAU_KEY_FILE).

        Raises `ValueError` for an invalid URL and `OSError` if the key file cannot be read.
        """
        base_url = httpx.URL((url or os.environ.get("BUREAU_URL") or DEFAULT_URL).rstrip("/"))
        if base_url.scheme not in ("http", "https") or not base_url.host:
            raise ValueError(
                f"BUREAU_URL: {_without_credentials(base_url)} is not an address: write http://host:port or https://host"
            )
        key = key or _key_from_environment()
        self._base_url = base_url
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._patience = patience or Patience()
        self.url = _without_credentials(base_url)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def pause_after(self, error: Exception, outage: Outage, *, progressed: bool = False) -> float:
        """Returns the seconds before the next try, or raises `error` if it is permanent or the patience is used up.

        A try that `progressed` before it failed begins a new outage. A lost connection is raised as `Unreachable`.
        """
        now = time.monotonic()
        outage.add(now, progressed=progressed)
        retry_after = error.retry_after_seconds if isinstance(error, Problem) else None
        transient = not isinstance(error, Problem) or is_transient(error.status, error.slug)
        waited = now - outage.since
        wait = self._patience.pause(outage.failures, waited, retry_after, random.uniform) if transient else None
        if wait is None:
            raise error if isinstance(error, Problem) else self.unreachable(error)
        return wait

    def unreachable(self, error: Exception) -> Unreachable:
        why = str(error) or type(error).__name__
        return Unreachable(f"Cannot reach Bureau at {self.url}: {why}. Set BUREAU_URL to use another address.")

    def json(self, answer: httpx.Response) -> Any:
        """Returns the answer's JSON, or None for an empty answer. Raises `Unreachable` if it is not JSON."""
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError:
            kind = answer.headers.get("Content-Type", "nothing")
            raise Unreachable(f"The server at {self.url} is not Bureau: it sent {kind}, not JSON.") from None


class Connection(Endpoint):
    """Sends requests to one gateway. Threads may share it; `close` closes its sockets."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Takes the defaults of an `Endpoint`."""
        super().__init__(url, key, patience)
        self._client = httpx.Client(base_url=self._base_url, headers=self._headers, timeout=TIMEOUT)
        self._sleep = sleep

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, query: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None) -> Any:
        """Returns the answer's JSON, or None for an empty answer. Raises `Problem`, `Unreachable`."""
        return self.json(self._request("GET", path, params=encoding.query(query or {}), headers=dict(headers or {})))

    def send(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """Sends a JSON body and returns the answer's JSON. Raises `Problem`, `Unreachable`.

        A POST takes effect once even if it is sent again, because it carries an idempotency key: `key`, or a random
        one.
        """
        return self.json(self._request(method, path, **json_request(method, body, key)))

    def upload(
        self, path: str, field: str, uploads: Sequence[Upload], fields: Mapping[str, Any], *, key: str | None = None
    ) -> Any:
        """Sends files in a multipart body, with the other fields as JSON in its part `options`.

        Returns the answer's JSON. Raises `Problem`, `Unreachable`, `OSError`.
        """
        form = form_request(fields, key)

        def request() -> httpx.Response:
            with open_parts(field, uploads) as parts:
                return self._client.post(path, files=parts, **form)

        return self.json(self._retried(request))

    def delete(self, path: str) -> None:
        """Deletes a resource. Raises `Problem`, `Unreachable`.

        A 404 after a retry counts as success, because an earlier try whose answer was lost has deleted it.
        """
        outage = Outage()
        try:
            self._retried(lambda: self._client.request("DELETE", path), outage)
        except Problem as problem:
            if problem.status != 404 or outage.failures == 1:
                raise

    def get_once(self, path: str) -> Any:
        """Returns the JSON of a single try, whatever its status, because `/readyz` reports failing checks with a 503.

        Raises `Unreachable`.
        """
        try:
            return self.json(self._client.get(path))
        except httpx.TransportError as error:
            raise self.unreachable(error) from error

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
                    raise problem_of(answer)
                yield answer
        except httpx.TransportError as error:
            raise ConnectionLost(str(error) or type(error).__name__) from error

    def wait_before_retry(self, error: Exception, outage: Outage, *, progressed: bool = False) -> None:
        """Sleeps before the next try, or raises `error`: see `pause_after`."""
        self._sleep(self.pause_after(error, outage, progressed=progressed))

    def _request(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._retried(lambda: self._client.request(method, path, **request))

    def _retried(self, request: Callable[[], httpx.Response], outage: Outage | None = None) -> httpx.Response:
        outage = outage or Outage()  # it begins with the first failure: the time that a long upload took does not count
        while True:
            try:
                return accepted(request())
            except (httpx.TransportError, Problem) as error:
                self.wait_before_retry(error, outage)


def json_request(method: str, body: Any, key: str | None) -> dict[str, Any]:
    """Returns the headers and the content of a request with a JSON body."""
    headers = {"Content-Type": "application/json"} if body is not None else {}
    content = encoding.json_bytes(body) if body is not None else None
    return {"headers": _with_idempotency_key(method, headers, key), "content": content}


def form_request(fields: Mapping[str, Any], key: str | None) -> dict[str, Any]:
    """Returns the headers and the fields of a multipart POST without its files."""
    data = {"options": encoding.json_bytes(dict(fields)).decode()} if fields else {}
    return {"headers": _with_idempotency_key("POST", {}, key), "data": data}


def accepted(answer: httpx.Response) -> httpx.Response:
    """Returns the answer of a request that was accepted. Raises `Problem`."""
    if answer.status_code >= 300:  # redirects are not followed: the key would be sent to another host
        raise problem_of(answer)
    return answer


def problem_of(answer: httpx.Response) -> Problem:
    """Returns the error that the answer describes, also if a proxy wrote it."""
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
