"""Lock data made from a small world of modules: whatever features are chosen, they give what `go mod tidy` writes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from maintenance.goproject import Failed, Go, Packages, Project
from maintenance.modulelock import Lock, Program, resolve
from tests.modules.proxy import Published, only
from tests.modules.rendered import by_macros, by_rule, subsets
from tests.source import CATALOG
from tests.support import run

CORE, WIN, WEB, TRACE, CHECKS, DIFF, OLD, OLDER, OLDEST, TOOL, ODD, PICKY = (
    f"example.org/{name}"
    for name in ("Core", "win", "web", "trace", "checks", "diff", "old", "older", "oldest", "tool", "odd", "picky")
)

WORLD = (
    Published(CORE, "v1.0.0", {"log/log.go": ()}),
    Published(CORE, "v1.1.0", {"log/log.go": (), "log/log_windows.go": (WIN,)}, (f"{WIN} v0.1.0",)),
    Published(WIN, "v0.1.0", {"win.go": ()}),
    # Their tests need checks; only trace asks for the version that is chosen.
    Published(
        WEB,
        "v1.2.0",
        {"web.go": (f"{CORE}/log",), "web_test.go": (f"{CHECKS}/eq", DIFF)},
        (f"{CORE} v1.0.0", f"{CHECKS} v1.0.0", f"{DIFF} v1.0.0"),
    ),
    Published(
        TRACE,
        "v0.3.0",
        {"trace.go": (f"{CORE}/log",), "trace_test.go": (f"{CHECKS}/eq",)},
        (f"{CORE} v1.1.0", f"{CHECKS} v1.1.0"),
    ),
    Published(CHECKS, "v1.0.0", {"eq/eq.go": ()}),
    Published(CHECKS, "v1.1.0", {"eq/eq.go": (DIFF,)}, (f"{DIFF} v1.10.0",)),
    *(Published(DIFF, version, {"diff.go": ()}) for version in ("v1.0.0", "v1.9.0", "v1.10.0")),
    # From before pruned graphs: where one is a root, its whole graph is read.
    Published(
        OLD,
        "v1.0.0",
        {"old.go": (OLDER,), "old_test.go": (f"{CHECKS}/eq",)},
        (f"{OLDER} v1.0.0-rc.2", f"{CHECKS} v1.0.0"),
        go="1.16",
    ),
    Published(OLDER, "v1.0.0-rc.1", {"older.go": ()}),
    Published(OLDER, "v1.0.0-rc.2", {"older.go": ()}, (f"{DIFF} v1.9.0", f"{OLDEST} v1.0.0"), go="1.16"),
    Published(OLDEST, "v1.0.0", {"oldest.go": ()}, (f"{CORE} v1.0.0",), go="1.13"),
    Published(TOOL, "v1.0.0", {"cmd/run/run.go": (DIFF,)}, (f"{DIFF} v1.0.0",)),
    # Untidy: what its test imports requires a newer core than itself.
    Published(ODD, "v1.0.0", {"odd.go": (f"{CORE}/log",), "odd_test.go": (PICKY,)}, (f"{CORE} v1.0.0", f"{PICKY} v1.0.0")),
    Published(PICKY, "v1.0.0", {"picky.go": ()}, (f"{CORE} v1.1.0",)),
)

FEATURES = {
    "web": Packages(imports=(WEB,)),
    "trace": Packages(imports=(TRACE,)),
    "checks": Packages(tests=(f"{CHECKS}/eq",)),
    "old": Packages(imports=(OLD,)),
    "tool": Packages(tools=(f"{TOOL}/cmd/run",)),
}

VERSIONS = {CHECKS: "v1.1.0", OLD: "v1.0.0", TOOL: "v1.0.0", TRACE: "v0.3.0", WEB: "v1.2.0"}


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Go]:
    """Go without the network."""
    with only(tmp_path_factory.mktemp("go"), *WORLD) as environment:
        yield Go(str(CATALOG["go_version"].default), str(CATALOG["go_toolchain"].default), environment)


@pytest.fixture(scope="module")
def lock(go: Go) -> Lock:
    return resolve(Program(FEATURES, VERSIONS), go)


@pytest.mark.go
@pytest.mark.parametrize("names", subsets(FEATURES), ids="+".join)
def test_what_is_rendered_for_any_features_is_tidy(names: tuple[str, ...], lock: Lock, go: Go, tmp_path: Path) -> None:
    requirements, sums = by_macros(json.dumps(lock, indent=1), names)
    service = tmp_path / "service"
    Project(service, go).write([FEATURES[name] for name in names], {})
    (service / "go.mod").write_text(
        f"module example.com/scratch\n\ngo {go.version}\n\ntoolchain go{go.toolchain}\n{requirements}"
    )
    (service / "go.sum").write_text(sums)

    tidied = run(["go", "mod", "tidy", "-diff"], cwd=service, env=go.environment)

    assert (tidied.status, tidied.output) == (0, "")
    assert (requirements, sums) == by_rule(lock, names)


@pytest.mark.go
def test_what_only_tests_of_dependencies_import_is_required_where_nothing_implies_it(lock: Lock) -> None:
    assert by_rule(lock, ["trace"])[0] == (
        f"\nrequire {TRACE} v0.3.0\n"
        f"\nrequire (\n\t{CORE} v1.1.0 // indirect\n\t{DIFF} v1.10.0 // indirect\n\t{WIN} v0.1.0 // indirect\n)\n"
    )
    assert f"{CHECKS} v1.1.0 // indirect" in by_rule(lock, ["web"])[0]


@pytest.mark.go
def test_lock_data_are_the_same_whenever_they_are_made(lock: Lock, go: Go) -> None:
    assert json.dumps(resolve(Program(FEATURES, VERSIONS), go)) == json.dumps(lock)


@pytest.mark.go
@pytest.mark.parametrize(
    ("package", "versions", "sentence"),
    [
        (WEB, {}, f"modules.yml has no version of {WEB}, which provides {WEB}: add one."),
        (OLD, {OLD: "v1.0.0", WEB: "v1.2.0"}, f"modules.yml has a version of {WEB}, which no feature needs: remove it."),
        (
            OLD,
            {OLD: "v1.0.0", OLDER: "v1.0.0-rc.1"},
            f"modules.yml has {OLDER} v1.0.0-rc.1, but another module requires v1.0.0-rc.2: take that.",
        ),
        (ODD, {ODD: "v1.0.0"}, f"a module requires another version of {CORE} than its feature: add one to modules.yml."),
    ],
    ids=["missing", "unused", "raised", "untidy"],
)
def test_versions_that_do_not_fit_are_refused(package: str, versions: dict[str, str], sentence: str, go: Go) -> None:
    with pytest.raises(Failed, match=f"^{re.escape(sentence)}$"):
        resolve(Program({"only": Packages(imports=(package,))}, versions), go)


@pytest.mark.go
def test_what_go_says_to_a_package_that_is_not_there_is_kept(go: Go) -> None:
    with pytest.raises(Failed, match=r"^go mod tidy: .*example\.org/nowhere"):
        resolve(Program({"only": Packages(imports=("example.org/nowhere",))}, {}), go)
