"""Two things at once: what the other process did comes back, and it never outlives this one's interest in it."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gopherforge.errors import IncompleteClone, ProgramFailed, UnknownRef
from gopherforge.forked import beside

pytestmark = pytest.mark.skipif(threading.active_count() > 1, reason="a process with threads is not copied.")


def test_a_result_comes_from_another_process() -> None:
    with beside(lambda: ("x" * 1_000_000, os.getpid())) as work:
        text, pid = work()
    assert len(text) == 1_000_000
    assert pid != os.getpid()


def test_an_error_keeps_its_kind_and_its_hint() -> None:
    def fail() -> None:
        raise UnknownRef("no such version.", "take another one.")

    with beside(fail) as work, pytest.raises(UnknownRef, match="no such version") as error:
        work()
    assert error.value.hint == "take another one."


def test_an_error_whose_class_takes_no_message_comes_over_too() -> None:
    def fail() -> None:
        raise IncompleteClone

    with beside(fail) as work, pytest.raises(IncompleteClone, match="lacks files that the merge needs") as error:
        work()
    assert error.value.hint == IncompleteClone().hint


def test_an_error_tells_where_in_the_other_process_it_came_from() -> None:
    def fail_here() -> None:
        raise ValueError("wrong")

    with beside(fail_here) as work, pytest.raises(ValueError, match=r"^wrong") as error:
        work()
    assert "in fail_here" in "".join(error.value.__notes__)


def test_what_cannot_be_pickled_is_told_of() -> None:
    class OnlyHere(Exception):
        pass

    def fail() -> None:
        raise OnlyHere("wrong")

    with beside(fail) as work, pytest.raises(RuntimeError, match=r"^OnlyHere: wrong") as error:
        work()
    assert "in fail" in "".join(error.value.__notes__)
    with beside(lambda: threading.Lock()) as other, pytest.raises(TypeError, match="pickle"):  # noqa: PLW0108
        other()


def test_a_process_that_is_killed_is_a_failure_and_an_interrupted_one_an_interrupt() -> None:
    with beside(lambda: os.kill(os.getpid(), signal.SIGKILL)) as work, pytest.raises(ProgramFailed, match="signal 9"):
        work()
    with beside(lambda: os.kill(os.getpid(), signal.SIGINT)) as work, pytest.raises(KeyboardInterrupt):
        work()


def test_who_leaves_early_interrupts_the_other_process_and_lets_it_tidy_up(tmp_path: Path) -> None:
    os.mkfifo(begun := tmp_path / "begun")

    def wait() -> None:
        try:
            begun.write_text(f"{os.getpid()}")
            signal.pause()
        finally:
            (tmp_path / "tidied").touch()

    with beside(wait):
        pid = int(begun.read_text())
    assert (tmp_path / "tidied").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_with_threads_the_work_is_done_here_when_it_is_waited_for() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        with beside(os.getpid) as work:
            assert work() == os.getpid()
    finally:
        done.set()
        thread.join()


def test_where_ended_children_are_not_told_of_the_work_is_done_here() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with beside(os.getpid) as work:
            assert work() == os.getpid()
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_on_macos_the_work_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with beside(os.getpid) as work:
        assert work() == os.getpid()


ENDED = """
import os, signal, sys
from pathlib import Path
from gopherforge.forked import beside

place = Path(sys.argv[1])

def wait():
    try:
        (place / "begun").write_text("now")
        signal.pause()
    finally:
        (place / "tidied").touch()

try:
    with beside(wait):
        (place / "begun").read_text()
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
finally:
    (place / "left").touch()
"""


def test_who_is_told_to_end_ends_the_other_process_first_and_tidies_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "begun")
    done = subprocess.run([sys.executable, "-c", ENDED, tmp_path], check=False, timeout=60)
    assert done.returncode == 128 + signal.SIGTERM
    assert (tmp_path / "tidied").exists()
    assert (tmp_path / "left").exists()
