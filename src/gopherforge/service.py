"""A service that is to be changed: its repository, what it records, and whether these templates can be applied to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gopherforge import repository
from gopherforge.errors import InvalidProject
from gopherforge.modfile import module_path
from gopherforge.project import ANSWERS_FILE, Record, check_origin, parse_record
from gopherforge.repository import Repository
from gopherforge.source import canonical_url


@dataclass(frozen=True)
class Service:
    """A service as it is in HEAD."""

    repository: Repository
    record: Record
    module: str  # the path in go.mod; empty where there is none to be found

    @property
    def moved(self) -> bool:
        """Whether its author gave it another module path than it was made with."""
        return self.module not in {"", self.record.answers.get("module", "")}

    @property
    def answers(self) -> dict[str, object]:
        """The recorded answers, and the module path as it is now."""
        return {**self.record.answers, **({"module": self.module} if self.moved else {})}


def open_service(directory: Path, environ: Mapping[str, str]) -> Service:
    """The service in a directory, which may be a bare repository.

    Raises InvalidProject, CannotUpdate where its templates are not ours, ProgramMissing and ProgramFailed.
    """
    return service_in(repository.open_repository(directory, environ))


def service_in(found: Repository) -> Service:
    """The service in a repository that is open. Raises as `open_service`."""
    content, requirements = found.read(ANSWERS_FILE, "go.mod")
    if content is None:
        raise InvalidProject(
            f"{found.directory} is no service that gopherforge made: the last commit has no {ANSWERS_FILE} there.",
            "name the directory of a service, or commit it.",
        )
    record = parse_record(content, found.directory / ANSWERS_FILE)
    check_origin(record, canonical_url())
    return Service(found, record, module_path((requirements or b"").decode("utf-8", "replace")))
