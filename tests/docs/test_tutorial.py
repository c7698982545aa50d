"""The tutorial, followed from its first command to its last: real Go, a real Kubernetes API server, images built by buildah."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import vulndb
from tests.checkout import release
from tests.docs.shell import Shell, shell
from tests.docs.tutorial import Change, Command, File, Step, steps
from tests.generated.deploy.apiserver import Kubernetes
from tests.generated.deploy.images import images_of
from tests.gotools import INHERITED, environment, go
from tests.source import CATALOG, ROOT
from tests.support import PROOF_IS_FULL, Shared, free_port, program, run

pytestmark = [
    pytest.mark.go,
    pytest.mark.skipif(not PROOF_IS_FULL, reason="PROOF=full follows the tutorial, which takes a minute or two."),
]


@pytest.fixture
def reader(shared: Shared, kubernetes: Kubernetes, tmp_path: Path) -> Iterator[Shell]:
    """Someone with an empty home and the caches of this machine, in a checkout that has just been released."""
    checkout, home, programs = release(tmp_path / "checkout").path, tmp_path / "home", tmp_path / "programs"
    home.mkdir()
    images_of(shared, DOCKERFILE.read_text(encoding="utf-8")).docker(programs)
    own = {
        "HOME": str(home),
        "KUBECONFIG": str(kubernetes.kubeconfig),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HTTP_ADDR": f"127.0.0.1:{free_port()}",
        "ADMIN_ADDR": f"127.0.0.1:{free_port()}",
        "VULNDB": vulndb.write(tmp_path / "vulnerabilities"),
    }
    identity = {name: value for name, value in os.environ.items() if name.startswith("GIT_")}
    with shell(checkout, environment() | identity | caches() | own) as started:
        yield started


def test_every_command_does_what_the_page_says(reader: Shell) -> None:
    for step in steps():
        if isinstance(step, Command) and step.line == VERIFY:
            provide_linter(reader)
        follow(step, reader)


def follow(step: Step, reader: Shell) -> None:
    """Does what a step says."""
    match step:
        case File(path, text):
            done = reader.run(f"printf %s {shlex.quote(text)} > {shlex.quote(path)}")
            assert done.status == 0, done
        case Change(diff):
            done = reader.run(f"printf %s {shlex.quote(diff)} | git apply")
            assert done.status == 0, done
        case Command(line):
            done = reader.run(re.sub(r"localhost:80(80|81)", lambda port: f"${PORTS[port[1]]}", line))
            assert done.status == 0, done
            assert step.prints(done.output), f"{done}\nnot what the page shows:\n{step.shown}"


VERIFY = "gopherforge verify"

DOCKERFILE = ROOT / "examples/go-http-service-defaults/Dockerfile"
"""It starts from the same images as that of every service."""


def provide_linter(reader: Shell) -> None:
    """Puts the linter, which takes minutes to build, to where the Makefile builds it."""
    version = CATALOG["golangci_lint_version"].default
    done = reader.run(f"ln -s {program('golangci-lint')} bin/golangci-lint-{version}")
    assert done.status == 0, done


PORTS = {"80": "HTTP_ADDR", "81": "ADMIN_ADDR"}
"""The ports of the page may be taken: this reader has configured others."""


def caches() -> dict[str, str]:
    """Where this machine keeps what it has downloaded and compiled."""
    names = ("GOCACHE", "GOMODCACHE", "GOPATH")
    go_caches = dict(zip(names, go(ROOT, "env", *names).output.split(), strict=True))
    pip = run([program("python3"), "-m", "pip", "cache", "dir"], cwd=ROOT, env=INHERITED).output.strip()
    return go_caches | {"PIP_CACHE_DIR": pip, "PIP_CONSTRAINT": str(ROOT / "maintenance/constraints.txt")}
