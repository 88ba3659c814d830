"""Serve an application as ``./bootstrap serve`` does, whatever makes it.

    python -m benchmarks.services.asgi_server MODULE:FACTORY PORT

One process of uvicorn with uvloop and httptools, and the same way of taking connections
as `deploy.serving`, also for what it is compared with.
"""

import signal
import socket
import sys

import uvicorn

from deploy.local.ports import LOOPBACK
from deploy.serving import ACCEPTS, BACKLOG


def main(factory: str, port: int) -> None:
    """Serve until ended."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, port))
    listener.listen(BACKLOG)
    server = uvicorn.Server(
        uvicorn.Config(
            factory,
            factory=True,
            loop="uvloop",
            http="httptools",
            lifespan="on",
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
        )
    )
    signal.signal(signal.SIGTERM, lambda *_: None)
    server.run(sockets=[listener, *(listener.dup() for _ in range(ACCEPTS - 1))])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
