"""unzip, bsdtar, jar, 7-Zip and Python list the same members in what people get, for every archive of the corpus."""

import os
import random
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from bureau.services.certificates.archive.errors import ArchiveError
from tests.support.servers.installing import installed
from tests.unit.certificates.archive.corpus import SOUND
from tests.unit.certificates.archive.raw import Entry, put_together, unicode_path
from tests.unit.certificates.archive.test_copies import copied

pytestmark = pytest.mark.long

PACKAGES = {"unzip": "unzip", "bsdtar": "libarchive-tools", "jar": "openjdk-17-jdk-headless", "7zz": "7zip"}
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8"}

Listing = Callable[[Mapping[str, str], Path], str]


def _run(*command: str, archive: Path) -> str:
    with archive.open("rb") as file:
        done = subprocess.run(
            command, stdin=file, env=ENVIRONMENT, capture_output=True, check=True, text=True, timeout=120
        )
    return done.stdout


def _seven_zip(program: str, file: Path) -> str:
    said = _run(program, "l", "-slt", "-ba", str(file), archive=file)
    folders = re.findall(r"^Path = (.*)\n(?:.*\n)*?Folder = (.)", said, re.MULTILINE)
    return "\n".join(path + ("/" if is_folder == "+" else "") for path, is_folder in folders)


ODD = "abñé日😀\u0301ÅßİﬀÀ -'[*?\\~%#!@\u200b\u202e\u00a0\u0085\u2028\u2029\ufeff\x7f\x9b^`{|\"<=$&/"

LISTINGS: dict[str, Listing] = {
    "unzip": lambda found, file: _run(found["unzip"], "-Z1", str(file), archive=file),
    "bsdtar": lambda found, file: _run(found["bsdtar"], "-tf", str(file), archive=file),
    "bsdtar, of a stream": lambda found, file: _run(found["bsdtar"], "-tf", "-", archive=file),
    "jar": lambda found, file: _run(found["jar"], "--list", "--file", str(file), archive=file),
    "jar, of a stream": lambda found, file: _run(found["jar"], "--list", archive=file),
    "7-Zip": lambda found, file: _seven_zip(found["7zz"], file),
}


@pytest.fixture(scope="session")
def programs() -> dict[str, str]:
    return {name: installed(partial(shutil.which, name), package, "PATH") for name, package in PACKAGES.items()}


@pytest.mark.parametrize("kind", SOUND)
def test_every_program_lists_the_same(kind: str, programs: dict[str, str], tmp_path: Path) -> None:
    data, names = SOUND[kind]
    file = tmp_path / "a.zip"
    file.write_bytes(copied(data))
    assert listed_by(programs, file) == dict.fromkeys(LISTINGS, sorted(names))
    _run(programs["unzip"], "-tqq", str(file), archive=file)
    _run(programs["7zz"], "t", "-bso0", str(file), archive=file)


@pytest.mark.parametrize("seed", range(5))
def test_every_program_lists_the_same_whatever_the_names_are(
    seed: int, programs: dict[str, str], tmp_path: Path
) -> None:
    """Names of odd letters, as each program writes them, of which those that are refused are left out."""
    drawn = random.Random(seed)
    members: list[Entry] = []
    for _ in range(300):
        member = odd_member(drawn)
        try:
            copied(put_together(*members, member))
        except ArchiveError:
            continue
        members.append(member)
    assert len(members) > 50
    file = tmp_path / "a.zip"
    file.write_bytes(copied(put_together(*members)))
    with zipfile.ZipFile(file) as reader:
        names = sorted(reader.namelist())
    assert listed_by(programs, file) == dict.fromkeys(LISTINGS, names)


def odd_member(drawn: random.Random) -> Entry:
    name = "".join(drawn.choice(ODD) for _ in range(drawn.randint(1, 6))) + ".pdf"
    match drawn.choice(["utf-8", "cp437", "unmarked", "path"]):
        case "utf-8":
            return Entry(name.encode(), flags=0x800)
        case "cp437":
            return Entry(name.encode("cp437", "replace"))
        case "unmarked":
            return Entry(name.encode())
        case _:
            plain = name.encode("ascii", "replace").replace(b"?", b"_")
            return Entry(plain, extra=unicode_path(name, plain))


def listed_by(programs: Mapping[str, str], file: Path) -> dict[str, list[str]]:
    return {program: sorted(filter(None, listing(programs, file).split("\n"))) for program, listing in LISTINGS.items()}
