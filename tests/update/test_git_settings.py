"""However an author's git is set up, the commands come to the same, and what has no part in that does not run."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.core.observer import snapshot
from tests.support import Shared
from tests.update.authored import files, git
from tests.update.installed import COMMANDS, Command, Service
from tests.update.upstream import LINES, save

HOOKS = [
    *("commit-msg", "post-checkout", "post-commit", "post-index-change", "post-merge", "post-rewrite"),
    *("pre-auto-gc", "pre-commit", "pre-merge-commit", "prepare-commit-msg", "reference-transaction"),
]

LARGE = "many/1/1.txt"
"""Goes through a filter, as with Git LFS."""

SCRIPT = "many/2/2.txt"
"""Is executable, which the author's file system cannot tell."""

MINE = {
    ".gitattributes": f"*.txt diff=odd merge=odd\n{LARGE} filter=odd diff=odd merge=odd -text\n",
    "lines.txt": LINES.replace("line 19\n", "line 19, mine\n"),
    "größe.txt": "mine\n",
}

CONVERSIONS = """[user]
name = Ada Lovelace
email = ada@example.com
[core]
autocrlf = true
fileMode = false
[filter "odd"]
clean = tr A-Z a-z
smudge = tr a-z A-Z
required = true
"""
"""What decides how files look in the work tree."""

SETTINGS = """[core]
askPass = {trap}/askPass
editor = {trap}/editor
fsmonitor = {trap}/fsmonitor
hooksPath = {hooks}
pager = {trap}/pager
sshCommand = {trap}/sshCommand
attributesFile = {attributes}
excludesFile = {excludes}
abbrev = 40
quotePath = false
splitIndex = true
untrackedCache = true
[color]
ui = always
[commit]
gpgSign = true
[gpg]
program = {trap}/gpg
[merge]
conflictStyle = zdiff3
default = odd
renames = false
[merge "odd"]
driver = {trap}/merge %O %A %B
[diff]
external = {trap}/diff
algorithm = histogram
ignoreSubmodules = none
mnemonicPrefix = true
noprefix = true
renames = copies
[diff "odd"]
command = {trap}/diff-of-files
textconv = {trap}/textconv
[i18n]
commitEncoding = ISO-8859-1
logOutputEncoding = UTF-16
[log]
follow = true
showRoot = false
showSignature = true
[status]
branch = true
relativePaths = false
renames = copies
short = true
showUntrackedFiles = no
submoduleSummary = true
"""

VARIABLES = ("GIT_ASKPASS", "GIT_EDITOR", "GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_SSH_COMMAND", "GIT_SEQUENCE_EDITOR")


EACH = pytest.mark.parametrize("command", COMMANDS, ids=[command.name for command in COMMANDS])


class Odd:
    """An author's environment in which git is told everything that could make a difference."""

    def __init__(self, place: Path) -> None:
        self._place = place
        for name in ("hooks", "trap"):
            (place / name).mkdir(parents=True)
        for hook in HOOKS:
            self._trap(f"hooks/{hook}")
        for name in (
            "askPass",
            "diff",
            "diff-of-files",
            "editor",
            "fsmonitor",
            "gpg",
            "merge",
            "pager",
            "sshCommand",
            "textconv",
        ):
            self._trap(f"trap/{name}")
        (place / "attributes").write_text("*.txt diff=odd merge=odd text eol=crlf\n")
        (place / "excludes").write_text("*\n")
        (place / "conversions").write_text(CONVERSIONS)
        paths = {name: place / name for name in ("attributes", "excludes", "hooks", "trap")}
        (place / "config").write_text(CONVERSIONS + SETTINGS.format(**paths))
        self.elsewhere = place / "elsewhere"
        self.elsewhere.mkdir()
        git(self.elsewhere, "init", "--quiet")
        save(self.elsewhere, "another", {"lines.txt": "of another\n"})

    @property
    def environ(self) -> Mapping[str, str]:
        """With the repository of something else in it, too."""
        return {
            "GIT_CONFIG_GLOBAL": str(self._place / "config"),
            "GIT_DIR": str(self.elsewhere / ".git"),
            "GIT_COMMON_DIR": str(self.elsewhere / ".git"),
            "GIT_INDEX_FILE": str(self.elsewhere / ".git/index"),
            "GIT_OBJECT_DIRECTORY": str(self.elsewhere / ".git/objects"),
            "GIT_WORK_TREE": str(self.elsewhere),
            "GIT_DEFAULT_HASH": "sha256",
            "GIT_NAMESPACE": "another",
            "GIT_PREFIX": "many/",
            **dict.fromkeys(VARIABLES, str(self._place / "trap/diff")),
        }

    @property
    def ran(self) -> list[str]:
        """The hooks and programs that were run."""
        noted = self._place / "ran"
        return noted.read_text().splitlines() if noted.exists() else []

    def check_out(self, service: Service) -> None:
        """Have the files of a service as this author's git writes them."""
        (service.path / ".git/index").unlink()
        self.git(service, "reset", "--quiet", "--hard")
        (service.path / SCRIPT).chmod(0o644)

    def git(self, service: Service, *arguments: str) -> str:
        """What git says that converts files as this author's does."""
        return git(service.path, *arguments, GIT_CONFIG_GLOBAL=str(self._place / "conversions"))

    def remove(self, name: str) -> None:
        """Have a hook or program no more."""
        (self._place / name).unlink()

    def _trap(self, name: str) -> None:
        path = self._place / name
        path.write_text(f"#!/bin/sh\necho {name} >> {shlex.quote(str(self._place / 'ran'))}\nexit 1\n")
        path.chmod(0o755)


@pytest.fixture
def service(tmp_path: Path, shared: Shared) -> Service:
    """With edits and attributes of its author's."""
    made = Service(tmp_path, shared)
    git(made.path, "config", "--unset", "core.fileMode")
    (made.path / SCRIPT).chmod(0o755)
    save(made.path, "settings", MINE)
    return made


@pytest.fixture
def odd(tmp_path: Path) -> Odd:
    return Odd(tmp_path / "odd")


def converted(path: str, text: str) -> str:
    """What a file of the repository looks like in the work tree."""
    return text.upper() if path == LARGE else text.replace("\n", "\r\n")


@EACH
def test_index_and_work_tree_come_to_the_same(service: Service, odd: Odd, command: Command) -> None:
    plain = service.run(command.words)
    assert plain.status == 0, plain
    tree, written = git(service.path, "write-tree"), files(service.path)
    service.reset()
    odd.check_out(service)
    head, elsewhere = git(service.path, "rev-parse", "HEAD"), snapshot(odd.elsewhere)

    done = service.run(command.words, **odd.environ)

    assert (done.status, done.output) == (0, plain.output)
    assert git(service.path, "write-tree") == tree != git(service.path, "rev-parse", "HEAD^{tree}")
    assert git(service.path, "rev-parse", "HEAD") == head
    assert files(service.path) == {path: converted(path, text) for path, text in written.items()}
    assert odd.git(service, "diff-files", "--name-only") == ""
    assert (odd.ran, service.left(), snapshot(odd.elsewhere)) == ([], [], elsewhere)


@EACH
def test_conflicts_are_marked_in_the_standard_style(service: Service, odd: Odd, command: Command) -> None:
    save(service.path, "mine", {"many/0/0.txt": "mine\n"})
    words = (*command.words, "--on-conflict", "mark")
    plain = service.run(words)
    assert plain.status == 4, plain
    index, written = git(service.path, "ls-files", "--stage"), files(service.path)
    theirs, label = ("new postgres", "v0.4.0") if command.name == "update" else ("old none", "v0.3.0-with-store=none")
    marked = f"<<<<<<< yours-since-v0.3.0\nmine\n=======\n{theirs} 0\n>>>>>>> {label}\n"
    assert written["many/0/0.txt"] == marked
    service.reset()
    odd.check_out(service)

    done = service.run(words, **odd.environ)

    assert (done.status, done.output) == (4, plain.output)
    assert git(service.path, "ls-files", "--stage") == index
    assert files(service.path) == {path: converted(path, text) for path, text in written.items()}
    assert odd.ran == []


@EACH
def test_a_branch_comes_to_the_same(service: Service, odd: Odd, command: Command) -> None:
    """Where what signs commits and what watches references, which are the author's, let it."""
    plain = service.run((*command.words, "--branch", "plain"))
    assert plain.status == 0, plain
    odd.check_out(service)
    odd.remove("hooks/reference-transaction")
    unsigned = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "commit.gpgSign", "GIT_CONFIG_VALUE_0": "false"}

    done = service.run((*command.words, "--branch", "odd"), **odd.environ, **unsigned)

    assert (done.status, done.output) == (0, plain.output.replace("plain", "odd"))
    plain_tree, odd_tree = git(service.path, "rev-parse", "plain^{tree}", "odd^{tree}").split()
    assert odd_tree == plain_tree != git(service.path, "rev-parse", "HEAD^{tree}")
    assert odd.ran == []


def test_status_tells_the_same(service: Service, odd: Odd) -> None:
    def tell(**environ: str) -> Any:
        (service.path / "Makefile").write_text("mine:\n")
        (service.path / "new.txt").write_text("not tracked\n")
        told = service.run(("status", "--json"), **environ)
        assert told.status == 0, told
        (row,) = json.loads(told.output)["data"]["services"]
        return row

    plain = tell()
    assert {"Makefile", "lines.txt"} <= set(plain["edited"])
    assert plain["unknown"] == ""
    odd.check_out(service)
    elsewhere = snapshot(odd.elsewhere)
    assert tell(**odd.environ) == plain
    assert (odd.ran, snapshot(odd.elsewhere)) == ([], elsewhere)
