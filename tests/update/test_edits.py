"""Whatever an author did to a service, each way that it is taken keeps all of it, or names a conflict that is one."""

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
import yaml
from _pytest.mark import ParameterSet

from tests import gotools, source
from tests.rendering import ANSWERS_FILE
from tests.support import PROOF_IS_FULL, Shared, program, run
from tests.update.authored import git
from tests.update.contested import is_real
from tests.update.edits import EDITS, old_names, own_dependency
from tests.update.losses import losses
from tests.update.ways import Taken, Way, export, over_awkward_changes, releases, spread, steps, take

MARKER = re.compile(rb"^(<{7}|>{7}) ", re.MULTILINE)
READERS: Mapping[str, Callable[[str], object]] = {
    ".json": json.loads,
    ".toml": tomllib.loads,
    **dict.fromkeys((".yaml", ".yml"), lambda text: list(yaml.safe_load_all(text))),
}
EXAMPLE = tuple(pattern.removeprefix("/") for pattern in source.ownership()["seeded: example"])


CHOSEN = spread() if PROOF_IS_FULL else over_awkward_changes()

OLD_NAMES = next(way for way in CHOSEN if way.name == "old names" and way.step.name == "awkward")


def parameters(ways: Iterable[Way]) -> list[ParameterSet]:
    """Ways by their names; those that take Go are marked."""
    return [pytest.param(way, id=str(way), marks=[pytest.mark.go] if way.edit.needs_go else []) for way in ways]


@pytest.fixture(params=parameters(CHOSEN))
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


@pytest.fixture
def taken(way: Way, shared: Shared) -> Taken:
    return take(way, shared)


def test_no_line_of_the_authors_is_lost_and_none_comes_back(taken: Taken) -> None:
    renamed = {pair["from"]: pair["to"] for pair in taken.told["renamed"]}
    assert losses(taken.base, taken.ours, taken.theirs, taken.merged, renamed) == []
    assert returned(taken) == []


def test_the_templates_changes_arrive(way: Way, taken: Taken) -> None:
    """But for files that are told, or that the author moved or deleted, and the module that an author goes on to import."""
    gone = taken.base.keys() - taken.ours.keys()
    moved = {path for path, content in taken.theirs.items() if content in [taken.base[old] for old in gone]}
    own = {"go.mod"} if way.edit.owns_example and way.step.answers else set()  # what the author's code goes on to import
    excused = {*taken.told["kept"], *taken.conflicts, *gone, *moved, *own}
    missing = losses(taken.base, taken.theirs, taken.ours, taken.merged)
    assert [one for one in missing if one.partition(" ")[0] not in excused and own_dependency.MODULE not in one] == []


def returned(taken: Taken) -> list[str]:
    """The files that the author deleted, or moved away, and that are there again under a name that the template gave them."""
    gone = {taken.base[path] for path in taken.base.keys() - taken.ours.keys()}
    return [path for path in taken.merged.keys() - taken.ours.keys() if taken.merged[path] in gone]


def test_conflicts_are_those_that_are_real(way: Way, taken: Taken, tmp_path: Path) -> None:
    assert taken.conflicts == way.expected
    for path in taken.conflicts:
        base, ours, theirs = (staged(taken, stage, path) for stage in (1, 2, 3))
        for side, files in ((base, taken.base), (ours, taken.ours), (theirs, taken.theirs)):
            assert side is None or unix(side) in map(unix, files.values()), path
        assert is_real(tmp_path, *(side if side is None else unix(side) for side in (base, ours, theirs))), path


def staged(taken: Taken, stage: int, path: str) -> bytes | None:
    """What the index has in a stage; None where it has nothing."""
    listed = git(taken.service, "ls-files", "--unmerged", "--", path).splitlines()
    oids = [line.split()[1] for line in listed if line.split("\t")[0].endswith(f" {stage}")]
    return git(taken.service, "cat-file", "blob", oids[0]).encode() if oids else None


def unix(content: bytes) -> bytes:
    """A text with its lines' ends as on Unix, and one at its end."""
    return content.replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n"


def test_git_status_is_what_was_told(taken: Taken) -> None:
    service, told = taken.service, taken.told
    before = {**taken.ours, ANSWERS_FILE: git(service, "show", f"HEAD:{ANSWERS_FILE}").encode() + b"\n"}
    after = {**taken.merged, ANSWERS_FILE: (service / ANSWERS_FILE).read_bytes()}
    moved = {pair["from"]: pair["to"] for pair in told["renamed"]}
    assert {*told["deleted"], *moved} == before.keys() - after.keys()
    assert {*told["added"], *moved.values()} == after.keys() - before.keys()
    assert set(told["changed"]) == {path for path in before.keys() & after.keys() if before[path] != after[path]}

    differing = {path for path in before | after if before.get(path) != after.get(path)}
    staged_files = git(service, "diff", "--cached", "--name-only", "--no-renames", "--diff-filter=u").splitlines()
    assert set(staged_files) - taken.conflicts == differing - taken.conflicts
    assert set(git(service, "diff", "--name-only").splitlines()) == taken.conflicts
    assert git(service, "ls-files", "--others", "--exclude-standard") == ""
    assert {path for path in after if MARKER.search(after[path])} <= taken.conflicts
    assert [path.name for path in (service / ".git").iterdir() if "lock" in path.name or "gopherforge" in path.name] == []
    assert git(service, "rev-parse", "HEAD") == taken.head


def test_what_was_merged_can_be_read(taken: Taken) -> None:
    """What Go does not read: of the rest, what is neither the author's version nor the template's, and is in no conflict."""
    for path in taken.merged.keys() - taken.conflicts:
        content, suffix = taken.merged[path], Path(path).suffix
        if suffix in READERS and content not in (taken.ours.get(path), taken.theirs.get(path)):
            READERS[suffix](content.decode())
    if "Makefile" not in taken.conflicts:
        read = run([program("make"), "--dry-run", "help"], cwd=taken.service)
        assert read.status == 0, read


def test_what_an_authors_example_does_not_take_is_told(way: Way, taken: Taken) -> None:
    rendered = taken.base.keys() | taken.theirs.keys()
    changed = {path for path in rendered if taken.theirs.get(path) not in (taken.base.get(path), taken.ours.get(path))}
    example = {path for path in changed if path.startswith(EXAMPLE)}
    if way.edit.owns_example:
        assert example <= set(taken.told["kept"])
        assert {path for path in example if taken.merged.get(path) != taken.ours.get(path)} == set()
    else:
        assert not example & set(taken.told["kept"])


@pytest.mark.parametrize("way", parameters(way for way in CHOSEN if way.step.name == "awkward"), indirect=True)
def test_a_module_that_a_release_no_longer_needs_goes_unless_the_author_imports_it(way: Way, taken: Taken) -> None:
    """Although the author never had to require it."""
    module = own_dependency.MODULE.encode()
    base, ours = ([line for line in side["go.mod"].splitlines() if module in line] for side in (taken.base, taken.ours))
    assert len(base) == 1
    assert ours == base
    assert module not in taken.theirs["go.mod"]
    assert (module in taken.merged["go.mod"]) is (way.edit.edit is own_dependency.edit)


@pytest.mark.go
@pytest.mark.parametrize("way", [OLD_NAMES], indirect=True, ids=str)
def test_go_fix_leads_the_authors_code_to_new_names(taken: Taken, tmp_path: Path) -> None:
    export(taken.service, tmp_path / "service")
    about = tmp_path / "service" / old_names.ABOUT
    assert "telemetry.ReadBuild(" in about.read_text(encoding="utf-8")
    fixed = gotools.go(tmp_path / "service", "fix", "./internal/about/", GOFLAGS="")  # -trimpath: it takes the cached path
    assert fixed.status == 0, fixed
    assert "telemetry.NewBuild(" in about.read_text(encoding="utf-8")


def test_every_step_is_done_in_every_template() -> None:
    """Of the releases, the first of each template."""
    first = {step.before.template: step for step in reversed(releases())}
    assert {way.step for way in spread()} >= {*first.values(), *(step for step in steps() if not step.start)}
    assert all(any(way.name == name and way.step.start for way in spread()) for name in EDITS)
