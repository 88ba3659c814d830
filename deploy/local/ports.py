"""Free ports on the loopback interface."""

import random
import socket
from collections.abc import Collection

from deploy.errors import DeployError

LOOPBACK = "127.0.0.1"

# Below the range that Linux (32768) and macOS (49152) give to outgoing connections:
# a port from there is likely to be taken when a stopped part wants it back.
FIRST_PORT = 20_000
LAST_PORT = 32_767
ATTEMPTS = 200


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a loopback port at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections in TIME_WAIT must not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(taken: Collection[int] = ()) -> int:
    """Pick a port that nobody listens on.

    Args:
        taken: Ports that are promised to somebody else, listening or not.

    Raises:
        DeployError: No free port was found in the range.
    """
    for _ in range(ATTEMPTS):
        # Random, so that stacks that start at the same time do not meet.
        port = random.randint(FIRST_PORT, LAST_PORT)  # noqa: S311 - not a secret
        if port not in taken and is_free(port):
            return port
    raise DeployError(
        f"no free port between {FIRST_PORT} and {LAST_PORT} on {LOOPBACK}"
        f" in {ATTEMPTS} attempts; the local stack cannot start",
        remedy="ss -ltn",
    )
