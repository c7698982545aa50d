"""ownership.yml decides what an update may change: every rendered file belongs to exactly one class."""

import re
from collections import defaultdict

import pathspec

from tests import source
from tests.rendering import Rendering

PATTERNS = {
    (owner, pattern): pathspec.GitIgnoreSpec.from_lines([pattern])
    for owner, patterns in source.ownership().items()
    for pattern in patterns
}


def test_every_file_has_exactly_one_owner(rendering: Rendering) -> None:
    assert {path: owners for path in rendering.files if len(owners := _owners(path)) != 1} == {}


def test_every_pattern_owns_something(renderings: list[Rendering]) -> None:
    files = {path for rendering in renderings for path in rendering.files}

    assert [pattern for pattern, spec in PATTERNS.items() if not any(spec.match_files(files))] == []


def test_the_classes_are_those_of_the_contract() -> None:
    assert {owner.split(":")[0] for owner in source.ownership()} == {"managed", "seeded", "modules"}


def test_plain_copier_keeps_what_belongs_to_the_author(renderings: list[Rendering]) -> None:
    """The modules of the tools follow the template, as the Makefile does that calls these."""
    files = {path for rendering in renderings for path in rendering.files}
    kept = set(pathspec.GitIgnoreSpec.from_lines(source.settings()["skip_if_exists"]).match_files(files))

    assert kept == {path for path in files if not _owners(path)[0].startswith("managed") and not path.startswith("tools/")}


def test_no_package_has_two_owners(rendering: Rendering) -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for path in rendering.files:
        if path.endswith(".go"):
            owners[path.rpartition("/")[0]] |= {*_owners(path)}

    assert {package: both for package, both in owners.items() if len(both) > 1} == {}


def test_managed_packages_do_not_know_the_domain(rendering: Rendering) -> None:
    managed = {
        path: text for path, text in rendering.texts.items() if path.startswith("internal/") and _owners(path) == ["managed"]
    }
    seeded = {
        path.rpartition("/")[0] for path in rendering.files if path.endswith(".go") and _owners(path)[0].startswith("seeded")
    }
    domain = {f"{rendering.module}/{package}" for package in seeded}

    assert managed
    assert {path: known for path, text in managed.items() if (known := domain & set(re.findall(r'"([^"\n]+)"', text)))} == {}


def _owners(path: str) -> list[str]:
    return [owner for (owner, _), spec in PATTERNS.items() if spec.match_file(path)]
