"""A worker whose jobs do as they are told, the broker that it gets them from, and the journal of what was begun and done."""

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.generated.brokers import Server
from tests.generated.conftest import Project
from tests.generated.dependencies import dependency_of
from tests.generated.service import Service, eventually, running
from tests.gotools import environment, go
from tests.support import Outcome, Shared, run

OVERLAY = {"job.go": "internal/job/job.go", "load.go": "cmd/load/main.go"}
"""What is written over a rendering, and where."""

LOAD_SECONDS = 120

WORKERS, QUEUE = 4, 16

SETTINGS = {
    "WORKERS": str(WORKERS),
    "QUEUE": str(QUEUE),
    "REQUEST_TIMEOUT": "1s",
    "MAX_ATTEMPTS": "3",
    "RETRY_DELAY": "100ms",
    "RETRY_DELAY_MAX": "200ms",
}


@dataclass(frozen=True)
class Worker:
    """A worker that can be started any number of times, on jobs of its own."""

    programs: Path
    source: str
    broker: Server
    variable: str
    jobs: str
    place: Path
    readme: str

    @property
    def settings(self) -> dict[str, str]:
        """What the worker has to be told."""
        return {
            **SETTINGS,
            self.variable: self.broker.url,
            "JOBS": self.jobs,
            "JOURNAL": str(self._journal),
            "GATE": str(self._gate),
        }

    def running(self, **configuration: str) -> AbstractContextManager[Service]:
        """Starts the worker, within the context."""
        return running(self.programs / "worker", **{**self.settings, **configuration})

    def run(self, *arguments: str, **configuration: str) -> Outcome:
        """Runs a command of the worker to its end."""
        return run(
            [self.programs / "worker", *arguments], cwd=self.place, env={**environment(), **self.settings, **configuration}
        )

    def send(self, jobs: Iterable[str]) -> None:
        """Sends jobs: a name, and how it is done if not at once."""
        sent = subprocess.run(
            [self.programs / "load", self.broker.url, self.jobs],
            input="".join(f"{job}\n" for job in jobs),
            env=environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=LOAD_SECONDS,
            check=False,
        )
        assert sent.returncode == 0, sent.stderr

    def send_whole(self, job: bytes) -> None:
        """Sends one job as an operator would: by the worker's own command."""
        sent = subprocess.run(
            [self.programs / "worker", "produce", "--whole"],
            input=job,
            env={**environment(), **self.settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LOAD_SECONDS,
            check=False,
        )
        assert sent.returncode == 0, sent.stdout

    def open_gate(self) -> None:
        """Has the jobs end that wait."""
        self._gate.touch()

    @property
    def begun(self) -> Counter[str]:
        """How often each job was begun."""
        return self._noted("begun")

    @property
    def done(self) -> Counter[str]:
        """How often each job was done to its end."""
        return self._noted("done")

    def wait_until_begun(self, *names: str) -> None:
        eventually(lambda: self.begun.keys() >= set(names))

    def wait_until_done(self, jobs: int) -> None:
        """Waits until that many different jobs were done."""
        eventually(lambda: len(self.done) >= jobs)

    def wait_until_settled(self) -> None:
        """Waits until the broker has nothing left to be done."""
        eventually(lambda: self.broker.left(self.jobs) == 0)

    @property
    def _gate(self) -> Path:
        return self.place / "gate"

    @property
    def _journal(self) -> Path:
        return self.place / "journal"

    def _noted(self, what: str) -> Counter[str]:
        lines = self._journal.read_text(encoding="utf-8").splitlines() if self._journal.exists() else []
        return Counter(line.partition(" ")[2] for line in lines if line.startswith(what))


def employ(project: Project, shared: Shared, broker: Server, jobs: str, place: Path) -> Worker:
    """A worker of a rendering, with the jobs that do as they are told."""
    dependency = dependency_of(project.variant)
    assert dependency is not None
    programs = shared.directory(f"workers/{project.identity}", lambda directory: build(project, directory))
    return Worker(
        programs,
        str(project.variant.answers["source"]),
        broker,
        dependency.variable,
        jobs,
        place,
        project.rendering.texts["README.md"],
    )


def build(project: Project, directory: Path) -> None:
    """Builds the worker and the program that sends its jobs, as the Dockerfile builds it."""
    sources = directory / "sources"
    shutil.copytree(project.path, sources)
    for name, target in OVERLAY.items():
        code = Path(__file__).with_name(name).read_text(encoding="utf-8").replace("MODULE", project.rendering.module)
        (sources / target).parent.mkdir(parents=True, exist_ok=True)
        (sources / target).write_text(code, encoding="utf-8")
    built = go(sources, "build", "-o", directory, "./cmd/...", CGO_ENABLED="0")
    assert built.status == 0, built
