"""What the commands need is on the machine, and it is git."""

import os
from pathlib import Path

import pytest

from tests.support import Shared, program, run
from tests.update.installed import COMMANDS, Command, Service


@pytest.mark.parametrize("command", COMMANDS, ids=[command.name for command in COMMANDS])
def test_without_a_network_they_come_to_the_same(tmp_path: Path, shared: Shared, command: Command) -> None:
    alone = (program("unshare"), "--net", *(() if os.geteuid() == 0 else ("--user", "--map-root-user")))
    if (allowed := run([*alone, "true"], cwd=tmp_path)).status:
        pytest.skip(f"a program cannot be run without a network here: {allowed.output.strip()}")
    service = Service(tmp_path, shared)
    service.will_be(command)
    service.program = (*alone, *service.program)
    done = service.run(command.words)
    assert done.status == 0, done
    assert service.is_new()


def test_without_git_they_say_so(tmp_path: Path, shared: Shared) -> None:
    service = Service(tmp_path, shared)
    for words in (*(command.words for command in COMMANDS), ("update", "--check"), ("status",), ("status", "--check")):
        done = service.run(words, PATH=str(service.scratch))
        assert (done.status, done.output) == (
            5,
            "error: git is required and was not found.\nhint: install git and put it on PATH.\n",
        )
    assert service.is_old()
