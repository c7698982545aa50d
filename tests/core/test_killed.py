"""Whatever moment a run is killed at, there is nothing or the whole service, and the next run clears up."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.core.history import git
from tests.core.installation import Program, Waiting
from tests.core.observer import snapshot
from tests.rendering import ANSWERS_FILE

ROUNDS, KILLS = 3, 10


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """With an own, empty directory for temporary files."""
    (tmp_path / "tmp").mkdir()
    return os.environ | {"TMPDIR": str(tmp_path / "tmp")}


def service(directory: Path) -> dict[str, tuple[object, ...]]:
    """Every file of a service, but for when it was written."""
    found = snapshot(directory).items()
    return {path: (mode, content) for path, (mode, _, content) in found if path != "." and path.split("/")[0] != ".git"}


def whole(directory: Path, expected: dict[str, tuple[object, ...]]) -> bool:
    """Every byte, in a sound repository with one commit, without a lock."""
    assert service(directory) == expected
    assert git(directory, "fsck", "--strict", "--no-dangling") == ""
    assert git(directory, "status", "--porcelain", "--ignored") == ""
    assert git(directory, "rev-list", "--count", "--all") == "1"
    assert list((directory / ".git").rglob("*.lock")) == []
    return True


class TestKilled:
    @pytest.mark.parametrize("seed", range(ROUNDS))
    def test_nothing_or_the_whole_service_is_there(
        self, installed: Program, place: Path, environ: dict[str, str], seed: int
    ) -> None:
        """At random moments, spread over the time that a run takes."""
        started = time.monotonic()
        usual = installed.new(place / "usual", env=environ)
        duration = time.monotonic() - started
        assert usual.status == 0, usual
        expected = service(place / "usual")
        chance = random.Random(seed)
        moments = [duration * (number + chance.random()) / KILLS for number in range(KILLS)]

        for moment in moments:
            target = place / "killed"
            with installed.start(target, env=environ) as process:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=moment)
                process.kill()
            about = f"seed {seed}, killed after {moment:.3f} of {duration:.3f} seconds"
            assert not target.exists() or whole(target, expected), about
            shutil.rmtree(target, ignore_errors=True)

            again = installed.new(target, env=environ)
            assert again.status == 0, (about, again)
            assert whole(target, expected), about
            shutil.rmtree(target)
            left = [path.name for path in (*place.iterdir(), *Path(environ["TMPDIR"]).iterdir())]
            assert left == ["usual"], about

    @pytest.mark.parametrize("exists", [False, True])
    def test_where_all_but_the_commit_was_done_the_next_run_starts_anew(
        self, installed: Program, place: Path, waiting: Waiting, *, exists: bool
    ) -> None:
        target = place / "user-service"
        if exists:
            target.mkdir()
        with waiting.run(installed, target) as process:
            os.killpg(process.pid, signal.SIGKILL)
        (remains,) = (target if exists else place).iterdir()
        assert remains.name.startswith(".gopherforge-new-")
        assert list(remains.rglob(ANSWERS_FILE))

        again = installed.new(target, env=os.environ)
        assert again.status == 0, again
        assert whole(target, service(target))
        assert list(place.iterdir()) == [target]

    def test_an_interrupt_leaves_nothing(self, installed: Program, place: Path, waiting: Waiting) -> None:
        with waiting.run(installed, place / "user-service") as process:
            os.killpg(process.pid, signal.SIGINT)
            _, stderr = process.communicate()

        assert process.returncode == 130
        assert stderr.decode() == "error: interrupted.\n"
        assert list(place.iterdir()) == []

    def test_another_run_leaves_a_waiting_one_alone(self, installed: Program, place: Path, waiting: Waiting) -> None:
        with waiting.run(installed, place / "first") as process:
            other = installed.new(place / "second", env=os.environ)
            waiting.release()
            _, stderr = process.communicate()

        assert (other.status, process.returncode) == (0, 0), (other, stderr)
        assert service(place / "first") == service(place / "second")
        assert sorted(path.name for path in place.iterdir()) == ["first", "second"]
