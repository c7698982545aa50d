"""The merge of go.mod and go.sum held against the go command, over the real templates."""

import json
import re
import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gopherforge import goimports, modfile
from gopherforge.gomod import Modules, Texts, merge
from gopherforge.tidy import tidy
from gopherforge.versions import go_order, module_order
from tests import gotools
from tests.rendering import Rendering, render_variant
from tests.support import Shared
from tests.update.test_gomod import AUTHORS
from tests.variants import landmarks

pytestmark = pytest.mark.go

TEMPLATES = sorted({variant.template for variant in landmarks()})

OWN = "gopkg.in/yaml.v3"
"""A module that no template requires."""

UNTIDY = """\
// About it all.

// The module.
module  "example.com/shop"   // Here.
go 1.27.0
require ( // of all kinds
	example.org/b v1.0.0 // indirect; why

	// Two
	// lines.

	"example.org/a"   v1.0.0//indirect

	// The last.
)
require ()
tool (
	example.org/a/z
	example.org/a/b
)
exclude (
	example.org/a v1.10.0
	example.org/a v1.9.0
)
retract (
	v1.0.0
	[v1.2.0,v1.3.0] // both
	v1.10.0
)
replace   example.org/a v1.0.0  => example.org/b v1.0.0
replace (
	example.org/b => ./b
)
godebug (
	default=go1.21
	panicnil=1
)
// The end.
"""


@pytest.mark.parametrize("text", [AUTHORS, UNTIDY], ids=["tidy", "untidy"])
def test_a_file_is_written_as_go_writes_it(text: str, tmp_path: Path) -> None:
    """To the last byte, once its own way of writing no longer changes."""
    (tmp_path / "go.mod").write_text(text)
    assert gotools.go(tmp_path, "mod", "edit", "-fmt").status == 0

    assert str(modfile.parse(text)) == gotools.go(tmp_path, "mod", "edit", "-fmt", "-print").output


def test_a_renderings_file_is_written_as_it_is(shared: Shared) -> None:
    for variant in landmarks():
        texts = render_variant(shared, variant).texts
        for name in ("go.mod", "tools/go.mod"):
            assert str(modfile.parse(texts[name])) == texts[name]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("way", [("defaults", "full"), ("full", "defaults")], ids="-".join)
class TestRenderings:
    """Between two renderings of a template."""

    def test_untouched_files_are_those_of_the_new_one(self, template: str, way: tuple[str, str], shared: Shared) -> None:
        old, new = (rendering(shared, template, label) for label in way)

        assert merge(side(old.path), side(old.path), side(new.path), lambda: imported(new.path)) == Modules(
            new.texts["go.mod"], new.texts["go.sum"]
        )

    def test_with_modules_of_the_authors_go_completes_them(
        self, template: str, way: tuple[str, str], shared: Shared, tmp_path: Path
    ) -> None:
        old, new = (rendering(shared, template, label) for label in way)
        before, after = (extended(one.path, tmp_path / name) for one, name in ((old, "before"), (new, "after")))
        assert gotools.go(before, "mod", "tidy").status == 0

        done = merge(side(old.path), side(before), side(new.path), lambda: imported(after))
        write(after, done)

        assert not done.complete
        assert done.own == (OWN,)
        assert tidy(after, gotools.environment(), done.own) == ""
        assert (gotools.go(after, "mod", "tidy", "-diff").output, gotools.go(after, "mod", "verify").status) == ("", 0)
        assert f"\t{OWN} v3.0.1 // for later\n" in (after / "go.mod").read_text()
        assert graph(after) >= graph(new.path)

    def test_what_is_not_completed_builds_all_the_same(
        self, template: str, way: tuple[str, str], shared: Shared, tmp_path: Path
    ) -> None:
        old, new = (rendering(shared, template, label) for label in way)
        before, after = (extended(one.path, tmp_path / name) for one, name in ((old, "before"), (new, "after")))
        assert gotools.go(before, "mod", "tidy").status == 0

        write(after, merge(side(old.path), side(before), side(new.path), lambda: imported(after)))

        listed = gotools.go(after, "list", "-deps", "-mod=readonly", "-f", "{{if .Error}}{{.Error}}{{end}}", "./...")
        assert (listed.status, listed.output) == (0, "")


def test_imports_are_those_that_go_sees(shared: Shared) -> None:
    for template in TEMPLATES:
        path = rendering(shared, template, "full").path
        form = "{{range .Imports}}{{.}}\n{{end}}{{range .TestImports}}{{.}}\n{{end}}{{range .XTestImports}}{{.}}\n{{end}}"
        listed = gotools.go(path, "list", "-f", form, "./...")

        assert listed.status == 0, listed
        assert set(imported(path)) >= set(listed.output.split())


def test_versions_are_ordered_as_go_does(tmp_path: Path) -> None:
    """Which shows in the order of what is excluded."""
    versions = ["v1.0.0-0.3.7", "v1.0.0-alpha", "v1.0.0-alpha.1", "v1.0.0-alpha.beta", "v1.0.0-beta.2", "v1.0.0-beta.11"]
    versions += ["v1.0.0-rc.1", "v1.0.0", "v1.2.0", "v1.10.0-0.20260101000000-aaaaaaaaaaaa", "v1.10.0"]
    shuffled = "".join(f"\ta {version}\n" for version in sorted(versions))
    (tmp_path / "go.mod").write_text(f"module m\n\ngo 1.27.0\n\nexclude (\n{shuffled})\n")

    written = gotools.go(tmp_path, "mod", "edit", "-fmt", "-print").output

    assert re.findall(r"\ta (\S+)", written) == sorted(versions, key=lambda version: module_order(version) or ())


def test_versions_of_go_are_ordered_as_go_does() -> None:
    ordered = [
        "1.9",
        "1.20rc1",
        "1.20",
        "1.20.1",
        "1.21",
        "1.21rc1",
        "1.21rc2",
        "1.21rc10",
        "1.21.0",
        "1.21.9",
        "1.21.10",
        "1.27",
    ]

    assert sorted(Random(1).sample(ordered, len(ordered)), key=lambda version: go_order(version) or ()) == ordered
    assert go_order("1.20") == go_order("go1.20.0")


def rendering(shared: Shared, template: str, label: str) -> Rendering:
    return render_variant(shared, next(each for each in landmarks() if (each.template, each.label) == (template, label)))


def extended(rendered: Path, place: Path) -> Path:
    """A copy of a service whose author has a package with a module of its own."""
    shutil.copytree(rendered, place)
    (place / "internal/own").mkdir()
    (place / "internal/own/own.go").write_text(f'package own\n\nimport _ "{OWN}"\n')
    mod = place / "go.mod"
    mod.write_text(mod.read_text().replace("require (\n", f"require (\n\t{OWN} v3.0.1 // for later\n", 1))
    return place


def imported(service: Path) -> frozenset[str]:
    paths = [path.relative_to(service).as_posix() for path in service.rglob("*") if path.is_file()]
    return goimports.imports((service / path).read_bytes() for path in goimports.sources(paths))


def side(service: Path) -> Texts:
    return Texts((service / "go.mod").read_text(), (service / "go.sum").read_text())


def write(service: Path, modules: Modules) -> None:
    assert modules.mod is not None
    assert modules.sum is not None
    (service / "go.mod").write_text(modules.mod)
    (service / "go.sum").write_text(modules.sum)


def graph(service: Path) -> set[tuple[str, str]]:
    said: dict[str, Any] = json.loads(gotools.go(service, "mod", "edit", "-json").output)
    return {(line["Path"], line["Version"]) for line in said["Require"]}
