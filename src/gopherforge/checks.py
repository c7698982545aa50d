"""The checks of a service's own CI: the steps of its Makefile's target `ci`, one after the other."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from gopherforge import git
from gopherforge.errors import InvalidProject
from gopherforge.process import run, supervise
from gopherforge.report import Progress
from gopherforge.toolchain import GIT, GO, MAKE, Machine, compiler, require
from gopherforge.wording import plain

TARGET = "ci"
INTEGRATION = re.compile(r"^test-integration: *export +(\w+)", re.MULTILINE)
"""How a Makefile names the variable without which the tests that need a server are skipped."""

PASSED, FAILED, INTERRUPTED, SKIPPED = "passed", "failed", "interrupted", "skipped"
"""How a step ended. It is skipped where the run was interrupted before it."""

SHOWN = 60  # lines of a failed step's output

# What would make make do something else than it does without them.
_OF_MAKE = {"GNUMAKEFLAGS", "MAKEFILES", "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS"}
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")  # in the order in which make looks for them


@dataclass(frozen=True)
class Step:
    """A step that ended or was skipped. `output` is the last of what a failed one wrote."""

    name: str
    status: str
    seconds: float = 0.0
    output: str = ""


@dataclass(frozen=True)
class Service:
    """A directory whose Makefile says what CI runs."""

    directory: Path
    steps: tuple[str, ...]
    environ: Mapping[str, str]  # what make is given
    server: str = ""  # the variable that says where the server is that some tests need


class Interruption(Exception):
    """Ctrl-C. Carries the steps, the interrupted and the skipped ones among them."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        super().__init__()
        self.steps = steps


def read_service(directory: Path, environ: Mapping[str, str], machine: Machine) -> Service:
    """The steps of the service in a directory, when every program that they need is there.

    Raises InvalidProject where the directory is no service, ProgramMissing, and ProgramFailed.
    """
    makefile = next((path for name in _MAKEFILES if (path := directory / name).is_file()), None)
    if makefile is None:
        raise InvalidProject(f"{directory} is no service: it has no Makefile.", "name the directory of a service.")
    text = makefile.read_text(encoding="utf-8", errors="replace")
    require_programs(environ, machine, race="-race" in text)
    env = {key: value for key, value in git.authors(environ).items() if key not in _OF_MAKE}
    # The goal is a file that is there, so that no recipe is run.
    database = ["--print-data-base", "--question", "--no-builtin-rules", "--no-builtin-variables", makefile.name]
    read = run(["make", *database], cwd=directory, env={**env, "LC_ALL": "C"}, check=False)
    if read.returncode not in (0, 1):
        said = read.stderr.strip().splitlines() or [f"exit code {read.returncode}"]
        raise InvalidProject(f"make cannot read {makefile}: {said[-1].strip()}")
    steps = _prerequisites(read.stdout, TARGET)
    if not steps:
        raise InvalidProject(
            f"{makefile} has no target `{TARGET}` that lists the steps of CI.", "name the directory of a service."
        )
    integration = INTEGRATION.search(text)
    return Service(directory, steps, env, integration[1] if integration else "")


def require_programs(environ: Mapping[str, str], machine: Machine, *, race: bool = True) -> None:
    """Raise ProgramMissing where a program is not there that the checks need, with the race detector or without."""
    require([GIT, MAKE, GO, *([compiler(environ)] if race else [])], environ, machine)


def run_all(service: Service, progress: Progress) -> tuple[Step, ...]:
    """Runs every step, whether or not those before it passed. Raises Interruption."""
    width = max(map(len, service.steps))
    done: list[Step] = []
    for name in service.steps:
        progress.show_now(f"  {name:<{width}}  running")
        started = monotonic()
        try:
            step = _run(name, service)
        except KeyboardInterrupt:
            step = Step(name, INTERRUPTED, _since(started))
        progress.show(f"  {name:<{width}}  {step.status:<{len(PASSED)}}  {step.seconds:6.1f} s")
        for line in step.output.splitlines():
            progress.show(f"    {line}")
        done.append(step)
        if step.status == INTERRUPTED:
            raise Interruption((*done, *(Step(name, SKIPPED) for name in service.steps[len(done) :])))
    return tuple(done)


def data(steps: tuple[Step, ...]) -> list[dict[str, object]]:
    """Steps for programs, in their order."""
    return [{"name": step.name, "status": step.status, "seconds": step.seconds, "output": step.output} for step in steps]


def names(steps: tuple[Step, ...], status: str) -> list[str]:
    """The names of the steps that ended in a certain way."""
    return [step.name for step in steps if step.status == status]


def _run(name: str, service: Service) -> Step:
    started = monotonic()
    ended = supervise(["make", "--no-print-directory", "--", name], cwd=service.directory, env=service.environ)
    if ended.returncode == 0:
        return Step(name, PASSED, _since(started))
    lines = plain(ended.stdout).splitlines()
    if len(lines) > SHOWN:
        lines = [f"… and before that {len(lines) - SHOWN} lines or more", *lines[-SHOWN:]]
    return Step(name, FAILED, _since(started), "\n".join(lines))


def _since(start: float) -> float:
    return round(monotonic() - start, 1)


def _prerequisites(database: str, target: str) -> tuple[str, ...]:
    """The prerequisites of a target in what `make --print-data-base` prints, in their order."""
    files = database.partition("\n# Files\n")[2]
    rules = re.findall(rf"^{re.escape(target)}::? *([^|\n]*)", files, re.MULTILINE)
    return tuple(dict.fromkeys(name for listed in rules for name in listed.split()))
