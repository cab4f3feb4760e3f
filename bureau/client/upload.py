"""Opens files for upload, anew for every try of a request, so that each try sends them completely."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from io import BytesIO
from mimetypes import guess_type
from os import PathLike
from pathlib import Path
from typing import BinaryIO

# A path, or a name and the file's content; then the media type, if it is not to be guessed from the name.
FileSource = str | PathLike[str] | tuple[str, bytes | BinaryIO] | tuple[str, bytes | BinaryIO, str]
Part = tuple[str, tuple[str, BinaryIO, str]]

UNKNOWN_TYPE = "application/octet-stream"


class Upload:
    """Represents one file to upload.

    Raises `OSError` if its path cannot be opened, and `ValueError` if it cannot be read twice or its media type is not
    one line.
    """

    def __init__(self, source: FileSource) -> None:
        if isinstance(source, tuple):
            self.name, self._content = source[0], source[1]
            self._path = None
        else:
            self._path = Path(source)
            self.name = self._path.name
            self._path.open("rb").close()  # a missing file is reported before anything is sent
            self._content = b""
        self.media_type = source[2] if isinstance(source, tuple) and len(source) == 3 else _guessed(self.name)
        if not self.media_type.isprintable():
            raise ValueError(f"the media type of {self.name} is one line without control characters")
        if not isinstance(self._content, bytes) and not self._content.seekable():
            raise ValueError(f"{self.name} cannot be read twice, which a retry needs: pass bytes")

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Opens the file for httpx, which sends an open file from its beginning."""
        if self._path is not None:
            with self._path.open("rb") as file:
                yield file
        elif isinstance(self._content, bytes):
            yield BytesIO(self._content)
        else:
            yield self._content


@contextmanager
def open_parts(field: str, uploads: Sequence[Upload]) -> Iterator[list[Part]]:
    """Opens the files as parts of a multipart body and closes them after the block."""
    with ExitStack() as stack:
        yield [(field, (upload.name, stack.enter_context(upload.open()), upload.media_type)) for upload in uploads]


def _guessed(name: str) -> str:
    """Returns the type that goes with a name. `rows.csv.gz` is not CSV, but a compressed file."""
    kind, encoding = guess_type(name)
    if encoding:
        return "application/gzip" if encoding == "gzip" else UNKNOWN_TYPE
    return kind or UNKNOWN_TYPE
