import fcntl
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from gopherforge.errors import CannotWrite
from gopherforge.scratch import scratch_directory
from gopherforge.staging import staging, sweep


def remains(place: Path, *, lock: bool = True) -> Path:
    """What a killed run leaves."""
    with staging(place) as hidden:
        name = hidden.name
    left = place / name
    (left / "service").mkdir(parents=True)
    (left / "service/go.mod").write_text("module x\n")
    if lock:
        (left / "lock").touch()
    return left


def left_by_a_child(place: Path, before_removal: Callable[[], None]) -> bool:
    """Have a process fill a staging directory and leave it, with a call before each removal; whether a signal killed it."""
    child = os.fork()
    if child == 0:
        removals = {"os.remove", "os.rmdir"}
        with suppress(BaseException):
            sys.addaudithook(lambda event, _: before_removal() if event in removals else None)
            with staging(place) as hidden:
                for name in ("a", "z"):
                    (hidden / name).touch()
                    (hidden / f"{name}.d").mkdir()
                    (hidden / f"{name}.d/file").touch()
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def kill_at(number: int) -> Callable[[], None]:
    """What kills the process that calls it for the n-th time."""
    calls = count()

    def kill() -> None:
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return kill


def test_it_is_hidden_beside_the_target_and_gone_afterwards(tmp_path: Path) -> None:
    with staging(tmp_path) as hidden:
        assert hidden.parent == tmp_path
        assert hidden.name.startswith(".gopherforge-new-")
        (hidden / "service").mkdir()
        (hidden / "service/file").touch()
    assert list(tmp_path.iterdir()) == []


def test_it_is_gone_after_an_interrupt(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), staging(tmp_path):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_remains_of_a_killed_run_are_swept_by_the_next(tmp_path: Path) -> None:
    remains(tmp_path)
    with staging(tmp_path) as hidden:
        assert list(tmp_path.iterdir()) == [hidden]


def test_a_run_that_is_alive_is_left_alone(tmp_path: Path) -> None:
    with staging(tmp_path) as first:
        with staging(tmp_path) as second:
            sweep(tmp_path)
            assert sorted(tmp_path.iterdir()) == sorted([first, second])
        assert list(tmp_path.iterdir()) == [first]


def test_runs_that_start_and_sweep_at_the_same_time_never_take_each_other_for_dead(tmp_path: Path) -> None:
    def run() -> int:
        kept = 0
        for _ in range(100):
            with staging(tmp_path) as hidden:
                (hidden / "service").mkdir()
                kept += (hidden / "lock").exists()
        return kept

    with ThreadPoolExecutor(8) as runs:
        assert [done.result() for done in [runs.submit(run) for _ in range(8)]] == [100] * 8
    assert list(tmp_path.iterdir()) == []


def test_a_run_killed_before_it_made_its_lock_is_swept(tmp_path: Path) -> None:
    with staging(tmp_path) as hidden:
        name = hidden.name
    (tmp_path / name).mkdir()

    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_run_killed_while_it_clears_up_is_swept(tmp_path: Path) -> None:
    """Before each removal: the lock is the last that goes."""
    for number in count():
        killed = left_by_a_child(tmp_path, kill_at(number))
        sweep(tmp_path)
        assert list(tmp_path.iterdir()) == [], f"killed before removal {number}"
        if not killed:
            break
    assert number == 8


def test_the_lock_is_held_until_it_goes_itself(tmp_path: Path) -> None:
    def require_held() -> None:
        for lock in tmp_path.glob("*/lock"):
            with lock.open("r+") as other:
                try:
                    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                os.kill(os.getpid(), signal.SIGKILL)

    assert not left_by_a_child(tmp_path, require_held)
    assert list(tmp_path.iterdir()) == []


def test_what_only_looks_like_remains_is_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "lock").touch()
    (tmp_path / ".gopherforge-new-0123456789abcdef").symlink_to(elsewhere)
    (tmp_path / ".gopherforge-new-fedcba9876543210").write_text("a file")
    other = tmp_path / ".gopherforge-new-notes"
    other.mkdir()
    (other / "lock").touch()
    without_lock = remains(tmp_path, lock=False)

    before = sorted(tmp_path.rglob("*"))
    sweep(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before
    assert without_lock in before


def test_remains_of_another_user_are_left_alone(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files to another user.")
    left = remains(tmp_path)
    os.chown(left, 65534, 65534)

    sweep(tmp_path)
    assert (left / "service/go.mod").exists()


def test_a_scratch_directory_is_private_and_sweeps_what_killed_runs_left(tmp_path: Path) -> None:
    remains(tmp_path)
    with scratch_directory(tmp_path) as scratch:
        assert list(tmp_path.iterdir()) == [scratch]
        assert scratch.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []


def test_a_scratch_directory_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(CannotWrite) as caught, scratch_directory():
        pass
    assert caught.value.message == "cannot make a temporary directory: No such file or directory."
    assert caught.value.hint == "set TMPDIR to a directory that can be written."
