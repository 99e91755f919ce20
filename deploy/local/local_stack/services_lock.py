"""The lock of the services' images: the part of requirements.lock that the services need, and no tool of ours.

`python -m local_stack.services_lock` writes it, from the environment that `make setup` made; a test compares.
"""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local_stack.state import CHECKOUT

WHOLE = CHECKOUT / "requirements.lock"
FILE = CHECKOUT / "deploy" / "requirements.lock"
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def lock() -> str:
    """The entries of the whole lock that the project's own dependencies lead to, of every platform."""
    needed = _needed(tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["dependencies"])
    kept, is_kept = [], False
    for line in WHOLE.read_text().splitlines(keepends=True):
        if not line.startswith(" "):
            match = _NAME.match(line)
            is_kept = match is not None and canonicalize_name(match[0]) in needed
        if is_kept:
            kept.append(line)
    return "".join(kept)


def _needed(dependencies: list[str]) -> set[str]:
    needed: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(one) for one in dependencies]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        needed.add(name)
        for extra in {"", *wanted.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += [one for one in _requirements(name) if _counts(one, extra)]
    return needed


def _requirements(name: str) -> list[Requirement]:
    try:
        return [Requirement(one) for one in requires(name) or []]
    except PackageNotFoundError:  # of another platform, so not installed here
        return []


def _counts(requirement: Requirement, extra: str) -> bool:
    """Whether the package needs it with this extra ("" for none), on whatever platform."""
    asked = re.findall(r"""extra\s*==\s*["']([^"']+)["']""", str(requirement.marker or ""))
    return extra in asked if asked else extra == ""


if __name__ == "__main__":
    FILE.write_text(lock())
