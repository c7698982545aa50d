"""Ctrl-C and SIGTERM during a whole `update` or `set`: the service is as it was, or is told that it had changed already."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from tests.support import Shared
from tests.update.authored import git
from tests.update.installed import (
    BRANCH_COMES,
    COMMANDS,
    GUARD_COMES,
    GUARD_IS_LOCKED,
    INDEX_COMES,
    PLAN_GOES,
    REMOVAL,
    Command,
    Service,
    until,
)

CTRL_C = "\x03"
SIGNALS = 4
SEED = 7

LATE = {"changed": [PLAN_GOES], "only temporary files are left": [PLAN_GOES, REMOVAL]}


@pytest.fixture(params=COMMANDS, ids=[command.name for command in COMMANDS])
def command(request: pytest.FixtureRequest) -> Command:
    found = request.param
    assert isinstance(found, Command)
    return found


@pytest.fixture
def service(shared: Shared, tmp_path: Path) -> Service:
    return Service(tmp_path, shared)


def waits_at(call: str, directory: Path) -> tuple[dict[str, str], Path]:
    """Has git wait before a call. The variables for that, and the pipe that tells when it is reached."""
    directory.mkdir()
    reached, never = directory / "reached", directory / "never"
    for pipe in (reached, never):
        os.mkfifo(pipe)
    script = f'#!/bin/sh\ncase "$*" in *"{call}"*) echo > "{reached}"; cat "{never}";; esac\nexec {shutil.which("git")} "$@"\n'
    (directory / "git").write_text(script)
    (directory / "git").chmod(0o755)
    return {"PATH": f"{directory}{os.pathsep}{os.environ['PATH']}"}, reached


@pytest.mark.parametrize(
    ("call", "options"),
    [("worktree add", ()), ("read-tree -m -u", ()), ("update-index -q --unmerged", ()), ("update-ref -m", ("--branch", "new"))],
    ids=["rendering", "writing files", "all files moved", "making a branch"],
)
@pytest.mark.terminal
def test_ctrl_c_at_a_terminal_leaves_all_as_it_was(
    service: Service, command: Command, call: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    environ, reached = waits_at(call, tmp_path / "bin")
    terminal = pexpect.spawn(
        sys.executable,
        [*service.program[1:], *command.words, *options],
        cwd=str(service.path),
        env={**service.environ, **environ, "TERM": "xterm-256color"},
        encoding="utf-8",
        timeout=120,
    )
    reached.read_text()
    terminal.send(CTRL_C)
    terminal.expect(pexpect.EOF)
    terminal.close()
    shown = str(terminal.before).replace("^C", "").split("\r\n")
    assert (terminal.exitstatus, [line for line in shown if line]) == (130, ["error: interrupted."])
    assert service.is_old()
    assert service.left() == []
    assert git(service.path, "branch", "--list", "new") == ""
    assert list(service.scratch.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_when_the_repository_is_being_locked_leaves_no_lock(service: Service, number: signal.Signals, code: int) -> None:
    service.signalled(number, [GUARD_COMES, GUARD_IS_LOCKED])
    done = service.run(("update",))
    assert (done.status, done.output) == (code, "error: interrupted.\n" if number == signal.SIGINT else "")
    assert service.is_old()
    assert list(service.scratch.iterdir()) == []


@pytest.mark.parametrize("moment", LATE)
def test_ctrl_c_when_it_has_happened_says_so(service: Service, command: Command, moment: str) -> None:
    service.will_be(command)
    service.signalled(signal.SIGINT, LATE[moment])
    done = service.run(command.words)
    assert done.status == 130, done
    assert service.is_new()
    said = f"error: interrupted when the service had changed already, as a whole: {service.path}."
    assert done.output.splitlines()[-2:] == [said, "hint: git reset --merge undoes it."]
    assert "Next:\n  git diff --staged\n" in done.output
    git(service.path, "reset", "--merge")
    document = json.loads(service.run([*command.words, "--json"]).output)
    assert (document["status"], document["error"]["code"]) == ("error", "interrupted")
    assert len(document["data"]["changed"]) > 2
    assert service.is_new()


def test_a_second_ctrl_c_which_ends_git_keeps_nobody_from_being_told(service: Service, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    ended, git_of_the_system = tmp_path / "ended", shutil.which("git")
    looked = f'! [ -e "{ended}" ] && ! "{git_of_the_system}" diff-index --cached --quiet HEAD'
    script = f"""#!/bin/sh
case "$*" in *"status --porcelain"*) if {looked}; then touch "{ended}"; kill -INT $$; fi;; esac
exec "{git_of_the_system}" "$@"
"""
    (tmp_path / "bin/git").write_text(script)
    (tmp_path / "bin/git").chmod(0o755)
    service.signalled(signal.SIGINT, LATE["changed"])
    done = service.run(("update",), PATH=f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert ended.exists()
    assert done.status == 130, done
    assert f"error: interrupted when the service had changed already, as a whole: {service.path}.\n" in done.output
    git(service.path, "reset", "--quiet", "--merge")


def test_ctrl_c_when_there_is_the_branch_says_so(service: Service, command: Command) -> None:
    service.signalled(signal.SIGINT, [BRANCH_COMES, REMOVAL])
    done = service.run([*command.words, "--branch", "new"])
    assert done.status == 130, done
    said = ["error: interrupted when there was the branch new already.", "hint: git branch -D new undoes it."]
    assert done.output.splitlines()[-2:] == said
    assert git(service.path, "diff", "--name-only", "HEAD", "new") != ""
    git(service.path, "branch", "--quiet", "-D", "new")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_at_any_moment_of_the_changes(service: Service, command: Command, name: str) -> None:
    """To all that runs, as from a terminal or a CI system; nothing has to be recovered afterwards."""
    service.will_be(command)
    number = signal.Signals[name]
    chance = random.Random(SEED)
    codes = {0, 130} if number == signal.SIGINT else {0, 130, 143, -number}  # 130 where it has happened
    for attempt in range(SIGNALS):
        with service.started(command) as process:
            until(process, lambda: os.path.lexists(service.area))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.3 * chance.random() ** 2)
            if process.poll() is None and service.left():
                os.killpg(process.pid, number)
            assert process.stdout
            said = process.stdout.read()
        about = f"seed {SEED}, {name} {attempt}: exit {process.returncode}, {said}"
        assert process.returncode in codes, about
        assert "Traceback" not in said, about
        changed = service.is_new()
        assert changed or service.is_old(), about
        assert service.left() == [], about
        if process.returncode == 130:
            assert ("had changed already" in said) is changed, about
            assert changed or number == signal.SIGINT, about
        elif process.returncode == 0:
            assert changed, about
        service.reset()


def test_what_is_still_written_to_a_file_that_is_replaced_is_kept_and_told(service: Service) -> None:
    """The program stops in the very moment before it has happened, and then goes on."""
    service.signalled(signal.SIGSTOP, [INDEX_COMES])
    with (service.path / "many/0/0.txt").open("a") as open_since_before:
        process = subprocess.Popen(
            [*service.program, "update", "--json"], cwd=service.path, env=service.environ, stdout=subprocess.PIPE, text=True
        )
        os.waitpid(process.pid, os.WUNTRACED)
        open_since_before.write("mine\n")
    process.send_signal(signal.SIGCONT)
    document = json.loads(process.communicate()[0])
    sentence = "what was still written to files while they were replaced is in many/0/0.txt.orig."
    assert (process.returncode, document["data"]["warnings"]) == (0, [sentence])
    assert (service.path / "many/0/0.txt.orig").read_text() == "old postgres 0\nmine\n"
    assert (service.path / "many/0/0.txt").read_text() == "new postgres 0\n"
