"""HTTP servers for simulators, on loopback and nowhere else."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
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


def serve_all(served: Sequence[tuple[ASGIApp, socket.socket]]) -> None:
    """Answer at several sockets until somebody asks the process to end."""
    *others, (app, listening) = served
    with ExitStack() as stack:
        for each in others:
            stack.enter_context(_beside(*each))
        # the one in the main thread hears the signals
        _server(app).run(sockets=[listening])


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve in this process, beside what it does; gives the base URL."""
    listening = open_socket()
    with _beside(app, listening):
        yield base_url(listening)


@contextmanager
def _beside(app: ASGIApp, listening: socket.socket) -> Iterator[None]:
    server = _server(app)
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def _server(app: ASGIApp) -> uvicorn.Server:
    # what is cut off on order would be logged as an error
    return uvicorn.Server(
        uvicorn.Config(app, lifespan="off", proxy_headers=False, log_level="critical")
    )
