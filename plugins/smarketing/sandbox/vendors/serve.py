"""HTTP servers for simulators, on loopback and nowhere else."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn
from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"


def open_socket(port: int = 0) -> socket.socket:
    """A socket that takes connections from now on; port 0 is any free one.

    Raises OSError where the port is taken.
    """
    return socket.create_server((LOOPBACK, port))


def base_url(listening: socket.socket) -> str:
    """Where the API behind a socket is reached."""
    host, port = listening.getsockname()
    return f"http://{host}:{port}"


def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Answer until somebody asks the process to end."""
    _server(app).run(sockets=[listening])


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve in this process, beside what it does; gives the base URL."""
    server, listening = _server(app), open_socket()
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield base_url(listening)
    finally:
        server.should_exit = True
        thread.join()


def _server(app: ASGIApp) -> uvicorn.Server:
    # what is cut off on order would be logged as an error
    return uvicorn.Server(
        uvicorn.Config(app, lifespan="off", proxy_headers=False, log_level="critical")
    )
