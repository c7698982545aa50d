"""A Kubernetes API server of our own, on free ports, ended with the session: it judges and keeps objects, no more."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support import Outcome, free_port, program, run

PATIENCE = 120.0
"""Seconds after which a server that does not answer counts as broken."""

TOKEN = "of-the-tests"

KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters:
  - name: own
    cluster: {{server: "https://127.0.0.1:{port}", certificate-authority: "{authority}"}}
users:
  - name: admin
    user: {{token: "{token}"}}
contexts:
  - name: own
    context: {{cluster: own, user: admin}}
current-context: own
"""


class Kubernetes:
    """A running API server. Whoever sets KUBECONFIG to `kubeconfig` is its administrator."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def kubectl(self, *arguments: str | Path, cwd: Path | None = None) -> Outcome:
        """Runs kubectl against this server."""
        return run([program("kubectl"), "--kubeconfig", self.kubeconfig, *arguments], cwd=cwd or self.kubeconfig.parent)


@contextmanager
def running_api_server() -> Iterator[Kubernetes]:
    """Starts an API server that has no objects but its own, and ends it afterwards."""
    programs = [program(name) for name in ("etcd", "kube-apiserver", "openssl")]
    with tempfile.TemporaryDirectory(prefix="kubernetes-") as name, ExitStack() as processes:
        directory = Path(name)
        store, port = f"http://127.0.0.1:{free_port()}", free_port()
        etcd = _etcd(programs[0], directory, store)
        processes.enter_context(_running(etcd, directory / "etcd.log"))
        server = processes.enter_context(_running(_api_server(programs[1], directory, store, port), directory / "server.log"))

        kubeconfig = directory / "kubeconfig"
        authority = directory / "certificates/apiserver.crt"
        kubeconfig.write_text(KUBECONFIG.format(port=port, authority=authority, token=TOKEN), encoding="utf-8")
        kubernetes = Kubernetes(kubeconfig)
        _wait_until_ready(kubernetes, server, directory)
        yield kubernetes


def _etcd(program: str, directory: Path, address: str) -> list[str]:
    peer = f"http://127.0.0.1:{free_port()}"
    return [
        program,
        f"--data-dir={directory / 'etcd'}",
        f"--listen-client-urls={address}",
        f"--advertise-client-urls={address}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
    ]


def _api_server(program: str, directory: Path, store: str, port: int) -> list[str]:
    key = directory / "accounts.key"
    made = run(["openssl", "genrsa", "-out", key, "2048"], cwd=directory)
    assert made.status == 0, made
    tokens = directory / "tokens.csv"
    tokens.write_text(f"{TOKEN},admin,admin,system:masters\n", encoding="utf-8")
    return [
        program,
        f"--etcd-servers={store}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={directory / 'certificates'}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        f"--token-auth-file={tokens}",
        "--authorization-mode=RBAC",
    ]


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output) as process:
        try:
            yield process
        finally:
            process.kill()


def _wait_until_ready(kubernetes: Kubernetes, server: subprocess.Popen[bytes], directory: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while (answer := kubernetes.kubectl("get", "--raw", "/readyz")).status:
        if server.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"{answer}\n{(directory / 'server.log').read_text(encoding='utf-8')[-5000:]}")
