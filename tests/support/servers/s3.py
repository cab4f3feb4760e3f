"""Runs an S3 server (moto) on a free port, in a process of its own so that its memory is not the test's."""

import re
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.support.running.processes import Process
from tests.support.servers.ports import free_port

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


@dataclass
class S3Server:
    """Runs a server. Clients need `CREDENTIALS` in their environment."""

    endpoint: str

    def fresh_bucket(self) -> str:
        """The STORAGE_URL of a new empty bucket."""
        name = f"bureau-{uuid4().hex[:12]}"
        request = urllib.request.Request(f"{self.endpoint}/{name}", method="PUT")  # noqa: S310  # loopback
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
        return f"s3://{name}/files?endpoint={self.endpoint}"

    def keys(self, storage_url: str, prefix: str = "") -> list[str]:
        """The keys of a STORAGE_URL's files, without the part that the URL puts in front."""
        bucket, _, folder = storage_url.removeprefix("s3://").partition("?")[0].partition("/")
        address = f"{self.endpoint}/{bucket}?list-type=2&prefix={folder}/{prefix}"
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310
            found = re.findall(r"<Key>(.*?)</Key>", answer.read().decode())
        return [key.removeprefix(f"{folder}/") for key in found]

    def unfinished_uploads(self, storage_url: str) -> int:
        """How many multipart uploads of a bucket were neither completed nor aborted."""
        bucket = storage_url.removeprefix("s3://").split("/")[0]
        with urllib.request.urlopen(f"{self.endpoint}/{bucket}?uploads", timeout=10) as answer:  # noqa: S310
            return int(answer.read().count(b"<Upload>"))


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with Process(command, log=folder / "s3.log") as process:
        endpoint = f"http://127.0.0.1:{port}"
        process.wait_for_http(f"{endpoint}/moto-api/data.json", seconds=60)
        yield S3Server(endpoint)
