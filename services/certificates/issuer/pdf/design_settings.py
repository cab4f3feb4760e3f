"""Defines the appearance of an issuer's certificates: a design, and the issuer's own images, colours and signatory."""

import base64
import re
import struct
from dataclasses import dataclass
from pathlib import Path

SHIPPED_DESIGNS = Path(__file__).parents[1] / "designs"
MAX_IMAGE_BYTES = 2 * 1024 * 1024  # each certificate carries it

_PNG = b"\x89PNG\r\n\x1a\n"
_COMMENTS = rb"(?:<!--.*?-->\s*)*"
_SVG = re.compile(
    rb"^(?:\xef\xbb\xbf)?\s*(?:<\?xml.*?\?>\s*)?" + _COMMENTS + rb"(?:<!DOCTYPE[^>]*>\s*)?" + _COMMENTS + rb"<svg[\s>]",
    re.S,
)


@dataclass(frozen=True)
class Looks:
    """Holds the appearance. `design` is the template's path; images are SVG; a colour "" is the design's own."""

    design: Path
    logo: str = ""
    signature: str = ""
    signatory: str = ""
    primary: str = ""
    accent: str = ""


def design_path(name: str, own: Path | None) -> Path:
    """Returns the template of a design, your own first. Raises ValueError, which names the designs that exist."""
    folders = [folder for folder in (own, SHIPPED_DESIGNS) if folder]
    for folder in folders:
        if (found := folder / f"{name}.typ").is_file():
            return found
    known = sorted({path.stem for folder in folders for path in folder.glob("*.typ")})
    raise ValueError(f"design {name!r} not found; the designs are {', '.join(known)}")


def image_svg(path: Path) -> str:
    """Returns a PNG or SVG file as SVG text, the form in which a template can receive it. Raises ValueError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror})") from None
    if len(data) > MAX_IMAGE_BYTES:
        raise ValueError(f"{path} has {len(data):,} bytes; at most {MAX_IMAGE_BYTES:,} are allowed")
    if data.startswith(_PNG) and len(data) > 24:
        return _wrapped(data)
    if _SVG.match(data):
        return data.decode("utf-8-sig")
    raise ValueError(f"{path} is neither PNG nor SVG")


def _wrapped(png: bytes) -> str:
    width, height = struct.unpack(">2L", png[16:24])  # in the header chunk, which comes first (PNG, section 11.2.2)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<image width="{width}" height="{height}" '
        f'href="data:image/png;base64,{base64.b64encode(png).decode("ascii")}"/></svg>'
    )
