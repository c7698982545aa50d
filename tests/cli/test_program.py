"""What holds for the program as a whole: help, version, streams, bugs, and how little it imports to tell about itself."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gopherforge import __version__
from tests.cli.conftest import Ran

Forge = Callable[..., Ran]

HEAVY = {"copier", "jinja2", "prompt_toolkit", "pydantic", "questionary", "rich", "yaml"}


def test_the_version_is_one_line(forge: Forge) -> None:
    assert forge("--version") == Ran(0, f"gopherforge {__version__}\n", "")


@pytest.mark.parametrize(
    "module", [["-m", "gopherforge"], ["-c", "import sys; from gopherforge.cli import main; sys.exit(main())"]]
)
def test_it_runs_as_a_module_and_as_an_entry_point(module: list[str]) -> None:
    done = subprocess.run([sys.executable, *module, "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"gopherforge {__version__}\n")


def test_help_offers_what_there_is_and_nothing_else(forge: Forge) -> None:
    page = forge("--help")
    assert (page.code, page.stderr) == (0, "")
    assert re.findall(r"^  (\w+)  ", page.stdout.partition("Commands:")[2], re.MULTILINE) == [
        "new",
        "options",
        "update",
        "set",
        "status",
        "verify",
        "doctor",
        "completion",
    ]
    assert re.findall(r"--[a-z-]+", page.stdout) == ["--version", "--help"]


@pytest.mark.parametrize("command", ["new", "options", "update", "set", "status", "verify", "doctor", "completion"])
def test_every_command_has_a_help_page_that_fits_the_terminal(forge: Forge, command: str) -> None:
    page = forge(command, "--help")
    assert (page.code, page.stderr) == (0, "")
    assert page.stdout.startswith(f"Usage: gopherforge {command} [OPTIONS]")
    assert max(map(len, page.stdout.splitlines())) <= 80


def test_without_arguments_it_shows_the_help_page_as_bad_usage(forge: Forge) -> None:
    shown = forge()
    assert (shown.code, shown.stdout) == (2, "")
    assert shown.stderr == forge("--help").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["--help"],
        ["new", "--help"],
        ["options", "--help"],
        ["status", "--help"],
        ["verify", "--help"],
        ["completion", "bash"],
        ["nwe"],
        ["new", "--nope"],
    ],
)
def test_telling_about_itself_imports_nothing_heavy(arguments: list[str]) -> None:
    probe = "import sys; from gopherforge.cli import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", probe, *arguments], capture_output=True, text=True, check=True)
    modules = set(done.stderr.splitlines()[-1].split())
    assert "typer" in modules
    assert not HEAVY & modules


@pytest.mark.parametrize(
    ("line", "imported"),
    [
        ("gopherforge new --d", set()),
        ("gopherforge new --data da", {"yaml"}),
        ("gopherforge options ", {"yaml"}),
    ],
)
def test_completing_imports_no_more_than_it_needs(line: str, imported: set[str]) -> None:
    probe = "import sys; from gopherforge.cli import main; main(); print(*sys.modules, file=sys.stderr)"
    environ = {**os.environ, "_GOPHERFORGE_COMPLETE": line}
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, env=environ)
    assert len(done.stdout.splitlines()) >= 1
    assert HEAVY & set(done.stderr.split()) == imported


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["nwe"], "No such command 'nwe'. Did you mean 'new'?", "`gopherforge --help` shows what there is."),
        (["--\x1b[31m"], "No such option: --\\x1b[31m", "`gopherforge --help` shows what there is."),
        (["--nope"], "No such option: --nope", "`gopherforge --help` shows what there is."),
        (["new", "--xyz"], "No such option: --xyz", "`gopherforge new --help` shows what there is."),
        (["new", "a", "b"], "Got unexpected extra argument(s) (b)", "`gopherforge new --help` shows what there is."),
        (["new", "--data"], "Option '--data' requires an argument.", "`gopherforge new --help` shows what there is."),
        (["options", "a", "b"], "Got unexpected extra argument(s) (b)", "`gopherforge options --help` shows what there is."),
    ],
)
def test_bad_usage_is_a_sentence_and_a_hint(forge: Forge, arguments: list[str], message: str, hint: str) -> None:
    assert forge(*arguments) == Ran(2, "", f"error: {message}\nhint: {hint}\n")


def with_a_broken_library(place: Path) -> dict[str, str]:
    """An environment in which something happens that nobody expected."""
    (place / "jinja2.py").write_text("raise RuntimeError('not\\nexpected')\n")
    return {"PYTHONPATH": os.pathsep.join([str(place), os.environ.get("PYTHONPATH", "")])}


def test_a_bug_is_told_as_one_and_not_shown_as_a_traceback(installed: Forge, tmp_path: Path) -> None:
    ran = installed("options", env=with_a_broken_library(tmp_path))
    message = "gopherforge has a bug: RuntimeError: not expected"
    assert ran == Ran(70, "", f"error: {message}\nhint: set GOPHERFORGE_DEBUG=1 to see where, and report it.\n")


def test_a_traceback_is_shown_on_request(installed: Forge, tmp_path: Path) -> None:
    ran = installed("options", env={**with_a_broken_library(tmp_path), "GOPHERFORGE_DEBUG": "1"})
    assert (ran.code, ran.stdout) == (70, "")
    assert ran.stderr.startswith("Traceback (most recent call last):\n")
    assert "jinja2.py" in ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full.")
@pytest.mark.parametrize("arguments", ["--version", "--help", "options", "options --json", "options nope --json"])
def test_a_full_disk_is_told(arguments: str) -> None:
    command = f"{sys.executable} -m gopherforge {arguments} > /dev/full"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == (2 if "nope" in arguments else 1)
    assert done.stderr == "error: the result could not be written: No space left on device.\n"


@pytest.mark.parametrize("arguments", ["--help", "options", "options --json"])
def test_a_reader_that_stops_reading_is_no_failure(arguments: str) -> None:
    command = f"{{ {sys.executable} -m gopherforge {arguments}; echo $? >&2; }} | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == "0\n"


@pytest.mark.parametrize("closed", [">&-", "<&- >&-", "2>&-"])
def test_closed_streams_are_no_bug(closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m gopherforge options {closed}"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_programs_that_fail_are_seen_to_fail_where_the_caller_ignores_ended_children(tmp_path: Path) -> None:
    caller = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.executable, sys.argv[1:])"
    command = [sys.executable, "-c", caller, sys.executable, "-m", "gopherforge", "update"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is in no git repository" in done.stderr
