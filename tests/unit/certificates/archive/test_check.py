"""Every archive is checked before anyone gets it; each rule refuses by its own code and names what broke it."""

import io
import stat
import struct
import zipfile
from collections.abc import Callable

import pytest

from bureau.contracts.errors import PermanentError
from bureau.services.certificates.archive.check import ArchiveLimits, CheckedArchive, check_archive
from bureau.services.certificates.archive.errors import ArchiveError
from tests.support import archives
from tests.support.archives import archive, built, entry, patched

MB = 1024 * 1024
LIMITS = ArchiveLimits(archive_bytes=MB, members=5, member_bytes=3 * MB, uncompressed_bytes=5 * MB, ratio=100)
PDF = b"%PDF-1.7 not really " + bytes(range(256))


def checked(data: bytes, limits: ArchiveLimits = LIMITS) -> CheckedArchive:
    return check_archive(io.BytesIO(data), limits, lambda _: None, lambda *_: None)


def refused(data: bytes, limits: ArchiveLimits = LIMITS) -> ArchiveError:
    with pytest.raises(ArchiveError) as caught:
        checked(data, limits)
    assert isinstance(caught.value, PermanentError)
    return caught.value


def test_a_sound_archive_passes_and_its_files_are_counted() -> None:
    data = archive(("folder/", b""), ("folder/a.pdf", PDF), ("manifest.csv", b"file\n"))
    passed = checked(data)
    assert (len(passed), passed.uncompressed_bytes) == (2, len(PDF) + 5)
    assert "folder/" not in passed
    assert (passed.size_bytes("folder/a.pdf"), b"".join(passed.read("folder/a.pdf"))) == (len(PDF), PDF)


def test_members_that_are_stored_instead_of_compressed_pass() -> None:
    assert len(checked(archive(("a.pdf", PDF), method=zipfile.ZIP_STORED))) == 1


def test_an_archive_whose_sizes_follow_its_data_passes() -> None:
    assert len(checked(archives.streamed(("a.pdf", PDF), ("b.pdf", PDF)))) == 2


def test_an_archive_with_zip64_records_passes() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as writer, writer.open("a.pdf", "w", force_zip64=True) as member:
        member.write(PDF)
    assert len(checked(file.getvalue())) == 1


def test_an_archive_with_a_comment_passes() -> None:
    file = io.BytesIO(archive(("a.pdf", PDF)))
    with zipfile.ZipFile(file, "a") as writer:
        writer.comment = b"made by hand"
    assert len(checked(file.getvalue())) == 1


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "/etc/passwd",
        "C:/x",
        "c:x",
        "a\\b",
        "..\\x",
        "a/./b",
        "a//b",
        "a\x07b",
        "a\nb",
        "\u202efdp.exe",
        "a\u2028b.pdf",
        "a\u2029b.pdf",
        "x" * 241,
        "a.pdf.",
        "a.pdf ",
        "a /b.pdf",
        "a.pdf::$DATA",
        "a:b.pdf",
        "nul",
        "CON.pdf",
        "a/com1.tar.gz",
        "LPT¹.pdf",
        "aux .pdf",
        "conin$",
    ],
)
def test_a_name_that_could_mean_another_place_is_refused(name: str) -> None:
    error = refused(archive(("good.pdf", PDF), (name, PDF)))
    assert error.code == "archive_unsafe_name"


def test_a_name_with_a_nul_is_refused_though_programs_stop_reading_there() -> None:
    sound = archive(("a.pdfX../x", PDF))
    data = sound.replace(b"a.pdfX../x", b"a.pdf\x00../x")
    assert refused(data).code == "archive_unsafe_name"


def test_a_refused_name_is_shown_without_its_control_characters() -> None:
    message = refused(archive(("evil\x1b[31m.pdf", PDF))).message
    assert "\x1b" not in message
    assert r"evil\x1b[31m.pdf" in message


def test_a_second_name_that_some_programs_use_is_checked_too() -> None:
    info = entry("good.pdf")
    other = b"\x01\x00\x00\x00\x00" + b"../x"
    info.extra = struct.pack("<2H", 0x7075, len(other)) + other
    assert refused(built([(info, PDF)])).code == "archive_unsafe_name"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a.pdf", "A.PDF"),
        ("e\u0301.pdf", "\u00e9.pdf"),
        ("a", "a/b.pdf"),
        ("a/b.pdf", "a"),
        ("a?.pdf", "a_.pdf"),
        ("a\u200d.pdf", "a.pdf"),
    ],
)
def test_two_members_for_the_same_place_are_refused(first: str, second: str) -> None:
    assert refused(archive((first, PDF), (second, PDF))).code == "archive_duplicate_name"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_name_twice_is_refused() -> None:
    assert refused(archive(("a.pdf", PDF), ("a.pdf", PDF))).code == "archive_duplicate_name"


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK, stat.S_IFSOCK])
def test_links_and_devices_are_refused(kind: int) -> None:
    error = refused(built([(entry("link.pdf", mode=kind | 0o777), b"/etc/passwd")]))
    assert error.code == "archive_link"
    assert "link.pdf" in error.message


def test_plain_unix_files_pass() -> None:
    assert len(checked(built([(entry("a.pdf", mode=stat.S_IFREG | 0o644), PDF)]))) == 1


@pytest.mark.parametrize("flag", [0x0001, 0x0040, 0x2000])
def test_encrypted_members_are_refused(flag: int) -> None:
    assert refused(patched(archive(("a.pdf", PDF)), directory={8: struct.pack("<H", flag)})).code == "archive_encrypted"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_rare_compression_methods_are_refused(method: int) -> None:
    error = refused(archive(("a.pdf", PDF), method=method))
    assert error.code == "archive_method"
    assert str(method) in error.message


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("inner.bin", archive(("x", PDF))),
        ("inner.bin", b"\x1f\x8b\x08" + bytes(20)),
        ("inner.bin", b"7z\xbc\xaf\x27\x1c" + bytes(20)),
        ("inner.bin", bytes(257) + b"ustar" + bytes(300)),
        ("inner.ZIP", b"anything"),
        ("inner.tar", b""),
    ],
)
def test_archives_inside_the_archive_are_refused(name: str, data: bytes) -> None:
    error = refused(archive(("a.pdf", PDF), (name, data)))
    assert error.code == "archive_nested"
    assert name in error.message


def test_more_members_than_allowed_are_refused() -> None:
    error = refused(archive(*((f"{n}.pdf", PDF) for n in range(6))))
    assert error.code == "archive_too_many_members"
    assert "6" in error.message
    assert "5" in error.message


def test_a_member_larger_than_allowed_is_refused_by_what_the_directory_says() -> None:
    assert refused(archive(("a.pdf", bytes(3 * MB + 1)))).code == "archive_member_too_large"


def test_more_bytes_than_allowed_in_all_are_refused() -> None:
    loose = ArchiveLimits(archive_bytes=MB, members=5, member_bytes=3 * MB, uncompressed_bytes=5 * MB, ratio=5000)
    data = archive(("a.pdf", bytes(3 * MB)), ("b.pdf", bytes(3 * MB)))
    assert refused(data, loose).code == "archive_too_large"


def test_a_bomb_is_refused_by_its_ratio() -> None:
    error = refused(archive(("bomb.pdf", bytes(2 * MB))))
    assert error.code == "archive_bomb"
    assert "bomb.pdf" in error.message


def test_a_repetitive_small_file_is_no_bomb() -> None:
    assert checked(archive(("small.csv", bytes(MB)))).uncompressed_bytes == MB


def test_a_bomb_that_lies_about_its_size_is_refused() -> None:
    data = archives.lying_bomb(said_bytes=100, real_bytes=20 * MB)
    with zipfile.ZipFile(io.BytesIO(data)) as naive:
        assert naive.testzip() is None  # who believes the headers sees nothing wrong
    assert refused(data).code == "archive_bomb"


def test_a_member_that_hides_data_behind_its_said_size_is_refused() -> None:
    assert refused(archives.lying_bomb(said_bytes=100, real_bytes=200)).code == "archive_corrupt"


def test_overlapping_members_are_refused() -> None:
    assert refused(archives.overlapping()).code == "archive_corrupt"


def test_a_wrong_checksum_is_refused_and_its_member_named() -> None:
    data = archive(("bad.pdf", PDF), method=zipfile.ZIP_STORED).replace(b"not really", b"not REALLY")
    error = refused(data)
    assert error.code == "archive_corrupt"
    assert "bad.pdf" in error.message


def test_damaged_compressed_data_are_refused() -> None:
    data = bytearray(archive(("bad.pdf", PDF * 50)))
    data[60:80] = b"\xff" * 20
    assert refused(bytes(data)).code == "archive_corrupt"


@pytest.mark.parametrize("keep", [10, 100, -1, -22, -60])
def test_an_archive_that_was_cut_off_is_refused_as_such(keep: int) -> None:
    assert refused(archive(("a.pdf", PDF * 20))[:keep]).code == "archive_truncated"


@pytest.mark.parametrize("data", [b"", b"PK", b"<!DOCTYPE html><title>Log in</title>", PDF])
def test_bytes_that_are_not_an_archive_are_refused(data: bytes) -> None:
    assert refused(data).code == "archive_not_a_zip"


@pytest.mark.parametrize("data", [archive(), archive(("folder/", b""))])
def test_an_archive_without_files_is_refused(data: bytes) -> None:
    assert refused(data).code == "archive_empty"


def test_data_before_the_archive_are_refused() -> None:
    assert refused(archive(("x", PDF)) + archive(("a.pdf", PDF))).code == "archive_corrupt"


def test_an_archive_with_two_directories_is_refused() -> None:
    hidden = archive(("hidden.pdf", PDF))
    outer = archive(("a.pdf", PDF))
    both = outer[:-2] + struct.pack("<H", len(hidden)) + hidden
    assert refused(both).code == "archive_corrupt"


@pytest.mark.parametrize(
    "change",
    [
        lambda data: patched(data, local={26: struct.pack("<H", 4)}),  # another length of name
        lambda data: patched(data, local={8: struct.pack("<H", 0)}),  # another method
        lambda data: patched(data, local={22: struct.pack("<L", 5)}),  # another size
        lambda data: patched(data, local={14: struct.pack("<L", 5)}),  # another checksum
        lambda data: patched(data, directory={42: struct.pack("<L", 3)}),  # another place
        lambda data: patched(data, directory={20: struct.pack("<L", 1 << 20)}),  # data past the directory
        lambda data: patched(data, directory={30: struct.pack("<H", 500)}),  # an extra field past the directory
        lambda data: patched(data, directory={0: b"XX"}),
    ],
)
def test_headers_that_contradict_each_other_are_refused(change: Callable[[bytes], bytes]) -> None:
    assert refused(change(archive(("a.pdf", PDF)))).code == "archive_corrupt"


@pytest.mark.parametrize("header", ["local", "directory"])
def test_a_name_that_header_and_directory_read_in_two_encodings_is_refused(header: str) -> None:
    sound = archive(("é.pdf", PDF))
    assert len(checked(sound)) == 1
    other_encoding = {7 if header == "local" else 9: b"\x00"}
    assert refused(patched(sound, **{header: other_encoding})).code == "archive_corrupt"


def test_names_of_ascii_read_the_same_in_both_encodings() -> None:
    assert len(checked(patched(archive(("e.pdf", PDF)), local={7: b"\x08"}))) == 1


def test_an_offset_past_everything_is_refused() -> None:
    info = entry("a.pdf")
    info.extra = struct.pack("<2HQ", 0x0001, 8, (1 << 64) - 1)
    data = patched(built([(info, PDF)]), directory={42: b"\xff" * 4})
    assert refused(data).code == "archive_corrupt"


def test_a_directory_of_millions_is_not_read_into_memory() -> None:
    data = bytearray(archive(("a.pdf", PDF)))
    end = data.rindex(b"PK\x05\x06")
    data[end + 8 : end + 12] = struct.pack("<2H", 60_000, 60_000)
    assert refused(bytes(data)).code == "archive_too_many_members"


def test_the_checkpoint_is_told_how_far_it_is_and_may_stop_it() -> None:
    class Enough(BaseException):
        pass

    seen: list[tuple[int, int]] = []

    def stop_at_second(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 1:
            raise Enough

    data = archive(("a.pdf", PDF), ("b.pdf", PDF), ("c.pdf", PDF))
    with pytest.raises(Enough):
        check_archive(io.BytesIO(data), LIMITS, lambda _: None, stop_at_second)
    assert seen == [(0, 3), (0, 3), (1, 3)]
