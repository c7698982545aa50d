"""Runs other programs: the only user of subprocess."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gopherforge.errors import ProgramFailed, ProgramMissing


@dataclass(frozen=True)
class Completed:
    """How a program ended. Bytes that are not UTF-8 survive as surrogate escapes; line ends are untouched."""

    returncode: int
    stdout: str
    stderr: str


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    input: str | None = None,
    check: bool = True,
    timeout: float | None = 120,
) -> Completed:
    """Run a program that is looked up on the PATH of `env`, and wait for it.

    Raises ProgramMissing where it is not found, and ProgramFailed where it cannot be started, takes longer than
    `timeout` seconds, or, with `check`, ends with an error.
    """
    program = argv[0]
    # Without input it reads the end of a file: a program that asks something must fail, not wait.
    fed = (input or "").encode("utf-8", "surrogateescape")
    try:
        done = subprocess.run(argv, cwd=cwd, env=env, input=fed, capture_output=True, check=False, timeout=timeout)
    except FileNotFoundError as error:
        if not cwd.is_dir():
            raise ProgramFailed(f"{program} cannot run in {cwd}: there is no such directory.") from error
        raise ProgramMissing(f"{program} is required and was not found.", f"install {program} and put it on PATH.") from error
    except subprocess.TimeoutExpired as error:
        raise ProgramFailed(f"{program} did not end within {timeout:g} seconds.") from error
    except OSError as error:
        raise ProgramFailed(f"{program} could not be started: {error.strerror}.") from error
    completed = Completed(done.returncode, _decode(done.stdout), _decode(done.stderr))
    if check and completed.returncode != 0:
        raise ProgramFailed(_explain(argv, completed))
    return completed


def _decode(output: bytes) -> str:
    return output.decode("utf-8", "surrogateescape")


def _explain(argv: Sequence[str], completed: Completed) -> str:
    """One sentence with the last thing that the program itself said."""
    said = (completed.stderr.strip() or completed.stdout.strip()).splitlines()
    how = f"exit code {completed.returncode}" if completed.returncode > 0 else f"signal {-completed.returncode}"
    command = " ".join(argv[:2])
    return f"{command} failed ({how}): {said[-1].strip()}" if said else f"{command} failed ({how})."
