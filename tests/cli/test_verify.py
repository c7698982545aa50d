"""`gopherforge verify` on small Makefiles: which steps it runs, what it tells of each, and what it refuses before any."""

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import Ran, names

Forge = Callable[..., Ran]

MAKEFILE = """\
.DEFAULT_GOAL := help
.PHONY: help
help:
	+@touch helped
.PHONY: format vet test
format:
	@test -z "$$GIT_DIR" && echo formatted
vet:
	@echo 'main.go:3: wrong' >&2; printf '\\033[31mvetted\\033[0m\\twell\\n'; exit 3
test: prepared
	@echo tested
.PHONY: prepared
prepared:
	@touch prepared
.PHONY: ci
ci: format vet test ## Run what CI runs
	+@touch recipe-of-ci
-include Makefile.local
"""
GREEN = MAKEFILE.replace("; exit 3", "")


@pytest.fixture
def service(work: Path) -> Path:
    """A directory below the current one whose steps all pass."""
    directory = work / "services/orders"
    directory.mkdir(parents=True)
    (directory / "Makefile").write_text(GREEN)
    return directory


def timeless(text: str) -> list[str]:
    """Lines, with every number of seconds alike."""
    return re.sub(r" +\d+\.\d s", " N s", text).splitlines()


def statuses(ran: Ran) -> dict[str, str]:
    return {step["name"]: step["status"] for step in json.loads(ran.stdout)["data"]["steps"]}


def only(place: Path, *programs: str) -> dict[str, str]:
    """An environment in which these programs are found, and no others."""
    place.mkdir()
    for program in programs:
        (place / program).symlink_to(shutil.which(program) or pytest.fail(f"{program} is not installed."))
    return {"PATH": str(place), "GOTOOLCHAIN": "local"}


def test_every_step_is_run_and_told(forge: Forge, service: Path) -> None:
    ran = forge("verify", "services/orders")

    assert ran.code == 0
    assert timeless(ran.stdout) == ["All 3 steps of CI passed in N s."]
    assert timeless(ran.stderr) == ["  format  passed N s", "  vet     passed N s", "  test    passed N s"]
    assert names(service) == ["Makefile", "prepared"]  # neither another target nor the recipe of ci was run


def test_a_failure_is_shown_and_those_after_it_still_run(forge: Forge, service: Path) -> None:
    (service / "Makefile").write_text(MAKEFILE)

    ran = forge("verify", cwd=service)

    assert (ran.code, ran.stdout) == (1, "")
    assert timeless(ran.stderr) == [
        "  format  passed N s",
        "  vet     failed N s",
        "    main.go:3: wrong",
        "    vetted  well",
        "    make: *** [Makefile:9: vet] Error 3",
        "  test    passed N s",
        "error: orders: 1 of 3 steps failed: vet.",
        "hint: mend it, and verify again.",
    ]
    assert (service / "prepared").exists()


def test_json_tells_every_step_whether_or_not_one_failed(forge: Forge, service: Path) -> None:
    green = forge("verify", "services/orders", "--json")
    (service / "Makefile").write_text(MAKEFILE)
    red = forge("verify", "services/orders", "--json")

    assert (green.code, green.stderr, red.code, red.stderr) == (0, "", 1, "")
    result, failure = json.loads(green.stdout), json.loads(red.stdout)
    assert failure["error"] == {
        "code": "checks-failed",
        "message": "services/orders: 1 of 3 steps failed: vet.",
        "hint": "mend it, and run `gopherforge verify services/orders` again.",
    }
    assert (result["status"], failure["status"]) == ("ok", "error")
    for document in (result, failure):
        assert document["data"].keys() == {"path", "steps", "warning"}
        assert document["data"]["path"] == str(service)
        assert [step["name"] for step in document["data"]["steps"]] == ["format", "vet", "test"]
        for step in document["data"]["steps"]:
            assert step.keys() == {"name", "status", "seconds", "output"}
            assert isinstance(step["seconds"], float)
    assert [step["status"] for step in result["data"]["steps"]] == ["passed"] * 3
    assert [step["status"] for step in failure["data"]["steps"]] == ["passed", "failed", "passed"]
    outputs = [step["output"] for step in failure["data"]["steps"]]
    assert outputs == ["", "main.go:3: wrong\nvetted  well\nmake: *** [Makefile:9: vet] Error 3", ""]


def test_of_a_long_output_the_end_is_shown(forge: Forge, service: Path) -> None:
    (service / "Makefile").write_text("ci: long\nlong:\n\t@seq 100000; exit 1\n")

    shown = forge("verify", cwd=service).stderr.splitlines()

    assert shown[0].startswith("  long  failed")
    assert re.fullmatch(r"    … and before that \d+ lines or more", shown[1])
    assert shown[2:-2] == [*(f"    {number}" for number in range(99942, 100001)), "    make: *** [Makefile:3: long] Error 1"]


def test_the_authors_own_steps_count(forge: Forge, service: Path) -> None:
    (service / "Makefile.local").write_text("ci: extra | order-only\nextra order-only:\n\t@touch $@\n")

    ran = forge("verify", "--json", cwd=service)

    assert statuses(ran) == {"extra": "passed", "format": "passed", "vet": "passed", "test": "passed"}
    assert (service / "extra").exists()


@pytest.mark.parametrize(
    "env",
    [
        {"MAKEFLAGS": "-nk"},
        {"MAKEFLAGS": "-j4 --output-sync", "MAKELEVEL": "3"},
        {"GNUMAKEFLAGS": "-i"},
        {"MAKEFILES": "/dev/null /absent"},
        {"GOFLAGS": "-nonsense"},
        {"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"},
        {"GIT_DIR": "/absent"},
    ],
    ids=str,
)
def test_the_environment_changes_neither_steps_nor_results(forge: Forge, service: Path, env: Mapping[str, str]) -> None:
    (service / "Makefile").write_text(MAKEFILE)

    ran = forge("verify", "--json", cwd=service, env=env)

    assert statuses(ran) == {"format": "passed", "vet": "failed", "test": "passed"}
    assert (service / "prepared").exists()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "{0} is no service: it has no Makefile."),
        ({"Makefile": "all:\n\ttrue\n"}, "{0}/Makefile has no target `ci` that lists the steps of CI."),
        ({"Makefile": "ci:\n\ttrue\n"}, "{0}/Makefile has no target `ci` that lists the steps of CI."),
        ({"Makefile": "all: ci\n"}, "{0}/Makefile has no target `ci` that lists the steps of CI."),
        ({"Makefile": "ci: a\n)(\n"}, "make cannot read {0}/Makefile: Makefile:2: *** missing separator.  Stop."),
    ],
    ids=str,
)
def test_what_is_no_service_is_told_in_a_sentence(forge: Forge, work: Path, files: Mapping[str, str], message: str) -> None:
    for name, text in files.items():
        (work / name).write_text(text)

    ran = forge("verify")

    assert (ran.code, ran.stdout) == (1, "")
    assert ran.stderr.splitlines()[0] == f"error: {message.format(work)}"


def test_a_directory_that_is_not_there_is_no_service(forge: Forge, work: Path) -> None:
    ran = forge("verify", "absent")

    assert (ran.code, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"error: {work}/absent is no service:")


@pytest.mark.parametrize(
    ("there", "message"),
    [
        (["git", "go", "sh"], "make is required and was not found."),
        (["make", "sh"], "git and go are required and were not found."),
        (["git", "make", "sh", "go"], "C compiler is required and was not found."),
    ],
    ids=str,
)
def test_missing_programs_are_told_before_anything_is_run(
    forge: Forge, service: Path, tmp_path: Path, there: list[str], message: str
) -> None:
    race = "\ntest-race:\n\tgo test -race ./...\n" if "go" in there and "make" in there else ""
    (service / "Makefile").write_text(GREEN + race)

    ran = forge("verify", cwd=service, env=only(tmp_path / "bin", *there))

    assert (ran.code, ran.stdout) == (5, "")
    first, hint = ran.stderr.splitlines()
    assert first == f"error: {message}"
    assert hint.startswith("hint: ")
    assert not (service / "prepared").exists()


def test_without_the_race_detector_no_compiler_is_needed(forge: Forge, service: Path, tmp_path: Path) -> None:
    env = only(tmp_path / "bin", "git", "go", "make", "sh", "touch", "echo", "printf")

    assert forge("verify", cwd=service, env=env).code == 0


NEEDS_A_SERVER = "test-integration: export TEST_NATS_URL ?= nats://localhost:4222\ntest-integration: test\n"


@pytest.mark.parametrize(
    ("target", "env", "warning"),
    [
        (NEEDS_A_SERVER, {}, "TEST_NATS_URL is not set: the tests that need a server are skipped here, and run in CI."),
        ("", {}, ""),
        (NEEDS_A_SERVER, {"TEST_NATS_URL": "nats://localhost:4222"}, ""),
        (NEEDS_A_SERVER, {"CI": "true"}, ""),  # there the tests themselves fail
    ],
)
def test_tests_that_are_skipped_without_a_server_are_told(
    forge: Forge, service: Path, target: str, env: Mapping[str, str], warning: str
) -> None:
    (service / "Makefile").write_text(GREEN + target)
    clean = {"CI": "", "TEST_NATS_URL": "", **env}

    plain, as_json = forge("verify", cwd=service, env=clean), forge("verify", "--json", cwd=service, env=clean)

    assert (plain.code, as_json.code) == (0, 0)
    assert [line for line in plain.stderr.splitlines() if line.startswith("warning")] == (
        [f"warning: {warning}"] if warning else []
    )
    assert json.loads(as_json.stdout)["data"]["warning"] == warning


STUBBORN = """\
ci: first hanging last
first:
	@true
hanging:
	@{trap}; exec 9>alive; sleep 1000 & timeout 1000 sleep 1000 & echo started >&9; wait
last:
	@touch last
"""


@pytest.mark.parametrize(
    ("trap", "number", "code"),
    [("trap '' INT TERM", signal.SIGINT, 130), (":", signal.SIGINT, 130), (":", signal.SIGTERM, 143), (":", signal.SIGHUP, 129)],
)
def test_an_interrupted_step_ends_with_all_that_it_started(service: Path, trap: str, number: signal.Signals, code: int) -> None:
    (service / "Makefile").write_text(STUBBORN.format(trap=trap))
    os.mkfifo(service / "alive")
    command = [sys.executable, "-m", "gopherforge", "verify", "--json"]
    with (
        subprocess.Popen(command, cwd=service, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running,
        (service / "alive").open() as alive,
    ):
        assert alive.readline() == "started\n"
        running.send_signal(number)
        try:
            stdout, _ = running.communicate(timeout=60)
        finally:
            running.kill()
        assert select.select([alive], [], [], 30)[0]  # at its end, which it has when no process holds it any more
        assert alive.read() == ""

    assert running.returncode == code
    assert not (service / "last").exists()
    if number == signal.SIGINT:
        document = json.loads(stdout)
        message = "orders: the checks were interrupted in hanging, after first had passed."
        assert (document["error"]["code"], document["error"]["message"]) == ("interrupted", message)
        assert [step["status"] for step in document["data"]["steps"]] == ["passed", "interrupted", "skipped"]
