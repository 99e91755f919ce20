"""The files that wait to be imported: taken from the network onto the disk, and looked into.

What must stay true: when a file has been taken it survives a power cut, and no body is ever held in memory. A body that
is gzip (told by its first bytes) is stored as the text it holds, which keeps the same limit as any other text.
"""

import asyncio
import hashlib
import os
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from fastapi import Request

from campaign_command.contact_file import FileRefused, Layout, Meaning, inspect_file
from campaign_command.csv_rows import Limits
from campaign_service.problems import Problem

SILENCE_SECONDS = 30.0
"""A client that sends nothing for so long has gone."""
BEAT_SECONDS = 10.0
_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is wholly there: the bytes of its text, and the SHA-256 of the body as it was sent."""

    size: int
    digest: bytes
    layout: Layout


def spool_file(folder: Path, import_id: UUID) -> Path:
    """Where an import's file lies until it is done."""
    return folder / f"{import_id}.csv"


async def take(
    request: Request,
    path: Path,
    *,
    limits: Limits,
    beat: Callable[[], Awaitable[bool]],
    inspect: Callable[[], Layout],
) -> Upload:
    """Store the body durably and look into it. Problem when it is not to be had."""
    size, digest = await receive(request, path, limits=limits, beat=beat)
    try:
        return Upload(size, digest, await asyncio.to_thread(inspect))
    except FileRefused as refused:
        raise problem_of_file(refused) from None


async def receive(
    request: Request, path: Path | None, *, limits: Limits, beat: Callable[[], Awaitable[bool]] | None
) -> tuple[int, bytes]:
    """Write the body to `path`, through to the disk (or nowhere, without one). The text's size, the body's SHA-256."""
    digest = hashlib.sha256()
    sent = 0
    clock = asyncio.get_running_loop().time
    last_beat = clock()
    text = await asyncio.to_thread(TextFile, path, limits) if path is not None else None
    pending = bytearray()
    stream = request.stream()
    try:
        while True:
            try:
                async with asyncio.timeout(SILENCE_SECONDS):
                    block = await anext(stream, None)
            except TimeoutError:
                raise Problem(408, "upload_stalled", f"No data came for {SILENCE_SECONDS:.0f} seconds.") from None
            if block is None:
                break
            sent += len(block)
            if sent > limits.max_bytes:
                raise too_large(limits)
            digest.update(block)
            pending += block
            if text is not None and len(pending) >= _BLOCK:
                await asyncio.to_thread(text.write, bytes(pending))
            if text is None or len(pending) >= _BLOCK:
                pending.clear()
            if beat is not None and clock() - last_beat > BEAT_SECONDS:
                last_beat = clock()
                if not await beat():
                    raise Problem(409, "import_cancelled", "The import was cancelled during the upload.")
        if text is not None:
            await asyncio.to_thread(text.write, bytes(pending))
            await asyncio.to_thread(text.finish)
    finally:
        if text is not None:
            text.close()
    return text.size if text is not None else sent, digest.digest()


class TextFile:
    """A new file that is given a body bit by bit and holds its text; what is gzip is unpacked on the way."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._file, self._folder, self._limits = _create(path), path.parent, limits
        self._text = Unpacking()
        self.size = 0

    def write(self, block: bytes) -> None:
        """Problem when the text is too large, or its gzip is broken."""
        for piece in self._text.pieces(block):
            self.size += len(piece)
            if self.size > self._limits.max_bytes:
                raise too_large(self._limits)
            self._file.write(piece)

    def finish(self) -> None:
        """Through to the disk. Problem when the body ended too early."""
        self._file.write(self._text.finish())
        _sync(self._file, self._folder)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class Unpacking:
    """Turns a body into its text: gzip is unpacked, anything else is what it is. At most a block is in memory."""

    def __init__(self) -> None:
        self._first = b""
        self._gzip: zlib._Decompress | None = None
        self._is_text = False

    @property
    def is_complete(self) -> bool:
        """Whether the text may end here."""
        return self._gzip is None or self._gzip.eof

    def pieces(self, block: bytes) -> Iterator[bytes]:
        """The text of the next part of the body. Problem 422 `bad_gzip`."""
        if not self._is_text and self._gzip is None:
            block = self._first + block
            if len(block) < len(_GZIP):
                self._first = block
                return
            if block.startswith(_GZIP):
                self._gzip = _member()
            self._is_text, self._first = self._gzip is None, b""
        if self._gzip is None:
            yield block
            return
        while block:
            if self._gzip.eof:  # several members are one text; zeros behind the last are padding
                if not (block := block.lstrip(b"\0")):
                    return
                self._gzip = _member()
            try:
                piece = self._gzip.decompress(block, _BLOCK)
            except zlib.error:
                raise Problem(422, "bad_gzip", "The gzip data is damaged.") from None
            yield piece
            block = self._gzip.unused_data if self._gzip.eof else self._gzip.unconsumed_tail

    def finish(self) -> bytes:
        """What is left of a body of one byte. Problem 422 when a gzip ends before its end."""
        if not self.is_complete:
            raise Problem(422, "bad_gzip", "The gzip data ends too early: the file is not whole.")
        return self._first


def _member() -> "zlib._Decompress":
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)


def _create(path: Path) -> BinaryIO:
    """A new file for this service's eyes only: it holds people's data."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))


def _sync(file: BinaryIO, folder: Path) -> None:
    """Through to the disk; the file's name is durable only once its folder is."""
    file.flush()
    os.fsync(file.fileno())
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def look_into(
    path: Path, *, limits: Limits, delimiter: str | None, encoding: str | None, mapping: Mapping[str, Meaning]
) -> Layout:
    """How the file at `path` is to be read. FileRefused when it can't be imported."""
    with path.open("rb") as file:
        return inspect_file(file, limits=limits, delimiter=delimiter, encoding=encoding, mapping=mapping)


def problem_of_file(refused: FileRefused) -> Problem:
    """The HTTP problem of a file that is refused whole."""
    if refused.code == "file_too_large":
        return Problem(413, refused.code, refused.detail)
    return Problem(422, refused.code, refused.detail, columns=list(refused.columns))


def too_large(limits: Limits) -> Problem:
    """The problem of a file above the limit."""
    detail = f"The file is larger than {limits.max_bytes} bytes."
    return Problem(413, "file_too_large", detail, limit_bytes=limits.max_bytes)
