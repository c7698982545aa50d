"""The program's `status`, on services of this installation's releases: exit codes and documents."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ran

Forge = Callable[..., Ran]

KEYS = {"path", "template", "version", "latest", "behind", "edited", "deleted", "unanswered", "problem", "unknown"}


@pytest.fixture
def old(forge: Forge, work: Path) -> Path:
    """A service made with the first release."""
    assert forge("new", "orders", "--defaults", "--ref", "v0.1.0").code == 0
    return work / "orders"


def test_without_check_it_tells_and_ends_with_0(forge: Forge, old: Path) -> None:
    ran = forge("status", cwd=old)
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout.splitlines()[1].split()[:3] == [".", "go-http-service", "v0.1.0"]


def test_a_check_that_finds_something_ends_with_3_and_tells_all(forge: Forge, old: Path) -> None:
    (old / "Makefile").write_text("mine:\n")
    ran = forge("status", "--check", "--json", "orders", "absent")
    document = json.loads(ran.stdout)
    assert (ran.code, ran.stderr) == (3, "")
    assert document.keys() == {"schema", "command", "status", "data"}
    absent, orders = document["data"]["services"]
    assert absent.keys() == orders.keys() == KEYS
    assert (orders["behind"] > 0, orders["edited"], absent["problem"]) == (True, ["Makefile"], "there is no such directory.")
    assert forge("status", "--check", "orders").code == 3


def test_a_check_that_cannot_judge_ends_with_1_and_tells_all(forge: Forge) -> None:
    ran, plain = forge("status", "--check", "--json", "absent", "."), forge("status", "--check", "absent", ".")
    document = json.loads(ran.stdout)
    assert (ran.code, plain.code) == (1, 1)
    assert document["error"]["code"] == "invalid-project"
    assert len(document["data"]["services"]) == 2
    assert plain.stdout.startswith("SERVICE  ")
    assert plain.stderr == ("error: absent cannot be checked: there is no such directory.\nhint: leave it out, or mend it.\n")


@pytest.mark.parametrize("check", [(), ("--check",)])
def test_without_git_it_ends_with_5(forge: Forge, work: Path, old: Path, check: tuple[str, ...]) -> None:
    plain, as_json = (forge("status", *check, *more, cwd=old, env={"PATH": str(work)}) for more in ((), ("--json",)))
    assert (plain.code, plain.stdout) == (5, "")
    assert plain.stderr == "error: git is required and was not found.\nhint: install git and put it on PATH.\n"
    assert (as_json.code, json.loads(as_json.stdout)["error"]["code"]) == (5, "program-missing")


def test_a_check_of_what_is_no_service_finds_nothing(forge: Forge) -> None:
    assert forge("status", "--check").code == 0
