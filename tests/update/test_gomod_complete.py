"""What becomes of the go.mod and go.sum of a service and of its tools after a merge, with a Go that only leaves a trace."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gopherforge.gocopy import Surroundings
from gopherforge.tidy import complete
from gopherforge.trees import store
from tests.update.files import Files, Script, merge_files, read, repository, write
from tests.update.gomods import requires

SHARED, OWN = "example.org/shared", "example.org/own"
MODULES = ("go.mod", "tools/go.mod")

OLD, NEW = (dict.fromkeys(MODULES, requires({SHARED: version})) for version in ("v1.0.0", "v1.1.0"))
MORE = requires({SHARED: "v1.0.0", OWN: "v1.0.0"})
TIDIED = requires({SHARED: "v1.1.0", OWN: "v1.0.0"}) + "// tidy\n"
SUMS = "example.org/shared v1.1.0 h1:tidy=\n"

LATER = "go.mod and go.sum may be incomplete: run `go mod tidy` once the conflicts are resolved."
VENDOR = "go.mod has changed, and vendor/ has not: run `go mod vendor`."

File = str | Script

Completed = Callable[..., tuple[Files, tuple[str, ...]]]
"""The files after a merge of what the author made of the old ones, and the warnings. None deletes."""


@pytest.fixture
def completed(tmp_path: Path) -> Completed:
    scratch = store(tmp_path, repository(tmp_path / "service"), os.environ)
    go = tmp_path / "bin/go"
    go.parent.mkdir()
    go.write_text(f"#!/bin/sh\necho '// tidy' >> go.mod\nprintf '{SUMS}' > go.sum\n")
    go.chmod(0o755)
    environ = {**os.environ, "PATH": f"{go.parent}:{os.environ['PATH']}"}

    def run(edits: Mapping[str, File | None], base: Files = OLD, theirs: Files = NEW) -> tuple[Files, tuple[str, ...]]:
        ours = {path: file for path, file in {**base, **edits}.items() if file is not None}
        rules = {f"/{directory}{name}": "modules" for directory in ("", "tools/") for name in ("go.mod", "go.sum")}
        merged = merge_files(scratch, base, ours, theirs, rules).merged
        done = complete(scratch, write(scratch, ours), merged, tmp_path, environ, around=Surroundings("", ""))
        assert replace(done, tree=merged.tree, warnings=merged.warnings) == merged
        return read(scratch, done.tree), done.warnings

    return run


def test_where_the_requirements_are_the_templates_nothing_runs(completed: Completed) -> None:
    assert completed({"own.txt": "mine\n"}) == ({**NEW, "own.txt": "mine\n"}, ())


def test_each_module_in_which_the_author_requires_more_is_completed(completed: Completed) -> None:
    assert completed({"tools/go.mod": MORE}) == ({**NEW, "tools/go.mod": TIDIED, "tools/go.sum": SUMS}, ())


def test_both_are_completed_where_both_have_to_be(completed: Completed) -> None:
    files, warnings = completed(dict.fromkeys(MODULES, MORE))

    assert files == {**dict.fromkeys(MODULES, TIDIED), "go.sum": SUMS, "tools/go.sum": SUMS}
    assert warnings == ()


def test_modes_stay(completed: Completed) -> None:
    files, _ = completed({"go.mod": Script(MORE)})

    assert files["go.mod"] == Script(TIDIED)


def test_a_requirement_of_the_authors_tools_that_tidy_takes_is_put_back(completed: Completed, tmp_path: Path) -> None:
    (tmp_path / "bin/go").write_text(f"#!/bin/sh\ncat > go.mod <<'END'\n{requires({SHARED: 'v1.1.0'})}END\n")

    files, _ = completed({"tools/go.mod": MORE})

    assert files["tools/go.mod"] == requires({SHARED: "v1.1.0", OWN: "v1.0.0"})


def test_a_module_in_which_tidy_fails_is_named(completed: Completed, tmp_path: Path) -> None:
    (tmp_path / "bin/go").write_text("#!/bin/sh\nexit 1\n")

    _, warnings = completed(dict.fromkeys(MODULES, MORE))

    failed = "go.mod and go.sum may be incomplete: run `go mod tidy`, which failed here (exit code 1)."
    assert warnings == (failed, f"In tools: {failed}")


def test_a_go_sum_that_the_author_deleted_is_made_anew_without_a_word(completed: Completed) -> None:
    old, new = {**OLD, "go.sum": f"{SHARED} v1.0.0 h1:a=\n"}, {**NEW, "go.sum": f"{SHARED} v1.1.0 h1:b=\n"}

    assert completed({"go.sum": None}, old, new) == (new, ())
    assert completed({"go.mod": MORE, "go.sum": None}, old, new) == ({**new, "go.mod": TIDIED, "go.sum": SUMS}, ())


def test_over_conflicts_nothing_runs_and_each_module_is_named(completed: Completed) -> None:
    text = {"lines": "old\n"}

    files, warnings = completed({**dict.fromkeys(MODULES, MORE), "lines": "mine\n"}, {**OLD, **text}, {**NEW, "lines": "new\n"})

    assert files["go.mod"] == TIDIED.removesuffix("// tidy\n")
    assert warnings == (LATER, f"In tools: {LATER}")


def test_copies_of_modules_are_told_where_go_mod_changes(completed: Completed) -> None:
    copies = {"vendor/modules.txt": "# example.org/shared v1.0.0\n", "tools/vendor/modules.txt": ""}

    assert completed(copies)[1] == (VENDOR, f"In tools: {VENDOR}")
    assert completed({**copies, "go.mod": NEW["go.mod"]})[1] == (f"In tools: {VENDOR}",)


def test_without_copies_of_modules_there_is_nothing_to_tell(completed: Completed) -> None:
    assert completed({"vendor/README.md": "mine\n"})[1] == ()
