"""What docs/how-to/plain-copier.md says of plain Copier is what it does, on the real templates with two releases."""

import io
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from gopherforge import bundle
from gopherforge.catalog import load
from gopherforge.change import Options, Place
from gopherforge.create import Request as New
from gopherforge.create import create
from gopherforge.engine import render
from gopherforge.errors import CannotUpdate
from gopherforge.report import Progress
from gopherforge.source import canonical_url, locate
from gopherforge.status import Place as StatusPlace
from gopherforge.status import status
from gopherforge.update import Request, update
from tests import source
from tests.core.history import Project, git
from tests.docs import gonames
from tests.docs.shell import shell
from tests.docs.tutorial import Command, steps
from tests.plain import ANSWERS, Author, data, files, make_upstream, publish, settle
from tests.rendering import ANSWERS_FILE
from tests.support import Shared, run

PAGE = source.ROOT / "docs/how-to/plain-copier.md"

SPREAD = [
    {"template": "go-http-service", "database": "none"},
    {"template": "go-http-service", "database": "postgres", "tracing": "false"},
    {"template": "go-worker-pool", "source": "none", "tracing": "false"},
    {"template": "go-worker-pool", "source": "kafka"},
]
"""Services of the real releases; what the first of them did not ask yet has its default."""

TEMPLATE = "templates/go-http-service"
HTTP = "internal/platform/httpserver"
MERGED, CONFLICT, RENAMED = f"{HTTP}/codec.go", f"{HTTP}/problem.go", f"{HTTP}/response.go"
DROPPED, UNWANTED = f"{HTTP}/metrics.go", ".golangci.yml"
SEEDED, UNTOUCHED, MISSED, RETIRED, NEW = (
    "AGENTS.md",
    "README.md",
    "internal/api/etag_test.go",
    "api/openapi.go",
    "internal/api/new.go",
)

OURS, THEIRS = "// Ours.", "// Theirs."


def next_release(project: Project) -> None:
    """What a template may do to its files from one release to the next."""
    templates = project.path / TEMPLATE
    for path in (MERGED, UNWANTED, SEEDED, UNTOUCHED, "go.mod", MISSED):
        with (templates / f"{path}.jinja").open("a", encoding="utf-8") as file:
            file.write(f"\n{THEIRS}\n")
    first_line(project.path / "templates/_shared" / CONFLICT, THEIRS)
    (templates / f"{RENAMED}.jinja").rename((templates / RENAMED).with_name("reply.go.jinja"))
    (templates / f"{DROPPED}.jinja").unlink()
    (templates / RETIRED).unlink()
    (templates / NEW).write_text("package api\n")
    questions = project.path / "questions/identity.yml"
    without = questions.read_text(encoding="utf-8").replace("    MIT License: MIT\n", "")
    questions.write_text(without, encoding="utf-8")


def edit(service: Path) -> None:
    """What the author may do meanwhile."""
    first_line(service / MERGED, f"{OURS} ")  # a blank at the end of a line, as happens
    first_line(service / CONFLICT, OURS)
    for path in (RENAMED, DROPPED, SEEDED, RETIRED, "go.mod", "LICENSE"):
        with (service / path).open("a", encoding="utf-8") as file:
            file.write(f"\n{OURS}\n")
    (service / UNWANTED).unlink()
    (service / MISSED).unlink()


def first_line(path: Path, comment: str) -> None:
    """Append a comment to a file's first line."""
    first, _, rest = path.read_text(encoding="utf-8").partition("\n")
    path.write_text(f"{first} {comment}\n{rest}", encoding="utf-8")


def make_history(path: Path) -> None:
    project = Project(path)
    for part in source.PARTS:
        origin = source.ROOT / part
        (shutil.copytree if origin.is_dir() else shutil.copy2)(origin, project.path / part)
    project.commit("release: v0.1.0", {})
    next_release(project)
    project.commit("release: v0.2.0", {})


@pytest.fixture(scope="session")
def history(shared: Shared) -> Path:
    return shared.directory("plain-copier/history", make_history)


@pytest.fixture(scope="session")
def upstream(shared: Shared) -> Author:
    """Someone who has the real releases."""
    history, home = shared.path / "plain-copier/upstream", shared.path / "plain-copier/user"

    def fill(place: Path) -> None:
        settle(home, history, place)
        publish(history, place, "*")

    shared.directory("plain-copier/upstream", make_upstream)
    shared.directory("plain-copier/user", fill)
    return Author(home)


@pytest.fixture(scope="session")
def author(shared: Shared, history: Path) -> Author:
    home = shared.path / "plain-copier/author"

    def fill(place: Path) -> None:
        settle(home, history, place)
        publish(history, place, "*")

    shared.directory("plain-copier/author", fill)
    return Author(home)


@pytest.fixture(scope="session")
def made(shared: Shared, author: Author) -> Path:
    """A service as Copier copies it, committed. Only to be read."""

    def fill(place: Path) -> None:
        author.commit(author.copy(place), "Create orders")

    return shared.directory("plain-copier/made", fill) / "orders"


@pytest.fixture
def edited(made: Path, author: Author, tmp_path: Path) -> Path:
    """A service that its author went on with."""
    service = tmp_path / "orders"
    shutil.copytree(made, service)
    edit(service)
    author.commit(service, "Go on")
    return service


@pytest.fixture(scope="session")
def updated(shared: Shared, made: Path, author: Author) -> Path:
    """That service after an update, which told of no failure. Only to be read."""

    def fill(place: Path) -> None:
        shutil.copytree(made, place)
        edit(place)
        author.commit(place, "Go on")
        done = author.update(place)
        assert done.status == 0, done

    return shared.directory("plain-copier/updated", fill)


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def answers(service: Path) -> dict[str, object]:
    recorded: dict[str, object] = yaml.safe_load((service / ANSWERS_FILE).read_text(encoding="utf-8"))
    return recorded


def place_of(history: Path, cwd: Path) -> Place:
    """Where gopherforge runs that has this history."""
    return Place(dict(os.environ), cwd, Progress(io.StringIO()), package=history / "src/gopherforge")


def told(service: Path, place: Place) -> dict[str, Any]:
    """What `gopherforge status` tells of a service, but for its path."""
    data: dict[str, Any] = dict(status([str(service)], StatusPlace(place.environ, place.cwd, place.package)).data)
    return {key: value for key, value in data["services"][0].items() if key != "path"}


def refused(service: Path, place: Place) -> tuple[str, str]:
    """The error of `gopherforge update` and its hint; `status` says the same."""
    with pytest.raises(CannotUpdate) as refusal:
        update(Request(Options(str(service))), place)
    assert told(service, place)["problem"] == refusal.value.message
    return refusal.value.message, refusal.value.hint


def record(author: Author, service: Path, key: str, value: str) -> None:
    """Have the author edit the answers file."""
    path = service / ANSWERS_FILE
    edited = re.sub(rf"(?m)^{key}: .*$", f"{key}: {value}", path.read_text(encoding="utf-8"))
    path.write_text(edited, encoding="utf-8")
    author.commit(service, f"Set {key}")


class TestCopy:
    @pytest.mark.parametrize("others", [{}, {"template": "go-worker-pool", "source": "nats"}], ids=str)
    def test_the_same_bytes(self, others: dict[str, str], author: Author, history: Path, tmp_path: Path) -> None:
        copied = author.copy(tmp_path / "place", *data(others))
        with locate("v0.1.0", os.environ, history / "src/gopherforge") as templates:
            render(templates, ANSWERS | others, tmp_path / "orders", os.environ)
        assert files(copied) == files(tmp_path / "orders")

    def test_another_address_is_recorded(self, made: Path, author: Author, tmp_path: Path) -> None:
        address = str(author.home / "upstream.git")
        copied = author.copy(tmp_path / "place", address=address)

        assert answers(copied) == answers(made) | {"_src_path": address}
        assert files(copied).keys() == files(made).keys()
        assert [path for path, content in files(copied).items() if content != files(made)[path]] == [ANSWERS_FILE]

    @pytest.mark.parametrize("tagged", [True, False], ids=["tags", "no tags"])
    def test_gopherforge_goes_on_from_a_path(self, author: Author, history: Path, tmp_path: Path, *, tagged: bool) -> None:
        """Once what it says is done, it does what it does with a service of its own."""
        checkout = tmp_path / "gopherforge"
        git(tmp_path, "clone", "--quiet", "--branch", "v0.1.0", str(author.home / "upstream.git"), str(checkout))
        if not tagged:
            git(checkout, "tag", "--delete", "v0.1.0", "v0.2.0")
        copied = author.copy(tmp_path / "place", address=str(checkout), version="v0.1.0" if tagged else "HEAD")
        author.commit(copied, "Create orders")
        place, url, commit = place_of(history, tmp_path), canonical_url(), git(checkout, "rev-parse", "--short", "HEAD")
        assert (answers(copied)["_src_path"], answers(copied)["_commit"]) == (str(checkout), "v0.1.0" if tagged else commit)

        assert refused(copied, place) == (
            f"the service follows the templates of {checkout}, and this gopherforge has those of {url}.",
            f"where they are the same, set _src_path to {url} in {ANSWERS_FILE} and commit it.",
        )
        record(author, copied, "_src_path", url)
        if not tagged:
            assert refused(copied, place) == (
                f'the service records "{commit}", which is no version of these templates.',
                f"set _commit in {ANSWERS_FILE} to the release that it is from, vX.Y.Z, or install the gopherforge that made it.",
            )
            record(author, copied, "_commit", "v0.1.0")

        made = tmp_path / "made"
        with locate("v0.1.0", os.environ, place.package) as templates:
            create(New(made, ANSWERS, templates, git=False), os.environ)
        author.commit(made, "Create orders")
        rows = [told(service, place) for service in (copied, made)]
        assert rows[0] == rows[1]
        assert (rows[0]["behind"], rows[0]["problem"]) == (1, "")
        for service in (copied, made):
            update(Request(Options(str(service))), place)
        assert answers(copied)["_commit"] == "v0.2.0"
        assert files(copied) == files(made)
        assert git(copied, "write-tree") == git(made, "write-tree")

    def test_no_repository(self, author: Author, tmp_path: Path) -> None:
        assert not (author.copy(tmp_path / "place") / ".git").exists()

    def test_misspelt_answers_and_settings_of_copier(self, made: Path, author: Author, tmp_path: Path) -> None:
        (tmp_path / "settings.yml").write_text("defaults:\n  database: postgres\n")
        settings = {"COPIER_SETTINGS_PATH": str(tmp_path / "settings.yml")}
        copied = author.copy(tmp_path / "place", "--data", "databse=none", **settings)

        assert (answers(made)["database"], answers(copied)["database"]) == ("none", "postgres")
        assert "databse" not in answers(copied)

    def test_answers_to_questions_of_another_template(self, made: Path, author: Author, tmp_path: Path) -> None:
        copied = author.copy(tmp_path / "place", "--data", "source=nats")

        assert answers(copied) == answers(made)
        assert "broker-up:" in (copied / "Makefile").read_text(encoding="utf-8")


class TestUpdate:
    def test_managed_files_are_merged(self, updated: Path) -> None:
        merged = lines(updated / MERGED)
        assert (merged[0].endswith(f"{OURS} "), merged[-1]) == (True, THEIRS)

    def test_untouched_is_a_fresh_copy(self, made: Path, history: Path, author: Author, tmp_path: Path) -> None:
        shutil.copytree(made, tmp_path / "orders")
        assert author.update(tmp_path / "orders").status == 0
        with locate("v0.2.0", os.environ, history / "src/gopherforge") as templates:
            render(templates, ANSWERS | {"license": "none"}, tmp_path / "fresh", os.environ)

        after, fresh = files(tmp_path / "orders"), files(tmp_path / "fresh")
        assert after.keys() == fresh.keys()
        assert {path for path in after if after[path] != fresh[path]} == {SEEDED, UNTOUCHED, MISSED, "go.mod"}

    def test_conflict_exits_0(self, updated: Path) -> None:
        assert sorted(marker[:7] for marker in lines(updated / CONFLICT) if re.match("[<=>]{7}", marker)) == [
            "<<<<<<<",
            "=======",
            ">>>>>>>",
        ]
        assert f"UU {CONFLICT}" in git(updated, "status", "--porcelain").splitlines()

    def test_a_commit_takes_the_markers(self, updated: Path, author: Author, tmp_path: Path) -> None:
        shutil.copytree(updated, tmp_path / "orders")
        assert (
            run(["git", "commit", "--quiet", "--all", "--message", "Update"], cwd=tmp_path / "orders", env=author.env).status == 0
        )
        assert "<<<<<<<" in git(tmp_path / "orders", "show", f"HEAD:{CONFLICT}")

        checked = run(["make", "conflict-check"], cwd=tmp_path / "orders", env=author.env)
        assert (checked.status, CONFLICT in checked.output) == (2, True), checked

    def test_rej_takes_the_templates_lines(self, edited: Path, author: Author) -> None:
        assert author.update(edited, "--conflict", "rej").status == 0
        assert lines(edited / CONFLICT)[0].endswith(THEIRS)
        assert OURS in (edited / f"{CONFLICT}.rej").read_text()
        checked = run(["make", "conflict-check"], cwd=edited, env=author.env)
        assert (checked.status, f"{CONFLICT}.rej" in checked.output) == (2, True), checked

    def test_renamed_file_loses_edits(self, updated: Path) -> None:
        assert not (updated / RENAMED).exists()
        assert OURS not in (updated / HTTP / "reply.go").read_text()

    def test_dropped_file_loses_edits(self, updated: Path) -> None:
        assert not (updated / DROPPED).exists()

    def test_deleted_managed_file_stays_deleted(self, updated: Path) -> None:
        assert not (updated / UNWANTED).exists()

    def test_seeded_files_are_kept(self, updated: Path, edited: Path) -> None:
        assert lines(updated / SEEDED)[-1] == OURS
        for path in (SEEDED, UNTOUCHED, "go.mod", "go.sum"):
            assert (updated / path).read_bytes() == (edited / path).read_bytes()
            assert THEIRS not in lines(updated / path)

    def test_deleted_seeded_file_comes_back(self, updated: Path) -> None:
        assert lines(updated / MISSED)[-1] == THEIRS

    def test_new_seeded_file_is_made(self, updated: Path) -> None:
        assert (updated / NEW).read_text() == "package api\n"

    def test_dropped_seeded_file_is_deleted(self, updated: Path) -> None:
        assert not (updated / RETIRED).exists()

    def test_vanished_choice_loses_the_answer(self, made: Path, updated: Path) -> None:
        assert (answers(made)["license"], answers(updated)["license"]) == ("MIT", "none")
        assert not (updated / "LICENSE").exists()

    def test_dirty_tree_is_refused(self, made: Path, author: Author, tmp_path: Path) -> None:
        shutil.copytree(made, tmp_path / "orders")
        (tmp_path / "orders/notes.txt").write_text("untracked\n")
        before = files(tmp_path / "orders")
        refused = author.update(tmp_path / "orders")
        assert (refused.status, "dirty" in refused.output) == (1, True), refused
        assert files(tmp_path / "orders") == before

    @pytest.mark.parametrize(
        "setting", [("apply.whitespace", "error"), ("core.excludesFile", "{place}/excluded")], ids=lambda setting: setting[0]
    )
    def test_settings_of_git_lose_edits(self, edited: Path, author: Author, tmp_path: Path, setting: tuple[str, str]) -> None:
        key, value = setting[0], setting[1].format(place=tmp_path)
        (tmp_path / "excluded").write_text("codec.go\n")
        bad = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": key, "GIT_CONFIG_VALUE_0": value}
        assert author.update(edited, **bad).status == 0
        assert OURS not in (edited / MERGED).read_text()

    def test_renovate_runs_the_same(self, updated: Path, edited: Path, author: Author) -> None:
        words = ["--skip-answered", "--answers-file", ANSWERS_FILE, "--vcs-ref", "v0.2.0"]
        assert author.update(edited, *words).status == 0
        assert files(edited) == files(updated)


class TestReleases:
    def test_paths_and_choices_stay(self, tmp_path: Path) -> None:
        history = bundle.open_history(source.ROOT, tmp_path, os.environ)
        yours = tuple(path for name, paths in source.ownership().items() if name != "managed" for path in paths)
        present = {path.as_posix().removesuffix(".jinja") for path in source.template_files()}
        assert "v0.1.0" in history.versions
        for version in history.versions:
            listed = git(history.repository, "ls-tree", "-r", "--name-only", version, "templates/").splitlines()
            paths = {path.removesuffix(".jinja") for path in listed if not path.startswith("templates/_shared/")}
            managed = {path for path in paths if not f"/{path.split('/', 2)[2]}".startswith(yours)}
            assert sorted(managed - present) == [], version

            bundle.extract(history, version, tmp_path / version, os.environ)
            for question in load(tmp_path / version).questions:
                assert set(question.values) <= set(source.CATALOG[question.key].values), (version, question.key)

    def test_exported_names_stay(self, tmp_path: Path) -> None:
        history = bundle.open_history(source.ROOT, tmp_path, os.environ)
        releases = {version: gonames.at(history, version, tmp_path) for version in history.versions}
        assert "go-http-service/internal/platform/httpserver.NewRouter" in releases["v0.1.0"].declared
        assert gonames.gone(releases.values(), gonames.present()) == []

    @pytest.mark.parametrize("others", SPREAD, ids=str)
    def test_every_release_can_be_updated_from(self, others: dict[str, str], upstream: Author, tmp_path: Path) -> None:
        versions = git(upstream.home / "upstream.git", "tag", "--sort=version:refname").splitlines()
        yours = tuple(path.removeprefix("/") for name, paths in source.ownership().items() if name != "managed" for path in paths)
        address, newest = str(upstream.home / "upstream.git"), versions[-1]
        fresh = upstream.copy(tmp_path / "fresh", *data(others), address=address, version=newest)
        released = [version for version in versions[:-1] if has_template(address, version, others["template"])]
        assert released
        for version in released:
            service = upstream.copy(tmp_path / version, *data(others), address=address, version=version)
            upstream.commit(service, "Create orders")
            done = upstream.update(service, "--vcs-ref", newest)
            assert done.status == 0, (version, done)
            after, wanted = files(service), files(fresh)
            assert after.keys() == wanted.keys(), version
            assert [path for path in after if after[path] != wanted[path] and not path.startswith(yours)] == [], version


def has_template(address: str, version: str, template: str) -> bool:
    return bool(git(Path(address), "ls-tree", version, f"templates/{template}"))


def test_the_commands_of_the_page_do_what_it_says(history: Path, tmp_path: Path) -> None:
    """Before the update there is a second release, there are edits, and the home has settings that would lose them."""
    home = tmp_path / "home"
    author = settle(home, history, home)
    publish(history, home, "v0.1.0")
    (home / "excluded").write_text("codec.go\n")
    commands = [step for step in steps(PAGE) if isinstance(step, Command)]
    assert [command.line.split()[0] for command in commands].count("copier") == 2
    with shell(home, author.env | {"COPIER_CACHE_DIR": str(home / "cache")}) as terminal:
        for command in commands:
            if "copier update" in command.line:
                edit(home / "orders")
                author.commit(home / "orders", "Go on")
                publish(history, home, "v0.2.0")
                for key, value in {"apply.whitespace": "error", "core.excludesFile": str(home / "excluded")}.items():
                    git(home, "config", "--file", str(home / ".gitconfig"), key, value)
            done = terminal.run(command.line)
            assert command.prints(done.output), done
            assert done.status == (2 if "conflict-check" in command.line else 0), done
    assert OURS in (home / "orders" / MERGED).read_text()


STATEMENTS = re.findall(r"^\| (.+) \| `(test_\w+)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_statement_has_its_test_and_every_test_its_statement() -> None:
    named = {test for _, test in STATEMENTS}
    assert named == {name for held in (TestCopy, TestUpdate, TestReleases) for name in vars(held) if name.startswith("test_")}
