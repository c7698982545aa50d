"""The jobs of docs/how-to/update-from-ci.md propose a new version: their shell code is run, with a server of git's own."""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import source
from tests.core.history import Project, git
from tests.support import Outcome, Shared, program, run
from tests.update.upstream import LINES, make, save, upstream

PAGE = source.ROOT / "docs/how-to/update-from-ci.md"
GITHUB, GITLAB = (
    yaml.safe_load(block)["jobs" if "jobs:" in block else "update"]
    for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
)
STEPS = {step["name"]: step for step in GITHUB["update"]["steps"]}

PINNED = re.compile(r"uses: (\S+@\S+ # \S+)$", re.MULTILINE)
REMOTE = "https://update:secret@git.example.com/acme/orders.git"

REQUESTS = """#!/bin/sh
# Stands in for a program that opens requests: writes down its arguments and its input, each call in a file of its own, and
# tells of those for a branch: in any case of one from a fork.
case " $* " in
  " auth "*) exit 0 ;;
  " pr list "*" --state all "* | *" --get "*)
    for word in "$@"; do case $word in *gopherforge/*) branch=${word#source_branch=} ;; esac; done
    known='[{"isCrossRepository": true, "source_project_id": 8}, {"isCrossRepository": false, "source_project_id": 7}]'
    grep --quiet --recursive --line-regexp --extended-regexp "(source_branch=)?$branch" "$REQUESTS" ||
      known=$(echo "$known" | jq .[:1])
    filter=.
    while [ $# -gt 0 ]; do case $1 in --jq) filter=$2 ;; esac; shift; done
    echo "$known" | jq --compact-output "$filter"
    exit ;;
esac
[ ! -e "$REQUESTS.refused" ] || exit 22
file=$REQUESTS/$(ls "$REQUESTS" | wc -l)
printf '%s\\n' "$@" > "$file"
for word in "$@"; do case $word in *@/*) cat "${word#*@}" >> "$file" ;; --body-file) cat >> "$file" ;; esac; done
"""


@dataclass(frozen=True)
class Job:
    """A runner with a clone of a service at a depth of 1, and the server that it came from."""

    place: Path
    project: Project

    @property
    def server(self) -> Path:
        return self.place / "server.git"

    def run(self, script: str, variables: dict[str, Any]) -> Outcome:
        """As runners do: a failed command ends the script."""
        env = os.environ | {key: str(value) for key, value in variables.items()}
        return run(["bash", "-e", "-o", "pipefail", "-c", script], cwd=self.place / "clone", env=env)

    def check_out(self) -> None:
        shutil.rmtree(self.place / "clone", ignore_errors=True)
        git(self.place, "clone", "--quiet", "--depth=1", self.server.as_uri(), "clone")

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.place / 'bin'}:{os.environ['PATH']}", "REQUESTS": str(self.place / "requests")}

    @property
    def requests(self) -> list[str]:
        return [path.read_text(encoding="utf-8") for path in sorted((self.place / "requests").iterdir())]

    @property
    def branches(self) -> list[str]:
        return git(self.server, "branch", "--format=%(refname:short)").splitlines()


def on_github(job: Job) -> Outcome:
    """Both steps after the installation, with the same file system."""
    temporary = job.environment | {"RUNNER_TEMP": str(job.place)}
    updated = job.run(STEPS["Update on a branch"]["run"], temporary | STEPS["Update on a branch"]["env"])
    if updated.status:
        return updated
    return job.run(STEPS["Open a pull request"]["run"], temporary | {"GH_TOKEN": "secret"})


def on_gitlab(job: Job) -> Outcome:
    (script,) = GITLAB["script"]
    moved = script.replace("/tmp/", f"{job.place}/").replace("/opt/gopherforge", str(job.place / "gopherforge"))
    variables = {
        "UPDATE_TOKEN": "secret",
        "CI_SERVER_FQDN": "git.example.com",
        "CI_PROJECT_PATH": "acme/orders",
        "CI_PROJECT_ID": "7",
        "CI_DEFAULT_BRANCH": "main",
        "CI_API_V4_URL": "https://git.example.com/api/v4",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{job.server.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": REMOTE,
    }
    return job.run(moved, job.environment | GITLAB["variables"] | variables)


@pytest.fixture(scope="session")
def project(shared: Shared) -> Project:
    """The small template, with the tool beside it. Only to be read."""

    def fill(place: Path) -> None:
        upstream(place)
        shutil.copytree(source.ROOT / "src", place / "src", ignore=shutil.ignore_patterns("__pycache__"))

    found = Project.__new__(Project)
    found.path = shared.directory("update-from-ci/project", fill)
    return found


@pytest.fixture
def job(project: Project, tmp_path: Path) -> Job:
    program("jq")
    service = make(project, tmp_path / "service", "v0.1.0")
    git(tmp_path, "clone", "--quiet", "--bare", str(service), "server.git")
    installed = tmp_path / "gopherforge/bin/gopherforge"
    installed.parent.mkdir(parents=True)
    installed.write_text(f'#!/bin/sh\nPYTHONPATH="{project.path}/src" exec "{sys.executable}" -m gopherforge "$@"\n')
    installed.chmod(0o755)
    (tmp_path / "requests").mkdir()
    (tmp_path / "bin").mkdir()
    for name in ("gh", "curl"):
        (tmp_path / "bin" / name).write_text(REQUESTS)
        (tmp_path / "bin" / name).chmod(0o755)
    found = Job(tmp_path, project)
    found.check_out()
    return found


@pytest.mark.parametrize("go", [on_github, on_gitlab])
class TestJob:
    def test_a_request_for_a_new_version_and_only_one(self, go: Callable[[Job], Outcome], job: Job) -> None:
        for _ in range(2):  # the second time, it is known
            done = go(job)
            assert done.status == 0, done
            job.check_out()

        branch, main = job.branches
        assert main == "main"
        assert git(job.server, "log", "--format=%an <%ae>", f"main..{branch}") == "gopherforge <updates@example.com>"
        assert git(job.server, "show", f"{branch}:lines.txt").startswith("first of all\n")
        (request,) = job.requests
        told = json.loads((job.place / "update.json").read_text(encoding="utf-8"))["data"]
        assert branch == f"gopherforge/update-{told['to']}"
        title = f"Update go-http-service from v0.1.0 to {told['to']}"
        assert re.search(rf"^(title=)?{title}$", request, re.MULTILINE)
        assert f"# {title}" not in request  # it is not told twice
        assert "- [ ] " in request
        assert branch in request

    def test_a_request_that_was_refused_is_made_the_next_time(self, go: Callable[[Job], Outcome], job: Job) -> None:
        (job.place / "requests.refused").touch()
        assert go(job).status == 22
        assert job.requests == []
        branch, main = job.branches
        pushed = git(job.server, "rev-parse", branch)
        (job.place / "requests.refused").unlink()
        job.check_out()

        done = go(job)
        assert (done.status, len(job.requests), job.branches) == (0, 1, [branch, main]), done
        assert git(job.server, "rev-parse", branch) == pushed

    def test_a_version_that_was_proposed_is_not_proposed_again(self, go: Callable[[Job], Outcome], job: Job) -> None:
        """Also where its branch is gone with its request."""
        assert go(job).status == 0
        git(job.server, "branch", "--quiet", "-D", job.branches[0])
        job.check_out()

        done = go(job)
        assert (done.status, job.branches, len(job.requests)) == (0, ["main"], 1), done

    def test_nothing_where_there_is_nothing_new(self, go: Callable[[Job], Outcome], job: Job) -> None:
        assert go(job).status == 0
        git(job.server, "update-ref", "refs/heads/main", job.branches[0])
        git(job.server, "branch", "--quiet", "--delete", job.branches[0])
        job.check_out()

        done = go(job)
        assert (done.status, job.branches, len(job.requests)) == (0, ["main"], 1), done

    def test_a_conflict_ends_it_and_the_log_has_the_files(self, go: Callable[[Job], Outcome], job: Job) -> None:
        save(job.place / "clone", "mine", {"lines.txt": LINES.replace("line 1\n", "mine\n")})

        done = go(job)
        assert (done.status, job.branches, job.requests) == (4, ["main"], []), done
        assert "lines.txt" in done.output


@pytest.mark.parametrize(
    "script", [STEPS["Install the newest gopherforge"]["run"], *GITLAB["before_script"]], ids=["github", "gitlab"]
)
def test_the_newest_release_is_installed(script: str, tmp_path: Path) -> None:
    """In the order of versions, not of letters, and no tag of another kind."""
    tags = Project(tmp_path / "tags")
    tags.commit("first", {})
    for tag in ("v0.9.0", "v0.10.0", "w1.0.0", "latest"):
        tags.git("tag", tag)
    (found,) = (line.strip() for line in script.splitlines() if line.strip().startswith("tag="))

    done = run(["bash", "-e", "-c", f'{found}\necho "$tag"'], cwd=tmp_path, env=os.environ | {"SOURCE": str(tags.path)})
    assert (done.status, done.output) == (0, "v0.10.0\n")


def test_what_is_pinned_is_what_services_pin() -> None:
    workflows = [path.read_text(encoding="utf-8") for path in (source.ROOT / "templates/_shared/github").glob("*.yml")]
    ours, of_services = (set(PINNED.findall(text)) for text in (PAGE.read_text(encoding="utf-8"), "\n".join(workflows)))
    assert len(ours) == sum("uses" in step for step in STEPS.values())
    assert ours <= of_services

    runners = set(re.findall(r"runs-on: (\S+)$", "\n".join(workflows), re.MULTILINE))
    assert {GITHUB["update"]["runs-on"]} == runners

    dockerfile = (source.ROOT / "templates/_shared/Dockerfile").read_text(encoding="utf-8")
    image = dockerfile.replace("[[ go_toolchain ]]", str(source.CATALOG["go_toolchain"].default))
    assert f" {GITLAB['image']} AS build\n" in image
