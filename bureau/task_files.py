"""Defines how a task writes and reads files: `with` in a `def` task or a thread, `async with` on the event loop."""

import io
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Generic, Protocol, TypeVar

from bureau.contracts.artifacts import ArtifactRef
from bureau.threads import in_thread, refuse_on_loop

S = TypeVar("S")
A = TypeVar("A")

# Less is written, or opened and read, by one call in a thread; a thousand tasks with a file each hold 64 MB.
BUFFER_BYTES = 64 * 1024


class ArtifactWriter(Protocol):
    """Writes a file. `ref`, `size` (bytes) and `sha256` (hex) are known after its block has ended."""

    @property
    def ref(self) -> ArtifactRef: ...
    @property
    def size(self) -> int: ...
    @property
    def sha256(self) -> str: ...
    def write(self, data: bytes, /) -> int: ...


@dataclass(frozen=True)
class OpenArtifact:
    """Holds a stored file that is open for reading; `file` is seekable, `size` is in bytes, `sha256` in hex."""

    name: str
    media_type: str
    size: int
    sha256: str
    file: BinaryIO


class FileBlock(Generic[S, A]):
    """Opens a file for a block: `with` gives a file for blocking code, `async with` one for code on the event loop.

    `with` on the event loop raises `PermanentError` (`blocks_event_loop`).
    """

    def __init__(
        self,
        call: str,
        opened: AbstractContextManager[S],
        on_loop: Callable[[AbstractContextManager[S]], AbstractAsyncContextManager[A]],
    ) -> None:
        """`call` is what the user wrote, for the error."""
        self._call = call
        self._opened = opened
        self._on_loop = on_loop(opened)

    def __enter__(self) -> S:
        refuse_on_loop(f"with {self._call}", f"async with {self._call}")
        return self._opened.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._opened.__exit__(kind, error, traceback)

    async def __aenter__(self) -> A:
        return await self._on_loop.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._on_loop.__aexit__(kind, error, traceback)


class AsyncArtifactWriter:
    """Writes a file from the event loop: `await file.write(…)`.

    `ref`, `size` (bytes) and `sha256` (hex) are known after its block has ended. Bytes are gathered and written in a
    thread, so a small file is opened, written and completed by one call there.
    """

    def __init__(self, opened: AbstractContextManager[ArtifactWriter]) -> None:
        self._opened = opened
        self._writer: ArtifactWriter | None = None
        self._gathered = bytearray()

    @property
    def ref(self) -> ArtifactRef:
        return self._made.ref

    @property
    def size(self) -> int:
        return self._made.size

    @property
    def sha256(self) -> str:
        return self._made.sha256

    async def write(self, data: bytes, /) -> int:
        self._gathered += data
        if len(self._gathered) >= BUFFER_BYTES:
            await in_thread(self._flush)
        return len(data)

    async def complete(self) -> None:
        """Makes the file whole; for the block's end."""
        await in_thread(self._complete)

    async def abort(self, error: BaseException) -> None:
        """Drops what was written; for a block that raised."""
        if self._writer is not None:
            await in_thread(self._drop, error)

    @property
    def _made(self) -> ArtifactWriter:
        if self._writer is None:
            raise RuntimeError("the file's ref, size and checksum are known after its block has ended")
        return self._writer

    def _flush(self) -> None:
        if self._writer is None:
            self._writer = self._opened.__enter__()
        gathered, self._gathered = bytes(self._gathered), bytearray()
        self._writer.write(gathered)

    def _complete(self) -> None:
        try:
            self._flush()
        except BaseException as error:
            self._drop(error)
            raise
        self._opened.__exit__(None, None, None)

    def _drop(self, error: BaseException) -> None:
        if self._writer is not None:
            with suppress(type(error)):  # raised by the caller
                self._opened.__exit__(type(error), error, error.__traceback__)


class AsyncFile:
    """Reads a stored file from the event loop: `await file.read(65536)`.

    `blocking` is the same file for code that runs in a thread; on the event loop it must not be used. A file
    `in_memory` is read without a thread: each change of thread costs the event loop as much as the rest of a call.
    """

    def __init__(self, blocking: BinaryIO, *, in_memory: bool = False) -> None:
        self.blocking = blocking
        self._in_memory = in_memory

    async def read(self, size: int = -1) -> bytes:
        return self.blocking.read(size) if self._in_memory else await in_thread(self.blocking.read, size)

    async def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if self._in_memory:
            return self.blocking.seek(offset, whence)
        return await in_thread(self.blocking.seek, offset, whence)


@dataclass(frozen=True)
class AsyncOpenArtifact:
    """Holds a stored file that is open for reading on the event loop, as `OpenArtifact` does for blocking code."""

    name: str
    media_type: str
    size: int
    sha256: str
    file: AsyncFile


@asynccontextmanager
async def _written(opened: AbstractContextManager[ArtifactWriter]) -> AsyncIterator[AsyncArtifactWriter]:
    file = AsyncArtifactWriter(opened)
    try:
        yield file
    except BaseException as error:
        await file.abort(error)
        raise
    await file.complete()


@asynccontextmanager
async def _opened(opened: AbstractContextManager[OpenArtifact]) -> AsyncIterator[AsyncOpenArtifact]:
    found, file = await in_thread(_entered, opened)
    try:
        yield AsyncOpenArtifact(found.name, found.media_type, found.size, found.sha256, file)
    finally:
        opened.__exit__(None, None, None)  # closing a reader waits for nothing


def _entered(opened: AbstractContextManager[OpenArtifact]) -> tuple[OpenArtifact, AsyncFile]:
    """Opens a file, and reads a small one at once."""
    found = opened.__enter__()
    if found.size > BUFFER_BYTES:
        return found, AsyncFile(found.file)
    try:
        return found, AsyncFile(io.BytesIO(found.file.read()), in_memory=True)
    except BaseException:
        opened.__exit__(None, None, None)
        raise


ArtifactBlock = FileBlock[ArtifactWriter, AsyncArtifactWriter]
OpenBlock = FileBlock[OpenArtifact, AsyncOpenArtifact]


def artifact_block(opened: AbstractContextManager[ArtifactWriter]) -> ArtifactBlock:
    return FileBlock("ctx.artifact(…)", opened, _written)


def open_block(opened: AbstractContextManager[OpenArtifact]) -> OpenBlock:
    return FileBlock("ctx.open(…)", opened, _opened)
