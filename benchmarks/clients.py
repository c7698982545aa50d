"""Clients that are hard on a server: busy ones while it is told to stop, and ones that say nothing."""

import asyncio
import selectors
import signal
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import NamedTuple

from benchmarks.servers import PATIENCE, Server

BUSY_CLIENTS = 8
BUSY_SECONDS = 0.5


class Stop(NamedTuple):
    """What became of a server and its clients after SIGTERM."""

    answered: int
    lost: int
    """Requests that were sent and got no answer, a part of one, or not a good one."""
    serving_seconds: float
    """How long the server went on to accept connections."""
    exit_status: int


def stop_under_load(server: Server, path: str) -> Stop:
    """Send SIGTERM to a server with busy clients, which use their connections again and end when a new one is refused.

    Where one is closed between an answer and the next, they ask again on a new one, as RFC 9112, 9.3.1 says.
    """
    return asyncio.run(_stop_under_load(server, path))


def cut_off(clients: Mapping[str, tuple[str, bytes]], seconds: float) -> dict[str, float | None]:
    """How long servers keep the connections of clients that send some bytes and no more; None if for longer than `seconds`.

    Each client has a name, the address that it connects to, and what it sends.
    """
    closed: dict[str, float | None] = dict.fromkeys(clients)
    with selectors.DefaultSelector() as waiting, ExitStack() as connections:
        for name, (address, sent) in clients.items():
            host, _, port = address.partition(":")
            connection = connections.enter_context(socket.create_connection((host, int(port)), timeout=PATIENCE))
            connection.sendall(sent)
            waiting.register(connection, selectors.EVENT_READ, name)
        start = time.monotonic()
        while (left := start + seconds - time.monotonic()) > 0 and waiting.get_map():
            for key, _ in waiting.select(left):
                if not _read(key.fileobj):
                    closed[key.data] = time.monotonic() - start
                    waiting.unregister(key.fileobj)
    return closed


def _read(connection: object) -> bytes:
    assert isinstance(connection, socket.socket)
    try:
        return connection.recv(1 << 16)
    except ConnectionResetError:
        return b""


async def _stop_under_load(server: Server, path: str) -> Stop:
    host, _, port = server.address.partition(":")
    request = f"GET {path} HTTP/1.1\r\nHost: {server.address}\r\n\r\n".encode()
    answered = lost = 0

    async def client() -> None:
        nonlocal answered, lost
        while True:
            try:
                reader, writer = await asyncio.open_connection(host, int(port))
            except (ConnectionRefusedError, ConnectionResetError):
                return
            used = False
            while (good := await _ask(request, reader, writer)) is not None:
                answered += good
                lost += not good
                used = True
            lost += not used
            writer.close()

    clients = [asyncio.create_task(client()) for _ in range(BUSY_CLIENTS)]
    await asyncio.sleep(BUSY_SECONDS)
    told = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*clients)
    serving = time.monotonic() - told
    status = await asyncio.to_thread(server.process.wait, PATIENCE)
    return Stop(answered, lost, serving, status)


async def _ask(request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool | None:
    """Whether the answer is of 200, and whole; None if the connection ends before a byte of it. It must have a length."""
    writer.write(request)
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    except asyncio.IncompleteReadError as end:
        return False if end.partial else None
    except ConnectionResetError:
        return None
    headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
    try:
        await reader.readexactly(int(headers["content-length"]))
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return False
    return head.startswith("http/1.1 200 ")
