"""Pins the images of others by digest: `python -m deploy.pin_images`, on a machine with Docker and a network.

A tag can be moved to another image; a digest cannot. The files keep the exact version beside the digest, so that people
can read it, and running this again renews the digests after a version was changed.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).parent
FILES = ("Dockerfile", "docker-compose.yml", "docker-compose.s3.yml", "docker-compose.dev.yml")
OURS = "bureau/"

_IMAGE = re.compile(
    r"^(?P<before>ARG PYTHON=|\s+image: )(?P<image>[\w./-]+:[\w.-]+)(?P<digest>@sha256:[0-9a-f]{64})?(?=\s|$)",
    re.MULTILINE,
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

DigestOf = Callable[[str], str]


def images(text: str) -> list[str]:
    """Returns the images of others that a file names, with their tags."""
    return [match["image"] for match in _IMAGE.finditer(text) if not match["image"].startswith(OURS)]


def pinned(text: str, digest_of: DigestOf) -> str:
    """Returns the file with the digest of each image of others."""

    def pin(match: re.Match[str]) -> str:
        image = match["image"]
        return match[0] if image.startswith(OURS) else f"{match['before']}{image}@{digest_of(image)}"

    return _IMAGE.sub(pin, text)


def digest_by_docker(image: str) -> str:
    """Asks the image's registry for its digest, which is that of the list of all platforms."""
    command = ["docker", "buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}", image]
    digest = _said(command)
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"docker names no digest for {image}: {digest!r}")
    return digest


def _said(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - our own


def main(digest_of: DigestOf = digest_by_docker, folder: Path = FOLDER) -> int:
    """Asks for all digests before it writes a file, so that an error changes nothing."""
    found = {name: (folder / name).read_text() for name in FILES}
    try:
        digests = {image: digest_of(image) for image in sorted({i for text in found.values() for i in images(text)})}
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or error
        print(f"Nothing was pinned: {str(said).strip()}", file=sys.stderr)
        return 1
    for name, text in found.items():
        (folder / name).write_text(pinned(text, digests.__getitem__))
    for image, digest in digests.items():
        print(f"{image}@{digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
