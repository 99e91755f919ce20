"""Parses an import's file on a core of its own while this process commits the chunks before.

What must stay true: what is parsed ahead is bounded (a pipe's buffer and a chunk), and a parser never outlives the
process that reads from it.
"""

import gc
import multiprocessing
import signal
import traceback
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import orjson

from campaign_command.contact_file import Layout
from campaign_command.contact_rows import Rejected
from campaign_command.contacts import NewContact, Rendered
from campaign_command.csv_rows import Limits
from campaign_command.import_chunks import Chunk, Options, Ready, read_chunks

WORTH_A_PROCESS_BYTES = 2 * 1024 * 1024
"""Below, a process takes longer to start than the file to parse."""
END_SECONDS = 5.0
GARBAGE_OBJECTS = 200_000


class ParserDied(Exception):
    """The parsing process was ended from outside: the import can go on with another one."""


class ParserFailed(Exception):
    """The parsing process met a bug of ours: see the message, which holds no data of a row."""


@dataclass(frozen=True, slots=True)
class Parsing:
    """What is to be parsed: the rows of the file at `path` behind line `after`."""

    path: Path
    layout: Layout
    limits: Limits
    after: int
    options: Options
    chunk_rows: int


class Parser(Protocol):
    """Chunks one by one; blocks, so call it from a thread."""

    def next(self) -> Chunk:
        """The next chunk; do not ask again after the last one."""

    def close(self) -> None:
        """Let go of the file."""


def open_parser(parsing: Parsing) -> Parser:
    """A parser for the file: here when it is small, else in a process. FileNotFoundError when the file is gone."""
    size = parsing.path.stat().st_size
    return ParserHere(parsing) if size < WORTH_A_PROCESS_BYTES else ParserApart(parsing)


class ParserHere:
    """Parses in the calling thread."""

    def __init__(self, parsing: Parsing) -> None:
        self._chunks = _chunks(parsing)

    def next(self) -> Chunk:
        """The next chunk."""
        return next(self._chunks)

    def close(self) -> None:
        """Close the file."""
        self._chunks.close()


class ParserApart:
    """Parses in a process that is a chunk or two ahead."""

    def __init__(self, parsing: Parsing) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy the threads' locks as they are
        self._connection, theirs = context.Pipe(duplex=False)
        self.process = context.Process(target=_parse, args=(theirs, parsing), name="import-parser", daemon=True)
        self.process.start()
        theirs.close()

    def next(self) -> Chunk:
        """The next chunk. ParserDied and ParserFailed when there is none to come."""
        try:
            message = self._connection.recv_bytes()
        except (EOFError, OSError):
            self.process.join(END_SECONDS)
            raise ParserDied(f"the parser ended with {self.process.exitcode}") from None
        if message[:1] == b"!":
            raise ParserFailed(message[1:].decode())
        return decode_chunk(message)

    def close(self) -> None:
        """End the process: its next write fails, or it is told to."""
        self._connection.close()
        self.process.terminate()
        self.process.join(END_SECONDS)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        self.process.close()


def encode_chunk(chunk: Chunk) -> bytes:
    """A chunk for the pipe: much faster than pickle, and nothing but data. Each list of zones is there once."""
    places: dict[tuple[str, ...], int] = {}
    rows: list[tuple[Any, ...]] = []
    for row in chunk.rows:
        if isinstance(row, Rejected):
            rows.append((row.line, row.reason, row.values))
        else:
            ready = row.rendered
            place = places.setdefault(ready.time_zones, len(places))
            contact = row.contact._asdict() if row.contact is not None else None
            rows.append((row.line, row.note, ready.number, place, ready.text, contact))
    return orjson.dumps([chunk.after, chunk.bytes_done, chunk.is_last, list(places), rows])


def decode_chunk(data: bytes) -> Chunk:
    """The chunk again."""
    after, bytes_done, is_last, places, rows = orjson.loads(data)
    zones = [tuple(names) for names in places]
    found: list[Ready | Rejected] = []
    for row in rows:
        if len(row) == 3:
            found.append(Rejected(*row))
        else:
            line, note, number, place, text, contact = row
            if contact is not None:
                contact = NewContact(**(contact | {"time_zones": zones[place]}))
            found.append(Ready(line, note, Rendered(number, zones[place], text), contact))
    return Chunk(after=after, rows=found, bytes_done=bytes_done, is_last=is_last)


def _chunks(parsing: Parsing) -> Generator[Chunk]:
    with parsing.path.open("rb") as file:
        yield from read_chunks(
            file,
            parsing.layout,
            limits=parsing.limits,
            after=parsing.after,
            options=parsing.options,
            size=parsing.chunk_rows,
        )


def _parse(connection: Connection, parsing: Parsing) -> None:
    """The process's whole life. A reader that is gone ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which finishes the chunk in hand
    # Rows make no cycles: looking for some among a chunk's objects takes a fifth of the time.
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS)
    with suppress(BrokenPipeError, ConnectionResetError):
        try:
            for chunk in _chunks(parsing):
                connection.send_bytes(encode_chunk(chunk))
        except OSError:
            raise
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            connection.send_bytes(b"!" + f"{type(error).__name__} in {where.name}:{where.lineno}".encode())
