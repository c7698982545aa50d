"""Whatever moment `update` or `set` is killed at, the next command finds the service as it was, or as it was to be."""

import contextlib
import fcntl
import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.support import PROOF_IS_FULL, Shared
from tests.update.authored import git, state
from tests.update.installed import COMMANDS, Command, Service, until

KILLS = 50 if PROOF_IS_FULL else 6
SEED = 7


def kill(service: Service, command: Command, moment: float, *, late: bool, group: bool) -> bool:
    """Start the command and kill it some seconds later, by itself or with all that it started; whether it still ran.

    `late`: the time counts from when it begins with its changes. Nothing of it runs any more afterwards.
    """
    with service.started(command) as process:
        assert process.stdout
        if late:
            until(process, lambda: os.path.lexists(service.area))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=moment)
        running = process.poll() is None
        if running:
            (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
        process.stdout.read()  # which ends with the copies of its process
    with contextlib.suppress(FileNotFoundError), (service.path / ".git/gopherforge.lock").open("r+") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # which the programs that it started hold until they end
    return running


def times(service: Service, command: Command) -> tuple[float, float]:
    """How long the command runs, and how long of that it changes something."""
    started = time.monotonic()
    with subprocess.Popen(
        [*service.program, *command.words], cwd=service.path, env=service.environ, stdout=subprocess.DEVNULL
    ) as process:
        until(process, lambda: os.path.lexists(service.area))
        changing = time.monotonic()
        until(process, lambda: not os.path.lexists(service.area))
        changed = time.monotonic()
    service.reset()
    return time.monotonic() - started, changed - changing


@pytest.mark.parametrize("command", COMMANDS, ids=[command.name for command in COMMANDS])
def test_the_next_command_finds_it_before_or_after(command: Command, shared: Shared, tmp_path: Path) -> None:
    service = Service(tmp_path, shared)
    service.will_be(command)
    whole, change = times(service, command)
    chance = random.Random(SEED)
    seen: Counter[str] = Counter()
    for number in range(3 * KILLS):
        late = number % 3 != 0  # most while it changes something, the others at any time
        moment = (change if late else whole) * 1.05 * chance.random()
        running = kill(service, command, moment, late=late, group=number % 4 < 2)
        about = f"seed {SEED}, kill {number}, after {moment:.3f} of {whole:.3f} seconds, {change:.3f} of them changing"
        seen["killed"] += running
        if not running:  # the machine has become faster
            whole *= 0.95
        if late and not service.left():
            change *= 0.95

        if service.left():
            seen["left"] += 1
            found = state(service.path)
            told = service.run(("status",))
            assert told.status == 0, (about, told)
            assert state(service.path) == found, about
            again = service.run(command.words if number % 4 == 0 else command.nothing)
            if number % 4 == 0:
                assert service.is_new(), (about, again)
            assert service.is_new() or service.is_old(), (about, again)
            if again.status != 0:
                assert service.is_new(), (about, again)
                assert "has changes that are not committed" in again.output, (about, again)
        else:
            assert service.is_old() or service.is_new(), about
        service.reset()
        if seen["killed"] >= KILLS and seen["left"] > KILLS / 4:
            break
    assert seen["killed"] >= KILLS
    assert seen["left"] > KILLS / 4
    last = service.run(command.words)
    assert (last.status, service.is_new()) == (0, True), last
    assert list(service.scratch.iterdir()) == []
    assert git(service.path, "fsck", "--strict", "--no-dangling") == ""
