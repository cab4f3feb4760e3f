"""Files on their way to the gateway: opened anew for every try of a request, so that each sends them whole."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from io import BytesIO
from mimetypes import guess_type
from os import PathLike
from pathlib import Path
from typing import BinaryIO

FileSource = str | PathLike[str] | tuple[str, bytes | BinaryIO]  # a path, or a name and what the file holds
Part = tuple[str, tuple[str, BinaryIO, str]]

UNKNOWN = "application/octet-stream"


class Upload:
    """One file. Raises `OSError` where its path cannot be opened, `ValueError` where it cannot be read twice."""

    def __init__(self, source: FileSource) -> None:
        if isinstance(source, tuple):
            self.name, self._content = source
            self._path = None
        else:
            self._path = Path(source)
            self.name = self._path.name
            self._path.open("rb").close()  # what is missing is said before anything is sent
            self._content = b""
        if not isinstance(self._content, bytes) and not self._content.seekable():
            raise ValueError(f"{self.name} cannot be read twice, and a request may be repeated: give bytes")

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """For httpx, which sends an open file from its beginning."""
        if self._path is not None:
            with self._path.open("rb") as file:
                yield file
        elif isinstance(self._content, bytes):
            yield BytesIO(self._content)
        else:
            yield self._content


@contextmanager
def opened(field: str, uploads: Sequence[Upload]) -> Iterator[list[Part]]:
    """The parts of a multipart body."""
    with ExitStack() as stack:
        yield [
            (field, (upload.name, stack.enter_context(upload.open()), guess_type(upload.name)[0] or UNKNOWN))
            for upload in uploads
        ]
