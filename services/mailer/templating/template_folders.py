"""Finds mail templates: a folder each, with `subject.txt`, `body.txt`, `body.html`, or some of these.

```
<name>/subject.txt  body.txt  body.html  description.txt  logo.png
<name>/pt/…                             the same for another language; a missing part is the default's
<name>/pt-br/…
_shared/                                files that templates share: folders that begin with _ are not templates
```
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from bureau.contracts.catalog import TemplateDescription
from bureau.contracts.errors import PermanentError

SUBJECT, TEXT, HTML = "subject.txt", "body.txt", "body.html"
DEFAULT_LANGUAGE = "en"
# Mail programs show these types; most of them do not show SVG.
PICTURE_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif"}

_LANGUAGE = re.compile(r"^[a-z]{2,3}(-[a-z0-9]{2,8})*$")
_CID = re.compile(r"""["'(]cid:([^"')\s]+)["')]""")


@dataclass(frozen=True)
class Picture:
    """Holds an image that the HTML part shows as `cid:<cid>`."""

    cid: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class Variant:
    """Describes a template in one language. `parts` maps each part to its path relative to the templates' folder."""

    name: str
    language: str
    folders: tuple[Path, ...]  # the folders that may hold its pictures, the nearest first
    parts: tuple[tuple[str, str], ...]

    def has(self, part: str) -> bool:
        return part in dict(self.parts)

    def path(self, part: str) -> str:
        return dict(self.parts)[part]


class TemplateFolders:
    """Finds templates in several folders.

    A template in an earlier folder completely hides one of the same name in a later folder.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)

    @cached_property
    def _found(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for folder in self._folders:
            for path in sorted(folder.iterdir()):
                if path.is_dir() and path.name[0] not in "_.":
                    found.setdefault(path.name, path)
        return found

    def descriptions(self) -> list[TemplateDescription]:
        return [TemplateDescription(name=name, description=_described(self._found[name])) for name in self._names]

    @property
    def _names(self) -> list[str]:
        return sorted(self._found)

    def variant(self, name: str, language: str | None) -> Variant:
        """Returns the variant for the language: `pt-BR`, else `pt`, else the default.

        Raises `PermanentError` if there is no such template.
        """
        if name not in self._found:
            known = ", ".join(self._names)
            raise PermanentError("template_unknown", f"template: {name!r} not found; the templates are {known}.")
        folder = self._found[name]
        tag = next((tag for tag in _tags(language) if (folder / tag).is_dir()), None)
        places = (folder / tag, folder) if tag else (folder,)
        parts = []
        for part in (SUBJECT, TEXT, HTML):
            # Text in one language beside HTML in another would be two mails in one.
            own = [place for place in places if (place / part).is_file()][:1]
            if own and not (tag and part != SUBJECT and own[0] == folder and _has_body(places[0])):
                parts.append((part, own[0].relative_to(folder.parent).joinpath(part).as_posix()))
        if SUBJECT not in dict(parts) or len(parts) < 2:
            raise PermanentError(
                "template_incomplete",
                f"The mail template {name!r} needs {SUBJECT} and one of {TEXT} and {HTML}: add what is missing.",
            )
        shared = tuple(one / "_shared" for one in self._folders)
        return Variant(name, tag or DEFAULT_LANGUAGE, (*places, *shared), tuple(parts))

    def pictures(self, variant: Variant, html: str) -> tuple[Picture, ...]:
        """Returns the pictures that `html` names. Raises LookupError if a file is missing."""
        return tuple(_picture(cid, variant.folders) for cid in dict.fromkeys(_CID.findall(html)))


def _tags(language: str | None) -> list[str]:
    """Returns `pt-br` and `pt` for `pt-BR`; a text that could be a path gives none."""
    tag = (language or "").lower().replace("_", "-")
    if not _LANGUAGE.match(tag):
        return []
    pieces = tag.split("-")
    return ["-".join(pieces[:count]) for count in range(len(pieces), 0, -1)]


def _has_body(folder: Path) -> bool:
    return (folder / TEXT).is_file() or (folder / HTML).is_file()


def _described(folder: Path) -> str:
    path = folder / "description.txt"
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def _picture(cid: str, folders: tuple[Path, ...]) -> Picture:
    kind = PICTURE_TYPES.get(Path(cid).suffix.lower())
    if kind is None or "/" in cid or cid.startswith("."):
        raise LookupError(f"cid:{cid} is not the name of a picture: use a PNG, JPEG or GIF file beside it")
    path = next((folder / cid for folder in folders if (folder / cid).is_file()), None)
    if path is None:
        raise LookupError(f"it shows cid:{cid}, but no file {cid} is beside it")
    return Picture(cid, kind, _read(path))


@lru_cache(maxsize=100)
def _read(path: Path) -> bytes:
    return path.read_bytes()
