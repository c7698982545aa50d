"""`gopherforge verify` on generated services, with the real tools: all steps pass, and each finds a fault of its kind."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import source, vulndb
from tests.gotools import environment
from tests.rendering import render_variant
from tests.support import Shared, program, run
from tests.variants import Variant, landmarks

pytestmark = pytest.mark.go

RACE = """\
package user

import "testing"

func TestRace(t *testing.T) {
	n := 0
	done := make(chan struct{})
	go func() { n++; close(done) }()
	n++
	<-done
	t.Log(n)
}
"""

FAULTS = {
    "conflict-check": ("NOTES.md", "<<<<<<< ours\n", "NOTES.md:1:<<<<<<< ours"),
    "tidy-check": ("go.sum", f"example.com/unused v1.0.0/go.mod h1:{'A' * 43}=\n", "-example.com/unused v1.0.0/go.mod"),
    "fmt-check": ("internal/user/layout.go", "package user\n\nfunc  Layout() {}\n", "not formatted: internal/user/layout.go"),
    "vet": ("internal/user/vetted.go", "package user\n\nfunc Vetted(n int) { n = n }\n", "self-assignment of n"),
    "build": ("cmd/server/build.go", '//go:build !cgo\n\npackage main\n\nvar _ int = "text"\n', "cmd/server/build.go:5"),
    "test-race": ("internal/user/race_test.go", RACE, "race detected during execution of test"),
    "lint": ("internal/user/unused.go", "package user\n\nfunc unused() {}\n", "func unused is unused"),
}
"""For each step what is appended to which file, and what the step says about it. That of `vuln` is in its database."""

FLAW = vulndb.Flaw("stdlib", "net/mail", "ParseAddress", fixed="1.99.0")


@pytest.fixture(params=[variant for variant in landmarks() if variant.label == "defaults"], ids=str)
def service(request: pytest.FixtureRequest, shared: Shared, tmp_path: Path) -> Path:
    """A service of each template, with the linter, which takes minutes to build, where its Makefile would put it."""
    variant: Variant = request.param
    directory = tmp_path / "user-service"
    shutil.copytree(render_variant(shared, variant).path, directory)
    (directory / "bin").mkdir()
    (directory / f"bin/golangci-lint-{source.CATALOG['golangci_lint_version'].default}").symlink_to(program("golangci-lint"))
    return directory


def verify(service: Path, database: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the steps by their names."""
    program("cc")
    command = [sys.executable, "-m", "gopherforge", "verify", str(service), "--json"]
    outcome = run(command, cwd=service, env=environment() | {"VULNDB": database})
    document = json.loads(outcome.output)
    return outcome.status, {step["name"]: step for step in document["data"]["steps"]}


def test_a_new_service_passes_its_own_checks(service: Path, tmp_path: Path) -> None:
    status, steps = verify(service, vulndb.write(tmp_path / "vulnerabilities"))

    assert [step for step in steps.values() if step["status"] != "passed"] == []
    assert (status, set(steps)) == (0, {*FAULTS, "vuln"})


def test_every_step_finds_its_kind_of_fault(service: Path, tmp_path: Path) -> None:
    for path, text, _ in FAULTS.values():
        with (service / path).open("a", encoding="utf-8") as file:
            file.write(text)

    status, steps = verify(service, vulndb.write(tmp_path / "vulnerabilities", FLAW))

    said = {name: words for name, (_, _, words) in FAULTS.items()} | {"vuln": "mail.ParseAddress"}
    assert status == 1
    assert [name for name, step in steps.items() if step["status"] != "failed"] == []
    assert [steps[name]["output"] for name, words in said.items() if words not in steps[name]["output"]] == []
