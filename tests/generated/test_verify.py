"""`gopherforge verify` on generated services, with the real tools: all steps pass, and each finds a fault of its kind."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import vulndb
from tests.gotools import environment, provide_programs
from tests.rendering import render_variant
from tests.support import Shared, program, run
from tests.variants import Variant, landmarks

pytestmark = pytest.mark.go

RACE = """\
package {package}

import "testing"

func TestRace(t *testing.T) {{
	n := 0
	done := make(chan struct{{}})
	go func() {{ n++; close(done) }}()
	n++
	<-done
	t.Log(n)
}}
"""

FAULTS = {
    "conflict-check": ("NOTES.md", "<<<<<<< ours\n", "NOTES.md:1:<<<<<<< ours"),
    "tidy-check": ("go.sum", f"example.com/unused v1.0.0/go.mod h1:{'A' * 43}=\n", "-example.com/unused v1.0.0/go.mod"),
    "fmt-check": ("{domain}/layout.go", "package {package}\n\nfunc  Layout() {{}}\n", "not formatted: {domain}/layout.go"),
    "vet": ("{domain}/vetted.go", "package {package}\n\nfunc Vetted(n int) {{ n = n }}\n", "self-assignment of n"),
    "build": ("{program}/build.go", '//go:build !cgo\n\npackage main\n\nvar _ int = "text"\n', "{program}/build.go:5"),
    "test-race": ("{domain}/race_test.go", RACE, "race detected during execution of test"),
    "lint": ("{domain}/unused.go", "package {package}\n\nfunc unused() {{}}\n", "func unused is unused"),
}
"""For each step what is appended to which file, and what the step says about it. That of `vuln` is in its database."""

FAULTS_OF_AN_API = {
    "proto-lint": ("proto/user/v1/user.proto", "message user_phone {}\n", 'Message name "user_phone" should be PascalCase'),
    "generate-check": ("proto/user/v1/user_grpc.pb.go", "// Edited.\n", "the generated code is not that of proto/"),
}

FLAW = vulndb.Flaw("stdlib", "log/slog", "New", fixed="1.99.0")

PLACES = {
    "go-http-service": {"domain": "internal/user", "package": "user", "program": "cmd/server"},
    "go-grpc-service": {"domain": "internal/user", "package": "user", "program": "cmd/server"},
    "go-worker-pool": {"domain": "internal/job", "package": "job", "program": "cmd/worker"},
}


@pytest.fixture(params=[variant for variant in landmarks() if variant.label == "defaults"], ids=str)
def variant(request: pytest.FixtureRequest) -> Variant:
    """Of each template the defaults."""
    found: Variant = request.param
    return found


@pytest.fixture
def service(variant: Variant, shared: Shared, tmp_path: Path) -> Path:
    """A service, with the programs that take minutes to build where its Makefile would put them."""
    directory = tmp_path / "user-service"
    shutil.copytree(render_variant(shared, variant).path, directory)
    provide_programs(directory)
    return directory


def verify(service: Path, database: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the steps by their names."""
    program("cc")
    command = [sys.executable, "-m", "gopherforge", "verify", str(service), "--json"]
    outcome = run(command, cwd=service, env=environment() | {"VULNDB": database})
    document = json.loads(outcome.output)
    return outcome.status, {step["name"]: step for step in document["data"]["steps"]}


def test_a_new_service_passes_its_own_checks(service: Path, variant: Variant, tmp_path: Path) -> None:
    status, steps = verify(service, vulndb.write(tmp_path / "vulnerabilities"))

    assert [step for step in steps.values() if step["status"] != "passed"] == []
    assert (status, set(steps)) == (0, {*faults_of(variant), "vuln"})


def test_every_step_finds_its_kind_of_fault(service: Path, variant: Variant, tmp_path: Path) -> None:
    faults = faults_of(variant)
    for path, text, _ in faults.values():
        with (service / path).open("a", encoding="utf-8") as file:
            file.write(text)

    status, steps = verify(service, vulndb.write(tmp_path / "vulnerabilities", FLAW))

    said = {name: words for name, (_, _, words) in faults.items()} | {"vuln": "slog.New"}
    assert status == 1
    assert [name for name, step in steps.items() if step["status"] != "failed"] == []
    assert [steps[name]["output"] for name, words in said.items() if words not in steps[name]["output"]] == []


def faults_of(variant: Variant) -> dict[str, list[str]]:
    """By its step what is appended where, and what is said about it."""
    places = PLACES[variant.template]
    faults = {name: [text.format(**places) for text in fault] for name, fault in FAULTS.items()}
    if variant.template == "go-grpc-service":
        faults |= {name: [*fault] for name, fault in FAULTS_OF_AN_API.items()}
    return faults
