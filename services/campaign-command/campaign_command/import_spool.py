"""The files that wait to be imported: taken from the network onto the disk, and looked into.

What must stay true: when a file has been taken it survives a power cut, and no body is ever held in memory.
"""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from fastapi import Request

from campaign_command.contact_file import FileRefused, Layout, inspect_file
from campaign_command.csv_rows import Limits
from campaign_service.problems import Problem

SILENCE_SECONDS = 30.0
"""A client that sends nothing for so long has gone."""
BEAT_SECONDS = 10.0
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is wholly there. `digest` is its SHA-256."""

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
        if refused.code == "file_too_large":
            raise Problem(413, refused.code, refused.detail) from None
        raise Problem(422, refused.code, refused.detail, columns=list(refused.columns)) from None


async def receive(
    request: Request, path: Path | None, *, limits: Limits, beat: Callable[[], Awaitable[bool]] | None
) -> tuple[int, bytes]:
    """Write the body to `path`, through to the disk (or nowhere, without one). Its size and SHA-256."""
    digest = hashlib.sha256()
    size = 0
    clock = asyncio.get_running_loop().time
    last_beat = clock()
    file = await asyncio.to_thread(_create, path) if path is not None else None
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
            size += len(block)
            if size > limits.max_bytes:
                raise too_large(limits)
            digest.update(block)
            pending += block
            if file is not None and len(pending) >= _BLOCK:
                await asyncio.to_thread(file.write, bytes(pending))
            if file is None or len(pending) >= _BLOCK:
                pending.clear()
            if beat is not None and clock() - last_beat > BEAT_SECONDS:
                last_beat = clock()
                if not await beat():
                    raise Problem(409, "import_cancelled", "The import was cancelled during the upload.")
        if file is not None and path is not None:
            await asyncio.to_thread(file.write, bytes(pending))
            await asyncio.to_thread(_sync, file, path.parent)
    finally:
        if file is not None:
            file.close()
    return size, digest.digest()


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
    path: Path, *, limits: Limits, delimiter: str | None, encoding: str | None, phone_column: str | None
) -> Layout:
    """How the file at `path` is to be read. FileRefused when it can't be imported."""
    with path.open("rb") as file:
        return inspect_file(file, limits=limits, delimiter=delimiter, encoding=encoding, phone_column=phone_column)


def too_large(limits: Limits) -> Problem:
    """The problem of a file above the limit."""
    detail = f"The file is larger than {limits.max_bytes} bytes."
    return Problem(413, "file_too_large", detail, limit_bytes=limits.max_bytes)
