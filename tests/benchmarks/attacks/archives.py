"""Archives that a hostile API of certificates answers, made when they are needed."""

import io
import struct
import zipfile
from collections.abc import Callable

from tests.unit.certificates.archive.raw import Entry, put_together

ENTRIES = 400
EXTRA_BYTES = 60_000


def _with_extras(extra: bytes) -> bytes:
    return put_together(*(Entry(b"%d.pdf" % number, extra=extra) for number in range(ENTRIES)))


def large_extras() -> bytes:
    return _with_extras(struct.pack("<2H", 0xCAFE, EXTRA_BYTES) + bytes(EXTRA_BYTES))


def many_extras() -> bytes:
    return _with_extras(struct.pack("<2H", 0xCAFE, 0) * (EXTRA_BYTES // 4))


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("bomb.pdf", bytes(200_000_000))
    return file.getvalue()


def many_members() -> bytes:
    return put_together(*(Entry(b"%d.pdf" % number, data=b"") for number in range(60_000)))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "large extra fields": large_extras,
    "many extra fields": many_extras,
    "a bomb": bomb,
    "60,000 members": many_members,
}
