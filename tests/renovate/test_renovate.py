"""What docs/how-to/renovate.md says of Renovate is what it does. `make renovate` installs and runs it; `make test` does not."""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gopherforge.source import canonical_url
from tests import source
from tests.core.history import git
from tests.handover import CHANGED, LAST, Handover, hand_over
from tests.rendering import ANSWERS_FILE
from tests.renovate.forge import OWNER, Forge, running
from tests.support import Outcome, Shared, program, run

PAGE = source.ROOT / "docs/how-to/renovate.md"
SHOWN = {
    language: re.findall(rf"^```{language}\n(.*?)\n```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    for language in ("sh", "json")
}
(COMMAND,) = SHOWN["sh"]
TEMPLATES_ALONE, ALL_BUT_TEMPLATES = map(json.loads, SHOWN["json"])

FIRST = next(iter(LAST))
WITHOUT = "without"
"""A service whose author wants no templates of Renovate."""
CONFLICT = "conflict"
"""A service whose author changed the line that the template changes."""
BETWEEN = "between"
"""A service that records a version between two releases."""
SERVICES = (*LAST, WITHOUT, CONFLICT, BETWEEN)

SETTINGS = {
    "RENOVATE_PLATFORM": "gitea",
    "RENOVATE_TOKEN": "token",
    "RENOVATE_BINARY_SOURCE": "global",  # the Copier on PATH
    "RENOVATE_ONBOARDING": "false",
    "LOG_LEVEL": "debug",
    "LOG_FORMAT": "json",
}


@dataclass(frozen=True)
class Renovated:
    """A run of Renovate over all services."""

    handover: Handover
    services: Path  # by their name; only to be read
    forge: Forge
    outcome: Outcome

    def logged(self, name: str, message: str) -> list[dict[str, Any]]:
        lines = (json.loads(line) for line in self.outcome.output.splitlines() if line.startswith("{"))
        return [line for line in lines if (line["msg"], line.get("repository")) == (message, f"{OWNER}/{name}")]

    def found(self, name: str) -> Mapping[str, Any]:
        """What each of its managers found in a repository."""
        (line,) = self.logged(name, "packageFiles with updates")
        return dict(line["config"])

    def read(self, name: str) -> Mapping[str, Any]:
        """What its copier manager found, and no other found anything."""
        ((manager, (file,)),) = self.found(name).items()
        assert manager == "copier"
        return dict(file)

    def pull_request(self, name: str) -> Mapping[str, Any]:
        (made,) = self.forge.made(name, "pulls")
        return made

    def show(self, name: str, path: str) -> str:
        """A file of its branch."""
        return git(self.repository(name), "show", f"{self.pull_request(name)['head']}:{path}")

    def repository(self, name: str) -> Path:
        return self.forge.repositories / f"{name}.git"


@pytest.fixture(scope="module")
def renovated(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Renovated:
    handover, place = hand_over(shared), tmp_path_factory.mktemp("renovate")
    (place / "repositories").mkdir()
    with running(place / "repositories") as forge:
        for name in SERVICES:
            service = place / name
            shutil.copytree(handover.service(name if name in LAST else FIRST), service)
            settings = TEMPLATES_ALONE | (ALL_BUT_TEMPLATES if name == WITHOUT else {})  # others need the network
            (service / "renovate.json").write_text(json.dumps(settings))
            if name == CONFLICT:
                with (service / CHANGED).open("a", encoding="utf-8") as file:
                    file.write("\n# Ours.\n")
            if name == BETWEEN:
                answers = service / ANSWERS_FILE
                recorded = handover.recorded(FIRST)
                answers.write_text(answers.read_text(encoding="utf-8").replace(recorded, f"{recorded}-1-g0123456"))
            handover.author.commit(service, "Go on")
            forge.add(name, service)

        repositories = [f"{OWNER}/{name}" for name in SERVICES]
        variables = SETTINGS | {"RENOVATE_ENDPOINT": forge.url, "RENOVATE_BASE_DIR": str(place / "base")}
        # It hands on no variable of git's, so what it starts reads .gitconfig of the home directory.
        outcome = run([program("renovate"), *repositories], cwd=place, env=handover.author.env | variables)
    assert outcome.status == 0, outcome
    assert forge.unknown == []
    return Renovated(handover, place, forge, outcome)


@pytest.mark.parametrize("template", LAST)
class TestRenovate:
    def test_reads_the_answers_file(self, template: str, renovated: Renovated) -> None:
        file = renovated.read(template)
        (found,) = file["deps"]
        assert (file["packageFile"], found["datasource"]) == (ANSWERS_FILE, "git-tags")
        assert (found["depName"], found["packageName"]) == (canonical_url(), canonical_url())
        assert found["currentValue"] == renovated.handover.recorded(template)

    def test_proposes_the_newest_version(self, template: str, renovated: Renovated) -> None:
        (found,) = renovated.read(template)["deps"]
        offered = renovated.handover.offered
        assert [update["newValue"] for update in found["updates"]] == [offered]
        assert renovated.pull_request(template)["title"] == f"Update dependency {canonical_url()} to {offered}"

    def test_runs_the_command_shown(self, template: str, renovated: Renovated) -> None:
        (started,) = renovated.logged(template, "Executing command")
        assert started["command"] == COMMAND.replace("TAG", renovated.handover.offered)

    def test_its_branch_is_what_plain_copier_gives(self, template: str, renovated: Renovated, tmp_path: Path) -> None:
        shutil.copytree(renovated.services / template, tmp_path / "orders")
        done = renovated.handover.author.update(tmp_path / "orders", "--vcs-ref", renovated.handover.offered)
        assert done.status == 0, done
        git(tmp_path / "orders", "add", "--all")

        branch = renovated.pull_request(template)["head"]
        assert git(renovated.repository(template), "rev-parse", f"{branch}^{{tree}}") == git(tmp_path / "orders", "write-tree")
        assert git(renovated.repository(template), "rev-parse", f"{branch}^") == git(tmp_path / "orders", "rev-parse", "HEAD")

    def test_gopherforge_goes_on_from_there(self, template: str, renovated: Renovated, tmp_path: Path) -> None:
        branch = renovated.pull_request(template)["head"]
        git(tmp_path, "clone", "--quiet", "--branch", branch, str(renovated.repository(template)), "merged")

        renovated.handover.check_goes_on(tmp_path / "merged", renovated.services / template, tmp_path / "without")


def test_it_leaves_the_templates_to_gopherforge(renovated: Renovated) -> None:
    assert renovated.found(WITHOUT) == {}
    assert renovated.forge.made(WITHOUT, "pulls") == []
    assert git(renovated.repository(WITHOUT), "branch", "--list", "renovate/*gopherforge*") == ""


def test_it_passes_over_a_version_between_two_releases(renovated: Renovated) -> None:
    (found,) = renovated.read(BETWEEN)["deps"]
    assert (found["skipReason"], found["updates"]) == ("invalid-value", [])
    assert renovated.forge.made(BETWEEN, "pulls") == []


class TestConflict:
    def test_markers_are_committed(self, renovated: Renovated) -> None:
        markers = re.findall(r"^[<=>]{7}", renovated.show(CONFLICT, CHANGED), re.MULTILINE)
        assert markers == ["<<<<<<<", "=======", ">>>>>>>"]

    def test_the_pull_request_tells(self, renovated: Renovated) -> None:
        (comment,) = renovated.forge.made(CONFLICT, "comments")
        assert "1 merge conflicts" in comment["body"]
        assert CHANGED in comment["body"]
        statuses = renovated.forge.made(CONFLICT, "statuses")  # it sets its check for the branch, and again for the pull request
        assert {(status["context"], status["state"]) for status in statuses} == {("renovate/artifacts", "failure")}
