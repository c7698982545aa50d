"""Does two things at once: one of them in a copy of this process."""

import os
import pickle
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Generic, NoReturn, TypeVar

from gopherforge.errors import Interrupted, ProgramFailed
from gopherforge.process import GRACE, Signals, ending, held_signals

T = TypeVar("T")


@contextmanager
def beside(work: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """Begin with `work`; the function that is given waits for it, once, and returns or raises what it did.

    A result has to be picklable; an exception that is not is raised as a RuntimeError that tells of it. Whoever leaves earlier,
    also by Ctrl-C or another signal to end, ends the work as Ctrl-C does and waits for that. Where this process cannot be
    copied, or could not wait for the copy, the work is done when it is waited for.
    """
    if not _can_fork():
        yield work
        return
    reading, writing = os.pipe()
    with held_signals() as signals:  # in the first moments neither process could tidy up
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _work(work, writing, signals)
        os.close(writing)
        child: _Child[T] = _Child(pid, reading)
        try:
            with signals.raised():
                yield child.result
        finally:
            child.end()


def _can_fork() -> bool:
    """Whether a copy would work: not where there are threads, nor on macOS, whose libraries abort in copies.

    Where SIGCHLD is ignored, nobody learns how a child ended, and its number may soon be that of another process.
    """
    return threading.active_count() == 1 and signal.getsignal(signal.SIGCHLD) != signal.SIG_IGN and sys.platform != "darwin"


def _work(work: Callable[[], T], writing: int, signals: Signals) -> NoReturn:
    """Do the work and write how it ended. Never returns: what is above it on the stack is the other process's to finish."""
    status = 1
    try:
        with signals.raised():
            outcome = _outcome(work)
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(outcome)
        status = 0
    except KeyboardInterrupt:
        status = Interrupted.exit_code
    finally:
        os._exit(status)


def _outcome(work: Callable[[], object]) -> bytes:
    """Whether the work succeeded, and its result or exception, pickled. The exception has a note of where it came from."""
    try:
        return pickle.dumps((True, work()))
    except Exception as error:  # noqa: BLE001  (whatever it is, the other process raises it)
        where = "".join(traceback.format_exception(error))
        error.add_note(where)
        with suppress(Exception):
            outcome = pickle.dumps((False, error))
            pickle.loads(outcome)  # noqa: S301  (not every exception can be made again from what it pickles)
            return outcome
        replacement = RuntimeError(f"{type(error).__name__}: {error}")
        replacement.add_note(where)
        return pickle.dumps((False, replacement))


@dataclass
class _Child(Generic[T]):
    """The other process, as long as it has not been waited for, and the pipe that it writes to."""

    pid: int
    pipe: int

    def result(self) -> T:
        with os.fdopen(os.dup(self.pipe), "rb") as pipe:
            outcome = pipe.read()
        status = self._wait()
        if status == 0:
            succeeded, result = pickle.loads(outcome)  # noqa: S301  (we wrote it)
            if not succeeded:
                raise result
            return result  # type: ignore[no-any-return]
        if status == Interrupted.exit_code:
            raise KeyboardInterrupt
        raise ProgramFailed(f"a part of this program ended early ({ending(status)}).")

    def end(self) -> None:
        """Interrupt it where it still runs, and wait until it has tidied up."""
        try:
            if self.pid and not select.select([self.pipe], [], [], 0)[0]:
                os.kill(self.pid, signal.SIGINT)
                select.select([self.pipe], [], [], GRACE)
        finally:
            if self.pid:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
                self._wait()
            os.close(self.pipe)

    def _wait(self) -> int:
        """Its exit code, or the negative number of the signal that ended it."""
        pid, self.pid = self.pid, 0
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
