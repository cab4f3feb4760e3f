"""Archives that programs write, and archives that two programs read in two ways."""

import io
import struct
import zipfile
import zlib

from tests.support import archives
from tests.support.archives import entry
from tests.unit.certificates.archive.raw import (
    LINK,
    Entry,
    end,
    end64,
    field_of,
    put_together,
    unicode_path,
)

PDF = b"%PDF-1.4\nhello"
EVIL = Entry(b"evil.exe", b"MZ hidden program")
_SIZES = struct.pack("<3L", zlib.crc32(PDF), len(PDF), len(PDF))
_SIZES64 = struct.pack("<L2Q", zlib.crc32(PDF), len(PDF), len(PDF))


def two_views(*, plain_says_see_zip64: bool = False) -> bytes:
    """The ZIP64 end record names the last entry of the directory, the plain one the two before it."""
    good, evil, link = Entry(b"a.pdf"), Entry(b"../../evil.sh", b"#!/bin/sh\n"), Entry(b"l", b"/etc/passwd", mode=LINK)
    body = good.local() + evil.local() + link.local()
    hidden = evil.listed(len(good.local())) + link.listed(len(good.local() + evil.local()))
    listed = good.listed(0)
    start, at = len(body) + len(hidden), len(body + hidden + listed)
    plain = end(1, 0xFFFFFFFF, 0xFFFFFFFF) if plain_says_see_zip64 else end(2, len(hidden), len(body))
    return body + hidden + listed + end64(1, len(listed), start, at) + plain


def zip64(*, rest: int = 44, agrees: bool = True) -> bytes:
    """An archive with both end records."""
    one = Entry(b"a.pdf")
    body, listed = one.local(), one.listed(0)
    plain = end(1 if agrees else 2, len(listed), len(body))
    return body + listed + end64(1, len(listed), len(body), len(body + listed), rest) + plain


def _zipfile(*, force_zip64: bool = False) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as writer:
        with writer.open("a.pdf", "w", force_zip64=force_zip64) as member:
            member.write(PDF * 99)
        writer.writestr("folder/", b"")
        writer.writestr("folder/é.pdf", PDF)
        writer.writestr(entry("empty.csv", mode=0o104755), b"")
    return file.getvalue()


SOUND = {
    "zipfile": (_zipfile(), {"a.pdf", "folder/", "folder/é.pdf", "empty.csv"}),
    "zip64 in one member": (_zipfile(force_zip64=True), {"a.pdf", "folder/", "folder/é.pdf", "empty.csv"}),
    "streamed": (archives.streamed(("a.pdf", PDF), ("b.pdf", PDF)), {"a.pdf", "b.pdf"}),
    "both end records": (zip64(), {"a.pdf"}),
    "sizes follow, without a mark": (put_together(Entry(b"a.pdf", flags=8, described=_SIZES)), {"a.pdf"}),
    "sizes follow, with a mark": (put_together(Entry(b"a.pdf", flags=8, described=b"PK\x07\x08" + _SIZES)), {"a.pdf"}),
    "large sizes follow": (put_together(Entry(b"a.pdf", flags=8, described=b"PK\x07\x08" + _SIZES64)), {"a.pdf"}),
    "UTF-8 without its flag": (put_together(Entry("añb.pdf".encode())), {"añb.pdf"}),
    "code page 437": (put_together(Entry("añb.pdf".encode("cp437"))), {"añb.pdf"}),
    "a Unicode path": (
        put_together(Entry(b"a?b.pdf", extra=unicode_path("añb.pdf", b"a?b.pdf"))),
        {"añb.pdf"},
    ),
    "a Unicode path in both headers": (
        put_together(
            Entry(
                b"a?b.pdf",
                extra=unicode_path("añb.pdf", b"a?b.pdf"),
                local_extra=unicode_path("añb.pdf", b"a?b.pdf"),
            )
        ),
        {"añb.pdf"},
    ),
    "a comment": (put_together(Entry(b"a.pdf"), comment=b"made by hand"), {"a.pdf"}),
    "other extra fields": (
        put_together(Entry(b"a.pdf", extra=field_of(0x5455, b"\x03abcdefgh"), local_extra=field_of(0xCAFE, b""))),
        {"a.pdf"},
    ),
}

_OLD_PATH = unicode_path("../x", b"b.pdf")  # no longer valid, but some programs do not check
HOSTILE = {
    "two views": two_views(),
    "two views, in another way": two_views(plain_says_see_zip64=True),
    "end records that disagree": zip64(agrees=False),
    "a ZIP64 end record with a rest": zip64(rest=60),
    "a hidden member first": put_together(Entry(b"a.pdf"), before=EVIL.local()),
    "a hidden member between": put_together(Entry(b"a.pdf"), Entry(b"b.pdf"), between=EVIL.local()),
    "a hidden member last": put_together(Entry(b"a.pdf"), after=EVIL.local()),
    "a few bytes between": put_together(Entry(b"a.pdf"), Entry(b"b.pdf"), between=b"\x00"),
    "a program before": put_together(Entry(b"a.pdf"), before=b"PK\x03\x04 not a member"),
    "sizes follow that were not announced": put_together(Entry(b"a.pdf", described=_SIZES)),
    "other sizes follow": put_together(Entry(b"a.pdf", flags=8, described=b"PK\x07\x08" + _SIZES[:-1] + b"\x01")),
    "a member in place of the sizes": put_together(Entry(b"a.pdf", flags=8, described=EVIL.local())),
    "a Unicode path that leads out": put_together(Entry(b"a.pdf", extra=unicode_path("../x", b"a.pdf"))),
    "an old Unicode path that leads out": put_together(Entry(b"a.pdf", extra=_OLD_PATH)),
    "two Unicode paths": put_together(
        Entry(b"a.pdf", extra=unicode_path("b.pdf", b"a.pdf") + unicode_path("../x", b"a.pdf"))
    ),
    "a Unicode path in the header only": put_together(Entry(b"a.pdf", local_extra=unicode_path("b.exe", b"a.pdf"))),
    "a Unicode path that is another member": put_together(
        Entry(b"a.pdf", extra=unicode_path("b.pdf", b"a.pdf")), Entry(b"b.pdf")
    ),
    "a Unicode path that is a folder": put_together(Entry(b"a.pdf", extra=unicode_path("a/", b"a.pdf"))),
    "two ZIP64 fields": put_together(Entry(b"a.pdf", extra=field_of(1, b"") * 2)),
    "an encoding that makes another member": put_together(
        Entry("é.pdf".encode()), Entry("é".encode().decode("cp437").encode() + b".pdf", flags=0x0800)
    ),
    "a stream of Windows": put_together(Entry(b"a.pdf::$DATA")),
    "a device of Windows": put_together(Entry(b"folder/NUL.pdf")),
    "a dot that Windows drops": put_together(Entry(b"a.pdf"), Entry(b"a.pdf.")),
    "a character that Windows replaces": put_together(Entry(b"a?.pdf"), Entry(b"a_.pdf")),
}
