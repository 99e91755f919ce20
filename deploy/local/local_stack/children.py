"""Child processes: each has its own session and log, and none outlives this process, however it ends.

One thread, which lives as long as the process, starts them all: the kernel's death signal is tied to the starting
thread, and a test or a demo may well call from a short-lived one.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

Process = subprocess.Popen[bytes]

LOG_BYTES = 50 * 1024 * 1024
"""A larger log is set aside as `<name>.log.1` before the next start."""

_LEASH = Path(__file__).with_name("leash.py")
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="starter")


@dataclass(frozen=True)
class SystemUser:
    uid: int
    gid: int


def spawn(
    arguments: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: SystemUser | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
) -> Process:
    """Starts a program (absolute path first) with its output appended to `log`; `death_signal` is what it gets when
    this process dies without having ended it."""
    _set_aside(log)

    def start() -> Process:
        leash = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), str(int(death_signal))]
        leash += [str(user.uid), str(user.gid)] if user else ["-1", "-1"]
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - the arguments are our own
                [*leash, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                # A session of its own: Ctrl-C in the terminal reaches the runner alone, which ends children in order.
                start_new_session=True,
            )

    return _starter.submit(start).result()


def end(process: Process, *, with_signal: signal.Signals = signal.SIGTERM, within_seconds: float = 15.0) -> int:
    """Asks a child to end, kills its whole session when it does not within the time, and returns its exit code."""
    if process.poll() is None:
        process.send_signal(with_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(within_seconds)
    return kill(process)


def kill(process: Process) -> int:
    """Kills a child that still runs, with what it started in its session, and returns its exit code."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def how_it_ended(exit_code: int) -> str:
    """`exit code 1`, or the signal's name."""
    return f"exit code {exit_code}" if exit_code >= 0 else signal.Signals(-exit_code).name


def last_lines(log: Path, *, count: int = 1, characters: int = 400) -> list[str]:
    """The last lines of a log that are not empty, each cut to `characters`."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 64 * 1024))
        lines = file.read().decode(errors="replace").splitlines()
    return [line.strip()[:characters] for line in lines if line.strip()][-count:]


def _set_aside(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_name(log.name + ".1"))
