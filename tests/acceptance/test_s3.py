"""Files in S3: processes that share no disk hand them on."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bureau.services.reports.demo import make_demo
from tests.support.s3 import CREDENTIALS, S3Server, s3_server
from tests.support.stack import Stack
from tests.support.waiting import until

ROSTER = b"recipient,course\nAda Lovelace,Engines\nGrace Hopper,Compilers\n"
ORDERS = 130_000  # more bytes than a part of an upload has


@dataclass(frozen=True)
class Cloud:
    """A stack whose storage is `bucket`."""

    stack: Stack
    s3: S3Server
    bucket: str


@pytest.fixture(scope="module")
def cloud(
    tmp_path_factory: pytest.TempPathFactory, module_rabbitmq_url: str, module_database_url: str
) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("cloud")
    make_demo(folder / "shop.db", ORDERS)
    with s3_server(folder) as s3:
        bucket = s3.fresh_bucket()
        env = {**CREDENTIALS, "STORAGE_URL": bucket, "SOURCE_DEMO_URL": f"sqlite:///{folder}/shop.db"}
        stack = Stack(folder / "stack", broker_url=module_rabbitmq_url, database_url=module_database_url, env=env)
        with stack:
            stack.start("gateway", "scheduler", "certificates", "reports", "mailer")
            yield Cloud(stack, s3, bucket)


def test_certificates_go_through_a_bucket(cloud: Cloud) -> None:
    api = cloud.stack.api
    files = {"files": ("spring.csv", ROSTER, "text/csv")}
    job = api.submit("/v1/certificates", files=files, data={"email_to": "dean@example.com"})
    upload = f"/v1/artifacts/{job['tasks'][0]['input']['files'][0]['artifact']}/spring.csv"

    ended = api.succeeded(job)
    content = api.file(ended)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert [name for name in archive.namelist() if name.endswith(".pdf")] == [
            "1-Ada-Lovelace.pdf",
            "2-Grace-Hopper.pdf",
        ]
    part = api.client.get(ended["artifacts"][0]["url"], headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, content[100:200])
    assert api.client.get(upload).status_code == 404
    assert len(list(cloud.stack.outbox.glob("*.eml"))) == 1
    until(lambda: cloud.s3.keys(cloud.bucket, "uploads/") == [], 20, "the upload's bytes are deleted")


def test_a_report_goes_to_a_bucket_in_parts_and_is_what_its_result_says(cloud: Cloud) -> None:
    api = cloud.stack.api
    ended = api.succeeded(api.submit("/v1/reports", json={"report": "monthly-sales"}))
    result, content = ended["tasks"][0]["result"], api.file(ended)
    assert len(content) > 5 * 1024 * 1024
    assert (result["rows"], result["bytes"]) == (ORDERS, len(content))
    assert (result["sha256"], content.count(b"\r\n")) == (hashlib.sha256(content).hexdigest(), ORDERS + 1)


def test_nothing_of_it_lies_on_a_disk_or_half_in_the_bucket(cloud: Cloud) -> None:
    assert not cloud.stack.storage.exists()
    assert cloud.s3.unfinished_uploads(cloud.bucket) == 0
    assert cloud.stack.api.get("/readyz")["status"] == "ready"
