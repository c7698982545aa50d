"""What `gopherforge verify` does: it runs what the service's own CI runs, and tells how each step ended."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gopherforge import checks
from gopherforge.checks import FAILED, INTERRUPTED, PASSED, Interruption, Service, Step
from gopherforge.errors import ChecksFailed, Interrupted
from gopherforge.report import Progress, Result
from gopherforge.toolchain import Machine
from gopherforge.wording import display, join_and, printable


@dataclass(frozen=True)
class Place:
    """Where the command runs, and where it tells how far it is."""

    environ: Mapping[str, str]
    cwd: Path
    machine: Machine
    progress: Progress


def verify(directory: str, place: Place) -> Result:
    """Runs every step. Raises ForgeError: ChecksFailed where one failed, Interrupted where that kept some from running."""
    path = (place.cwd / directory).resolve()
    shown = path.name if path == place.cwd else display(path, place.cwd)
    again = "mend it, and verify again." if path == place.cwd else f"mend it, and run `{_command(path, place.cwd)}` again."
    return _run(path, place, Result({"path": path.as_posix()}, ""), f"{shown}: ", again)


def verify_new(path: Path, made: Result, place: Place) -> Result:
    """Runs every step of a service that was just made, which stays whatever the steps say. Raises as `verify` does."""
    for warning in made.warnings:
        place.progress.warn(warning)
    place.progress.show(f"Created {display(path, place.cwd)}, and now checks it:")
    again = f"the service stays; mend it, and run `{_command(path, place.cwd)}`."
    return _run(path, place, made, f"{display(path, place.cwd)} was made, but ", again)


def _run(path: Path, place: Place, made: Result, lead: str, again: str) -> Result:
    service = checks.read_service(path, place.environ, place.machine)
    unproven = _unproven(service)
    if unproven:
        place.progress.warn(unproven)
    try:
        steps = checks.run_all(service, place.progress)
    except Interruption as interruption:
        data = _data(made, interruption.steps, unproven)
        raise Interrupted(f"{lead}{_interrupted(interruption.steps)}", again, data=data, text=made.text) from None
    data = _data(made, steps, unproven)
    if failed := checks.names(steps, FAILED):
        sentence = f"{len(failed)} of {len(steps)} steps failed: {join_and(failed)}."
        raise ChecksFailed(f"{lead}{printable(sentence)}", again, data=data, text=made.text)
    told = f"All {len(steps)} steps of CI passed in {sum(step.seconds for step in steps):.1f} s."
    return Result(data, f"{made.text}\n\n{told}".lstrip())


def _data(made: Result, steps: tuple[Step, ...], unproven: str) -> dict[str, object]:
    warnings = [str(made.data.get("warning", "")), unproven]
    return {**made.data, "steps": checks.data(steps), "warning": " ".join(filter(None, warnings))}


def _interrupted(steps: tuple[Step, ...]) -> str:
    [current] = checks.names(steps, INTERRUPTED)
    passed = checks.names(steps, PASSED)
    when = f"after {join_and(passed)} had passed" if passed else "before any step had passed"
    return printable(f"the checks were interrupted in {current}, {when}.")


def _unproven(service: Service) -> str:
    """What the steps will not prove here, and prove in CI."""
    if not service.server or service.environ.get(service.server) or service.environ.get("CI"):
        return ""
    return f"{service.server} is not set: the tests that need a server are skipped here, and run in CI."


def _command(path: Path, cwd: Path) -> str:
    return shlex.join(["gopherforge", "verify", display(path, cwd)])
