"""`make schema-check` compares with history: a change that rewrites code and schema together is refused, too."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from campaign_events.facts import FACTS
from campaign_events.schema_files import PACKAGE, SAMPLES, SCHEMAS

SCRIPT = PACKAGE.parent / "schema_check.py"
FOLDER = Path("libs/events/campaign_events")
FACT = "CallEnded"


@dataclass
class Repository:
    """A git repository with the contract as it is, committed on main."""

    root: Path

    def git(self, *arguments: str) -> str:
        identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_CONFIG_GLOBAL": os.devnull}
        identity |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_SYSTEM": os.devnull}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env={**os.environ, **identity},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, message: str = "A change") -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def schema(self, name: str = FACT) -> Path:
        return self.root / FOLDER / "schemas" / f"{name}.json"

    def change(self, change: Callable[[dict[str, Any]], object]) -> None:
        schema = json.loads(self.schema().read_text())
        change(schema)
        self.schema().write_text(json.dumps(schema))

    def check(self, *arguments: str) -> tuple[int, str]:
        """Exit code and what was said."""
        done = subprocess.run(
            [sys.executable, str(SCRIPT), *arguments], cwd=self.root, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    for folder in (SCHEMAS, SAMPLES):
        shutil.copytree(folder, made.root / FOLDER / folder.name)
    made.git("init", "--quiet", "--initial-branch", "main")
    made.commit("The contract")
    return made


def rename(schema: dict[str, Any]) -> None:
    schema["properties"]["ring"] = schema["properties"].pop("rang")


FORBIDDEN: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "removing": (lambda schema: schema["properties"].pop("rang"), "CallEnded: rang: removed or renamed"),
    "renaming": (rename, "CallEnded: rang: removed or renamed"),
    "retyping": (
        lambda schema: schema["properties"]["attempt"].update(type="string"),
        "CallEnded: attempt: retyped, type 'integer' became 'string'",
    ),
    "newly requiring": (lambda schema: schema["required"].append("rang"), "CallEnded: rang: newly required"),
    "another address": (lambda schema: schema.update({"$id": "urn:other"}), "CallEnded: $id 'urn:calling-campaigns"),
}


@pytest.mark.parametrize(("change", "words"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_a_forbidden_change_is_refused_before_and_after_its_commit(
    repository: Repository, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    repository.change(change)
    assert repository.check("--against", "HEAD")[0] == 1
    repository.commit()
    code, said = repository.check()
    assert code == 1
    assert "Facts only grow" in said
    assert words in said


def test_a_fact_that_is_taken_away_or_renamed_is_refused(repository: Repository) -> None:
    repository.schema().rename(repository.schema("CallFinished"))
    repository.commit()
    code, said = repository.check()
    assert code == 1
    assert "CallEnded: the fact was removed or renamed" in said


def test_an_optional_field_and_a_new_fact_are_allowed(repository: Repository) -> None:
    repository.change(lambda schema: schema["properties"].update(noted={"type": "string", "default": ""}))
    repository.schema("CallParked").write_text(repository.schema().read_text())
    repository.commit()
    code, said = repository.check()
    assert (code, f"{len(FACTS)} schemas" in said, "1 facts are new" in said) == (0, True, True), said


def test_a_branch_is_compared_with_where_it_left_main_however_many_commits_ago(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--create", "work")
    repository.change(rename)
    repository.commit()
    repository.commit("Something else")
    code, said = repository.check()
    assert code == 1
    assert "rang: removed or renamed" in said


def test_main_is_compared_with_the_last_tag(repository: Repository) -> None:
    repository.git("tag", "v1")
    repository.change(rename)
    repository.commit()
    repository.commit("Something else")
    code, said = repository.check()
    assert (code, "Against v1" in said) == (1, True), said


def test_a_published_sample_that_can_not_be_read_any_more_is_refused(repository: Repository) -> None:
    # As if the code of then had known a field of another type: today's can't read the line.
    sample = repository.root / FOLDER / "samples" / f"{FACT}.json"
    sample.write_text(sample.read_text().replace('"attempt":1', '"attempt":"first"'))
    repository.commit()
    code, said = repository.check("--against", "HEAD")
    assert code == 1
    assert "CallEnded: its sample, line 1, is not readable now: data.attempt" in said


def test_a_ref_that_is_not_there_or_has_no_schemas_is_an_error_and_no_pass(repository: Repository) -> None:
    code, said = repository.check("--against", "nowhere")
    assert (code, "nowhere" in said) == (2, True)
    shutil.rmtree(repository.root / "libs")
    (repository.root / "empty").write_text("")
    repository.commit()
    code, said = repository.check("--against", "HEAD")
    assert (code, "has no schemas" in said) == (2, True)


def test_outside_of_git_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    code, said = Repository(tmp_path).check()
    assert (code, "not a git repository" in said) == (2, True), said
