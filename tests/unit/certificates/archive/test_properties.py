"""What holds for every archive: sound ones pass, and what passes reads the same to everybody else."""

import io
import zipfile

from hypothesis import given, settings
from hypothesis import strategies as st

from bureau.services.certificates.archive.check import ArchiveLimits, check_archive
from bureau.services.certificates.archive.errors import ArchiveError
from bureau.services.certificates.archive.names import Places, name_problem
from tests.support.archives import archive, streamed

LIMITS = ArchiveLimits(archive_bytes=1 << 20, members=100, member_bytes=1 << 16, uncompressed_bytes=1 << 20, ratio=100)

plain_names = st.lists(
    st.from_regex(r"\A[a-z0-9éñ ]{0,7}[a-z0-9éñ](/[a-z0-9]{1,8}){0,2}\.pdf\Z"), min_size=1, max_size=8, unique=True
)


def check(data: bytes) -> int:
    return len(check_archive(io.BytesIO(data), LIMITS, lambda _: None, lambda *_: None))


@given(plain_names, st.binary(max_size=500), st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]), st.booleans())
def test_every_archive_of_plain_files_passes(names: list[str], data: bytes, method: int, stream: bool) -> None:
    members = [(name, b"%PDF" + data) for name in names]
    made = streamed(*members) if stream else archive(*members, method=method)
    assert check(made) == len(names)


@settings(max_examples=300)
@given(plain_names, st.data())
def test_whatever_passes_after_damage_reads_the_same_to_zipfile(names: list[str], data: st.DataObject) -> None:
    sound = archive(*((name, b"%PDF" + name.encode() * 9) for name in names))
    damaged = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        files = check(bytes(damaged))
    except ArchiveError:
        return
    with zipfile.ZipFile(io.BytesIO(damaged)) as naive:
        assert naive.testzip() is None
        assert len([info for info in naive.infolist() if not info.is_dir()]) == files
        assert all(name_problem(info.filename) is None for info in naive.infolist())


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_by_a_typed_error(data: bytes) -> None:
    for candidate in (data, b"PK\x03\x04" + data, b"PK\x03\x04" + data + b"PK\x05\x06" + bytes(18)):
        try:
            check(candidate)
        except ArchiveError:
            continue
        raise AssertionError("random bytes passed")


@given(st.text(max_size=60))
def test_a_name_without_a_problem_stays_inside_the_folder(name: str) -> None:
    if name_problem(name) is None:
        steps = name.removesuffix("/").split("/")
        assert ".." not in steps
        assert not name.startswith(("/", "\\"))
        assert "\x00" not in name


@given(st.lists(st.text("aA/é", min_size=1, max_size=5), max_size=10))
def test_no_place_is_taken_twice(names: list[str]) -> None:
    places = Places()
    files = [name.casefold() for name in names if name_problem(name) is None and not name.endswith("/")]
    taken = [name for name in files if places.take(name)]
    assert len(taken) == len(set(taken))
    assert not any(other.startswith(name + "/") for name in taken for other in taken)
