"""Every rendered project under the Go tools, as strictly as they go."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import source
from tests.generated.conftest import Project, Settings
from tests.generated.dependencies import dependency_of
from tests.gotools import environment, go, race_tests
from tests.rendering import render_variant
from tests.support import Outcome, Shared, program, run
from tests.variants import Variant, landmarks, one_with_each, variants

pytestmark = pytest.mark.go

STRICT = Path(__file__).parent / "golangci.yml"

COVERAGE_FLOOR = 85.0

MIB = 1 << 20

WITH_ALL_FILES = list(dict.fromkeys([*landmarks(), *one_with_each("go-worker-pool", "source").values()]))
"""Variants that together have every Go file, for the service's own lint. The strict one finds more, and sees all variants."""


def test_vet(project: Project) -> None:
    assert_clean(project.go("vet", "./..."))


@pytest.mark.parametrize("module", [".", "tools"])
class TestModules:
    """The service's module and that of its tools."""

    def test_go_mod_and_go_sum_are_tidy(self, module: str, project: Project) -> None:
        assert_silent(project.go("-C", module, "mod", "tidy", "-diff"))

    def test_downloads_match_go_sum(self, module: str, project: Project) -> None:
        assert_clean(project.go("-C", module, "mod", "verify"))


def test_nothing_is_left_to_modernize(project: Project) -> None:
    assert_silent(project.go("fix", "-diff", "./..."))


def test_strict_lint(project: Project) -> None:
    assert_clean(lint(project, "strict", "run", "--config", str(STRICT)))


@pytest.mark.parametrize("project", WITH_ALL_FILES, indirect=True, ids=str)
def test_own_lint(project: Project) -> None:
    assert_clean(lint(project, "verify", "config", "verify"))
    assert_clean(lint(project, "own", "run"))


def test_own_lint_sees_all_files(shared: Shared) -> None:
    files = {variant: {path for path in render_variant(shared, variant).files if path.endswith(".go")} for variant in variants()}

    assert set().union(*files.values()) == set().union(*(files[variant] for variant in WITH_ALL_FILES))


def test_linter_is_the_one_that_services_pin() -> None:
    version = source.CATALOG["golangci_lint_version"].default

    assert f"version {version} " in run([program("golangci-lint"), "version"], cwd=source.ROOT).output


def test_race_tests_pass_and_cover_internal(
    project: Project, tests_settings_of: Callable[[Project], Settings], tmp_path: Path
) -> None:
    """With the server that the project needs, if any; then no test may be skipped."""
    program("cc")  # the race detector is linked by it

    def work() -> Outcome:
        return race_tests(project.path, tmp_path / "cover.out", tests_settings_of(project))

    tests = project.once("test", work)

    if tests.status:
        said = re.sub(r"(?m)^(=== |\s*--- PASS|PASS|ok ).*\n", "", tests.output)
        pytest.fail(f"{tests.command}: exit {tests.status}\n{said}", pytrace=False)
    assert "--- SKIP" not in tests.output
    total = re.search(r"^total:\s+\(statements\)\s+([\d.]+)%$", tests.output, re.MULTILINE)
    assert total is not None
    assert float(total[1]) >= COVERAGE_FLOOR, tests.output[tests.output.rfind("\nok ") :]


@pytest.mark.parametrize("variant", [variant for variant in landmarks() if dependency_of(variant)], ids=str)
def test_integration_tests_without_their_server_fail_only_in_ci(variant: Variant, shared: Shared) -> None:
    needed = dependency_of(variant)
    assert needed is not None
    project = Project(render_variant(shared, variant), shared)
    packages = "./internal/user/..." if needed.kind == "database" else "./internal/platform/source/..."

    on_a_desk, in_ci = (go(project.path, "test", "-count=1", packages, CI=ci) for ci in ("", "true"))

    assert on_a_desk.status == 0, on_a_desk
    assert in_ci.status == 1
    assert f"TEST_{needed.variable} is not set" in in_ci.output


def test_binary_is_small(project: Project) -> None:
    size = project.binary().stat().st_size

    assert size <= size_limit(project) * MIB, f"{size / MIB:.1f} MiB"


def size_limit(project: Project) -> int:
    """In MiB, by how many of the options that link libraries are on: docs/decisions/0009."""
    answers = project.variant.answers
    libraries = bool(answers["tracing"]) + bool(dependency_of(project.variant)) + bool(answers.get("gateway"))
    return (12, 20, 25)[min(max(libraries, answers["template"] == "go-grpc-service"), 2)]


def lint(project: Project, step: str, *arguments: str) -> Outcome:
    command = [program("golangci-lint"), *arguments]
    if arguments[0] == "run":
        command += ["--allow-parallel-runners"]
    return project.once(f"lint-{step}", lambda: run(command, cwd=project.path, env=environment()))


def assert_clean(outcome: Outcome) -> None:
    if outcome.status:
        pytest.fail(str(outcome), pytrace=False)


def assert_silent(outcome: Outcome) -> None:
    said = [line for line in outcome.output.splitlines() if not line.startswith("go: downloading ")]
    if outcome.status or said:
        pytest.fail(str(outcome), pytrace=False)
