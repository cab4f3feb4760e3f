"""Files in S3: processes that share no disk hand them on."""

import io
import zipfile
from pathlib import Path

from tests.support.rabbitmq import RabbitMQ
from tests.support.s3 import CREDENTIALS, s3_server
from tests.support.stack import Stack
from tests.support.waiting import until

ROSTER = b"recipient,course\nAda Lovelace,Engines\nGrace Hopper,Compilers\n"


def test_certificates_go_through_a_bucket(tmp_path: Path, rabbitmq: RabbitMQ, postgres_url: str) -> None:
    with s3_server(tmp_path) as s3:
        env = {**CREDENTIALS, "STORAGE_URL": s3.fresh_bucket()}
        folder, vhost = tmp_path / "stack", rabbitmq.fresh_vhost()
        with Stack(folder, broker_url=vhost, database_url=postgres_url, env=env) as stack:
            stack.start("gateway", "scheduler", "certificates", "mailer")
            api = stack.api
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
            assert len(list(stack.outbox.glob("*.eml"))) == 1
            until(lambda: s3.keys(env["STORAGE_URL"], "uploads/") == [], 20, "the upload's bytes are deleted")
            assert not stack.storage.exists()
            assert s3.unfinished_uploads(env["STORAGE_URL"]) == 0
            assert api.get("/readyz")["status"] == "ready"
