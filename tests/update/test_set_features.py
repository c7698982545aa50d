"""`gopherforge set` with the real templates: a feature comes to an author's service, whole, and goes again."""

import io
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gopherforge import source
from gopherforge.catalog import Value
from gopherforge.change import Options, Place
from gopherforge.errors import Conflicts
from gopherforge.report import Progress, Result
from gopherforge.set_answers import Request, set_answers
from tests.generated.conftest import Project
from tests.generated.first_edits import worker
from tests.generated.first_edits.author import Author
from tests.rendering import ANSWERS_FILE, Rendering
from tests.source import ownership
from tests.support import PROOF_IS_FULL, Shared
from tests.update.authored import git, state
from tests.update.edits import own_make_targets, own_platform_code, own_rest_route, replaced_domain
from tests.update.losses import Files, losses
from tests.update.ways import commit, contents, export, rendering
from tests.variants import Variant, landmarks

EXAMPLE = tuple(pattern.removeprefix("/") for pattern in ownership()["seeded: example"])
RELEASES = source.versions(os.environ)
OLDEST, NEWEST = RELEASES[0], RELEASES[-1]

MENDED_SINCE = "-skip=^(TestACollectorThatIsDownHoldsNothingUp|TestOpenWaitsForTheServer)$"
"""Tests of services of the oldest release that fail on a busy machine now and then."""


def own_jobs(service: Path) -> None:
    author = Author(service)
    worker.add_a_kind_of_job(author)
    author.change(worker.LONGEST_TEST, '"text": "a b"', '"text": ""')  # which its setting would make too short


def own_signal(service: Path) -> None:
    author = Author(service)
    author.change(own_platform_code.LIFECYCLE, "syscall.SIGTERM)", "syscall.SIGTERM, syscall.SIGQUIT)")
    author.write("Makefile.local", ".PHONY: hello\nhello: ## Greet\n\t@echo hello\n")


def own_platform_and_targets(service: Path) -> None:
    own_platform_code.edit(service)
    own_make_targets.edit(service)


@dataclass(frozen=True)
class Feature:
    """An answer that is given to a service, and the answer that it had before."""

    template: str
    version: str
    key: str
    before: Value
    after: Value
    edit: Callable[[Path], None]
    brings: frozenset[str]
    """Some of the files that come with it."""

    owns_example: bool = False
    """Whether the example is the author's, once the service is edited."""

    def __str__(self) -> str:
        return f"{self.template}-{self.key}"

    def variant(self, value: Value) -> Variant:
        """The template's defaults of the newest version that this one asks, but for the answer."""
        defaults = next(one for one in landmarks() if (one.template, one.label) == (self.template, "defaults"))
        known = {"database", "tracing", "ci", "license"} if self.version == OLDEST else dict(defaults.options).keys()
        options = tuple((key, answer) for key, answer in defaults.options if key in known and key != self.key)
        return Variant(self.template, self.key, (*options, (self.key, value)))

    def rendered(self, shared: Shared, value: Value) -> Path:
        return rendering(shared, source.PACKAGE, self.version, self.variant(value).answers)


FEATURES = [
    Feature(
        "go-worker-pool",
        NEWEST,
        "source",
        before="none",
        after="kafka",
        edit=own_jobs,
        brings=frozenset({"internal/platform/source/broker.go", "compose.yaml"}),
        owns_example=True,
    ),
    Feature(
        "go-grpc-service",
        NEWEST,
        "gateway",
        before=False,
        after=True,
        edit=own_platform_and_targets,
        brings=frozenset({"internal/api/gateway.go", "internal/platform/httpserver/router.go"}),
    ),
    Feature(
        "go-http-service",
        OLDEST,
        "database",
        before="none",
        after="postgres",
        edit=own_signal,
        brings=frozenset({"internal/platform/postgres/postgres.go", "internal/user/postgres.go", "compose.yaml"}),
    ),
]


@pytest.fixture(params=FEATURES, ids=str)
def feature(request: pytest.FixtureRequest) -> Feature:
    found: Feature = request.param
    return found


@pytest.fixture
def service(feature: Feature, shared: Shared, tmp_path: Path) -> Path:
    return authored(feature.rendered(shared, feature.before), tmp_path / "user-service", feature.edit)


def authored(rendered: Path, service: Path, edit: Callable[[Path], None]) -> Path:
    """A service that was just made, and then edited."""
    shutil.copytree(rendered, service)
    git(service, "init", "--quiet")
    commit(service, "Create user-service")
    edit(service)
    commit(service, "Go on")
    return service


def answer(service: Path, key: str, value: Value, on_conflict: str = "fail") -> Result:
    place = Place(dict(os.environ), service, Progress(io.StringIO()))
    return set_answers(Request((f"{key}={str(value).lower()}",), Options(on_conflict=on_conflict)), place)


def wrong(base: Files, ours: Files, theirs: Files, merged: Files, *, owned: bool) -> dict[str, str]:
    """The files that are not what they have to be, the author's or a fresh rendering's, and the lines that are lost."""
    found = dict.fromkeys(losses(base, ours, theirs, merged), "")
    made_by_go = {"go.sum"} if ours.get("go.mod") != base.get("go.mod") else set()
    for path in (base.keys() | ours.keys() | theirs.keys() | merged.keys()) - made_by_go:
        of_authors = owned and path.startswith(EXAMPLE)
        if of_authors or base.get(path) == theirs.get(path):
            if merged.get(path) != ours.get(path):
                found[path] = "not the author's"
        elif ours.get(path) == base.get(path) and merged.get(path) != theirs.get(path):
            found[path] = "not the template's"
    return found


def test_a_feature_comes_whole_and_goes_without_a_trace(feature: Feature, service: Path, shared: Shared) -> None:
    before, ours = git(service, "rev-parse", "HEAD^{tree}"), contents(service)
    without, present = (feature.rendered(shared, value) for value in (feature.before, feature.after))

    result = answer(service, feature.key, feature.after)
    assert (result.data["from"], result.data["to"]) == (feature.version, feature.version)
    assert result.data["answers_changed"] == {feature.key: [feature.before, feature.after]}
    assert (result.data["conflicts"], result.warnings) == ([], ())
    assert feature.brings <= set(names(result, "added"))
    assert wrong(contents(without), ours, contents(present), contents(service), owned=feature.owns_example) == {}
    assert (service / ANSWERS_FILE).read_bytes() == (present / ANSWERS_FILE).read_bytes()
    assert (service / "go.mod").read_bytes() == (present / "go.mod").read_bytes()
    assert (service / "go.sum").read_bytes() == (present / "go.sum").read_bytes()

    commit(service, "With it")
    back = answer(service, feature.key, feature.before)
    assert (back.data["conflicts"], back.warnings) == ([], ())
    assert back.data["deleted"] == result.data["added"]
    assert back.data["added"] == result.data["deleted"]
    commit(service, "Without it")
    assert git(service, "rev-parse", "HEAD^{tree}") == before


def names(result: Result, key: str) -> list[str]:
    found = result.data[key]
    assert isinstance(found, list)
    return found


@pytest.mark.go
@pytest.mark.parametrize("feature", [one for one in FEATURES if PROOF_IS_FULL], indirect=True, ids=str)
def test_a_service_with_the_feature_builds_and_passes_its_tests_and_the_authors(
    feature: Feature, service: Path, shared: Shared
) -> None:
    """Under PROOF=full."""
    answer(service, feature.key, feature.after)
    place = shared.directory(f"update/features/{feature}", lambda place: export(service, place))
    project = Project(Rendering(feature.variant(feature.after), place), shared)
    mended = [MENDED_SINCE] if feature.version == OLDEST else []
    for arguments in (("test", "-race", *mended, "./..."), ("vet", "-race", "./..."), ("mod", "tidy", "-diff")):
        done = project.go(*arguments)
        assert done.status == 0, done


def test_a_gateway_that_has_a_route_of_the_authors_stays(shared: Shared, tmp_path: Path) -> None:
    """It is the example's file, which is the author's now: the platform goes, and it is told what stays."""
    gateway = next(one for one in FEATURES if one.key == "gateway")
    start = gateway.rendered(shared, value=True)
    service = authored(start, tmp_path / "user-service", own_rest_route.edit)
    ours = contents(service)
    result = answer(service, "gateway", value=False)
    assert own_rest_route.GATEWAY in names(result, "kept")
    assert wrong(contents(start), ours, contents(gateway.rendered(shared, value=False)), contents(service), owned=True) == {}


@pytest.mark.parametrize("value", ["postgres", "none"])
def test_where_the_example_was_replaced_the_platform_comes_and_what_did_not_is_told(
    shared: Shared, tmp_path: Path, value: str
) -> None:
    """Where the author wires another subject beside what the answer changes, it is a conflict, and nothing else is."""
    here = Feature(
        "go-http-service", NEWEST, "database", "none", "postgres", replaced_domain.edit, frozenset(), owns_example=True
    )
    old = "none" if value == "postgres" else "postgres"
    start, end = here.rendered(shared, old), here.rendered(shared, value)
    service = authored(start, tmp_path / "user-service", replaced_domain.edit)
    before, ours = state(service), contents(service)
    with pytest.raises(Conflicts):
        answer(service, "database", value)
    assert state(service) == before
    with pytest.raises(Conflicts) as told:
        answer(service, "database", value, on_conflict="mark")
    data: Mapping[str, object] = told.value.data or {}
    merged = contents(service)
    conflicts = set(CONFLICTS[value])
    assert data["conflicts"] == sorted(conflicts)
    assert {path for path, content in merged.items() if b"\n>>>>>>> " in content} == conflicts
    assert wrong(contents(start), ours, contents(end), merged, owned=True) == {}
    coming = {"postgres": "internal/user/postgres.go", "none": "internal/user/memory.go"}[value]
    assert coming in told.value.text
    if value == "postgres":
        warnings = data["warnings"]
        assert isinstance(warnings, list)
        assert any(coming in one and "did not come" in one for one in warnings)
        assert "internal/platform/postgres/postgres.go" in merged
    else:
        assert not [path for path in merged if path.startswith("internal/platform/postgres/")]


CONFLICTS = {
    "postgres": {replaced_domain.WIRE},
    "none": {replaced_domain.WIRE, replaced_domain.MAIN, "Makefile"},
}
