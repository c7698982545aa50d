"""`go mod tidy` over merged files: in a world of its own, with real Go, and without."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gopherforge.tidy import tidy
from tests.modules.proxy import Published, only
from tests.support import run
from tests.update.gomods import requires

A, B, C, UNUSED = (f"example.org/{name}" for name in ("a", "b", "c", "unused"))

WORLD = (
    Published(A, "v1.0.0", {"a.go": ()}),
    Published(A, "v1.1.0", {"a.go": (C,)}, (f"{C} v1.2.0",)),
    Published(B, "v1.0.0", {"b.go": (A,)}, (f"{A} v1.1.0",)),
    Published(C, "v1.2.0", {"c.go": ()}),
    Published(UNUSED, "v1.0.0", {"u.go": ()}),
)

BY_HAND = "go.mod and go.sum may be incomplete: run `go mod tidy`"
TIDY = requires({A: "v1.1.0", B: "v1.0.0"}, {C: "v1.2.0"})

Environ = dict[str, str]


@pytest.fixture(scope="module")
def online(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environ]:
    """Go that has nothing at first, and can fetch what there is."""
    with only(tmp_path_factory.mktemp("go"), *WORLD) as environ:
        yield environ | {"GOFLAGS": ""}


@pytest.fixture
def offline(online: Environ, tmp_path: Path) -> Environ:
    """Go that has everything already, and can fetch nothing."""
    warm = service(tmp_path / "warm", requires({A: "v1.1.0", B: "v1.0.0", UNUSED: "v1.0.0"}), A, B, UNUSED)
    assert tidy(warm, online) == ""
    return online | {"GOPROXY": "off"}


@pytest.mark.go
def test_what_go_has_not_yet_is_fetched(online: Environ, tmp_path: Path) -> None:
    place = service(tmp_path / "service", requires({A: "v1.0.0", B: "v1.0.0"}), A, B)

    assert tidy(place, online) == ""
    assert (place / "go.mod").read_text() == TIDY
    assert f"{C} v1.2.0 h1:" in (place / "go.sum").read_text()


@pytest.mark.go
def test_what_go_has_is_enough(offline: Environ, tmp_path: Path) -> None:
    place = service(tmp_path / "service", requires({A: "v1.0.0", B: "v1.0.0"}), A, B)

    assert tidy(place, offline) == ""
    assert (place / "go.mod").read_text() == TIDY


@pytest.mark.go
def test_nothing_is_fetched_that_go_has(offline: Environ, online: Environ, tmp_path: Path) -> None:
    """The proxy of the second attempt would fail; so there was none."""
    assert offline["GOPROXY"] == "off"
    place = service(tmp_path / "service", requires({A: "v1.0.0", B: "v1.0.0"}), A, B)

    assert tidy(place, online | {"GOPROXY": (tmp_path / "nowhere").as_uri()}) == ""


@pytest.mark.go
def test_requirements_that_nothing_imports_go_but_for_the_authors(offline: Environ, tmp_path: Path) -> None:
    untidy = requires({A: "v1.1.0", B: "v1.0.0", UNUSED: "v1.0.0 // for later"}, {C: "v1.2.0"})
    places = [service(tmp_path / name, untidy, A, B) for name in ("template's", "author's")]
    assert tidy(service(tmp_path / "sums", untidy, A, B, UNUSED), offline) == ""
    for place in places:
        shutil.copy(tmp_path / "sums/go.sum", place / "go.sum")

    assert [tidy(place, offline, own) for place, own in zip(places, [(), (UNUSED,)], strict=True)] == ["", ""]

    assert (places[0] / "go.mod").read_text() == TIDY
    assert UNUSED not in (places[0] / "go.sum").read_text()
    assert (places[1] / "go.mod").read_text() == untidy
    assert f"{UNUSED} v1.0.0/go.mod h1:" in (places[1] / "go.sum").read_text()
    assert run(["go", "list", "-mod=readonly", "-deps", "./..."], cwd=places[1], env=offline).status == 0


@pytest.mark.go
def test_line_ends_stay(offline: Environ, tmp_path: Path) -> None:
    place = service(tmp_path / "service", requires({A: "v1.0.0", B: "v1.0.0"}).replace("\n", "\r\n"), A, B)

    assert tidy(place, offline) == ""
    assert (place / "go.mod").read_bytes().decode() == TIDY.replace("\n", "\r\n")


@pytest.mark.go
def test_a_workspace_and_settings_of_the_users_do_not_matter(offline: Environ, tmp_path: Path) -> None:
    work = tmp_path / "go.work"
    work.write_text("go 1.27.0\n\nuse ./other\n")
    place = service(tmp_path / "service", requires({A: "v1.0.0", B: "v1.0.0"}), A, B)

    assert tidy(place, offline | {"GOWORK": str(work), "GO111MODULE": "off", "GOFLAGS": "-mod=vendor"}) == ""
    assert (place / "go.mod").read_text() == TIDY


@pytest.mark.go
def test_without_a_network_the_files_stay_and_a_sentence_says_why(online: Environ, tmp_path: Path) -> None:
    place = service(tmp_path / "service", requires({"example.org/nowhere": "v1.0.0"}), "example.org/nowhere")
    before = (place / "go.mod").read_bytes()

    warning = tidy(place, online | {"GOPROXY": "off"})

    assert warning.startswith(f"{BY_HAND}, which failed here (")
    assert warning.endswith("example.org/nowhere: module lookup disabled by GOPROXY=off).")
    assert ((place / "go.mod").read_bytes(), (place / "go.sum").exists()) == (before, False)


def test_without_go_a_sentence_says_so(tmp_path: Path) -> None:
    place = service(tmp_path / "service", requires({A: "v1.0.0"}), A)

    assert tidy(place, {"PATH": str(tmp_path)}) == f"{BY_HAND}, for which there is no Go here."


@pytest.mark.parametrize("ending", ["exit 1", "echo; exit 1", "echo garbage > go.mod; echo half > go.sum; exit 1"])
def test_whatever_a_failing_go_leaves_the_files_are_as_before(ending: str, tmp_path: Path) -> None:
    place = service(tmp_path / "service", requires({A: "v1.0.0"}), A)

    assert tidy(place, fake_go(tmp_path, ending)) == f"{BY_HAND}, which failed here (exit code 1)."
    assert (place / "go.mod").read_text() == requires({A: "v1.0.0"})
    assert not (place / "go.sum").exists()


def test_what_go_wrote_and_nobody_can_read_is_not_taken(tmp_path: Path) -> None:
    place = service(tmp_path / "service", requires({A: "v1.0.0"}), A)

    warning = tidy(place, fake_go(tmp_path, "echo 'require (' > go.mod"))

    assert warning == f"{BY_HAND}, which failed here (go.mod cannot be read (its block of require has no end))."
    assert (place / "go.mod").read_text() == requires({A: "v1.0.0"})


def test_nothing_runs_over_the_marks_of_a_conflict(tmp_path: Path) -> None:
    place = service(tmp_path / "service", "<<<<<<< ours\nmodule a\n=======\nmodule b\n>>>>>>> theirs\n", A)

    warning = tidy(place, fake_go(tmp_path, "touch ../ran"))

    assert warning == f"{BY_HAND}, which failed here (go.mod cannot be read (line 1 is no directive: <<<<<<< ours))."
    assert not (tmp_path / "ran").exists()


def service(place: Path, mod: str, *imports: str) -> Path:
    place.mkdir()
    (place / "go.mod").write_bytes(mod.encode())
    (place / "main.go").write_text(
        "package main\n" + "".join(f'\nimport _ "{path}"\n' for path in imports) + "\nfunc main() {}\n"
    )
    return place


def fake_go(place: Path, script: str) -> Environ:
    """A program of that name."""
    go = place / "bin/go"
    go.parent.mkdir()
    go.write_text(f"#!/bin/sh\n{script}\n")
    go.chmod(0o755)
    return {"PATH": f"{go.parent}:/usr/bin:/bin"}
