"""`make schema-check`: whether the facts of the working tree only grow, compared with what a git ref has committed.

The test beside the schemas compares code and files, and a change can rewrite both at once; history it can't. Nothing
is fetched. Exit codes: 0 they only grow, 1 they don't, 2 there was nothing to compare with.

What must stay true: what was published under a fact's name is readable by those who read it then, and every sample
published then is readable now.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from campaign_events.envelope import Malformed, decode
from campaign_events.schema_growth import schema_growth

FOLDER = "libs/events/campaign_events"
MAIN = ("origin/main", "main", "origin/master", "master")


class NothingToCompare(Exception):
    """There is no ref to compare with."""


def main() -> None:
    """Compare, say what breaks, leave with the code."""
    parser = argparse.ArgumentParser(prog="schema-check", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--against", help="a git ref; default: where this branch left main, on main itself the last tag or commit"
    )
    try:
        root = Path(_git(Path.cwd(), "rev-parse", "--show-toplevel").strip())
        ref = parser.parse_args().against or default_ref(root)
        before = committed(root, ref, "schemas")
        samples = committed(root, ref, "samples")
    except NothingToCompare as error:
        sys.exit(_said(f"error: {error}", code=2))
    if not before:
        sys.exit(_said(f"error: {ref} has no schemas in {FOLDER}: name another ref with against=…", code=2))
    now = {path.name: path.read_text() for path in (root / FOLDER / "schemas").glob("*.json")}
    broken = [*broken_schemas(before, now), *broken_samples(samples)]
    if broken:
        sys.exit(_said(f"Facts only grow. Against {ref}:\n" + "\n".join(broken), code=1))
    print(
        f"{len(before)} schemas and {len(samples)} samples of {ref} are kept, {len(now) - len(before)} facts are new."
    )


def broken_schemas(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What the schemas of today break, a line each. Files by name."""
    found = []
    for file, text in sorted(before.items()):
        name = file.removesuffix(".json")
        if file not in now:
            found.append(f"{name}: the fact was removed or renamed")
            continue
        old, new = json.loads(text), json.loads(now[file])
        if old.get("$id") != new.get("$id"):
            found.append(f"{name}: $id {old.get('$id')!r} became {new.get('$id')!r}")
        found += [f"{name}: {violation}" for violation in schema_growth(old, new)]
    return found


def broken_samples(before: Mapping[str, str]) -> list[str]:
    """Which of the samples published then can't be read by the code of today."""
    found = []
    for file, text in sorted(before.items()):
        for number, line in enumerate(text.splitlines(), start=1):
            try:
                decode(line.encode())
            except Malformed as error:
                found.append(f"{file.removesuffix('.json')}: its sample, line {number}, is not readable now: {error}")
    return found


def default_ref(root: Path) -> str:
    """Where this branch left main; on main itself the last tag, or the commit before."""
    head = _git(root, "rev-parse", "HEAD").strip()
    for main in MAIN:
        base = _try_git(root, "merge-base", "HEAD", main)
        if base and base.strip() != head:
            return base.strip()
    tag = _try_git(root, "describe", "--tags", "--abbrev=0", "HEAD")
    if tag:
        return tag.strip()
    if _try_git(root, "rev-parse", "--verify", "--quiet", "HEAD^"):
        return "HEAD^"
    if _git(root, "rev-parse", "--is-shallow-repository").strip() == "true":
        raise NothingToCompare("the clone is shallow and holds neither main nor a tag: name a ref with against=…")
    return "HEAD"


def committed(root: Path, ref: str, folder: str) -> dict[str, str]:
    """The JSON files of one folder as a ref has them, by name."""
    listed = _git(root, "ls-tree", "--name-only", ref, f"{FOLDER}/{folder}/").splitlines()
    return {Path(path).name: _git(root, "show", f"{ref}:{path}") for path in listed if path.endswith(".json")}


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)  # noqa: S603, S607
    except OSError as error:
        raise NothingToCompare(f"git can't be run: {error.strerror}") from None
    if done.returncode != 0:
        raise NothingToCompare(f"git {' '.join(arguments)}: {done.stderr.strip() or 'failed'}")
    return done.stdout


def _try_git(root: Path, *arguments: str) -> str | None:
    try:
        return _git(root, *arguments)
    except NothingToCompare:
        return None


def _said(text: str, *, code: int) -> int:
    print(text, file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
