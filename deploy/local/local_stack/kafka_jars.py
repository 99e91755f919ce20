"""Apache Kafka's class path: fetched once into a per-user cache, and every jar checked by SHA-256 at each start.

`deploy/local/kafka.sha256` lists the jars and their sums; nothing that is not in it is run. To move to another version:
change the constants and run `python -m local_stack.kafka_jars`, which writes the list anew.
"""

import fcntl
import hashlib
import os
import sys
import tempfile
from pathlib import Path

from local_stack.state import StackError

KAFKA_VERSION = "4.3.1"
KAFKA = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}"
LOG4J_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"
"""Without it Kafka logs nothing; the version is that of the log4j-core that Kafka brings."""
SUMS = Path(__file__).resolve().parents[1] / "kafka.sha256"


def class_path() -> str:
    """The checked jars, joined for `java -cp`; fetched first when the cache lacks one."""
    sums = _read_sums()
    folder = cache_folder() / f"kafka-{KAFKA_VERSION}"
    if _wrong(folder, sums):
        folder.mkdir(parents=True, exist_ok=True)
        with (folder.parent / "kafka.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs on a new machine: one fetches, the other waits
            if wrong := _wrong(folder, sums):
                _fill(folder, wrong)
    return os.pathsep.join(str(folder / name) for name in sums)


def cache_folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "calling-campaigns"


def _wrong(folder: Path, sums: dict[str, str]) -> dict[str, str]:
    """The jars that are missing in the folder, or are not the files that the list names."""
    return {
        name: expected
        for name, expected in sums.items()
        if not (folder / name).exists() or _sha256(folder / name) != expected
    }


def _fill(folder: Path, sums: dict[str, str]) -> None:
    print(f"Fetching Apache Kafka {KAFKA_VERSION} (44 MB, once)…", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        jars = _resolve(Path(scratch))
        if missing := sums.keys() - jars.keys():
            raise StackError(f"Kafka's dependencies have changed, {min(missing)} is gone: write {SUMS.name} anew")
        for name, expected in sums.items():
            if _sha256(jars[name]) != expected:
                raise StackError(f"{name} as fetched is not the file that {SUMS.name} names: it was not used")
            jars[name].replace(folder / name)


def _resolve(scratch: Path) -> dict[str, Path]:
    """Jar name -> fetched file, below the scratch folder."""
    # As jgo.build does, with the user's own repositories, but keeping everything in the scratch folder. One coordinate
    # at a time: together, the second one's dependency management would choose an older kafka-clients.
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.env import EnvironmentBuilder, LinkStrategy
    from jgo.maven import MavenContext

    repositories = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    context = MavenContext(repo_cache=scratch / "repository", remote_repos=repositories)
    builder = EnvironmentBuilder(context=context, cache_dir=scratch / "jgo", link_strategy=LinkStrategy.HARD)
    try:
        kafka = builder.from_endpoint(KAFKA).all_jars
        logging = builder.from_endpoint(LOG4J_BINDING).all_jars
    except Exception as failure:  # jgo promises no particular errors
        reason = str(failure).strip().splitlines() or [type(failure).__name__]
        raise StackError(
            f"Apache Kafka could not be fetched ({reason[0][:200]}): check the network, or set KAFKA_BOOTSTRAP"
        ) from failure
    binding = [jar for jar in logging if jar.name.startswith("log4j-slf4j-impl-")]
    return {jar.name: jar for jar in [*kafka, *binding]}


def _read_sums() -> dict[str, str]:
    """Jar name -> SHA-256, in the format of sha256sum."""
    pairs = (line.split() for line in SUMS.read_text().splitlines() if line and not line.startswith("#"))
    return {name: sha256 for sha256, name in pairs}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_sums() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        lines = [f"{_sha256(jar)}  {name}" for name, jar in sorted(_resolve(Path(scratch)).items())]
    SUMS.write_text("\n".join([f"# {KAFKA} {LOG4J_BINDING}", *lines, ""]))
    print(f"{len(lines)} jars in {SUMS}")


if __name__ == "__main__":
    _write_sums()
