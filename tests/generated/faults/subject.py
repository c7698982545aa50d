"""A built service with the settings that it needs to become ready: what the faults are done to."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from tests.generated.conftest import Project
from tests.generated.service import Service, running
from tests.gotools import environment
from tests.support import Outcome, run


@dataclass(frozen=True)
class Subject:
    """A service that can be started any number of times."""

    project: Project
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def binary(self) -> Path:
        return self.project.binary()

    def running(self, **configuration: str) -> AbstractContextManager[Service]:
        """Starts the service, within the context."""
        return running(self.binary, **{**self.settings, **configuration})

    def run(self, *arguments: str, **configuration: str) -> Outcome:
        """Runs a command of the service to its end."""
        return run([self.binary, *arguments], cwd=self.project.path, env={**environment(), **self.settings, **configuration})
