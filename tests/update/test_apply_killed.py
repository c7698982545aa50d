"""Whatever moment an apply or its recovery is killed at, there is the old state or the new one once it was recovered from."""

import contextlib
import errno
import fcntl
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import cast

import pytest

from gopherforge.apply import Outcome, Recovery, apply, recover
from gopherforge.errors import CannotWrite, ForgeError, InTheWay, RepositoryBusy, UncleanWorkTree
from gopherforge.repository import Repository, open_repository
from tests.update.authored import NEW, OLD, Authored, Files, Script, files, git_directory_elsewhere, kinds

KILLS = 50

Prepare = Callable[[], None]

# A few hundred files of every kind of change, in many directories.
MANY_OLD: Files = {**OLD, **{f"many/{n % 7}/{n % 3}/{n}.go": f"package old{n}\n" * (n % 50 + 1) for n in range(300)}}
MANY_NEW: Files = {
    **NEW,
    **{f"many/{n % 7}/{n % 3}/{n}.go": f"package new{n}\n" * (n % 40 + 1) for n in range(0, 300, 2)},
    **{f"more/{n % 5}/{n}.go": f"package more{n}\n" for n in range(100)},
}


# One file of every kind of change, and no more, since each call is a moment.
FEW = (
    *("Makefile", "bin/plain", "deep/down/below/only.txt", "directory/more/two", "directory", "file", "file/in/it", "text"),
    *("linked", "linked/in/it"),
)


class Change:
    """A service and the tree that it is to have; again and again."""

    def __init__(self, path: Path, old: Files, new: Files, prefix: str = "") -> None:
        self.author = Authored(path, old, prefix)
        self.old, self.new = old, new
        self.tree = self.author.tree(new)
        self.start()

    def start(self) -> None:
        """From here on, this is the old state."""
        self.repository = open_repository(self.author.service, os.environ)
        self.before = self.author.state()

    def apply(self) -> None:
        apply(self.repository, self.tree, step="the test")

    def recover(self) -> None:
        recover(self.repository)

    def is_old(self) -> bool:
        """Byte for byte, and the time of every file."""
        return self.author.state() == self.before

    def is_new(self) -> bool:
        """All that it takes: files, index, and nothing left behind."""
        assert kinds(files(self.author.service)) == kinds(self.new)
        assert self.author.git("write-tree", f"--prefix={self.author.prefix}") == self.tree
        assert self.author.git("diff-files", "--name-only") == ""
        left = [path.name for path in (self.author.path / ".git").iterdir() if "gopher" in path.name or "lock" in path.name]
        assert left == []
        return True

    def reset(self) -> None:
        """Back from the new state."""
        if not self.is_old():
            self.author.git("reset", "--quiet", "--hard")
            self.before = self.author.state()
            assert kinds(files(self.author.service)) == kinds(self.old)


@pytest.fixture
def change(tmp_path: Path) -> Change:
    old, new = ({path: side[path] for path in FEW if path in side} for side in (OLD, NEW))
    return Change(tmp_path / "a service", old, new)


@pytest.fixture
def many(tmp_path: Path) -> Change:
    return Change(tmp_path / "a service", MANY_OLD, MANY_NEW)


def killed(work: Callable[[], None], prepare: Prepare) -> bool:
    """Do the work in a process of its own, which `prepare` makes end by SIGKILL; whether that came before the work's end."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            prepare()
            work()
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def at_event(number: int) -> Prepare:
    """What makes a process kill itself before its n-th system call that changes something, or program that it starts."""
    counter = count()
    watched = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "subprocess.Popen", "os.chmod"}

    def due(event: str, arguments: tuple[object, ...]) -> bool:
        writes = event == "open" and isinstance(arguments[2], int) and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))
        return (event in watched or writes) and next(counter) == number

    return _killing_itself(due)


def before_commit() -> Prepare:
    """What makes a process kill itself as late as an apply is undone: before the new index gets its place."""
    return _killing_itself(lambda event, arguments: event == "os.rename" and str(arguments[1]).endswith(".git/index"))


def after_commit() -> Prepare:
    """What makes a process kill itself as soon as an apply is finished: at the first change after the new index has its place."""
    over = False

    def due(event: str, arguments: tuple[object, ...]) -> bool:
        nonlocal over
        if event == "os.rename" and str(arguments[1]).endswith(".git/index"):
            over = True
            return False
        return over and event in {"os.rmdir", "os.remove"}

    return _killing_itself(due)


def _killing_itself(due: Callable[[str, tuple[object, ...]], bool]) -> Prepare:
    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if due(event, arguments):
            os.kill(os.getpid(), signal.SIGKILL)

    return lambda: sys.addaudithook(hook)


def waits_for_its_programs(repository: Repository) -> None:
    """Until the programs of a killed process have ended: they hold the guard."""
    with contextlib.suppress(FileNotFoundError), (repository.git_dir / "gopherforge.lock").open("r+") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)


def settled(change: Change, service: str = "") -> Recovery | None:
    """What the next command, in a service of the repository, finds once nothing of a killed one runs any more."""
    waits_for_its_programs(change.repository)
    return recover(open_repository(change.author.path / service, os.environ))


class TestEveryMoment:
    def test_of_an_apply(self, change: Change) -> None:
        """Before each single call: the first that is never reached is after the end."""
        found = []
        untold = 0
        for number in count():
            ended = not killed(change.apply, at_event(number))
            found.append(settled(change))
            assert change.is_old() or change.is_new(), f"killed before call {number}"
            untold += found[-1] is None and not change.is_old() and not ended
            if (recovery := found[-1]) is not None:
                assert recovery == Recovery(
                    "the test", "", "undone" if change.is_old() else "finished", (), change.repository.head
                )
            change.reset()
            if ended:
                break
        assert {recovery and recovery.outcome for recovery in found} == {None, "undone", "finished"}
        assert number > 2 * len(FEW)
        assert untold <= 3  # once the plan is gone: the area, and each lock

    @pytest.mark.parametrize("finished", [False, True])
    def test_of_a_recovery(self, change: Change, *, finished: bool) -> None:
        """From an apply that was killed late, before or after the moment from which it has happened."""
        for number in count():
            assert killed(change.apply, after_commit() if finished else before_commit())
            waits_for_its_programs(change.repository)
            ended = not killed(change.recover, at_event(number))
            settled(change)
            assert change.is_new() if finished else change.is_old(), f"killed before call {number} of the recovery"
            change.reset()
            if ended:
                break
        assert number > 5


class TestRandomMoments:
    @pytest.mark.parametrize("what", ["apply", "recover"])
    def test_of_hundreds_of_files(self, many: Change, what: str) -> None:
        seed = 7
        chance = random.Random(seed)
        started = time.monotonic()
        many.apply()
        duration = time.monotonic() - started
        assert many.is_new()
        many.reset()
        for number in range(KILLS):
            with in_a_group(many.apply) as group:
                time.sleep(duration * (chance.random() if what == "apply" else 0.5 + chance.random() / 2))
                os.killpg(group, signal.SIGKILL)
            waits_for_its_programs(many.repository)
            if what == "recover":
                with in_a_group(many.recover) as group:
                    time.sleep(duration / 20 * chance.random())
                    os.killpg(group, signal.SIGKILL)
                waits_for_its_programs(many.repository)
            recover(many.repository)
            assert many.is_old() or many.is_new(), f"seed {seed}, kill {number}"
            many.reset()

    def test_of_hundreds_of_files_by_call(self, many: Change) -> None:
        """Where most kills by time hit git's part, these hit our own."""
        chance = random.Random(11)
        moments = chance.sample(range(2 * len(MANY_OLD)), KILLS)
        outcomes = []
        for number in moments:
            killed(many.apply, at_event(number))
            outcomes.append(settled(many))
            assert many.is_old() or many.is_new(), f"killed before call {number}"
            many.reset()
        assert sum(recovery is not None and recovery.outcome == "undone" for recovery in outcomes) > KILLS / 2


@contextmanager
def in_a_group(work: Callable[[], None]) -> Iterator[int]:
    """Work that is under way in a process group of its own, whose number is given; at its end it has ended."""
    ready, begun = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os.setpgid(0, 0)
            os.write(begun, b"!")
            work()
        os._exit(0)
    os.read(ready, 1)
    try:
        yield child
    finally:
        os.close(ready)
        os.close(begun)
        os.waitpid(child, 0)


class TestOrphans:
    def test_what_a_killed_run_started_is_waited_for(self, change: Change, tmp_path: Path) -> None:
        """git goes on when we are killed: nobody may work there until it ends."""
        gate, reached = tmp_path / "gate", tmp_path / "reached"
        os.mkfifo(gate)
        os.mkfifo(reached)
        script = f"echo > {shlex.quote(str(reached))}; cat {shlex.quote(str(gate))}; cat"
        change.author.git("config", "filter.slow.smudge", script)
        (change.author.path / ".git/info/attributes").write_text("Makefile filter=slow\n")
        change.before = change.author.state()
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                change.apply()
            os._exit(0)
        reached.read_text()
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

        with pytest.raises(RepositoryBusy, match="another gopherforge is at work"):
            recover(change.repository)
        gate.write_text("")
        assert settled(change) is None
        assert change.is_old()


def killed_late(change: Change, *, finished: bool) -> None:
    assert killed(change.apply, after_commit() if finished else before_commit())
    waits_for_its_programs(change.repository)


# What an author does who removes git's lock.
COMMITTED = {
    "staged": "git add --all",
    "committed": "git add --all; git commit --quiet --message mine",
    "only HEAD moved": "git update-ref HEAD $(git commit-tree -p HEAD -m mine HEAD^{tree})",
}


class TestEditsSince:
    """The author goes on working after the kill, before the next command."""

    def test_they_stay_where_the_apply_is_undone(self, change: Change) -> None:
        killed_late(change, finished=False)
        mine = {"Makefile": "mine\n", "bin/plain": Script("mine\n"), "deep/down/below/only.txt": "mine\n"}
        change.author.write({**mine, "more/of/mine": "mine\n"})

        recovery = settled(change)

        assert recovery == Recovery("the test", "", "undone", tuple(sorted(mine)), change.repository.head)
        assert kinds(files(change.author.path)) == kinds({**change.old, **mine, "more/of/mine": "mine\n"})
        status = change.author.git("status", "--porcelain").splitlines()
        assert status == [" M Makefile", " M bin/plain", " M deep/down/below/only.txt", "?? more/"]

    def test_they_stay_where_the_apply_is_finished(self, change: Change) -> None:
        killed_late(change, finished=True)
        mine = {"Makefile": "mine\n", "deep/down/below/only.txt": "mine\n"}
        change.author.write(mine)

        assert settled(change) == Recovery("the test", "", "finished", (), change.repository.head)
        assert kinds(files(change.author.path)) == kinds(
            {**change.new, "Makefile": "mine\n", "deep/down/below/only.txt": "mine\n"}
        )
        assert change.author.git("write-tree") == change.tree

    def test_an_edit_of_the_same_size_is_an_edit(self, change: Change) -> None:
        killed_late(change, finished=False)
        path = change.author.path / "Makefile"
        path.write_text(path.read_text().upper())
        assert settled(change) == Recovery("the test", "", "undone", ("Makefile",), change.repository.head)
        assert path.read_text() == NEW["Makefile"].upper()

    def test_a_directory_where_a_file_was_stays(self, change: Change) -> None:
        killed_late(change, finished=False)
        (change.author.path / "Makefile").unlink()
        change.author.write({"Makefile/mine": "mine\n"})
        assert settled(change) == Recovery("the test", "", "undone", ("Makefile",), change.repository.head)
        assert (change.author.path / "Makefile/mine").read_text() == "mine\n"

    def test_a_lock_that_the_author_removed_is_not_taken_away_from_git(self, change: Change) -> None:
        killed_late(change, finished=False)
        lock = change.author.path / ".git/index.lock"
        lock.unlink()
        lock.touch()
        settled(change)
        assert lock.exists()
        lock.unlink()
        assert change.is_old()

    @pytest.mark.parametrize("use", COMMITTED.values(), ids=COMMITTED)
    def test_what_git_was_used_for_is_not_reverted(self, change: Change, use: str) -> None:
        killed_late(change, finished=False)
        (change.author.path / ".git/index.lock").unlink()
        subprocess.run(["sh", "-ec", use], cwd=change.author.path, check=True)
        looking = {"GIT_OPTIONAL_LOCKS": "0"}  # without which git status writes the index
        status = change.author.git("status", "--porcelain", **looking)
        head = change.author.git("rev-parse", "HEAD")

        assert settled(change) == Recovery("the test", "", "left", (), change.repository.head)
        assert kinds(files(change.author.path)) == kinds(change.new)
        assert change.author.git("status", "--porcelain") == status
        assert change.author.git("rev-parse", "HEAD") == head
        assert [path.name for path in (change.author.path / ".git").iterdir() if "gopher" in path.name] == []

    @pytest.mark.parametrize("prefix", ["", "services/users"])
    def test_where_git_only_looked_at_them_it_is_undone(self, tmp_path: Path, prefix: str) -> None:
        """`git status` writes the index, and what is staged beside the service does not matter."""
        change = Change(tmp_path / "a service", OLD, NEW, prefix)
        killed_late(change, finished=False)
        (change.author.path / ".git/index.lock").unlink()
        index = (change.author.path / ".git/index").read_bytes()
        os.utime(change.author.service / "untouched.go", (1, 1))
        change.author.git("status")
        assert (change.author.path / ".git/index").read_bytes() != index
        if prefix:
            change.author.write({"../beside": "staged\n"})
            change.author.git("add", "services/beside")

        recovery = settled(change, prefix)

        assert recovery == Recovery("the test", f"{prefix}/" if prefix else "", "undone", (), change.repository.head)
        assert kinds(files(change.author.service)) == kinds(OLD)
        assert change.author.git("status", "--porcelain") == ("A  services/beside" if prefix else "")

    @pytest.mark.parametrize("moment", ["undone", "left", "finished"])
    def test_what_was_still_written_to_an_old_file_stays(self, change: Change, moment: str) -> None:
        """It was open since before the apply, and its name is taken."""
        with (change.author.path / "Makefile").open("a") as makefile:
            killed_late(change, finished=moment == "finished")
            makefile.write("mine\n")
        change.author.write({"Makefile": "mine, too\n", "Makefile.orig": "mine, too\n"})
        if moment == "left":
            (change.author.path / ".git/index.lock").unlink()
            change.author.git("add", "--all")

        recovery = settled(change)

        assert recovery is not None
        assert (recovery.outcome, set(recovery.kept) - {"Makefile"}) == (moment, {"Makefile.orig1"})
        found = files(change.author.path)
        assert found["Makefile"] == found["Makefile.orig"] == "mine, too\n"
        assert found["Makefile.orig1"] == "build:\nmine\n"


class TestEditsMeanwhile:
    """The author, or a program of theirs, writes while files are moved."""

    def refused(self, change: Change, kind: type[ForgeError], prepare: Prepare) -> None:
        """It is refused, and nothing of it is left."""

        def work() -> None:
            with pytest.raises(kind, match="in the meantime"):
                change.apply()

        assert not killed(work, prepare)
        assert settled(change) is None

    def test_to_a_file_that_was_open(self, change: Change) -> None:
        with (change.author.path / "Makefile").open("a", buffering=1) as makefile:

            def edit(event: str, arguments: tuple[object, ...]) -> bool:
                """When all is moved, and git looks at it for the last time."""
                if event == "subprocess.Popen" and "--refresh" in cast("list[str]", arguments[1]):
                    makefile.write("mine\n")
                return False

            self.refused(change, UncleanWorkTree, _killing_itself(edit))
        assert kinds(files(change.author.path)) == kinds({**change.old, "Makefile": "build:\nmine\n"})
        assert change.author.git("status", "--porcelain") == " M Makefile"

    def test_to_a_file_that_was_open_when_it_is_too_late(self, change: Change) -> None:
        with (change.author.path / "Makefile").open("a", buffering=1) as makefile:

            def edit(event: str, arguments: tuple[object, ...]) -> bool:
                """In the very moment before it has happened."""
                if event == "os.rename" and str(arguments[1]).endswith(".git/index"):
                    makefile.write("mine\n")
                return False

            def work() -> None:
                assert apply(change.repository, change.tree) == ("Makefile.orig",)

            assert not killed(work, _killing_itself(edit))
        assert kinds(files(change.author.path)) == kinds({**change.new, "Makefile.orig": "build:\nmine\n"})

    def test_to_a_new_file(self, tmp_path: Path) -> None:
        change = Change(tmp_path / "a service", {"old": "1\n"}, {"old": "2\n", "new": "new\n"})
        path = change.author.path / "new"

        def edit(event: str, arguments: tuple[object, ...]) -> bool:
            """In the very moment before the file gets its place."""
            if event in {"os.link", "os.rename"} and str(arguments[1]) == str(path) and not path.exists():
                path.write_text("mine\n")
            return False

        self.refused(change, InTheWay, _killing_itself(edit))
        assert kinds(files(change.author.path)) == kinds({"old": "1\n", "new": "mine\n"})
        assert change.author.git("status", "--porcelain") == "?? new"


class TestWithoutHardLinks:
    """A file system that has none."""

    def refuse_links(self) -> None:
        def refuse(event: str, _arguments: tuple[object, ...]) -> None:
            if event == "os.link":
                raise PermissionError(errno.EPERM, "Operation not permitted")

        sys.addaudithook(refuse)

    def test_files_are_moved_all_the_same(self, change: Change) -> None:
        assert not killed(change.apply, self.refuse_links)
        assert settled(change) is None
        assert change.is_new()

    def test_and_back(self, change: Change) -> None:
        killed_late(change, finished=False)
        assert not killed(change.recover, self.refuse_links)
        assert change.is_old()


class TestWhereNothingCanBeWritten:
    """A file system that, from the last step on, refuses whatever is tried."""

    def refuse(self) -> None:
        over = False

        def refuse(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal over
            over = over or (event == "os.rename" and str(arguments[1]).endswith(".git/index"))
            if over and event in {"os.rename", "os.remove", "os.link"}:
                raise PermissionError(errno.EACCES, "Permission denied")

        sys.addaudithook(refuse)

    def test_it_says_that_the_service_is_half_changed_and_the_next_run_takes_that_back(self, change: Change) -> None:
        def work() -> None:
            with pytest.raises(CannotWrite, match="Permission denied") as told:
                change.apply()
            assert "half changed" in told.value.hint

        assert not killed(work, self.refuse)
        assert not change.is_old()
        assert settled(change) == Recovery("the test", "", "undone", (), change.repository.head)
        assert change.is_old()


class TestAnotherService:
    """The next command is one in another service of the same repository."""

    @pytest.fixture
    def users(self, tmp_path: Path) -> Change:
        change = Change(tmp_path / "monorepo", OLD, NEW, "services/users")
        change.author.write({"../orders/main.go": "package main\n"})
        change.author.commit("orders")
        change.start()
        return change

    @pytest.mark.parametrize("outcome", ["undone", "finished"])
    def test_it_finishes_or_undoes_the_first(self, users: Change, outcome: Outcome) -> None:
        killed_late(users, finished=outcome == "finished")
        assert settled(users, "services/orders") == Recovery("the test", "services/users/", outcome, (), users.repository.head)
        assert users.is_new() if outcome == "finished" else users.is_old()
        assert (users.author.service / "deep").exists() is (outcome == "undone")

    @pytest.mark.parametrize("outcome", ["undone", "finished"])
    def test_also_where_files_wait_beside_the_first(self, users: Change, outcome: Outcome) -> None:
        with git_directory_elsewhere(users.author) as away:
            users.start()
            killed_late(users, finished=outcome == "finished")
            assert [path for path in users.author.service.iterdir() if "gopherforge" in path.name]
            assert settled(users, "services/orders") == Recovery(
                "the test", "services/users/", outcome, (), users.repository.head
            )
            assert kinds(files(users.author.service)) == kinds(users.new if outcome == "finished" else users.old)
            assert [path.name for path in away.iterdir() if "gopher" in path.name] == []

    def test_files_that_stay_are_named_from_the_top(self, users: Change) -> None:
        killed_late(users, finished=False)
        users.author.write({"Makefile": "mine\n"})
        recovery = settled(users, "services/orders")
        assert recovery == Recovery("the test", "services/users/", "undone", ("services/users/Makefile",), users.repository.head)
