"""Runs other programs: the only user of subprocess."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, NamedTuple

from gopherforge.errors import CannotWrite, ProgramFailed, ProgramMissing

GRACE = 5.0
"""Seconds that interrupted programs have for cleaning up."""

# What git says of a full disk, which is not always the system's own words.
_UNWRITABLE = re.compile("No space left on device|Out of diskspace|unable to (?:create|write) file|cannot create directory")


class Completed(NamedTuple):
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
    expected: Collection[int] = (0,),
    timeout: float | None = 120,
    keep_open: Collection[int] = (),
) -> Completed:
    """Run a program that is looked up on the PATH of `env`, and wait for it. It inherits the descriptors `keep_open`.

    Raises ProgramMissing where it is not found, and ProgramFailed where it cannot be started, takes longer than
    `timeout` seconds, or, with `check`, ends with another code than those `expected`: CannotWrite if that is for want of room.
    """
    program = argv[0]
    # Without input it reads the end of a file: a program that asks something must fail, not wait.
    fed = encode(input or "")
    try:
        done = subprocess.run(
            argv, cwd=cwd, env=env, input=fed, capture_output=True, check=False, timeout=timeout, pass_fds=keep_open
        )
    except subprocess.TimeoutExpired as error:
        raise ProgramFailed(f"{program} did not end within {timeout:g} seconds.") from error
    except OSError as error:
        raise _unstartable(program, cwd, error) from error
    completed = Completed(done.returncode, decode(done.stdout), decode(done.stderr))
    if check and completed.returncode not in expected:
        if complaint := unwritable(completed.stderr):
            raise CannotWrite(f"{program} cannot write: {complaint}.")
        raise ProgramFailed(_explain(argv, completed))
    return completed


def supervise(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float | None = None, keep: int = 1 << 16
) -> Completed:
    """Run a program that starts others, without a terminal to ask at, and wait for it, however it ends.

    Its stdout and stderr come as one, in the order written, and of more than `keep` bytes the last. Nothing that it started
    outlives it, also where it takes longer than `timeout` seconds or we are told to end. Raises ProgramMissing and ProgramFailed.
    """
    from tempfile import TemporaryFile  # here alone: `status` can do without its imports

    with TemporaryFile() as output, held_signals() as signals:
        try:
            process = subprocess.Popen(
                argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        except OSError as error:
            raise _unstartable(argv[0], cwd, error) from error
        try:
            with signals.raised():
                process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise ProgramFailed(f"{argv[0]} did not end within {timeout:g} seconds.") from error
        except BaseException:
            with suppress(subprocess.TimeoutExpired, KeyboardInterrupt, SystemExit), signals.raised():
                _interrupt(process)
            raise
        finally:
            _kill(process)
        return Completed(process.returncode, decode(_last(output, keep)), "")


def encode(text: str) -> bytes:
    """The bytes that `decode` made this of."""
    return text.encode("utf-8", "surrogateescape")


def decode(content: bytes) -> str:
    """Any bytes as text; those that are not UTF-8 as surrogate escapes."""
    return content.decode("utf-8", "surrogateescape")


def unwritable(said: str) -> str:
    """What a program complained of that could not write, without a word such as `fatal: ` before it; else nothing."""
    line = next(filter(_UNWRITABLE.search, said.splitlines()), "")
    return line.strip().removeprefix("fatal: ").removeprefix("error: ").removesuffix(".")


def ending(returncode: int) -> str:
    """What a return code that is not 0 stands for."""
    return f"exit code {returncode}" if returncode > 0 else f"signal {-returncode}"


def _unstartable(program: str, cwd: Path, error: OSError) -> ProgramMissing | ProgramFailed:
    if not isinstance(error, FileNotFoundError):
        return ProgramFailed(f"{program} could not be started: {error.strerror}.")
    if not cwd.is_dir():
        return ProgramFailed(f"{program} cannot run in {cwd}: there is no such directory.")
    return ProgramMissing(f"{program} is required and was not found.", f"install {program} and put it on PATH.")


class Signals:
    """Ctrl-C, SIGTERM and the SIGHUP of a closed terminal, which wait while nobody could act on them."""

    def __init__(self) -> None:
        self._wait = True
        self._last: int | None = None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal, as its handler."""
        self._last = number
        if not self._wait:
            self.raise_last()

    def raise_last(self) -> None:
        """Raise what came, if any has: as Python does for Ctrl-C, and for the others so that this process cleans up."""
        number, self._last = self._last, None
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        if number is not None:
            raise SystemExit(128 + number)

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Within it none waits, and one that came before is raised at once."""
        try:
            self._wait = False
            self.raise_last()
            yield
        finally:
            self._wait = True


@contextmanager
def held_signals() -> Iterator[Signals]:
    """Takes the signals that nobody else has taken: they wait, but for where they are to be raised. Only in the main thread."""
    signals = Signals()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    taken = {number: handler for number, handler in before.items() if handler in (signal.SIG_DFL, signal.default_int_handler)}
    for number in taken:
        signal.signal(number, signals)
    try:
        yield signals
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)
    signals.raise_last()


def _interrupt(process: "subprocess.Popen[bytes]") -> None:
    """End a program and all that it started as Ctrl-C does. Raises TimeoutExpired if it does not take that in time."""
    _signal(process, signal.SIGINT)
    process.wait(GRACE)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End at once what is left of a program and all that it started, also what is being started meanwhile."""
    deadline = time.monotonic() + GRACE
    while _signal(process, signal.SIGKILL) and time.monotonic() < deadline:
        pass
    process.wait()


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> bool:
    """Send a signal to a session: to its first group and, where /proc tells of them, to the others; whether there were any."""
    with suppress(ProcessLookupError, PermissionError):  # macOS does not permit it where only a zombie is left
        os.killpg(process.pid, number)
    others = [member for member, group in _members(process.pid) if group != process.pid]
    for member in others:
        with suppress(ProcessLookupError):
            os.kill(member, number)
    return bool(others)


def _members(session: int) -> Iterator[tuple[int, int]]:
    """The processes of a session that still run, with their groups (proc_pid_stat(5)); none where there is no /proc."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, _parent, group, of, *_ = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if int(of) == session and state not in "ZX":
                yield int(entry.name), int(group)


def _last(output: IO[bytes], keep: int) -> bytes:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - keep))
    return output.read()


def _explain(argv: Sequence[str], completed: Completed) -> str:
    """One sentence with the last thing that the program itself said."""
    said = (completed.stderr.strip() or completed.stdout.strip()).splitlines()
    words = [word for word, before in zip(argv, ["", *argv], strict=False) if "-c" not in (word, before)]  # git's settings
    how, command = ending(completed.returncode), " ".join(words[:2])
    return f"{command} failed ({how}): {said[-1].strip()}" if said else f"{command} failed ({how})."
