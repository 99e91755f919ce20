"""TCP ports on this machine."""

import random
import socket

HOST = "127.0.0.1"

# Below the range from which the kernel gives ports to outgoing connections: what is free now stays free until used.
_FREE_RANGE = range(20_000, 32_000)
_given: set[int] = set()


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A free port that this process has not been given before."""
    for port in random.sample(_FREE_RANGE, k=1_000):
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise RuntimeError(f"no free port among 1,000 tried between {_FREE_RANGE.start} and {_FREE_RANGE.stop}")
