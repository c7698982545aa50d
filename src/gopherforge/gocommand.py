"""Runs the go command in a copy of a service, whatever is around it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gopherforge import git
from gopherforge.errors import ProgramFailed
from gopherforge.process import ending, supervise
from gopherforge.wording import plain

PATIENCE = 600.0
"""Seconds that the download of modules may take."""

OFFLINE = {"GOPROXY": "off"}

_ALONE = {"GO111MODULE": "on", "GOWORK": "off"}  # the service's own module


def go(arguments: Sequence[str], directory: Path, environ: Mapping[str, str], settings: Mapping[str, str]) -> None:
    """Run `go`, with settings that win over the environment. Raises ProgramMissing, and ProgramFailed with its last words."""
    env = {**git.authors(environ), **_ALONE, "LC_ALL": "C", **settings}
    done = supervise(("go", *arguments), cwd=directory, env=env, timeout=PATIENCE)
    if done.returncode != 0:
        said = [line for line in map(str.strip, plain(done.stdout).splitlines()) if line]
        raise ProgramFailed(said[-1] if said else ending(done.returncode))
