"""After a kill, the next command undoes or finishes what it finds, says so, and takes nothing back that the author did since."""

import json
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support import Shared
from tests.update.authored import files, git, kinds, state
from tests.update.installed import COMMANDS, INDEX_COMES, PLAN_GOES, Command, Service

TITLES = {"update": "Update go-http-service from v0.3.0 to v0.4.0", "set": "Set store=none"}


@pytest.fixture
def service(shared: Shared, tmp_path: Path) -> Service:
    return Service(tmp_path, shared)


def killed(service: Service, command: Command, moment: str) -> None:
    """Have the command killed: before the new index gets its place, or after that."""
    program = service.program
    service.signalled(signal.SIGKILL, [moment])
    assert service.run(command.words).status == -signal.SIGKILL
    service.program = program
    assert service.left()


def told(service: Service, words: Sequence[str]) -> tuple[Mapping[str, Any], str]:
    """What a command tells programs, and people."""
    done = subprocess.run(
        [*service.program, *words, "--json"], cwd=service.path, env=service.environ, capture_output=True, text=True, check=False
    )
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document, done.stderr


def test_status_only_reads(service: Service) -> None:
    killed(service, COMMANDS[0], INDEX_COMES)
    found = state(service.path)
    document, said = told(service, ("status",))
    assert (document["status"], said) == ("ok", "")
    (row,) = document["data"]["services"]
    assert (
        row["problem"]
        == "an update or set is at work there, or was interrupted: run it again, and it will be undone or finished."
    )
    assert state(service.path) == found


@pytest.mark.parametrize("command", COMMANDS, ids=[command.name for command in COMMANDS])
def test_what_had_not_happened_is_undone_and_told(service: Service, command: Command) -> None:
    killed(service, command, INDEX_COMES)
    assert not service.is_old()
    document, said = told(service, command.nothing)
    sentence = f'"{TITLES[command.name]}" had been interrupted, and was undone.'
    assert (document["status"], document["data"]["warnings"]) == ("ok", [sentence])
    assert said == f"warning: {sentence}\n"
    assert service.is_old()
    assert told(service, command.nothing)[0]["data"]["warnings"] == []


@pytest.mark.parametrize("command", COMMANDS, ids=[command.name for command in COMMANDS])
def test_what_had_happened_stays_and_is_told(service: Service, command: Command) -> None:
    service.will_be(command)
    killed(service, command, PLAN_GOES)
    document, said = told(service, command.words)
    sentence = f'"{TITLES[command.name]}" had been interrupted, and was complete.'
    assert (document["status"], document["error"]["code"]) == ("error", "unclean-work-tree")
    assert document["data"] == {"warnings": [sentence]}
    assert said == f"warning: {sentence}\n"
    assert service.is_new()


def test_what_the_author_wrote_since_stays(service: Service) -> None:
    before = files(service.path)
    killed(service, COMMANDS[0], INDEX_COMES)
    mine = {"many/0/0.txt": "mine\n", "many/more/mine.txt": "mine, too\n"}
    for path, text in mine.items():
        (service.path / path).write_text(text)
    done = service.run(COMMANDS[0].words)
    assert done.status == 1
    assert " was undone; changed since, and not touched: many/0/0.txt." in done.output
    assert "has changes that are not committed: many/0/0.txt." in done.output
    assert kinds(files(service.path)) == kinds({**before, **mine})
    assert service.left() == []


def test_what_the_author_committed_since_is_not_reverted(service: Service) -> None:
    killed(service, COMMANDS[0], INDEX_COMES)
    (service.path / ".git/index.lock").unlink()
    (service.path / "many/0/0.txt").write_text("mine\n")
    git(service.path, "add", "--all")
    git(service.path, "commit", "--quiet", "--message", "mine")
    there = files(service.path)
    document, said = told(service, COMMANDS[0].words)
    assert (document["status"], document["data"]["from"]) == ("ok", "v0.4.0")
    (sentence,) = document["data"]["warnings"]
    assert sentence.startswith(f'"{TITLES["update"]}" had been interrupted, and stays half done')
    assert said == f"warning: {sentence}\n"
    assert kinds(files(service.path)) == kinds(there)
    assert git(service.path, "status", "--porcelain") == ""
    assert service.left() == []
