"""Runs a private Postfix that delivers all mail into a Maildir."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.servers.installing import installed
from tests.support.servers.ports import free_port
from tests.support.waiting import until

_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n - n 60  1 pickup
cleanup   unix  n - n -   0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n -   - trivial-rewrite
bounce    unix  - - n -   0 bounce
defer     unix  - - n -   0 bounce
trace     unix  - - n -   0 bounce
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n -   - proxymap
error     unix  - - n -   - error
retry     unix  - - n -   - error
discard   unix  - - n -   - discard
virtual   unix  - n n -   - virtual
anvil     unix  - - n -   1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""
_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log/maillog
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.com
mydestination =
alias_maps =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:box/
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
message_size_limit = 50000000
smtputf8_enable = yes
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_relay_restrictions = permit_mynetworks, reject
"""


@dataclass(frozen=True)
class Postfix:
    """Runs Postfix; `box` is the Maildir's folder of new mails."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def mails(self) -> list[bytes]:
        """All that were delivered, as the files have them: lines end with LF."""
        return [path.read_bytes() for path in sorted((self.folder / "mail" / "box" / "new").glob("*"))]

    @property
    def log(self) -> str:
        path = self.folder / "log" / "maillog"
        return path.read_text(errors="replace")[-4000:] if path.exists() else "no log"


@contextmanager
def postfix() -> Iterator[Postfix]:
    """In a folder of its own on a free port. Its master has to be root, and so has who runs these tests."""
    assert os.geteuid() == 0, "Postfix starts as root only: run these tests as root, in a container if you like"
    daemons = installed(_daemons, "postfix", "PATH")
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="bureau-postfix-"))
    folder.chmod(0o711)  # its daemons are another user
    _prepare(folder, daemons, port)
    command = ["/usr/sbin/postfix", "-c", str(folder / "etc")]
    started = subprocess.run([*command, "start"], capture_output=True, text=True, check=False)
    server = Postfix(port, folder)
    assert started.returncode == 0, f"postfix did not start: {started.stdout}{started.stderr}\n{server.log}"
    try:
        until(lambda: _greets(port), 30, lambda: f"Postfix's greeting; its log: {server.log}", ignoring=OSError)
        yield server
    finally:
        subprocess.run([*command, "stop"], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _daemons() -> Path | None:
    candidates = (Path("/usr/lib/postfix/sbin"), Path("/usr/libexec/postfix"))
    return next(
        (path for path in candidates if (path / "master").exists() and shutil.which("postfix", path="/usr/sbin")), None
    )


def _prepare(folder: Path, daemons: Path, port: int) -> None:
    owner = pwd.getpwnam("postfix")
    for name in ("etc", "queue", "data", "mail", "log"):
        (folder / name).mkdir()
    for name in ("data", "mail"):
        os.chown(folder / name, owner.pw_uid, owner.pw_gid)
    values = {"folder": folder, "daemons": daemons, "port": port, "uid": owner.pw_uid, "gid": owner.pw_gid}
    (folder / "etc" / "main.cf").write_text(_MAIN.format(**values))
    (folder / "etc" / "master.cf").write_text(_MASTER.format(**values))


def _greets(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        return connection.recv(200).startswith(b"220")
