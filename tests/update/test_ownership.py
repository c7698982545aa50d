from pathlib import Path

import pytest

from gopherforge.errors import InvalidTemplates
from gopherforge.ownership import Ownership, load
from tests import source


def table(place: Path, text: str) -> Path:
    place.mkdir(exist_ok=True)
    (place / "ownership.yml").write_text(text, encoding="utf-8")
    return place


def test_ours_is_read() -> None:
    ownership = load(source.ROOT)

    paths = ("Makefile", "internal/user/user.go", "go.mod", "tools/go.sum", "README.md", "mine.go")
    assert {path: ownership.owner(path) for path in paths} == {
        "Makefile": "managed",
        "internal/user/user.go": "example",
        "go.mod": "modules",
        "tools/go.sum": "modules",
        "README.md": "readme",
        "mine.go": "managed",
    }


def test_a_pattern_is_a_file_or_a_directory_at_the_top(tmp_path: Path) -> None:
    ownership = load(table(tmp_path, "seeded:\n  a:\n    - /api/\n  b:\n    - /file\n"))

    owners = {path: ownership.owner(path) for path in ("api/x", "api/x/y", "api", "apis", "x/api/y", "file", "file/x", "files")}
    assert {path for path, owner in owners.items() if owner == "a"} == {"api/x", "api/x/y"}
    assert {path for path, owner in owners.items() if owner == "b"} == {"file"}


def test_the_more_exact_pattern_counts(tmp_path: Path) -> None:
    ownership = load(table(tmp_path, "managed:\n  - /tools/\nmodules:\n  - /tools/go.mod\n"))

    assert (ownership.owner("tools/go.mod"), ownership.owner("tools/tools.go")) == ("modules", "managed")


def test_the_new_version_is_asked_before_the_old_one(tmp_path: Path) -> None:
    new = table(tmp_path / "new", "managed:\n  - /a/\n")
    old = table(tmp_path / "old", "seeded:\n  example:\n    - /a/b\n    - /gone\n")

    assert [load(new, old).owner(path) for path in ("a/b", "gone", "else")] == ["managed", "example", "managed"]


def test_without_a_table_everything_is_managed(tmp_path: Path) -> None:
    assert load(tmp_path, tmp_path) == Ownership()
    assert Ownership().owner("go.mod") == "managed"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("managed: [", "cannot be read as YAML"),
        ("- a\n", "holds a list, not a table of owners"),
        ("1: []\n", "not a table of owners"),
        ("seeded: []\n", "holds a list, not a table of owners"),
        ("manged:\n  - /a\n", '"manged" is none of managed, seeded and modules'),
        ("managed: /a\n", "managed takes a list of paths that begin with a slash"),
        ("managed:\n  - a\n", "managed takes a list of paths that begin with a slash"),
        ("seeded:\n  readme: {}\n", "readme takes a list of paths that begin with a slash"),
        ("seeded:\n  managed:\n    - /a\n", "no seeded group can be called managed"),
    ],
)
def test_a_table_that_is_wrong_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InvalidTemplates, match=problem):
        load(table(tmp_path, text))
