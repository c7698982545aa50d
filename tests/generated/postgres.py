"""A PostgreSQL server of our own, on a free port, ended with the session."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest


class Server:
    """A running server that trusts everybody on this machine."""

    def __init__(self, port: int, programs: Path) -> None:
        self._port = port
        self._programs = programs
        self._names = (f"proof_{number}" for number in count(1))

    def create_database(self) -> str:
        """Makes an empty database and returns its URL."""
        name = next(self._names)
        _run([self._programs / "psql", "--quiet", "--command", f"CREATE DATABASE {name}", self._url("postgres")])
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgres://postgres@127.0.0.1:{self._port}/{database}?sslmode=disable"


@contextmanager
def running_server() -> Iterator[Server]:
    """Starts a server with an empty cluster in a directory of its own, and stops it afterwards."""
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="postgres-") as directory:
        data, port = Path(directory) / "data", _free_port()
        owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None  # PostgreSQL refuses root
        if owner:
            os.chown(directory, owner.pw_uid, owner.pw_gid)
        options = f"-h 127.0.0.1 -p {port} -k {directory} -c fsync=off -c max_connections=200"
        _run([programs / "initdb", "--pgdata", data, "--username=postgres", "--auth=trust", "--no-sync"], identity=owner)
        _run(
            [programs / "pg_ctl", "start", "--wait", "--pgdata", data, "--log", data / "log", "--options", options],
            identity=owner,
        )
        try:
            yield Server(port, programs)
        finally:
            _run([programs / "pg_ctl", "stop", "--wait", "--mode=immediate", "--pgdata", data], identity=owner)


def _programs() -> Path:
    """Where PostgreSQL's server programs are: beside the pg_ctl on PATH, or where Debian puts them."""
    on_path = [Path(found).resolve().parent] if (found := shutil.which("pg_ctl")) else []
    of_debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    complete = [path for path in [*on_path, *of_debian] if all((path / name).exists() for name in ("initdb", "pg_ctl", "psql"))]
    if not complete:
        pytest.skip("PostgreSQL's server programs are not installed.")
    return complete[0]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _run(command: list[str | Path], *, identity: pwd.struct_passwd | None = None) -> None:
    user, group = (identity.pw_uid, identity.pw_gid) if identity else (None, None)
    # Not a pipe: the server inherits it from pg_ctl, and its end would be waited for.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        done = subprocess.run(
            command, cwd="/", stdout=output, stderr=output, check=False, user=user, group=group, extra_groups=[] if user else None
        )
        output.seek(0)
        assert done.returncode == 0, f"{command}: {output.read()}"
