"""`gopherforge update` on a terminal: colours, what fits the screen, and the offer of `go fix`."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from gopherforge import source
from tests import gotools
from tests.core.history import Project
from tests.terminal.conftest import CTRL_C, CTRL_D, ENTER, Start, Terminal, ends
from tests.update.test_gofix import NEW, OLD
from tests.update.upstream import make, template, upstream

pytestmark = pytest.mark.terminal

RED = "\x1b[31m"
PROGRAM = f"{sys.executable} -m gopherforge"
CODE = "hours/hours.go"
HOURS = """// Package hours counts.
package hours

import "example.com/orders/clock"

// Count is the number of hours.
func Count() int { return clock.Old() }
"""
QUESTION = "Replace them by the new ones? [no]: "


@pytest.fixture
def service(start: Start, tmp_path: Path) -> Path:
    """A service of the first release."""
    work = tmp_path / "work"
    assert ends(start("new", "orders", "--defaults", "--ref", "v0.1.0"))[0] == 0
    return work / "orders"


def save(service: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (service / name).parent.mkdir(parents=True, exist_ok=True)
        (service / name).write_text(text, encoding="utf-8")
    git(service, "add", "--all")
    git(service, "commit", "--quiet", "--message", "mine")


def git(service: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=service, capture_output=True, text=True, check=True).stdout


def diffs(start: Start, **env: str) -> str:
    code, shown = ends(start("update", "orders", "--dry-run", "--diff", **env))
    assert code == 0
    assert "+++ b/Makefile" in re.sub(r"\x1b\[[\d;]*m", "", shown)
    return shown


@pytest.mark.usefixtures("service")
def test_a_diff_has_colours_where_they_can_be_seen_and_are_wanted(start: Start) -> None:
    assert RED in diffs(start, NO_COLOR="")
    assert "\x1b" not in diffs(start, NO_COLOR="1")
    assert "\x1b" not in diffs(start, NO_COLOR="", TERM="dumb")


@pytest.mark.usefixtures("service")
def test_a_diff_in_a_pipe_has_no_colours(start: Start, tmp_path: Path) -> None:
    del start
    command = f"NO_COLOR= {PROGRAM} update orders --dry-run --diff | cat >diff"
    assert ends(pexpect.spawn("bash", ["-c", command], cwd=str(tmp_path / "work"), encoding="utf-8", timeout=120))[0] == 0
    written = (tmp_path / "work/diff").read_text(encoding="utf-8")
    assert "+++ b/Makefile" in written
    assert "\x1b" not in written


def test_what_is_told_fits_the_screen(start: Start, service: Path) -> None:
    save(service, {"Makefile": "mine:\n", "README.md": "Mine.\n"})
    for arguments in (("--dry-run",), ("--branch", "auto"), ("--on-conflict", "fail"), ()):
        code, shown = ends(start("update", "orders", *arguments))
        assert code in {0, 4}
        lines = [line for line in shown.splitlines() if not line.startswith(("error: ", "hint: ", "warning: "))]
        lines = [line.replace(f" -C {service}", "") for line in lines]  # what is typed stays in one piece
        assert max(map(len, lines)) <= 80
        assert ("Would update" in shown) is (arguments != ())
    git(service, "reset", "--quiet", "--merge")
    assert git(service, "status", "--short") == ""


def test_conflicts_are_marked_at_a_terminal_and_neither_without_one_nor_for_programs(start: Start, service: Path) -> None:
    save(service, {"Makefile": "mine:\n"})
    work = str(service.parent)
    code, shown = ends(
        pexpect.spawn("sh", ["-c", f"{PROGRAM} update orders </dev/null"], cwd=work, encoding="utf-8", timeout=120)
    )
    assert (code, "nothing was changed" in shown) == (4, True)
    code, shown = ends(start("update", "orders", "--json"))
    assert (code, "nothing was changed" in shown) == (4, True)
    assert git(service, "status", "--short") == ""
    code, shown = ends(start("update", "orders"))
    assert (code, f"git -C {service} reset --merge, to undo it all" in shown) == (4, True)
    assert (service / "Makefile").read_text(encoding="utf-8").startswith("<<<<<<< yours-since-v0.1.0\nmine:\n=======\n")


@pytest.mark.go
class TestOffer:
    """Of `go fix`, where code calls names that lead to others."""

    @pytest.fixture
    def project(self, tmp_path: Path) -> Project:
        """A checkout of the program with a small template, in whose newest release a name has changed."""
        project = upstream(tmp_path / "project")
        for release, clock in (("v0.3.0", OLD), ("v0.4.0", NEW)):
            project.commit(f"release: {release}", template({"clock/clock.go": clock}))
        shutil.copytree(source.PACKAGE, project.package, ignore=shutil.ignore_patterns("__pycache__"))
        return project

    @pytest.fixture
    def tool(self, project: Project, tmp_path: Path) -> dict[str, str]:
        """The environment in which that program runs, and Go."""
        asked = gotools.go(tmp_path, "env", "GOMODCACHE", "GOCACHE").output.split()
        with_go = {"GOMODCACHE": asked[0], "GOCACHE": asked[1], "GOTOOLCHAIN": gotools.environment()["GOTOOLCHAIN"]}
        return {"PYTHONPATH": str(project.package.parent), **with_go}

    @pytest.fixture
    def old_names(self, start: Start, project: Project, tmp_path: Path) -> Path:
        """A service that calls the old name."""
        del start  # makes the directory
        service = make(project, tmp_path / "work/orders", "v0.3.0")
        save(service, {CODE: HOURS})
        return service

    @pytest.fixture
    def offered(self, start: Start, old_names: Path, tool: dict[str, str]) -> Terminal:
        """An update that waits for the answer."""
        terminal = start("update", old_names.name, **tool)
        terminal.expect_exact(f"go fix finds old names in {CODE}.")
        terminal.expect_exact(QUESTION)
        assert git(old_names, "status", "--short") == ""
        return terminal

    def test_yes_replaces_them(self, offered: Terminal, old_names: Path) -> None:
        offered.send(f"y{ENTER}")
        code, shown = ends(offered)
        assert (code, "go fix" in shown) == (0, False)
        assert (old_names / CODE).read_text(encoding="utf-8") == HOURS.replace("clock.Old()", "clock.New()")
        assert f"M  {CODE}\n" in git(old_names, "status", "--short")

    @pytest.mark.parametrize("keys", [ENTER, f"n{ENTER}", f"perhaps{ENTER}{ENTER}"])
    def test_any_other_answer_leaves_them(self, offered: Terminal, old_names: Path, keys: str) -> None:
        offered.send(keys)
        code, shown = ends(offered)
        assert (code, "go fix -inline ./..., which carries your code over to new names" in shown) == (0, True)
        assert (old_names / CODE).read_text(encoding="utf-8") == HOURS
        assert "M  clock/clock.go\n" in git(old_names, "status", "--short")

    @pytest.mark.parametrize("keys", [CTRL_C, CTRL_D])
    def test_ctrl_c_changes_nothing_at_all(self, offered: Terminal, old_names: Path, keys: str) -> None:
        offered.send(keys)
        code, shown = ends(offered)
        assert (code, "error: interrupted." in shown, "Traceback" in shown) == (130, True, False)
        assert git(old_names, "status", "--short") == ""

    def test_nobody_is_asked_without_a_terminal(self, old_names: Path, tool: dict[str, str]) -> None:
        command = f"{PROGRAM} update orders </dev/null"
        environ = {**os.environ, **tool}
        work = str(old_names.parent)
        code, shown = ends(pexpect.spawn("sh", ["-c", command], cwd=work, env=environ, encoding="utf-8", timeout=120))
        assert (code, "old names in" in shown) == (0, False)
        assert "go fix -inline ./..., which carries your code over to new names" in shown
        assert (old_names / CODE).read_text(encoding="utf-8") == HOURS
