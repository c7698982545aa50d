"""A PostgreSQL server of our own, on a free port: ended with the session, or stopped, frozen and locked by a test."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Literal

import pytest

from tests.support import free_port

StopMode = Literal["fast", "immediate"]


class Server:
    """A server that trusts everybody on this machine."""

    def __init__(self, directory: Path, owner: pwd.struct_passwd | None, host: str) -> None:
        self._directory = directory
        self._host = host
        self._owner = owner
        self._data = directory / "data"
        self._port = free_port(host)
        self._programs = _programs()
        self._names = (f"proof_{number}" for number in count(1))
        self._control("initdb", "--username=postgres", "--auth=trust", "--no-sync")

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        options = f"-h {self._host} -p {self._port} -k {self._directory} -c fsync=off -c max_connections=200"
        self._control("pg_ctl", "start", "--wait", "--log", self._directory / "log", "--options", options)

    def stop(self, mode: StopMode) -> None:
        """Stops the server: orderly, which ends every session, or as a crash would."""
        self._control("pg_ctl", "stop", "--wait", f"--mode={mode}")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Within, nothing that the server listens to or works on goes on, and no connection is closed."""
        leader = int((self._data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        os.kill(leader, signal.SIGSTOP)
        processes = [*_children(leader), leader]
        try:
            for process in processes:
                os.kill(process, signal.SIGSTOP)
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    @contextmanager
    def locked(self, database: str, table: str) -> Iterator[None]:
        """Within, nobody else can use a table of the database with this URL."""
        command: list[str | Path] = [self._programs / "psql", "--quiet", "--no-psqlrc", database]
        session = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        with session:
            assert session.stdin is not None
            assert session.stdout is not None
            session.stdin.write(f"BEGIN; LOCK TABLE {table};\n\\echo locked\n")
            session.stdin.flush()
            assert session.stdout.readline() == "locked\n"
            yield  # the session ends with its input

    def create_database(self) -> str:
        """Makes an empty database and returns its URL."""
        name = next(self._names)
        _run([self._programs / "psql", "--quiet", "--no-psqlrc", "--command", f"CREATE DATABASE {name}", self._url("postgres")])
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgres://postgres@{self._host}:{self._port}/{database}?sslmode=disable"

    def _control(self, program: str, *arguments: str | Path) -> None:
        _run([self._programs / program, *arguments, "--pgdata", self._data], identity=self._owner)


@contextmanager
def running_server(host: str = "127.0.0.1") -> Iterator[Server]:
    """Starts a server with an empty cluster in a directory of its own, and stops it afterwards."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as directory:
        owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None  # PostgreSQL refuses root
        if owner:
            os.chown(directory, owner.pw_uid, owner.pw_gid)
        server = Server(Path(directory), owner, host)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")


def _children(parent: int) -> list[int]:
    return [int(process) for process in Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="utf-8").split()]


def _programs() -> Path:
    """Where PostgreSQL's server programs are: beside the pg_ctl on PATH, or where Debian puts them."""
    on_path = [Path(found).resolve().parent] if (found := shutil.which("pg_ctl")) else []
    of_debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    complete = [path for path in [*on_path, *of_debian] if all((path / name).exists() for name in ("initdb", "pg_ctl", "psql"))]
    if not complete:
        pytest.skip("PostgreSQL's server programs are not installed.")
    return complete[0]


def _run(command: list[str | Path], *, identity: pwd.struct_passwd | None = None) -> None:
    user, group = (identity.pw_uid, identity.pw_gid) if identity else (None, None)
    # Not a pipe: the server inherits it from pg_ctl, and its end would be waited for.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        done = subprocess.run(
            command, cwd="/", stdout=output, stderr=output, check=False, user=user, group=group, extra_groups=[] if user else None
        )
        output.seek(0)
        assert done.returncode == 0, f"{command}: {output.read()}"
