"""`set` to answers that the service had before leads to what it was then, not to what the template has."""

import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gopherforge.change import Place
from gopherforge.errors import Conflicts
from gopherforge.report import Progress
from tests.core.history import Project
from tests.support import PROOF_IS_FULL, Shared
from tests.update.authored import Files, git
from tests.update.test_set import committed_tree, run
from tests.update.test_update import run as update
from tests.update.upstream import COPIER, LINES, make, save, template, upstream, without_go
from tests.update.ways import Way, spread, take

BLOCK = "wait for it\nopen it\nclose it\n"

GO_MOD = """module [[ module ]]

go 1.27.0
[% if store == "postgres" %]

require github.com/jackc/pgx/v5 v5.7.0
[% endif %]
"""

GO_SUM = "".join(f"github.com/jackc/pgx/v5 v5.7.0{file} h1:{'A' * 43}=\n" for file in ("", "/go.mod"))

WITH_STORE = {
    "db.Dockerfile": "FROM postgres:17.1\n",
    "store/open.go": 'package store\n\nimport _ "github.com/jackc/pgx/v5"\n',
    "store/more.sql": "CREATE TABLE more ();\n",
}
"""Files that come with a store, and go with it."""

WAYS = [way for way in spread() if way.step.answers and not way.expected]
"""Of authors' edits, each before other answers with which it is no conflict."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Templates in which a store brings files, lines of others and a module."""
    made = upstream(tmp_path_factory.mktemp("upstream") / "project")
    excluded = '[% if store != "postgres" %]\n    /db.Dockerfile\n    /store\n    /go.sum\n    [% endif %]'
    changed = {
        "go.mod.jinja": GO_MOD,
        "go.sum": GO_SUM,
        "lines.txt.jinja": f'{LINES}[% if store == "postgres" %]\n{BLOCK}[% endif %]\nlast line\n',
        **WITH_STORE,
    }
    made.git("rm", "--quiet", "templates/go-http-service/lines.txt")
    settings = {
        "copier.yml": COPIER.replace("[% if", f"{excluded}\n    [% if"),
        "ownership.yml": "managed: [/*, /store/**]\nmodules: [/go.mod, /go.sum]\n",
    }
    made.commit("feat: a store with more", settings | template(changed))
    made.commit("release: v0.3.0", {"CHANGELOG.md": "# Changelog\n"})
    made.commit("release: v0.4.0", template({"Makefile.jinja": "# [[ name ]] of v0.4.0\n"}))
    return made


@pytest.fixture
def place(project: Project, place_of: Callable[[Project], Place]) -> Place:
    return place_of(project)


@pytest.fixture
def service(project: Project, tmp_path: Path) -> Path:
    """A service with a store, of which its author left less, and raised versions: the `first tree`."""
    made = make(project, tmp_path / "orders", "v0.3.0", {"store": "postgres"})
    for path in ("store/more.sql", "store.go"):
        (made / path).unlink()
    edited = {
        "db.Dockerfile": "FROM postgres:18.0\n",
        "go.mod": (made / "go.mod").read_text().replace("v5.7.0", "v5.8.0"),
        "go.sum": (made / "go.sum").read_text().replace("v5.7.0", "v5.8.0"),
        "lines.txt": (made / "lines.txt").read_text().replace(BLOCK, "").replace("line 3\n", "line 3, mine\n"),
    }
    for path, text in edited.items():
        assert (made / path).read_text() != text
    save(made, "mine", edited)
    return made


def without_store(service: Path, place: Place, files: Files | None = None) -> None:
    assert run(place, "orders", "store=none").data["left_out"] == []
    save(service, "without a store", files)
    assert not (service / "db.Dockerfile").exists()
    assert "pgx" not in (service / "go.mod").read_text()


def test_the_first_tree_comes_back(service: Path, place: Place) -> None:
    before = committed_tree(service)
    without_store(service, place)
    result = run(place, "orders", "store=postgres")
    save(service, "with a store")
    assert committed_tree(service) == before
    assert (result.data["added"], result.data["kept"]) == (["db.Dockerfile", "store/open.go"], [])
    assert result.data["left_out"] == ["store.go", "store/more.sql"]
    assert "\nStays deleted:\n  store.go\n  store/more.sql\n" in result.text


def test_what_the_author_did_in_between_stays(service: Path, place: Place) -> None:
    before = git(service, "rev-parse", "HEAD")
    without_store(service, place, {"own.txt": "mine\n", "Makefile": "# mine\n"})
    edited = (service / "lines.txt").read_text().replace("line 9\n", "line 9, mine\n").replace("line 3, mine\n", "line 3\n")
    save(service, "more, and one less", {"lines.txt": edited, "store/more.sql": WITH_STORE["store/more.sql"]})
    result = run(place, "orders", "store=postgres")
    save(service, "with a store")
    assert git(service, "diff", "--name-only", before).split() == ["Makefile", "lines.txt", "own.txt", "store/more.sql"]
    assert (service / "lines.txt").read_text() == edited
    assert result.data["left_out"] == ["store.go"]


def test_it_is_found_behind_other_answers_merges_and_in_a_monorepo(service: Path, place: Place) -> None:
    before = committed_tree(service)
    run(place, "orders", "store=mysql")
    save(service, "another store")
    git(service, "branch", "next")
    save(service, "beside", {"own.txt": "mine\n"})
    git(service, "switch", "--quiet", "next")
    without_store(service, place)
    git(service, "switch", "--quiet", "-")
    git(service, "merge", "--quiet", "--no-ff", "--message", "Drop the store", "next")
    git(service, "rm", "--quiet", "own.txt")
    save(service, "nothing beside")
    run(place, "orders", "store=postgres")
    save(service, "with a store")
    assert committed_tree(service) == before


def test_below_the_top_of_a_repository_it_is_the_services_own(service: Path, place: Place, tmp_path: Path) -> None:
    before = committed_tree(service)
    top = tmp_path / "mono"
    git(tmp_path, "init", "--quiet", "mono")
    save(top, "another", {"beside.txt": "of another\n", ".copier-answers.yml": (service / ".copier-answers.yml").read_text()})
    git(top, "fetch", "--quiet", str(service), "HEAD")
    git(top, "read-tree", "--prefix=services/orders/", "-u", "FETCH_HEAD")
    git(top, "commit", "--quiet", "--message", "Move in")
    for answer in ("none", "postgres"):
        run(place, "mono/services/orders", f"store={answer}")
        save(top, f"with {answer}")
    assert git(top, "rev-parse", "HEAD:services/orders") == before


def test_it_is_found_though_another_module_path_was_recorded_since(service: Path, place: Place) -> None:
    moved = (service / "go.mod").read_text().replace("example.com/orders", "example.com/mine")
    before = save(service, "another module", {"go.mod": moved})
    without_store(service, place)
    run(place, "orders", "store=postgres")
    save(service, "with a store")
    assert git(service, "diff", "--name-only", before).split() == [".copier-answers.yml"]
    assert "module: example.com/mine\n" in (service / ".copier-answers.yml").read_text()


@pytest.mark.parametrize("obstacle", ["a newer version in between", "a history that is cut off", "a clone made with a filter"])
def test_without_that_history_the_template_counts(service: Path, place: Place, tmp_path: Path, obstacle: str) -> None:
    without_store(service, place)
    if "newer" in obstacle:
        update(place)
        save(service, "newer")
    else:
        service.rename(tmp_path / "origin")
        git(tmp_path / "origin", "config", "uploadpack.allowFilter", "true")
        how = "--depth=1" if "cut off" in obstacle else "--filter=blob:none"
        git(tmp_path, "clone", "--quiet", how, f"file://{tmp_path}/origin", "orders")
    result = run(place, "orders", "store=postgres")
    assert result.data["added"] == ["db.Dockerfile", "store.go", "store/more.sql", "store/open.go"]
    assert result.data["left_out"] == []
    assert {path: (service / path).read_text() for path in WITH_STORE} == WITH_STORE
    assert f"line 19\n{BLOCK}last line\n" in (service / "lines.txt").read_text()
    assert "pgx/v5 v5.7.0\n" in (service / "go.mod").read_text()


def test_checksums_that_a_clone_lacks_are_no_obstacle(service: Path, place: Place, tmp_path: Path) -> None:
    for path in ("db.Dockerfile", "lines.txt"):
        git(service, "checkout", "HEAD~1", "--", path)
    save(service, "nothing but requirements")
    without_store(service, place)
    service.rename(tmp_path / "origin")
    git(tmp_path / "origin", "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{tmp_path}/origin", "orders")
    git(service, "log", "--patch", "--", "go.mod", ".copier-answers.yml")
    assert run(place, "orders", "store=postgres").data["left_out"] == []
    assert "pgx/v5 v5.7.0\n" in (service / "go.mod").read_text()


def test_a_log_without_the_first_commit_is_no_obstacle(service: Path, place: Place) -> None:
    git(service, "config", "log.showRoot", "false")
    before = committed_tree(service)
    without_store(service, place)
    run(place, "orders", "store=postgres")
    save(service, "with a store")
    assert committed_tree(service) == before


def test_own_requirements_and_files_beside_the_templates_are_the_authors(service: Path, place: Place) -> None:
    """Also those that nothing imports; and where only they keep a directory alive."""
    first, _, line = (service / "go.mod").read_text().partition("require ")
    required = f"{first}require (\n\t{line}\tgithub.com/me/gen v1.2.3 // for go generate\n)\n"
    before = save(service, "more of mine", {"go.mod": required, "store/own.txt": "mine\n"})
    run(place, "orders", "store=none")
    save(service, "without a store")
    git(service, "mv", "store", "db")
    save(service, "own.txt moves")
    run(place, "orders", "store=postgres")
    save(service, "with a store")
    assert git(service, "diff", "--name-status", "--no-renames", before).split() == ["A", "db/own.txt", "D", "store/own.txt"]


def test_what_was_deleted_then_and_is_there_again_follows_the_template(service: Path, place: Place) -> None:
    without_store(service, place)
    run(place, "orders", "store=mysql")
    save(service, "another store")
    assert "mysql" in (service / "store.go").read_text()
    run(place, "orders", "store=postgres")
    assert "postgres" in (service / "store.go").read_text()
    assert not (service / "store/more.sql").exists()


def test_files_that_were_committed_before_the_answers_are_no_way_back(project: Project, place: Place, tmp_path: Path) -> None:
    service = make(project, tmp_path / "orders", "v0.3.0", {"store": "postgres"})
    run(place, "orders", "store=none")
    git(service, "commit", "--quiet", "--message", "files", "--", ".", ":!.copier-answers.yml")
    save(service, "answers")
    assert run(place, "orders", "store=postgres").data["left_out"] == []
    assert {path: (service / path).read_text() for path in WITH_STORE} == WITH_STORE
    assert "pgx" in (service / "go.mod").read_text()


def test_an_answer_that_came_with_other_work_is_no_way_back(project: Project, place: Place, tmp_path: Path) -> None:
    service = make(project, tmp_path / "orders", "v0.3.0")
    answers = (service / ".copier-answers.yml").read_text()
    by_hand = answers.replace("store: none", "store: postgres") + "cache: false\n"
    save(service, "by hand", {".copier-answers.yml": by_hand, "Makefile": "# mine\n"})
    run(place, "orders", "store=none")
    save(service, "undone")
    assert run(place, "orders", "store=postgres").data["left_out"] == []
    assert {path: (service / path).read_text() for path in WITH_STORE} == WITH_STORE


def test_a_file_that_went_with_crlf_comes_with_it(service: Path, place: Place) -> None:
    file = service / "db.Dockerfile"
    for text in ("FROM postgres:18.0\r\n", "FROM postgres:17.1\r\n"):
        file.write_bytes(text.encode())
        before = save(service, "other line ends")
        without_store(service, place)
        run(place, "orders", "store=postgres")
        save(service, "with a store")
        assert git(service, "diff", "--name-only", before) == ""
        assert file.read_bytes() == text.encode()


def test_a_requirement_that_is_needed_again_is_not_left_out_in_silence(service: Path, place: Place) -> None:
    """Its author had neither the import nor the requirement, and has imported it since."""
    imports = (service / "store/open.go").read_text()
    for path in ("store/open.go", "go.sum"):
        (service / path).unlink()
    save(service, "without the module", {"go.mod": "module example.com/orders\n\ngo 1.27.0\n"})
    run(place, "orders", "store=none")
    save(service, "without a store")
    assert run(without_go(place), "orders", "store=postgres", dry_run=True).warnings == ()
    save(service, "mine", {"mine/open.go": imports})
    (warning,) = run(without_go(place), "orders", "store=postgres").warnings
    assert warning == "go.mod and go.sum may be incomplete: run `go mod tidy`, for which there is no Go here."


def test_an_answer_that_was_written_by_hand_is_no_way_back(project: Project, place: Place, tmp_path: Path) -> None:
    service = make(project, tmp_path / "orders", "v0.3.0")
    answers = (service / ".copier-answers.yml").read_text()
    for word in ("postgres", "none"):
        cache = "" if word == "none" else "cache: false\n"
        save(service, word, {".copier-answers.yml": answers.replace("store: none", f"store: {word}") + cache})
    result = run(place, "orders", "store=postgres")
    assert result.data["added"] == ["db.Dockerfile", "go.sum", "store.go", "store/more.sql", "store/open.go"]


def test_the_template_counts_where_the_module_path_has_changed_since(service: Path, place: Place) -> None:
    without_store(service, place)
    save(
        service, "another module", {"go.mod": (service / "go.mod").read_text().replace("example.com/orders", "example.com/mine")}
    )
    assert run(place, "orders", "store=postgres").data["left_out"] == []
    assert '"example.com/mine/internal/postgres"' in (service / "store.go").read_text()


def test_a_conflict_is_one_with_the_template(service: Path, place: Place) -> None:
    save(service, "the block again", {"lines.txt": LINES + BLOCK.replace("wait", "stay") + "last line\n"})
    with pytest.raises(Conflicts, match=r"lines\.txt"):
        run(place, "orders", "store=none")
    with pytest.raises(Conflicts, match=r"lines\.txt"):
        run(place, "orders", "store=none", on_conflict="mark")
    save(service, "resolved", {"lines.txt": LINES + "mine\nlast line\n"})
    with pytest.raises(Conflicts) as told:
        run(place, "orders", "store=postgres", on_conflict="mark")
    assert told.value.data is not None
    assert told.value.data["conflicts"] == ["lines.txt"]
    assert f"\n{BLOCK}>>>>>>> v0.3.0-with-store=postgres\n" in (service / "lines.txt").read_text()


def test_where_it_is_a_conflict_the_templates_side_is_the_templates(service: Path, place: Place) -> None:
    mine = LINES.replace("line 3\n", "line 3, mine\n")
    save(service, "the block again", {"lines.txt": f"{mine}{BLOCK}last line\n"})
    without_store(service, place, {"lines.txt": mine.replace("line 19\n", "line 19, mine\n") + "last line\n"})
    with pytest.raises(Conflicts):
        run(place, "orders", "store=postgres", on_conflict="mark")
    assert git(service, "show", ":3:lines.txt") == f"{LINES}{BLOCK}last line"


@pytest.mark.parametrize("way", WAYS if PROOF_IS_FULL else WAYS[:1], ids=str)
def test_real_services_get_back_what_they_were(way: Way, shared: Shared, tmp_path: Path) -> None:
    """With every edit of an author's that was no conflict. Another module path in go.mod is recorded by then."""
    taken, service = take(way, shared), tmp_path / "user-service"
    shutil.copytree(taken.service, service)
    save(service, "with other answers")
    recorded = dict(way.step.before.options)
    answers = [f"{key}={str(recorded[key]).lower()}" for key, _ in way.step.answers]
    place = Place(dict(os.environ), tmp_path, Progress(io.StringIO()))

    run(place, service.name, *answers)

    save(service, "and back")
    recorded_since = [".copier-answers.yml"] if way.name == "renamed module" else []
    assert git(service, "diff", "--name-only", taken.head).split() == recorded_since
