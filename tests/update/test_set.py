"""`gopherforge set`: other answers at the same version of the templates."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gopherforge.change import Options, Place
from gopherforge.errors import Conflicts, ForgeError, InvalidAnswer, UsageError
from gopherforge.report import Result
from gopherforge.set_answers import Request, set_answers
from gopherforge.source import PACKAGE
from tests.core.history import Project
from tests.update.authored import git, state
from tests.update.upstream import ANSWERS, COPIER, make, save, template, upstream


def run(place: Place, *words: str, **options: object) -> Result:
    return set_answers(Request(words, replace(Options(), **options)), place)  # type: ignore[arg-type]


def refused(place: Place, kind: type[ForgeError], *words: str, answers: tuple[str, ...]) -> None:
    """It is refused with these words, and nothing has changed."""
    before = state(place.cwd / "orders")
    with pytest.raises(kind) as refusal:
        run(place, *answers)
    assert type(refusal.value) is kind
    assert state(place.cwd / "orders") == before
    for word in words:
        assert word in f"{refusal.value.message} {refusal.value.hint}"


def committed_tree(service: Path) -> str:
    return git(service, "rev-parse", "HEAD^{tree}")


def test_an_answer_brings_its_files_and_takes_them_away_again(service: Path, place: Place) -> None:
    before = committed_tree(service)
    result = run(place, "store=postgres", "cache=yes", "orders")
    assert result.data["answers_changed"] == {"cache": [None, True], "store": ["none", "postgres"]}
    assert (result.data["from"], result.data["to"]) == ("v0.1.0", "v0.1.0")
    assert (result.data["added"], result.data["changed"]) == (["store.go"], [".copier-answers.yml"])
    assert result.text.startswith("Set cache=true and store=postgres in orders: 1 file added, 1 changed.\n\nAnswers:\n")
    assert "  store: none → postgres\n" in result.text
    save(service, "with a store")
    back = run(place, "orders", "store=none")
    assert back.data["answers_changed"] == {"cache": [True, None], "store": ["postgres", "none"]}
    assert back.data["deleted"] == ["store.go"]
    save(service, "without a store")
    assert committed_tree(service) == before


def test_what_the_author_wrote_in_between_stays(service: Path, place: Place) -> None:
    run(place, "orders", "store=postgres")
    save(service, "with a store")
    store = (service / "store.go").read_text()
    save(service, "mine", {"store.go": f"{store}\nvar mine = 1\n", "lines.txt": "mine\n"})
    with pytest.raises(Conflicts, match=r"store\.go"):
        run(place, "orders", "store=none")
    run(place, "orders", "store=mysql")
    assert (service / "store.go").read_text() == f"{store}\nvar mine = 1\n".replace("postgres", "mysql")
    assert (service / "lines.txt").read_text() == "mine\n"


def test_files_that_import_what_goes_are_told(tmp_path: Path, place_of: Callable[[Project], Place]) -> None:
    """Of the packages of the service itself, and also of tests; not files that go with what they test."""
    project = upstream(tmp_path / "project")
    settings = COPIER.replace("/store.go", "/store")
    files = {
        "store/store.go.jinja": "package store // [[ store ]]\n",
        "store/store_test.go": "package store\n",
        "store/deep/deep.go": "package deep\n",
        "kept/kept.go": "package kept\n",
    }
    project.commit("release: v0.3.0", {"copier.yml": settings} | template(files))
    service = make(project, tmp_path / "orders", "v0.3.0", {"store": "postgres"})
    imports = 'package mine\n\nimport (\n\t"example.com/orders/kept"\n\t"example.com/orders/{}"\n)\n'
    mine = {"mine/mine.go": imports.format("store"), "mine/mine_test.go": imports.format("store/deep")}
    git(service, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},lib/some.go")
    (service / "lib/some.go").mkdir(parents=True)
    save(service, "mine", {**mine, "mine/other.go": imports.format("storey"), "mine/note.txt": imports.format("store")})

    result = run(place_of(project), "orders", "store=none")
    (warning,) = result.warnings
    told, _, advice = warning.partition(": ")
    assert told == "mine/mine.go and mine/mine_test.go import store and store/deep, which the service no longer has"
    assert advice == "remove or change what does not build without."
    save(service, "without")
    run(place_of(project), "orders", "store=mysql")
    save(service, "with")
    git(service, "rm", "--quiet", *mine)
    save(service, "mine no more")
    assert run(place_of(project), "orders", "store=none").warnings == ()


def test_what_the_author_deleted_stays_away_where_other_answers_have_it_too(service: Path, place: Place) -> None:
    run(place, "orders", "store=postgres")
    save(service, "with a store")
    (service / "store.go").unlink()
    tree = save(service, "mine") and committed_tree(service)
    told = run(place, "orders", "store=mysql").data
    assert (told["kept"], told["left_out"]) == (["store.go"], ["store.go"])
    save(service, "another store")
    run(place, "orders", "store=postgres")
    save(service, "the first store")
    assert committed_tree(service) == tree


def test_the_version_stays_although_there_are_newer_ones(service: Path, place: Place) -> None:
    run(place, "orders", "store=postgres")
    assert "_commit: v0.1.0\n" in (service / ".copier-answers.yml").read_text()
    assert (service / "lines.txt").read_text().startswith("line 1\n")


def test_an_answer_that_is_recorded_is_nothing_to_do(service: Path, place: Place) -> None:
    before = state(service)
    result = run(place, "store=none", "orders")
    assert result.text == "orders has store=none already: nothing to do."
    assert {key: value for key, value in result.data.items() if value} == {
        "path": service.as_posix(),
        "template": "go-http-service",
        "from": "v0.1.0",
        "to": "v0.1.0",
    }
    assert state(service) == before


@pytest.mark.parametrize(
    ("answers", "kind", "words"),
    [
        (("template=go-grpc-service",), InvalidAnswer, ('"template" cannot be changed', "new service")),
        (("name=other",), InvalidAnswer, ('"name" cannot be changed', "rename")),
        (("module=example.com/b", "store=postgres"), InvalidAnswer, ('"module" cannot be changed', "go.mod")),
        (("stroe=postgres",), InvalidAnswer, ('"stroe" is not a question. Did you mean "store"?', "gopherforge options")),
        (("store=oracle",), InvalidAnswer, ('store cannot be "oracle": none, postgres or mysql.',)),
        (("cache=true",), InvalidAnswer, ('"cache" is not asked with these answers.',)),
        (("cache=perhaps", "store=postgres"), InvalidAnswer, ("cache takes true or false",)),
        (("description= ",), InvalidAnswer, ("at least one character",)),
        (("store=postgres", "store=mysql"), UsageError, ("store is answered twice", "once")),
        (("=postgres",), UsageError, ("KEY=VALUE", '"=postgres"')),
        ((), UsageError, ('needs an answer to change: "orders" has no =.', "database=postgres")),
        (("other", "store=none"), UsageError, ('"orders" and "other"', "one directory")),
    ],
)
@pytest.mark.usefixtures("service")
def test_wrong_answers_are_refused_as_new_refuses_them(
    place: Place, answers: tuple[str, ...], kind: type[ForgeError], words: tuple[str, ...]
) -> None:
    refused(place, kind, *words, answers=("orders", *answers))


def test_inside_a_service_no_directory_is_needed(service: Path, place: Place) -> None:
    result = run(replace(place, cwd=service), "store=postgres", branch="auto")
    assert result.data["branch"] == "gopherforge/set-store-postgres"
    assert git(service, "log", "-1", "--format=%s", "gopherforge/set-store-postgres") == "Set store=postgres"
    assert result.text.startswith("Set store=postgres in orders, on the branch gopherforge/set-store-postgres: 1\nfile added")


def test_a_description_may_be_any_text(service: Path, place: Place) -> None:
    result = run(place, "orders", 'description=50 % faster: a=b, "c" & é', branch="auto")
    branch = str(result.data["branch"])
    assert branch == "gopherforge/set-description-50-faster-a-b-c"
    assert "description: '50 % faster: a=b, \"c\" & é'" in git(service, "show", f"{branch}:.copier-answers.yml")
    long = run(place, "orders", f"description=to the\u202e left{' and more' * 20}", branch="long")
    title = git(service, "log", "-1", "--format=%B", "long").rstrip("\n")
    assert title.startswith("Set description=to the\\u202e left and more")
    assert title.endswith("…")
    assert len(title) < 100
    assert " ".join(long.text.split()).startswith(f"{title} in orders, on the branch long: 1 file changed.")
    run(place, "orders", "description=this | that", branch="either", report=Path("report.md"))
    assert " | `this \\| that` |\n" in (place.cwd / "report.md").read_text()


def test_a_real_service_with_a_subject_of_its_own_gets_a_database_and_loses_it_again(tmp_path: Path, place: Place) -> None:
    """With the real templates: the platform part comes, and what belongs to the replaced example is told."""
    here = Project.__new__(Project)
    here.path = PACKAGE.parents[1]
    service = make(here, tmp_path / "orders", "v0.2.0", ANSWERS)
    (service / "internal/user/memory.go").rename(service / "internal/user/store.go")
    save(service, "my subject")
    before = committed_tree(service)
    real = replace(place, package=PACKAGE)
    result = run(real, "database=postgres", "orders")
    kept, added = result.data["kept"], result.data["added"]
    assert isinstance(kept, list)
    assert isinstance(added, list)
    assert {"internal/platform/postgres/postgres.go", "compose.yaml"} <= set(added)
    assert {"internal/user/postgres.go", "internal/user/migrations/00001_create_users.sql"} <= set(kept)
    assert "internal/user/memory.go" not in kept
    assert not [path for path in added if path.startswith("internal/user/")]
    assert result.data["conflicts"] == []
    (lacking,) = result.warnings
    assert "internal/user/postgres.go" in lacking
    assert lacking.endswith("did not come: what starts the service, in cmd/, may call what your code lacks.")
    assert "github.com/jackc/pgx/v5" in (service / "go.mod").read_text()
    assert (service / "internal/user/store.go").exists()
    save(service, "with a database")
    back = run(real, "database=none", "orders")
    assert back.data["conflicts"] == []
    (lacking,) = back.warnings
    assert "internal/user/memory.go" in lacking
    assert "postgres" not in lacking
    save(service, "without")
    assert committed_tree(service) == before
