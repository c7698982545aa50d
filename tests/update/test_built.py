"""What updates and changed answers make builds, passes its tests and the author's, and is tidy."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gopherforge import source
from gopherforge.catalog import Value
from gopherforge.scratch import scratch_directory
from tests.generated.conftest import Project, Settings
from tests.gotools import go, race_tests
from tests.rendering import Rendering
from tests.support import Outcome, Shared, digest
from tests.update.releases import CHOSEN, starts, updated
from tests.update.ways import Way, contents, export, spread, take
from tests.variants import Variant, variant_of, variants

pytestmark = pytest.mark.go

SKIPPED = re.compile(r"^\s*--- SKIP", re.MULTILINE)


NOTHING_FOR_GO = {"bumped pins", "contested files", "deleted files", "own CI steps", "own make targets", "own manifest fields"}


def services() -> list[Way]:
    """Of each edit of what Go reads the first way without a conflict or an example that its author has yet to follow up."""
    edits = [way for way in spread() if way.name not in NOTHING_FOR_GO]
    ends = [way for way in edits if not way.expected and not (way.edit.owns_example and way.step.answers)]
    return list({way.name: way for way in reversed(ends)}.values())


@dataclass(frozen=True)
class End:
    """What a service of a release becomes."""

    variant: Variant
    version: str
    answers: Mapping[str, Value]

    def __str__(self) -> str:
        return f"{self.variant}-{self.version}"


def untouched() -> list[End]:
    """With everything on, and what no variant is: a release asks for less, and the rest is answered by defaults.

    Each from one release. The others are, byte for byte, what the tests of `new` build.
    """
    with scratch_directory() as scratch, source.open_source(os.environ, scratch) as releases:
        ends = [
            End(variant_of(variant.template, answers), version, answers)
            for variant in CHOSEN
            for version, answers in starts(releases, variant).items()
        ]
    return list({end.variant: end for end in ends if end.variant.label == "full" or end.variant not in variants()}.values())


def exported(service: Path, variant: Variant, shared: Shared) -> Project:
    """A result under the Go tools, once for all that have the same files."""
    name = digest(dict(contents(service)))
    return Project(Rendering(variant, shared.directory(f"update/results/{name}", lambda place: export(service, place))), shared)


def check(project: Project, tested: Outcome) -> None:
    """With the server that it needs, if any; then no test may be skipped."""
    for done in (tested, project.go("build", "./..."), project.go("mod", "tidy", "-diff")):
        assert done.status == 0, [line for line in done.output.splitlines() if not line.startswith(("=== ", "--- PASS"))]
    assert SKIPPED.search(tested.output) is None


@pytest.mark.parametrize("end", untouched(), ids=str)
def test_an_untouched_service(end: End, shared: Shared, tests_settings_of: Callable[[Project], Settings], tmp_path: Path) -> None:
    """Tested as what `new` makes is, and once for both where Go reads the same."""
    updated(shared, end.version, end.answers, tmp_path / "service")
    project = exported(tmp_path / "service", end.variant, shared)
    settings = tests_settings_of(project)
    check(project, project.once("test", lambda: race_tests(project.path, tmp_path / "cover.out", settings)))


@pytest.mark.parametrize("way", services(), ids=str)
def test_a_service_with_an_authors_edits(way: Way, shared: Shared, tests_settings_of: Callable[[Project], Settings]) -> None:
    project = exported(take(way, shared).service, way.step.result, shared)
    settings = tests_settings_of(project)
    check(project, project.once("test of an update", lambda: go(project.path, "test", "-v", "./...", **settings)))


def test_each_edit_is_built() -> None:
    assert {way.name for way in services()} == {way.name for way in spread()} - NOTHING_FOR_GO
    assert {way.name for way in spread()} > NOTHING_FOR_GO
