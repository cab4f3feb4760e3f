"""Files in S3: processes that share no disk hand them on."""

import hashlib
import io
import zipfile

from tests.support.running.hosted import ORDERS, Hosted
from tests.support.waiting import until

ROSTER = b"recipient,course\nAda Lovelace,Engines\nGrace Hopper,Compilers\n"


def test_certificates_go_through_a_bucket(hosted: Hosted) -> None:
    api = hosted.api
    files = {"files": ("spring.csv", ROSTER, "text/csv")}
    job = api.submit("/v1/certificates", files=files, data={"email_to": "s3@example.com"})
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
    mails = [path.read_text() for path in hosted.outbox.glob("*.eml")]
    assert sum("To: s3@example.com" in mail for mail in mails) == 1
    until(lambda: hosted.s3.keys(hosted.bucket, "uploads/") == [], 20, "the upload's bytes are deleted")


def test_a_report_goes_to_a_bucket_in_parts_and_is_what_its_result_says(hosted: Hosted) -> None:
    api = hosted.api
    ended = api.succeeded(api.submit("/v1/reports", json={"report": "monthly-sales"}))
    result, content = ended["tasks"][0]["result"], api.file(ended)
    assert len(content) > 5 * 1024 * 1024
    assert (result["rows"], result["bytes"]) == (ORDERS, len(content))
    assert (result["sha256"], content.count(b"\r\n")) == (hashlib.sha256(content).hexdigest(), ORDERS + 1)


def test_no_file_is_left_on_disk_or_unfinished_in_the_bucket(hosted: Hosted) -> None:
    assert not hosted.storage.exists()
    assert hosted.s3.unfinished_uploads(hosted.bucket) == 0
    assert hosted.api.get("/readyz")["status"] == "ready"
