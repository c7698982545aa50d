"""HAProxy in front of the instances of a service: it follows their readiness, and hides none of their failures."""

import csv
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from tests.generated.service import PATIENCE, eventually
from tests.support import program

CHECK_SECONDS = 0.1
"""How often readiness is asked; one refusal takes an instance out, one success puts it in."""

CONFIGURATION = """
global
    stats socket {control} mode 600
defaults
    mode http
    retries 0
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    timeout check 5s
frontend public
    bind fd@{listener}
    default_backend instances
backend instances
    balance roundrobin
    option httpchk GET /readyz
    http-check expect status 200
    default-server check inter {period}ms fall 1 rise 1
"""


class Balancer:
    """A running balancer."""

    def __init__(self, address: str, control: Path) -> None:
        self.address = address
        self._control = control

    def wait_until(self, instance: str, state: Literal["UP", "DOWN"]) -> None:
        """Waits until the balancer has an instance in this state."""
        eventually(lambda: self._states()[instance] == state)

    def _states(self) -> dict[str, str]:
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(PATIENCE)
            control.connect(str(self._control))
            control.sendall(b"show stat\n")
            table = b"".join(iter(lambda: control.recv(65536), b"")).decode().removeprefix("# ")
        return {row["svname"]: row["status"] for row in csv.DictReader(table.splitlines()) if row["pxname"] == "instances"}


@contextmanager
def balancing(instances: Mapping[str, tuple[str, str]]) -> Iterator[Balancer]:
    """Starts a balancer for instances that may not run yet: of each its public and its admin address, by its name."""
    haproxy = program("haproxy")
    with tempfile.TemporaryDirectory(prefix="haproxy-") as directory, socket.create_server(("127.0.0.1", 0)) as listener:
        control, configuration = Path(directory) / "control", Path(directory) / "haproxy.cfg"
        servers = [
            f"    server {name} {public} addr {admin.rpartition(':')[0]} port {admin.rpartition(':')[2]}\n"
            for name, (public, admin) in instances.items()
        ]
        text = CONFIGURATION.format(control=control, listener=listener.fileno(), period=int(CHECK_SECONDS * 1000))
        configuration.write_text(text + "".join(servers), encoding="utf-8")
        process = subprocess.Popen(
            [haproxy, "-db", "-q", "-f", configuration], stdin=subprocess.DEVNULL, pass_fds=[listener.fileno()]
        )
        with process:
            try:
                balancer = Balancer(f"127.0.0.1:{listener.getsockname()[1]}", control)
                eventually(control.exists)
                yield balancer
            finally:
                process.kill()
