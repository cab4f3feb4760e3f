"""`bureau.testing` as a user's project has it: pytest in a folder of their own, with nothing of Bureau's set up."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.running.processes import ROOT

MORE = '''
"""Besides those of the example: what one test leaves is not the next one's, and nobody's own settings are used."""

import os

pytest_plugins = ["bureau.testing"]


def test_first(bureau):
    bureau.email("ada@example.com", "Hello", "Hello Ada.").wait(10)
    assert [mail["Subject"] for mail in bureau.outbox] == ["Hello"]
    assert len(bureau.outbox.to("grace@example.com")) == 0


def test_second(bureau):
    assert len(bureau.outbox) == 0
    assert os.environ["DATABASE_URL"] == "postgresql://nobody@127.0.0.1:1/theirs"
    assert "127.0.0.1:1" not in bureau.url


def test_mails_of_every_kind(bureau):
    invitation = ("invite.ics", b"BEGIN:VCALENDAR", "text/calendar; method=REQUEST")
    own = {"headers": {"X-Ticket": "7"}, "files": [invitation]}
    bureau.email(bcc="eve@example.com", subject="Blind", text="-", **own).wait(10)
    (blind,) = bureau.outbox.to("eve@example.com")
    assert (blind["To"], blind["X-Ticket"]) == ("undisclosed-recipients:;", "7")
    (attached,) = blind.iter_attachments()
    assert attached["Content-Type"].params["method"] == "REQUEST"
    people = ["ada@example.com", {"to": "bob@example.com", "context": {"name": "Bob"}}]
    bureau.email(recipients=people, template="welcome", context={"name": "you"}).wait(10)
    assert [bureau.outbox.to(person)[0]["To"] for person in ("ada@example.com", "bob@example.com")] == [
        "ada@example.com",
        "bob@example.com",
    ]
    assert "Bob" in bureau.outbox.to("bob@example.com")[0].get_body().get_content()


def test_a_task_that_is_not_there(bureau):
    bureau.submit("shop.suma", a=2, b=2)
'''


def ran(folder: Path, *arguments: str) -> tuple[int, str]:
    """pytest in a process of its own; the developer's environment names servers that are not theirs to touch."""
    theirs = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/theirs",
        "BROKER_URL": "amqp://127.0.0.1:1",
        "MAIL_URL": "smtp://127.0.0.1:1",
        "SOURCE_SHOP_URL": "postgresql://nobody@127.0.0.1:1/shop",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), *arguments],
        cwd=folder,
        env={**os.environ, **theirs},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_example_tests_itself() -> None:
    status, said = ran(ROOT / "examples/suma")
    assert status == 0, said
    assert re.search(r"\d passed", said)


def test_tests_are_apart_and_a_missing_task_is_named(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(MORE)
    status, said = ran(tmp_path)
    assert status == 1, said
    assert "3 passed" in said
    assert "1 failed" in said
    assert "No service has announced shop.suma" in said
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "__pycache__") == ["test_mine.py"]
