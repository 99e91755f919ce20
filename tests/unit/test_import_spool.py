"""What a body holds: plain text is itself, gzip is unpacked bit by bit, and never into more than is allowed."""

import gzip
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_command.csv_rows import Limits
from campaign_command.import_spool import TextFile, Unpacking
from campaign_service.problems import Problem


def unpacked(data: bytes, *, size: int = 7) -> bytes:
    unpacking = Unpacking()
    text = b"".join(
        piece for start in range(0, len(data), size) for piece in unpacking.pieces(data[start : start + size])
    )
    return text + unpacking.finish()


@given(texts=st.lists(st.binary(max_size=300), min_size=1, max_size=3), size=st.integers(1, 50))
def test_gzip_of_any_text_in_any_pieces_is_the_text(texts: list[bytes], size: int) -> None:
    members = b"".join(gzip.compress(text) for text in texts)
    assert unpacked(members, size=size) == b"".join(texts)
    assert unpacked(members + bytes(20), size=size) == b"".join(texts)  # padded, as tapes and some tools do


@given(text=st.binary(max_size=300).filter(lambda text: not text.startswith(b"\x1f\x8b")), size=st.integers(1, 50))
def test_plain_text_is_what_it_is(text: bytes, size: int) -> None:
    assert unpacked(text, size=size) == text


@pytest.mark.parametrize("end", range(2, 30))
def test_gzip_that_is_cut_off_is_refused(end: int) -> None:
    data = gzip.compress(b"phone\n+442079460201\n")
    with pytest.raises(Problem) as refused:
        unpacked(data[:end])
    assert (refused.value.status, refused.value.code) == (422, "bad_gzip")


def test_gzip_that_is_damaged_or_followed_by_something_else_is_refused() -> None:
    data = gzip.compress(b"phone\n+442079460201\n")
    for damaged in (data[:12] + b"\xff\xff" + data[14:], data + b"more"):
        with pytest.raises(Problem) as refused:
            unpacked(damaged)
        assert refused.value.code == "bad_gzip"


def test_a_decompression_bomb_fills_neither_disk_nor_memory(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(64 << 20), compresslevel=9)
    assert len(bomb) < 100_000
    file = TextFile(tmp_path / "bomb.csv", Limits(max_bytes=4 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(Problem) as refused:
            file.write(bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        file.close()
    assert (refused.value.status, refused.value.code) == (413, "file_too_large")
    assert peak < 4 << 20
    assert (tmp_path / "bomb.csv").stat().st_size <= 4 << 20
