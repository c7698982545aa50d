"""How a service is to change: what `update` and `set` are asked for, what they make of that, and where they run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gopherforge.errors import UsageError
from gopherforge.report import Progress
from gopherforge.service import Service
from gopherforge.source import PACKAGE
from gopherforge.wording import describe, display, printable

AUTO = "auto"
"""The branch whose name follows from what is done."""

FAIL, MARK = "fail", "mark"

CHANGES = ("answers_changed", "added", "changed", "deleted", "renamed", "conflicts", "kept", "left_out")
"""What a command's data says about changes."""


@dataclass(frozen=True)
class Options:
    """The options that both commands have, as they were given."""

    directory: str = "."
    dry_run: bool = False
    diff: bool = False
    on_conflict: str | None = None
    report: Path | None = None
    branch: str | None = None

    @property
    def applies(self) -> bool:
        """Whether index and work tree are to change."""
        return not self.dry_run and self.branch is None


@dataclass(frozen=True)
class Place:
    """Where the command runs, what is looking on, and where it tells what it meets."""

    environ: Mapping[str, str]
    cwd: Path
    progress: Progress
    terminal: bool = False  # whether somebody is there to resolve conflicts
    agrees: Callable[[str], bool] | None = None  # asks somebody there for yes or no
    colour: bool = False  # whether stdout shows colours
    package: Path = PACKAGE  # whose templates count


@dataclass(frozen=True)
class Target:
    """What a service is to become: a version of its templates, and answers that are given anew."""

    version: str
    answers: Mapping[str, object]
    title: str  # what is to be done, as a commit message begins
    done: str  # the same once it is done
    branch: str  # the end of a name for it, where none is given
    label: str  # what conflict markers call this side, as a branch may be called


def check_options(options: Options) -> None:
    """Raise UsageError where options contradict each other."""
    if options.on_conflict not in {None, FAIL, MARK}:
        message = f"--on-conflict takes {FAIL} or {MARK}, not {describe(options.on_conflict)}."
        raise UsageError(message, f"{FAIL} changes nothing, {MARK} leaves conflict markers.")
    if options.branch is not None and options.on_conflict == MARK:
        raise UsageError("--branch makes a commit, which holds no conflict markers.", "leave out --on-conflict, or --branch.")
    if options.branch == "":
        raise UsageError("--branch is empty.", f"name a branch, or take --branch {AUTO}.")


def unchanged(service: Service) -> dict[str, object]:
    """The data of a command that found nothing to do."""
    version = service.record.version
    return {
        "path": service.repository.directory.as_posix(),
        "template": str(service.record.answers.get("template", "")),
        "from": version,
        "to": version,
        "answers_changed": {},
        **{key: [] for key in CHANGES if key != "answers_changed"},
        "warnings": [],
        "branch": None,
        "commit": None,
    }


def shown(service: Service, place: Place) -> str:
    """What messages call a service."""
    path = service.repository.directory
    return printable(path.name if path == place.cwd else display(path, place.cwd))
