"""The issuer as a service of its own, under gunicorn, behind the same contract."""

import io
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bureau.contracts.certificates import CertificatesIssued, IssueCertificates
from bureau.contracts.errors import PermanentError
from bureau.services.certificates.issuer.settings import IssuerSettings
from bureau.services.certificates.service import certificates_api
from bureau.services.certificates.settings import CertificatesSettings
from bureau.services.certificates.tasks import issue_task
from tests.support.context import FakeContext, noted
from tests.support.on_loop import closing, run
from tests.support.running.processes import Process
from tests.support.servers.ports import free_port

ROSTER = b"recipient,course\nAda Lovelace,Engines\nGrace Hopper,Compilers\n"


@pytest.fixture(scope="module")
def issuer_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Two processes forked from one that has loaded the app: Typst must not have been used before the fork."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "bureau.services.certificates.issuer.wsgi:app"]
    options = ["--preload", "--workers", "2", "--threads", "4", "--bind", f"127.0.0.1:{port}"]
    log = tmp_path_factory.mktemp("issuer") / "issuer.log"
    with Process([*command, *options], log=log, env={"ISSUER_ORGANISATION": "Own Service"}) as process:
        process.wait_for_http(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}/"
        assert process.stop() == 0


def test_the_task_gets_its_certificates_from_it(issuer_url: str, tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path / "storage")
    settings = CertificatesSettings(certificates_api=issuer_url)
    api = certificates_api(settings, IssuerSettings())
    file = ctx.add_file("spring.csv", "text/csv", ROSTER)
    task = issue_task(api, settings.limits, noted)

    async def several() -> CertificatesIssued:
        for _ in range(6):  # enough that both processes have made some
            issued = await task(ctx, IssueCertificates(files=[file]))
            ctx.claim_no += 1
        return issued

    result = run(ctx.stop, closing(api, several()))
    with zipfile.ZipFile(io.BytesIO(ctx.read(result.archive))) as archive:
        assert archive.namelist() == ["1-Ada-Lovelace.pdf", "2-Grace-Hopper.pdf", "manifest.csv", "manifest.json"]


def test_its_refusals_reach_the_user(issuer_url: str, tmp_path: Path) -> None:
    ctx = FakeContext(tmp_path / "storage")
    settings = CertificatesSettings(certificates_api=issuer_url)
    api = certificates_api(settings, IssuerSettings())
    file = ctx.add_file("spring.csv", "text/csv", "recipient\nIonuţ\n".encode("cp1250"))
    with pytest.raises(PermanentError, match="encoding is not certain"):
        run(ctx.stop, closing(api, issue_task(api, settings.limits, noted)(ctx, IssueCertificates(files=[file]))))


def test_a_body_that_is_no_multipart_is_refused_as_json(issuer_url: str) -> None:
    request = urllib.request.Request(issuer_url, b"not multipart", {"Content-Type": "multipart/form-data"})  # noqa: S310
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)  # noqa: S310
    with caught.value as answer:
        assert answer.code in (400, 422)
        assert answer.headers["Content-Type"] == "application/json"


def test_wrong_settings_are_named_at_the_start(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import bureau.services.certificates.issuer.wsgi"]
    with Process(command, log=tmp_path / "log", env={"ISSUER_MAX_ROWS": "many"}) as process:
        assert process.wait() == 2
        assert "ISSUER_MAX_ROWS" in process.output()
