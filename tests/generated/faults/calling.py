"""A load of gRPC calls by the service's own client package, which a program beside the service makes (calls.go)."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.generated.conftest import Project
from tests.generated.service import PATIENCE, eventually
from tests.gotools import environment, go
from tests.support import Shared

PROGRAMS = {"calls.go": "cmd/load/main.go", "certificates.go": "cmd/certificates/main.go"}
"""What is written into a copy of a project, and where."""

WATCHERS = 20
"""The watches of which one program reads none."""

Report = dict[str, int]
"""How often which method ended with which code."""


@dataclass(frozen=True)
class Programs:
    """The programs of a project, the service and those that faults need."""

    directory: Path

    @contextmanager
    def loading(self, *addresses: str) -> Iterator["Load"]:
        """Calls the replicas at some addresses, within the context."""
        with self._started("load", "call", *addresses) as process:
            yield Load(process)

    @contextmanager
    def watching(self, address: str) -> Iterator[subprocess.Popen[str]]:
        """Within, a process has begun watches and does not read them. When it ends its connection breaks."""
        with self._started("load", "watch", address) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "watching\n"
            yield process

    def make_certificates(self, directory: Path) -> None:
        """Makes certificates, good ones and others, as certificates.go says."""
        with self._started("certificates", str(directory)) as process:
            assert process.wait(PATIENCE) == 0

    @contextmanager
    def _started(self, name: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        command: list[str | Path] = [self.directory / name, *arguments]
        with subprocess.Popen(
            command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        ) as process:
            try:
                yield process
            finally:
                process.kill()


class Load:
    """Callers, each of which makes one call after the other, until the load is ended."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def end(self) -> Report:
        """Has the callers finish, and tells how their calls ended."""
        output, _ = self._process.communicate(timeout=2 * PATIENCE)
        assert self._process.returncode == 0, output
        report: Report = json.loads(output)
        return report


def loaded(programs: Programs, address: str, *, until: Callable[[], bool]) -> Report:
    """What a load meets until something holds."""
    with programs.loading(address) as load:
        eventually(until)
        return load.end()


def failed(report: Report) -> Report:
    """What did not succeed."""
    return {kind: count for kind, count in report.items() if not kind.endswith(" OK")}


def programs_of(project: Project, shared: Shared) -> Programs:
    """The programs, built once for all who need them."""
    return Programs(shared.directory(f"load/{project.identity}", lambda directory: build(project, directory, PROGRAMS)))


def build(project: Project, directory: Path, files: dict[str, str], changes: Sequence[tuple[str, str]] = ()) -> None:
    """Builds the programs of a copy with more files, and with other words in the wiring."""
    sources = directory / "sources"
    shutil.copytree(project.path, sources)
    for name, target in files.items():
        code = Path(__file__).with_name(name).read_text(encoding="utf-8").replace("MODULE", project.rendering.module)
        (sources / target).parent.mkdir(parents=True, exist_ok=True)
        (sources / target).write_text(code, encoding="utf-8")
    wiring = project.rendering.texts["cmd/server/wire.go"]
    for old, new in changes:
        assert wiring.count(old) == 1, old
        wiring = wiring.replace(old, new)
    (sources / "cmd/server/wire.go").write_text(wiring, encoding="utf-8")
    built = go(sources, "build", "-o", directory, "./cmd/...", CGO_ENABLED="0")
    assert built.status == 0, built
