"""toolchain.py: versions and hints. How programs are found is in tests/cli/test_doctor.py."""

import os
from pathlib import Path

import pytest

from gopherforge.errors import ProgramMissing
from gopherforge.toolchain import COMPILER, DOCKER, GIT, GO, KUBECTL, MAKE, Machine, Tool, Version, how_to_get, parse, require

DEBIAN, UBUNTU = Machine("linux", ("debian",)), Machine("linux", ("ubuntu", "debian"))
MINT, FEDORA = Machine("linux", ("linuxmint", "ubuntu", "debian")), Machine("linux", ("fedora",))
ROCKY, ARCH = Machine("linux", ("rocky", "rhel", "centos", "fedora")), Machine("linux", ("arch",))
MACOS = Machine("darwin")


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("2.39.5", (2, 39, 5)),
        ("git version 2.38", (2, 38, 0)),
        ("go1.27rc1", (1, 27, 0)),
        ("1.9 < 1.10", (1, 9, 0)),
        ("unknown", ()),
        ("", ()),
    ],
)
def test_versions_are_numbers(version: str, numbers: Version) -> None:
    assert parse(version) == numbers
    assert parse("1.9") < parse("1.10")


@pytest.mark.parametrize(
    ("machine", "family"),
    [
        (DEBIAN, "debian"),
        (UBUNTU, "debian"),
        (MINT, "debian"),
        (FEDORA, "fedora"),
        (ROCKY, "fedora"),
        (ARCH, ""),
        (MACOS, "macos"),
        (Machine("linux", ("",)), ""),
    ],
)
def test_a_machine_belongs_to_a_family(machine: Machine, family: str) -> None:
    assert machine.family == family


@pytest.mark.parametrize(
    ("tool", "machine", "hint"),
    [
        (GIT, UBUNTU, "`apt install git`"),
        (MAKE, FEDORA, "`dnf install make`"),
        (COMPILER, MACOS, "`xcode-select --install`"),
        (GO, DEBIAN, "https://go.dev/dl"),  # Debian 12 has Go 1.19, which cannot fetch another
        (GO, MACOS, "`brew install go`"),
        (KUBECTL, ARCH, "https://kubernetes.io/docs/tasks/tools"),
        (DOCKER, FEDORA, "https://docs.docker.com/get-started/get-docker"),
    ],
)
def test_a_hint_fits_the_machine(tool: Tool, machine: Machine, hint: str) -> None:
    assert how_to_get(tool, machine) == hint


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ProgramMissing) as missing:
        require([GIT, MAKE, GO], {"PATH": str(tmp_path)}, DEBIAN)
    assert missing.value.message == "git, make and go are required and were not found."
    assert missing.value.hint == "git: `apt install git`; make: `apt install make`; go: https://go.dev/dl."
    require([GIT], dict(os.environ), DEBIAN)
