"""Completion in real shells: what stands in the command line after Tab."""

import os
import re
import sysconfig
from collections.abc import Callable, Generator
from pathlib import Path

import pexpect
import pytest

from tests.support import program
from tests.terminal.conftest import CTRL_C, ENTER, Terminal

pytestmark = pytest.mark.terminal

TAB, HOME, END = "\t", "\x01", "\x05"
SCRIPTS = Path(sysconfig.get_path("scripts"))
SHELLS = {
    "bash": (["--norc", "--noprofile", "-i"], 'eval "$(gopherforge completion bash)"'),
    "zsh": (["-f", "-i"], 'autoload -Uz compinit; compinit -u -D; eval "$(gopherforge completion zsh)"'),
    "fish": (["--no-config", "--interactive"], "gopherforge completion fish | source"),
}
"""How a shell starts without the user's configuration, and what the documentation tells to put there."""

Press = Callable[[str], str]


@pytest.fixture(params=SHELLS, scope="module")
def terminal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Terminal]:
    """A shell that has read the script, in a directory with a service, a file of answers and a link to the program."""
    place = tmp_path_factory.mktemp("completion")
    (place / "my service").mkdir()
    (place / "my notes.txt").touch()
    (place / "answers.yml").touch()
    (place / "gopherforge").symlink_to(SCRIPTS / "gopherforge")
    arguments, setup = SHELLS[request.param]
    environ = {**os.environ, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}", "TERM": "xterm", "PS1": "> "}
    shell = pexpect.spawn(
        program(request.param), arguments, cwd=str(place), env=environ, dimensions=(24, 200), encoding="utf-8", timeout=60
    )
    shell.send(f"{setup}{ENTER}echo 'rea''dy'{ENTER}")
    shell.expect_exact("ready")
    yield shell
    shell.close(force=True)


@pytest.fixture
def press(terminal: Terminal) -> Press:
    """Presses keys, and returns the command line that they led to, as the shell would split it."""

    def keys(typed: str) -> str:
        terminal.send(f"{typed}{HOME}printf '<%s>' 'the line:' {END}; echo the end{ENTER}")
        terminal.expect(r"<the line:>((?:<[^>]*>)*)the end")
        assert isinstance(terminal.match, re.Match)
        return str(terminal.match[1])

    return keys


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("gopherforge verif", "verify"),
        ("gopherforge new --defa", "new --defaults"),
        ("gopherforge new --data databa", "new --data database="),
        ("gopherforge new orders --data database=p", "new orders --data database=postgres"),
        ("gopherforge new -d tracing=f", "new -d tracing=false"),
        ("gopherforge new --data=license=A", "new --data=license=Apache-2.0"),
        ("gopherforge new --data-file ans", "new --data-file answers.yml"),
        ("gopherforge options go-h", "options go-http-service"),
        ("gopherforge new orders --data template=go-w", "new orders --data template=go-worker-pool"),
        ("gopherforge new orders --data source=k", "new orders --data source=kafka"),
        ("gopherforge completion z", "completion zsh"),
        ("gopherforge new --data-file=ans", "new --data-file=answers.yml"),
        ("gopherforge --version ver", "--version verify"),
        ("gopherforge nothing-like-this ", "nothing-like-this"),
    ],
)
def test_tab_completes_what_is_unique(press: Press, typed: str, completed: str) -> None:
    assert press(f"{typed}{TAB}") == "".join(f"<{word}>" for word in f"gopherforge {completed}".split())


@pytest.mark.parametrize("command", ["verify", "doctor", "new"])
def test_tab_completes_directories_and_only_those(press: Press, command: str) -> None:
    completed = press(f"gopherforge {command} my{TAB}")

    assert completed.replace("/>", ">") == f"<gopherforge><{command}><my service>"  # zsh takes back the slash


def test_a_key_is_followed_by_its_value_at_once(press: Press) -> None:
    assert press(f"gopherforge new --data databa{TAB}po{TAB}--defa{TAB}") == (
        "<gopherforge><new><--data><database=postgres><--defaults>"
    )


def test_a_program_that_is_named_by_its_path_completes_too(press: Press) -> None:
    assert press(f"./gopherforge completion z{TAB}") == "<./gopherforge><completion><zsh>"


def test_what_is_not_unique_is_listed(terminal: Terminal, press: Press) -> None:
    press("true")
    terminal.send(f"gopherforge {TAB}{TAB}")
    terminal.expect("(?s)" + "".join(f"(?=.*{command})" for command in ("completion", "doctor", "new", "options", "verify")))
    terminal.send(CTRL_C)
