"""The program's `update` and `set`, on services of this installation's releases: what people read and what programs get."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import NoneType
from typing import Any

import pytest

from gopherforge import source
from tests.cli.conftest import Ran
from tests.support import Shared

Forge = Callable[..., Ran]

FOR_MORE = {"copier", "jinja2", "gopherforge.apply", "gopherforge.delivery", "gopherforge.engine", "gopherforge.merge"}

LISTS = ("added", "changed", "deleted", "renamed", "conflicts", "kept", "left_out")
DATA = {
    **dict.fromkeys(("path", "template", "from", "to"), str),
    "answers_changed": dict,
    **dict.fromkeys((*LISTS, "warnings"), list),
    **dict.fromkeys(("branch", "commit"), NoneType),
}
"""The contract: each key, and the type of its value where index and work tree change."""


@pytest.fixture
def old(forge: Forge, work: Path) -> Path:
    """A service of the first release."""
    assert forge("new", "orders", "--defaults", "--ref", "v0.1.0").code == 0
    return work / "orders"


def git(service: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=service, check=True, capture_output=True, text=True).stdout.strip()


def data(ran: Ran, code: int = 0, **types: type) -> dict[str, Any]:
    """What a document has for programs, once it is certain that it has the keys that it must, with such values."""
    document = json.loads(ran.stdout)
    assert (ran.code, ran.stderr) == (code, "")
    assert document["status"] == ("ok" if code in {0, 3} else "error")
    found: dict[str, Any] = document["data"]
    assert {key: type(value) for key, value in found.items()} == DATA | types
    for key in LISTS:
        paths = found[key] if key != "renamed" else [pair["from"] for pair in found[key] or ()]
        assert paths is None or paths == sorted(set(paths))
    return found


def test_an_update_tells_the_same_to_people_and_to_programs(forge: Forge, old: Path) -> None:
    newest = source.versions(os.environ)[-1]
    told = data(forge("update", "orders", "--dry-run", "--diff", "--json"), diff=str)
    assert (told["path"], told["template"], told["from"], told["to"]) == (str(old), "go-http-service", "v0.1.0", newest)
    assert told["answers_changed"]["deploy"] == [None, "kubernetes"]
    assert told["diff"].startswith("diff --git ")
    ran = forge("update", "orders", "--dry-run")
    assert (ran.code, ran.stderr) == (0, "")
    heading, *paragraphs = ran.stdout.rstrip("\n").split("\n\n")
    assert heading.replace("\n", " ") == (
        f"Would update go-http-service from v0.1.0 to {newest} in orders: "
        f"{len(told['added'])} files added, {len(told['changed'])} changed."
    )
    assert paragraphs[0] == "Answers:\n  deploy: kubernetes  (a new question, answered by its default)"
    assert paragraphs[1:] == ["\n  ".join([f"{key.capitalize()}:", *told[key]]) for key in ("added", "changed")]
    assert git(old, "status", "--short") == ""
    assert data(forge("update", "orders", "--json")) == {key: value for key, value in told.items() if key != "diff"}
    assert len(git(old, "diff", "--cached", "--name-only").splitlines()) == len(told["added"]) + len(told["changed"])


def test_a_check_ends_with_3_and_knows_no_changes(forge: Forge, old: Path) -> None:
    newest = source.versions(os.environ)[-1]
    told = data(forge("update", "--check", "--json", cwd=old), 3, **dict.fromkeys((*LISTS, "answers_changed"), NoneType))
    assert (told["from"], told["to"]) == ("v0.1.0", newest)
    plain = forge("update", "--check", cwd=old)
    assert (plain.code, plain.stdout, plain.stderr) == (3, f"orders can be updated from v0.1.0 to {newest}.\n", "")
    current = data(forge("update", "--diff", "--to", "v0.1.0", "--json", cwd=old), diff=str)
    assert current["diff"] == ""
    current = data(forge("update", "--check", "--to", "v0.1.0", "--json", cwd=old))
    assert (current["from"], current["to"], current["added"]) == ("v0.1.0", "v0.1.0", [])


def test_a_branch_is_named_with_its_commit(forge: Forge, old: Path) -> None:
    told = data(forge("set", "database=postgres", "orders", "--branch", "auto", "--json"), branch=str, commit=str)
    assert (told["from"], told["to"], told["branch"]) == ("v0.1.0", "v0.1.0", "gopherforge/set-database-postgres")
    assert git(old, "rev-parse", told["branch"]) == told["commit"]
    assert told["answers_changed"] == {"database": ["none", "postgres"]}
    assert {"added": "compose.yaml" in told["added"], "deleted": "internal/user/memory.go" in told["deleted"]} == {
        "added": True,
        "deleted": True,
    }
    taken = forge("set", "database=postgres", "orders", "--branch", "auto")
    assert (taken.code, taken.stdout) == (1, "")
    assert taken.stderr.startswith("error: there is a branch gopherforge/set-database-postgres already.\nhint: ")


@pytest.mark.parametrize("command", [("update",), ("set", "database=postgres")])
def test_conflicts_end_with_4_and_tell_all(forge: Forge, old: Path, command: tuple[str, ...]) -> None:
    (old / "Makefile").write_text("mine:\n")
    (old / "README.md").write_text("Mine.\n")
    git(old, "commit", "--quiet", "--all", "--message", "mine")
    for options in (("--dry-run",), ("--on-conflict", "fail"), ("--on-conflict", "mark")):
        ran = forge(*command, *options, "--json", cwd=old)
        told = data(ran, 4)
        assert (told["conflicts"], "README.md" in told["kept"]) == (["Makefile"], True)
        error = json.loads(ran.stdout)["error"]
        assert error.keys() == {"code", "message", "hint"}
        assert (error["code"], error["message"].startswith("1 file has conflicts: Makefile")) == ("conflicts", True)
        assert (git(old, "status", "--short") == "") is ("mark" not in options)
    git(old, "reset", "--quiet", "--merge")
    plain = forge(*command, cwd=old)
    assert (plain.code, "Would " in plain.stdout) == (4, True)
    assert "Not taken over, because it is yours or you deleted it:\n  README.md\n" in plain.stdout
    assert "Conflicts:\n  Makefile: " in plain.stdout
    assert plain.stderr == (
        "error: 1 file has conflicts: Makefile; nothing was changed.\n"
        "hint: --on-conflict mark leaves conflict markers to resolve in the work tree.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("update", "--to", "v9"), 2, 'there is no version "v9" of the templates'),
        (("update", "--on-conflict", "foo"), 2, '--on-conflict takes fail or mark, not "foo".'),
        (("update", "--report", "absent/report.md"), 1, "absent does not exist."),
        (("update", "--branch", "main"), 1, "there is a branch main already."),
        (("update", "README.md"), 1, "README.md is no directory."),
        (("update", "/"), 1, "/ is in no git repository."),
        (("update", "database=postgres"), 2, 'update takes a directory, and no answer such as "database=postgres".'),
        (("set", "database"), 2, 'set needs an answer to change: "database" has no =.'),
        (("set", "databse=postgres"), 2, '"databse" is not a question. Did you mean "database"?'),
        (("set", "database=oracle"), 2, 'database cannot be "oracle": none or postgres.'),
        (("set", "deploy=none"), 2, '"deploy" is not a question at v0.1.0, which the service has, but at v'),
        (("set", "gateway=true"), 2, '"gateway" is not a question at v0.1.0, which the service has, but at v'),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_and_changes_nothing(
    forge: Forge, shared_old: Path, *, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ran = forge(*arguments, cwd=shared_old)
    assert (ran.code, ran.stdout) == (code, "")
    first, *hint = ran.stderr.splitlines()
    assert first.startswith("error: ")
    assert said in first
    assert [line.partition(":")[0] for line in hint] in ([], ["hint"])
    assert git(shared_old, "status", "--short") == ""
    assert git(shared_old, "branch", "--list").split() == ["*", "main"]


@pytest.mark.parametrize(
    "command", [("update",), ("update", "--check"), ("update", "--branch", "auto"), ("set", "database=postgres")]
)
def test_without_git_they_end_with_5(forge: Forge, work: Path, shared_old: Path, command: tuple[str, ...]) -> None:
    plain, as_json = (forge(*command, *more, cwd=shared_old, env={"PATH": str(work)}) for more in ((), ("--json",)))
    assert (plain.code, plain.stdout) == (5, "")
    assert plain.stderr == "error: git is required and was not found.\nhint: install git and put it on PATH.\n"
    assert (as_json.code, json.loads(as_json.stdout)["error"]["code"]) == (5, "program-missing")


@pytest.fixture
def shared_old(shared: Shared) -> Path:
    """A service of the first release that nobody changes."""
    made = shared.directory("cli/update/old", make_old)
    return made / "orders"


def make_old(place: Path) -> None:
    place.mkdir()
    command = [sys.executable, "-m", "gopherforge", "new", "orders", "--defaults", "--ref", "v0.1.0"]
    subprocess.run(command, cwd=place, check=True, capture_output=True)


def test_a_check_imports_nothing_that_renders_or_merges(old: Path) -> None:
    probe = "import sys; from gopherforge.cli import main; code = main(sys.argv[1:]); print(code, *sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", probe, "update", "--check"]
    done = subprocess.run(command, cwd=old, capture_output=True, text=True, check=True)
    code, *modules = done.stderr.split()
    assert (code, done.stdout.startswith("orders can be updated from v0.1.0 to v")) == ("3", True)
    assert "gopherforge.update" in modules
    assert not FOR_MORE & set(modules)
