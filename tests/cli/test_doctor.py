"""`gopherforge doctor` on machines of every kind: the programs on PATH are small scripts, or the real ones."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Ran

Forge = Callable[..., Ran]
Machine = Callable[..., dict[str, str]]


def go(version: str, **settings: str) -> str:
    """A script that answers as Go does."""
    answers = {"version": f"go version go{version} linux/amd64"}
    answers |= {f"env {name}": value for name, value in ({"CC": "gcc", "GOTOOLCHAIN": "auto"} | settings).items()}
    cases = "".join(f'  "{asked}") echo "{answer}" ;;\n' for asked, answer in answers.items())
    return f'#!/bin/sh\ncase "$*" in\n{cases}esac\n'


SAYS = {
    "git": "git version 2.39.5 (Apple Git-154)",
    "go": go("1.27.3"),
    "make": "GNU Make 4.3",
    "gcc": "gcc (Debian 12.2.0-14+deb12u1) 12.2.0",
    "docker": "Docker version 28.2.2, build e6534b4",
    "kubectl": "Client Version: v1.34.2\nKustomize Version: v5.7.1",
}
"""What programs say when they are asked for their version."""

ANSWERS = "_commit: v0.2.0\n_src_path: https://x.example\nname: orders\ndatabase: none\ndeploy: kubernetes\n"
GO_MOD = "module example.com/orders\n\ngo 1.27.0\n\ntoolchain go1.27.3\n"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Makes an environment in which only these programs are found, each a script that prints a text."""

    def make(says: Mapping[str, str] = SAYS, **env: str) -> dict[str, str]:
        place = tmp_path / "bin"
        place.mkdir()
        for program, text in says.items():
            script = place / program
            script.write_text(text if text.startswith("#!") else f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n")
            script.chmod(0o755)
        (place / "cat").symlink_to(shutil.which("cat") or "/bin/cat")
        return {"PATH": str(place), "GOTOOLCHAIN": "", **env}

    return make


@pytest.fixture
def service(work: Path) -> Path:
    directory = work / "orders"
    (directory / "tools").mkdir(parents=True)
    (directory / ".copier-answers.yml").write_text(ANSWERS)
    (directory / "go.mod").write_text(GO_MOD)
    (directory / "tools/go.mod").write_text("module tools\n\nrequire (\n\tgolang.org/x/vuln v1.8.0\n)\n")
    (directory / "Makefile").write_text("GOLANGCI_LINT_VERSION := 2.15.0\n")
    return directory


def tools(ran: Ran) -> dict[str, dict[str, Any]]:
    listed = json.loads(ran.stdout)["data"]["tools"]
    assert [tool["name"] for tool in listed] == sorted(tool["name"] for tool in listed)
    for tool in listed:
        assert tool.keys() == {"name", "status", "version", "hint", "required", "use"}
    return {tool["name"]: tool for tool in listed}


def told(ran: Ran) -> dict[str, tuple[str, str]]:
    return {name: (tool["status"], tool["version"]) for name, tool in tools(ran).items()}


def test_all_that_a_service_needs_is_found(forge: Forge, machine: Machine, service: Path) -> None:
    env = machine()

    shown, listed = forge("doctor", "orders", env=env), forge("doctor", "--json", cwd=service, env=env)

    assert shown == Ran(
        0,
        "TOOL           STATUS    VERSION  NEEDED FOR\n"
        "git            found     2.39.5   checks\n"
        "go             found     1.27.3   checks\n"
        "make           found     4.3      checks\n"
        "C compiler     found     12.2.0   race detector\n"
        "docker         found     28.2.2   images, compose (optional)\n"
        "kubectl        found     1.34.2   deploying (optional)\n"
        "golangci-lint  provided  2.15.0   `make lint` builds it\n"
        "govulncheck    provided  1.8.0    `make vuln` builds it\n",
        "",
    )
    assert (listed.code, listed.stderr) == (0, "")
    assert {name for name, tool in tools(listed).items() if tool["required"]} == {"C compiler", "git", "go", "make"}


def test_outside_a_service_only_git_is_required(forge: Forge, machine: Machine) -> None:
    ran = forge("doctor", "--json", env=machine({"git": SAYS["git"]}))

    assert ran.code == 0
    found = tools(ran)
    assert {name for name, tool in found.items() if tool["required"]} == {"git"}
    assert {name for name, tool in found.items() if tool["status"] == "missing"} == found.keys() - {"git"}
    assert all(tool["hint"] for name, tool in found.items() if name != "git")


def test_what_the_choices_do_not_need_is_not_mentioned(forge: Forge, machine: Machine, service: Path) -> None:
    (service / ".copier-answers.yml").write_text(ANSWERS.replace("kubernetes", "none"))
    (service / "Makefile").write_text("")

    assert tools(forge("doctor", "--json", cwd=service, env=machine())).keys() == {
        "C compiler",
        "docker",
        "git",
        "go",
        "govulncheck",
        "make",
    }


def test_a_service_with_proto_files_builds_buf_by_itself(forge: Forge, machine: Machine, service: Path) -> None:
    with (service / "Makefile").open("a") as makefile:
        makefile.write("BUF_VERSION := 1.75.0\n")

    ran = forge("doctor", "--json", cwd=service, env=machine())

    assert ran.code == 0
    assert tools(ran)["buf"] == {
        "name": "buf",
        "status": "provided",
        "version": "1.75.0",
        "hint": "",
        "required": False,
        "use": "`make generate` builds it",
    }


@pytest.mark.parametrize(
    ("program", "name"), [("git", "git"), ("go", "go"), ("make", "make"), ("gcc", "C compiler")], ids=lambda each: each
)
def test_what_is_required_and_missing_fails(forge: Forge, machine: Machine, service: Path, program: str, name: str) -> None:
    env = machine({key: text for key, text in SAYS.items() if key != program})

    plain, as_json = forge("doctor", cwd=service, env=env), forge("doctor", "--json", cwd=service, env=env)

    assert (plain.code, as_json.code) == (5, 5)
    assert plain.stdout.startswith("TOOL ")
    assert plain.stderr.startswith(f"error: {name} is required and not found.\nhint: {name}: ")
    assert json.loads(as_json.stdout)["error"]["code"] == "program-missing"
    assert told(as_json)[name] == ("missing", "")


def test_all_that_is_unfit_is_told_at_once(forge: Forge, machine: Machine, service: Path) -> None:
    env = machine({key: text for key, text in SAYS.items() if key != "make"} | {"git": "git version 2.20.1"})

    plain, as_json = forge("doctor", cwd=service, env=env), forge("doctor", "--json", cwd=service, env=env)

    assert (plain.code, json.loads(as_json.stdout)["error"]["code"]) == (5, "program-missing")
    problem, hint = plain.stderr.splitlines()
    assert problem == "error: make is required and not found; git 2.20.1 is too old."
    assert hint.startswith("hint: git: 2.38 or newer: ")
    assert ". make: " in hint


def test_all_that_is_wrong_is_one_sentence(forge: Forge, machine: Machine, service: Path) -> None:
    ran = forge("doctor", cwd=service, env=machine({"git": "git version 2.30.1", "go": go("1.19.8")}))

    assert ran.code == 5
    sentence, hint = ran.stderr.splitlines()
    assert sentence == "error: make and C compiler are required and not found; git 2.30.1 is too old; go 1.19.8 is too old."
    assert hint.startswith("hint: git: 2.38 or newer: ")


@pytest.mark.parametrize("program", ["docker", "kubectl"])
def test_what_is_optional_may_be_missing(forge: Forge, machine: Machine, service: Path, program: str) -> None:
    env = machine({key: text for key, text in SAYS.items() if key != program})

    ran = forge("doctor", "--json", cwd=service, env=env)

    assert ran.code == 0
    assert told(ran)[program] == ("missing", "")


def test_podman_stands_in_for_docker_and_says_what_is_missing(forge: Forge, machine: Machine, service: Path) -> None:
    says = {key: text for key, text in SAYS.items() if key != "docker"} | {"podman": "podman version 5.4.2"}

    docker = tools(forge("doctor", "--json", cwd=service, env=machine(says)))["docker"]

    assert (docker["status"], docker["version"]) == ("found", "5.4.2")
    assert "podman-docker" in docker["hint"]


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [
        ("git version 2.38.0", "found", 0),
        ("git version 2.37.7", "too-old", 5),
        ("git version 3.0.0-rc1", "found", 0),
        ("git version unheard-of", "unclear", 5),
        ("#!/bin/sh\nexit 1", "unclear", 5),
        ("#!/bin/sh\nprintf '\\377\\376\\033[2J\\000'", "unclear", 5),
    ],
)
def test_git_may_be_too_old(forge: Forge, machine: Machine, version: str, status: str, code: int) -> None:
    ran = forge("doctor", "--json", env=machine({**SAYS, "git": version}))

    assert (ran.code, told(ran)["git"][0]) == (code, status)
    if code:
        assert json.loads(ran.stdout)["error"]["code"] == "program-failed"
        assert tools(ran)["git"]["hint"].startswith("2.38 or newer: ")


@pytest.mark.parametrize(
    ("version", "toolchain", "status"),
    [
        ("1.27.0", "local", "found"),
        ("1.28.1", "local", "found"),
        ("1.26.9", "", "found"),  # fetches the one that go.mod names
        ("1.21.0", "auto", "found"),
        ("1.26.9", "go1.27.3", "found"),
        ("1.26.9", "go1.25.0+auto", "found"),
        ("1.26.9", "local", "too-old"),
        ("1.26.9", "path", "too-old"),
        ("1.26.9", "go1.26.2", "too-old"),
        ("1.20.14", "auto", "too-old"),
        ("1.19.8", "", "too-old"),
    ],
)
@pytest.mark.usefixtures("service")
def test_go_may_be_older_than_go_mod_where_it_fetches_that_one(
    forge: Forge, machine: Machine, version: str, toolchain: str, status: str
) -> None:
    ran = forge("doctor", "--json", "orders", env=machine({**SAYS, "go": go(version)}, GOTOOLCHAIN=toolchain))

    found = tools(ran)["go"]
    assert (ran.code, found["status"], found["version"]) == (0 if status == "found" else 5, status, version)
    if status == "too-old":
        assert found["hint"].startswith("1.27.0 or newer: ")
        assert ("GOTOOLCHAIN" in found["hint"]) == (version == "1.26.9")
    else:
        assert ("fetches Go 1.27.3" in found["use"]) == (version < "1.27")


def test_a_configured_toolchain_counts_as_one_in_the_environment(forge: Forge, machine: Machine, service: Path) -> None:
    ran = forge("doctor", "--json", cwd=service, env=machine({**SAYS, "go": go("1.24.4", GOTOOLCHAIN="local")}))

    assert (ran.code, told(ran)["go"]) == (5, ("too-old", "1.24.4"))


def test_the_compiler_is_the_one_that_go_calls(forge: Forge, machine: Machine, service: Path) -> None:
    says = {key: text for key, text in SAYS.items() if key != "gcc"} | {"go": go("1.27.3", CC="zig cc"), "zig": "0.13.0"}

    ran = forge("doctor", "--json", cwd=service, env=machine(says))

    assert (ran.code, told(ran)["C compiler"]) == (0, ("found", "0.13.0"))


def test_a_program_that_tells_no_version_is_there(forge: Forge, machine: Machine, service: Path) -> None:
    ran = forge("doctor", "--json", cwd=service, env=machine({**SAYS, "make": "this is make", "docker": "#!/bin/sh\nexit 3"}))

    assert ran.code == 0
    assert (told(ran)["make"], told(ran)["docker"]) == (("found", "unknown"), ("found", "unknown"))


def test_a_program_that_hangs_is_given_up(forge: Forge, machine: Machine, service: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never-written")
    hanging = f'#!/bin/sh\nread line < "{tmp_path}/never-written"'

    ran = forge("doctor", "--json", cwd=service, env=machine({**SAYS, "docker": hanging}))

    assert (ran.code, told(ran)["docker"]) == (0, ("found", "unknown"))


@pytest.mark.parametrize("directory", [".", "absent"])
def test_a_directory_that_is_named_has_to_be_a_service(forge: Forge, machine: Machine, work: Path, directory: str) -> None:
    ran = forge("doctor", directory, env=machine())

    assert (ran.code, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"error: {(work / directory).resolve()} is no service that gopherforge made:")


def test_a_damaged_record_is_told(forge: Forge, machine: Machine, service: Path) -> None:
    (service / ".copier-answers.yml").write_text("[")

    assert forge("doctor", cwd=service, env=machine()).code == 1


def test_this_machine_can_make_and_check_services(forge: Forge) -> None:
    ran = forge("doctor", "--json")

    assert ran.code == 0
    for name in ("C compiler", "git", "go", "make"):
        status, version = told(ran)[name]
        assert status == "found"
        assert version[0].isdigit()
