"""A shell that runs one command after the other, as a terminal does, and tells what each of them prints."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support import Outcome

PATIENCE = 900.0
"""Seconds after which a shell counts as hanging, and is killed."""

_END = "--- end of output, exit"


class Shell:
    """A running bash, whose directory, variables and jobs last from command to command."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, line: str) -> Outcome:
        """Runs a command, with stdout and stderr in the order written."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{{ {line}\n}} </dev/null; printf '\\n{_END} %s\\n' $?\n")
        self._process.stdin.flush()
        output = ""
        for printed in self._process.stdout:
            if printed.startswith(_END):
                return Outcome(line, int(printed.removeprefix(_END)), output[:-1])
            output += printed
        raise AssertionError(f"the shell ended, or was killed after {PATIENCE} s, in: {line}\n{output}")


@contextmanager
def shell(cwd: Path, env: Mapping[str, str]) -> Iterator[Shell]:
    """Starts a shell. It is killed at the end, with all that it started."""
    with subprocess.Popen(
        ["bash", "--norc", "--noprofile"],
        cwd=cwd,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        watchdog = threading.Timer(PATIENCE, os.killpg, [process.pid, signal.SIGKILL])
        watchdog.start()
        try:
            yield Shell(process)
        finally:
            watchdog.cancel()
            os.killpg(process.pid, signal.SIGKILL)
