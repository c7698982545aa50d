"""The workflows of a service: CI runs what `make ci` runs, and a release is made of what a tag names."""

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.generated.dependencies import dependency_of
from tests.rendering import Rendering, render_variant
from tests.support import Outcome, Shared, program, run
from tests.variants import landmarks

LINTER = "golangci/golangci-lint-action"
"""Runs what `make lint` runs, and says in the pull request what it found."""

BROKER = "make broker-up"

TAGS = ("v1.2.3", "v10.0.0-rc.1", "v1.2", "v1", "version-1.0.0", "1.2.3")


@pytest.fixture(params=landmarks(), ids=str)
def rendering(request: pytest.FixtureRequest, shared: Shared) -> Rendering:
    return render_variant(shared, request.param)


def test_ci_runs_what_make_ci_runs(rendering: Rendering) -> None:
    def recipes(script: str) -> list[str]:
        said = run([program("bash"), "-e", "-c", script], cwd=rendering.path, env={"PATH": "/usr/bin:/bin", "MAKEFLAGS": "n"})
        assert said.status == 0, said
        return said.output.splitlines()

    jobs = workflow(rendering, "ci")["jobs"].values()
    steps = [step for job in jobs if "if" not in job for step in job["steps"] if not step.keys() & {"if", "continue-on-error"}]

    in_ci = [line for step in steps if script_of(step) != BROKER for line in recipes(script_of(step))]

    # Nothing is made here, so what two steps need is made for each of them.
    assert list(dict.fromkeys(in_ci)) == list(dict.fromkeys(recipes("make ci")))


def test_ci_tests_with_the_server_that_the_service_needs(rendering: Rendering) -> None:
    """A broker is that of compose.yaml, a database a service of the job."""
    needed, job = dependency_of(rendering.variant), workflow(rendering, "ci")["jobs"]["test"]
    scripts = [script_of(step) for step in job["steps"]]
    (test,) = (step for step in job["steps"] if script_of(step) == "make test-race")

    assert test.get("env", {}).keys() == ({f"TEST_{needed.variable}"} if needed else set())
    assert BROKER in scripts[: scripts.index("make test-race")] or not needed or needed.kind != "broker"
    for service in job.get("services", {}).values():
        (url,) = test["env"].values()
        assert url.partition("?")[0].endswith(f"/{service['env']['POSTGRES_DB']}")


def test_ci_lints_with_the_linter_of_make_lint(rendering: Rendering) -> None:
    pinned = re.search(r"(?m)^GOLANGCI_LINT_VERSION := (\S+)$", rendering.texts["Makefile"])
    steps = [step for job in workflow(rendering, "ci")["jobs"].values() for step in job["steps"]]

    assert pinned is not None
    assert [step["with"] for step in steps if is_linter(step)] == [{"version": f"v{pinned[1]}"}]


def test_only_a_version_is_released(rendering: Rendering) -> None:
    (pattern,) = workflow(rendering, "release")[True]["push"]["tags"]  # YAML 1.1 reads `on` as true
    as_expression = pattern.replace(".", r"\.").replace("*", "[^/]*")

    assert [tag for tag in TAGS if re.fullmatch(as_expression, tag)] == ["v1.2.3", "v10.0.0-rc.1"]


def test_nothing_is_released_that_ci_has_not_passed(rendering: Rendering) -> None:
    jobs = workflow(rendering, "release")["jobs"]

    assert {name: job.get("needs") for name, job in jobs.items()} == {"ci": None, "image": "ci", "release": "image"}
    assert jobs["ci"]["uses"] == "./.github/workflows/ci.yml"
    assert "workflow_call" in workflow(rendering, "ci")[True]


def test_groups_of_caller_and_called_differ(rendering: Rendering) -> None:
    """A called workflow evaluates its own group with the caller's name: the same group would wait for itself."""
    called, caller = (workflow(rendering, name)["concurrency"]["group"] for name in ("ci", "release"))

    assert called.startswith("${{ github.workflow }}-")
    assert caller.split("-")[0].casefold() != workflow(rendering, "release")["name"].casefold()


@pytest.mark.parametrize(("tag", "flags"), [("v1.2.3", []), ("v1.2.3-rc.1", ["--prerelease"])])
def test_a_release_names_its_image(tag: str, flags: list[str], rendering: Rendering, tmp_path: Path) -> None:
    (step,) = workflow(rendering, "release")["jobs"]["release"]["steps"]
    image = "ghcr.io/acme/users:v1.2.3@sha256:0"

    said = with_gh(tmp_path, step["run"], TAG=tag, IMAGE=image)

    assert said.output.splitlines() == [
        *["release", "create", tag, "--verify-tag", "--generate-notes", "--notes", f"Image: `{image}`"],
        *flags,
    ]


def test_only_the_last_jobs_write(rendering: Rendering) -> None:
    release = workflow(rendering, "release")

    assert release["permissions"] == workflow(rendering, "ci")["permissions"] == {}
    assert {
        name: {key for key, may in job["permissions"].items() if may == "write"} for name, job in release["jobs"].items()
    } == {
        "ci": set(),
        "image": {"attestations", "id-token", "packages"},
        "release": {"contents"},
    }


def workflow(rendering: Rendering, name: str) -> dict[Any, Any]:
    document: dict[Any, Any] = yaml.safe_load(rendering.texts[f".github/workflows/{name}.yml"])
    return document


def script_of(step: dict[str, Any]) -> str:
    """What a step runs; nothing where it only sets up."""
    return "make lint" if is_linter(step) else step.get("run", "")


def is_linter(step: dict[str, Any]) -> bool:
    return fnmatchcase(step.get("uses", ""), f"{LINTER}@*")


def with_gh(directory: Path, script: str, **variables: str) -> Outcome:
    """Runs a script as a workflow does, with a program `gh` that says how it was called, one argument a line."""
    gh = directory / "gh"
    gh.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    gh.chmod(0o755)
    return run([program("bash"), "-e", "-c", script], cwd=directory, env={"PATH": f"{directory}:/usr/bin:/bin", **variables})
