"""The folder of .eml files."""

from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from bureau.in_process.outbox import Outbox
from bureau.services.mailer.message.message import MessageForm
from bureau.services.mailer.transports.base import DeliveryWindow, TransportUnavailable
from bureau.services.mailer.transports.file import FileTransport
from bureau.stop_token import StopToken
from tests.support.messages import new_message

ADA, EVE = "ada@example.com", "eve@example.com"


def test_a_file_is_named_after_the_message_and_says_who_gets_it(tmp_path: Path) -> None:
    message = new_message(ADA, text="Zoë")
    FileTransport(tmp_path / "a" / "outbox").send(message, (ADA, EVE), DeliveryWindow(), StopToken())
    (path,) = (tmp_path / "a" / "outbox").iterdir()
    assert path.name == f"{message.message_id.strip('<>')}.eml"
    parsed = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert parsed["X-Envelope-To"] == f"{ADA}, {EVE}"
    assert parsed.get_content() == "Zoë\r\n"
    assert path.read_bytes().endswith(message.written(MessageForm.UTF8))


def test_addresses_in_any_script_are_in_the_file_as_they_are(tmp_path: Path) -> None:
    message = new_message("josé@example.com", text="Zoë")
    outbox = Outbox(tmp_path)
    FileTransport(tmp_path).send(message, ("josé@example.com", "用户@example.com"), DeliveryWindow(), StopToken())
    (path,) = tmp_path.iterdir()
    lines = path.read_text("utf-8").splitlines()
    assert lines[:2] == ["X-Envelope-To: josé@example.com,", " 用户@example.com"]
    assert {"To: josé@example.com", "Zoë"} <= set(lines)
    assert len(outbox.to("JOSÉ@example.com")) == 1


def test_a_file_that_is_there_is_never_changed(tmp_path: Path) -> None:
    outbox = FileTransport(tmp_path)
    message = new_message(ADA)
    first = outbox.send(message, (ADA,), DeliveryWindow(), StopToken())
    (path,) = tmp_path.iterdir()
    before = path.read_bytes()
    second = outbox.send(message, (EVE,), DeliveryWindow(), StopToken())
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before
    assert first.response == str(path)
    assert second.response == f"{path} exists already"


def test_many_who_write_the_same_mail_leave_one_whole_file(tmp_path: Path) -> None:
    message = new_message(ADA, text="x\n" * 100_000)
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(
            pool.map(lambda _: FileTransport(tmp_path).send(message, (ADA,), DeliveryWindow(), StopToken()), range(16))
        )
    (path,) = tmp_path.iterdir()
    assert path.read_bytes().endswith(message.written(MessageForm.UTF8))
    assert sum(outcome.response == str(path) for outcome in outcomes) == 1


def test_a_folder_that_cannot_be_written_is_an_outage(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TransportUnavailable, match=r"outbox .* cannot be written"):
        FileTransport(tmp_path / "file").send(new_message(ADA), (ADA,), DeliveryWindow(), StopToken())
