"""Images of others: each is named by an exact version, and a command pins it by digest."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest

from deploy import pin_images
from deploy.pin_images import FILES, FOLDER, images, pinned

# Releases of PostgreSQL have two numbers.
EXACT = re.compile(r"postgres:\d+\.\d+|[\w./-]+:(v?\d+\.\d+\.\d+(-[\w.-]+)?|RELEASE\.[\w-]+)")


def digest_of(image: str) -> str:
    return f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def named() -> list[str]:
    return [image for name in FILES for image in images((FOLDER / name).read_text())]


def test_every_image_of_others_is_found() -> None:
    names = {image.partition(":")[0].rpartition("/")[2] for image in named()}
    assert names == {"python", "rabbitmq", "postgres", "mailpit", "prometheus", "minio", "mc"}
    given = re.findall(r"^ +image: (\S+)", "\n".join((FOLDER / name).read_text() for name in FILES), re.MULTILINE)
    others = [image.partition("@")[0] for image in given if not image.startswith("bureau/")]
    assert others == named()[1:]  # the first is the Dockerfile's


@pytest.mark.parametrize("image", named())
def test_an_image_has_an_exact_version(image: str) -> None:
    assert EXACT.fullmatch(image)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copy(FOLDER / name, tmp_path)
    return tmp_path


def test_the_command_pins_each_by_digest_and_again_to_the_same(folder: Path) -> None:
    assert pin_images.main(digest_of, folder) == 0
    once = {name: (folder / name).read_text() for name in FILES}
    assert f"ARG PYTHON={named()[0]}@{digest_of(named()[0])}\n" in once["Dockerfile"]
    assert "bureau/gateway:${BUREAU_VERSION:-dev}\n" in once["docker-compose.yml"]
    assert sum(text.count("@sha256:") for text in once.values()) == len(named())
    assert pin_images.main(digest_of, folder) == 0
    assert {name: (folder / name).read_text() for name in FILES} == once


def test_a_new_version_gets_its_own_digest() -> None:
    old = pinned("    image: postgres:17.9\n", digest_of)
    assert (
        pinned(old.replace("17.9", "17.10"), digest_of) == f"    image: postgres:17.10@{digest_of('postgres:17.10')}\n"
    )


def test_nothing_is_written_if_one_digest_cannot_be_had(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def away(image: str) -> str:
        if "rabbitmq" in image:
            raise OSError("no network")
        return digest_of(image)

    assert pin_images.main(away, folder) == 1
    assert "no network" in capsys.readouterr().err
    assert all((folder / name).read_text() == (FOLDER / name).read_text() for name in FILES)


def test_the_page_of_operations_names_the_interpreter() -> None:
    version = named()[0].rpartition(":")[2].partition("-")[0]
    assert f"Python {version}" in (FOLDER.parent / "docs/operations.md").read_text()
