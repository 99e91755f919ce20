"""Runs a program that cannot outlive the one that started it.

    python -I -S leash.py PARENT_PID DEATH_SIGNAL UID GID PROGRAM ARGUMENT...

The kernel sends DEATH_SIGNAL when the parent's starting thread ends, also by SIGKILL (Linux; elsewhere the parent has
to end its children itself). A program of its own, because code between fork and exec is unsafe beside threads.
UID -1 keeps the user. This file runs alone: it imports nothing of the package.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    parent, death_signal, uid, gid = (int(argument) for argument in arguments[:4])
    program = arguments[4:]
    if uid >= 0:
        # Before the prctl: a change of user clears the death signal.
        os.setgroups([gid])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the parent has ended")
    os.execv(program[0], program)  # noqa: S606 - this is its purpose


if __name__ == "__main__":
    main(sys.argv[1:])
