"""Each lesson of docs/lessons.md is held by a test that exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (\d+) \|.*\| `(test_\w+)` \|$", re.MULTILINE)
TEST = re.compile(r"^(?:async )?def (test_\w+)\(", re.MULTILINE)


def test_each_lesson_names_a_test_that_exists() -> None:
    rows = ROW.findall((ROOT / "docs" / "lessons.md").read_text())
    assert [int(number) for number, _ in rows] == list(range(1, 36))
    tests = {name for path in (ROOT / "tests").rglob("test_*.py") for name in TEST.findall(path.read_text())}
    assert [name for _, name in rows if name not in tests] == []
