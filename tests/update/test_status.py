"""`status`: what it tells of services and of whatever else is named, and that nothing of it is a crash or a write."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gopherforge import bundle
from gopherforge.errors import InvalidProject
from gopherforge.project import ANSWERS_FILE
from gopherforge.report import Result
from gopherforge.rows import Status, table
from gopherforge.source import PACKAGE, canonical_url
from gopherforge.status import Place, status
from tests.core.history import Project, git
from tests.core.installation import AS_ANYONE
from tests.support import program
from tests.update.starts import counted
from tests.update.upstream import make, save

Tell = Callable[..., Any]
Look = Callable[[], tuple[Any, set[str], list[str]]]


@pytest.fixture
def result(templates: Project, tmp_path: Path) -> Callable[..., Result]:
    place = Place(dict(os.environ), tmp_path, templates.package)
    return lambda *directories, check=False: status(directories, place, check=check)


@pytest.fixture
def tell(result: Callable[..., Result]) -> Tell:
    """The one row of a directory."""

    def one(directory: str) -> Any:
        services: Any = result(directory).data["services"]
        (row,) = services
        return row

    return one


def rewrite(service: Path, old: str, new: str) -> None:
    path = service / ANSWERS_FILE
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_service_that_is_behind(service: Path, tell: Tell) -> None:
    row = tell("orders")
    assert row["latest"].startswith("v0.2.0-1-g")
    assert row == {
        "path": str(service.resolve()),
        "template": "go-http-service",
        "version": "v0.1.0",
        "latest": row["latest"],
        "behind": 2,
        "edited": [],
        "deleted": [],
        "unanswered": [],
        "problem": "",
        "unknown": "",
    }


def test_the_newest_is_not_behind(templates: Project, tmp_path: Path, tell: Tell) -> None:
    newest = tell(".")["latest"]
    make(templates, tmp_path / "orders", newest)
    assert (tell("orders")["version"], tell("orders")["behind"]) == (newest, 0)


def test_a_version_between_releases_goes_by_its_hash(templates: Project, service: Path, tell: Tell) -> None:
    rewrite(service, "v0.1.0", f"v0.1.0-1-g{templates.git('rev-parse', '--short=9', 'HEAD~2')}")
    assert (tell("orders")["problem"], tell("orders")["behind"]) == ("", 2)


def test_only_managed_files_of_the_template_are_told(service: Path, tell: Tell) -> None:
    save(
        service,
        "all kinds",
        {"README.md": "mine\n", "go.mod": "module mine\n", "lines.txt": "mine\n", "mine.go": "package mine\n"},
    )
    (service / "mine.go").write_text("package ours\n")
    (service / "Makefile").unlink()
    assert (tell("orders")["edited"], tell("orders")["deleted"]) == (["lines.txt"], ["Makefile"])


def test_files_of_the_author_that_lie_beside_are_not_told(service: Path, tell: Tell) -> None:
    (service / "extra.mk").write_text("mine:\n")
    rewrite(service, "store: none", "store: mysql")
    save(service, "another answer")
    save(service, "later", {"extra.mk": "ours:\n", "Makefile": "ours:\n"})
    assert tell("orders")["edited"] == ["Makefile"]


def test_new_questions_are_those_that_are_asked_and_not_answered(service: Path, tell: Tell) -> None:
    rewrite(service, "store: none\n", "")
    assert tell("orders")["unanswered"] == ["store"]
    rewrite(service, "template:", "store: mysql\ntemplate:")
    assert tell("orders")["unanswered"] == ["cache"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("_commit: v0.1.0", "_commit: v9.0.0", "the service was made with v9.0.0, and this gopherforge goes to "),
        ("_commit: v0.1.0", "_commit: v0.0.7", 'the service records "v0.0.7", which is no version of these templates.'),
        ("_commit: v0.1.0", "_commit: --upload-pack=x", 'the service records "--upload-pack=x", which is no version '),
        ("_commit: v0.1.0", "_commit: v0.1.0-4-gabcdef123", "the service was made with v0.1.0-4-gabcdef123"),
        ("_commit: v0.1.0", "_commit: work-tree", "the service was made from a work tree of the templates"),
        ("_commit: v0.1.0", "_commit: 7", f"{ANSWERS_FILE} does not say which template the service was made from"),
        ("_commit: v0.1.0", "_commit: [", f"{ANSWERS_FILE} cannot be read as YAML."),
        ("_commit: v0.1.0", f"x: {'[' * 5000}", f"{ANSWERS_FILE} cannot be read as YAML."),
        ("_commit: v0.1.0", "_commit: 2026-99-99", f"{ANSWERS_FILE} "),
        ("_commit: v0.1.0", f"_commit: v{'9' * 5000}.0.0", 'the service records "v99999'),
        ("_commit: v0.1.0", f"_commit: v0.1.0-{'9' * 5000}-gabcdef", 'the service records "v0.1.0-9999'),
        ("store: none", "store: !!bool maybe", f"{ANSWERS_FILE} cannot be read as YAML."),
        ("store: none", "on: 1", f"{ANSWERS_FILE} has a key that is not text but true: put it in quotes."),
        ("store: none", "made: 2026-01-02", f'{ANSWERS_FILE} records a value of "made" that JSON cannot hold, such as a date: '),
        ("store: none", "made: .nan", f'{ANSWERS_FILE} records a value of "made" that JSON cannot hold'),
        ("store: none", "made: !!binary AAAA", f'{ANSWERS_FILE} records a value of "made" that JSON cannot hold'),
        ("store: none", "made: &x [*x]", f'{ANSWERS_FILE} records a value of "made" that JSON cannot hold'),
        ("_src_path: https", "_src_path: ftp", "the service follows the templates of ftp://"),
        ("template: go-http-service", "template: go-nothing", 'there is no template "go-nothing" in v0.2.0-1-g'),
        ("template: go-http-service", "template: [1]", f"{ANSWERS_FILE} does not say which template the service was made with."),
        ("template: go-http-service", f"x: {'y' * 2**20}", f"{ANSWERS_FILE} is larger than 1 MiB."),
    ],
)
def test_an_answers_file_that_no_update_could_start_from(service: Path, tell: Tell, old: str, new: str, problem: str) -> None:
    rewrite(service, old, new)
    row = tell("orders")
    if "abcdef123" in new:
        assert row["problem"]
    else:
        assert row["problem"].startswith(problem)
    assert row["behind"] is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("_commit: v0.1.0", "_commit: v9.0.0"),
        ("_commit: v0.1.0", "_commit: work-tree"),
        ("_commit: v0.1.0", "_commit: .."),
        ("_commit: v0.1.0", "_commit: ''"),
        ("_src_path: https", "_src_path: ftp"),
        ("template: go-http-service", "template: go-nothing"),
    ],
)
def test_one_that_has_edits_and_cannot_be_updated_hinders_no_other(
    service: Path, templates: Project, tmp_path: Path, result: Callable[..., Result], *, old: str, new: str
) -> None:
    rewrite(service, old, new)
    save(service, "another origin")
    save(service, "mine", {"Makefile": "mine:\n"})
    save(make(templates, tmp_path / "users", "v0.1.0"), "mine", {"Makefile": "mine:\n"})
    rows: Any = result("orders", "users").data["services"]
    orders, users = rows
    assert (orders["edited"], orders["behind"], orders["problem"] != "") == (None, None, True)
    assert (users["edited"], users["behind"], users["problem"]) == (["Makefile"], 2, "")


def test_what_is_no_service(tmp_path: Path, tell: Tell) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / ANSWERS_FILE)
    (tmp_path / "folder" / ANSWERS_FILE).mkdir(parents=True)
    (tmp_path / "loop").symlink_to("loop")
    assert tell("absent")["problem"] == "there is no such directory."
    assert tell("file")["problem"] == "it is no directory."
    assert tell("empty")["problem"] == f"it is no service of gopherforge: it has no {ANSWERS_FILE}."
    assert tell("pipe")["problem"] == tell("folder")["problem"] == f"{ANSWERS_FILE} is no file."
    assert tell("loop")["problem"].startswith("it cannot be read: ")
    assert tell("x" * 300)["problem"]


def test_what_nobody_may_read_is_told(service: Path, templates: Project, tmp_path: Path) -> None:
    """And has not passed a check."""
    shutil.copytree(service, tmp_path / "users")
    shutil.copytree(service, tmp_path / "within/jobs")
    program("setpriv")
    script = """if True:
        import json, os, sys
        from pathlib import Path
        from gopherforge.errors import InvalidProject
        from gopherforge.status import Place, status
        place = Place(dict(os.environ), Path.cwd(), Path(sys.argv[1]))
        told = [row["problem"] for row in status(["orders", "users", "within/jobs"], place).data["services"]]
        for directory in ("orders", "users", "within/jobs"):
            try:
                status([directory], place, check=True)
            except InvalidProject as error:
                told.append(error.message)
        print(json.dumps(told))
    """
    command = [*(AS_ANYONE if os.geteuid() == 0 else []), sys.executable, "-c", script, str(templates.package)]
    closed = {service / ANSWERS_FILE: 0o644, tmp_path / "users": 0o755, tmp_path / "within": 0o755}
    for path in closed:
        path.chmod(0)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    for path, mode in closed.items():
        path.chmod(mode)
    why = "it cannot be read: Permission denied."
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        *(why, why, why),
        *(f"{name} cannot be checked: {why}" for name in ("orders", "users", "within/jobs")),
    ]


def test_answers_that_are_no_text(service: Path, tell: Tell) -> None:
    (service / ANSWERS_FILE).write_bytes(b"\xff\xfe\x00")
    assert tell("orders")["problem"] == f"{ANSWERS_FILE} cannot be read as YAML."


def test_a_bare_repository_is_told_as_it_is_in_head(service: Path, tmp_path: Path, tell: Tell) -> None:
    save(service, "mine", {"lines.txt": "mine\n"})
    git(tmp_path, "clone", "--quiet", "--bare", str(service), "bare.git")
    row = tell("bare.git")
    assert (row["version"], row["behind"], row["edited"]) == ("v0.1.0", 2, ["lines.txt"])


def test_a_directory_of_a_bare_repository_is_told_as_it_is_in_head(service: Path, tmp_path: Path, tell: Tell) -> None:
    mono = tmp_path / "mono"
    shutil.copytree(service, mono / "services/orders", ignore=shutil.ignore_patterns(".git"))
    git(mono, "init", "--quiet")
    save(mono, "all")
    save(mono, "mine", {"services/orders/lines.txt": "mine\n"})
    git(tmp_path, "clone", "--quiet", "--bare", str(mono), "mono.git")
    row = tell("mono.git/services/orders")
    assert row["path"] == str(tmp_path.resolve() / "mono.git/services/orders")
    assert (row["version"], row["behind"], row["edited"], row["problem"]) == ("v0.1.0", 2, ["lines.txt"], "")
    for other in ("services", "services/users"):
        assert tell(f"mono.git/{other}")["problem"] == f"the last commit has no {ANSWERS_FILE} there."
        with pytest.raises(InvalidProject, match="cannot be checked"):  # no shell lists it: somebody mistook its name
            status([f"mono.git/{other}"], Place(dict(os.environ), tmp_path), check=True)
    assert tell("mono.git")["problem"] == f"it is no service of gopherforge: it has no {ANSWERS_FILE}."
    assert tell("mono/services/users")["problem"] == "there is no such directory."


def test_a_repository_that_cannot_be_read_has_not_passed_a_check(
    service: Path, tmp_path: Path, result: Callable[..., Result]
) -> None:
    git(service, "config", "uploadpack.allowFilter", "true")
    for name in ("blob:none", "tree:0"):
        git(tmp_path, "clone", "--quiet", "--bare", f"--filter={name}", f"file://{service}", f"{name[:4]}.git")
    git(tmp_path, "clone", "--quiet", "--bare", str(service), "bad.git")
    shutil.rmtree(tmp_path / "bad.git/objects")
    (tmp_path / "bad.git/objects").mkdir()
    for name, words in (("blob", "promisor"), ("tree", "promisor"), ("bad", "")):
        with pytest.raises(InvalidProject, match=rf"^{name}\.git cannot be checked: it cannot be read: git .*{words}") as raised:
            result(f"{name}.git", check=True)
        assert raised.value.exit_code == 1


def test_a_service_that_a_killed_update_left_half_changed_is_told(
    service: Path, templates: Project, tmp_path: Path, result: Callable[..., Result]
) -> None:
    """Of two in a linked work tree, the one that is."""
    mono = tmp_path / "mono"
    for name in ("orders", "users"):
        shutil.copytree(service, mono / name, ignore=shutil.ignore_patterns(".git"))
    git(mono, "init", "--quiet")
    save(mono, "all")
    git(mono, "worktree", "add", "--quiet", "-b", "side", str(tmp_path / "linked"))
    (tmp_path / "bin").mkdir()
    kill = f'#!/bin/sh\ncase "$*" in *--refresh*) kill -9 $PPID; exit 1;; esac\nexec {shutil.which("git")} "$@"\n'
    (tmp_path / "bin/git").write_text(kill)
    (tmp_path / "bin/git").chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    program = """if True:
        import os, sys
        from pathlib import Path
        from gopherforge.change import Options, Place
        from gopherforge.report import Progress
        from gopherforge.update import Request, update
        place = Place(dict(os.environ), Path.cwd(), Progress(sys.stderr), package=Path(sys.argv[2]))
        update(Request(Options(sys.argv[1])), place)
    """
    for place in ("mono", "linked"):
        command = [sys.executable, "-c", program, f"{place}/orders", str(templates.package)]
        assert subprocess.run(command, cwd=tmp_path, env=environ, check=False).returncode == -9
        rows: Any = result(f"{place}/orders", f"{place}/users").data["services"]
        half, whole = rows
        assert (
            half["problem"]
            == "an update or set is at work there, or was interrupted: run it again, and it will be undone or finished."
        )
        assert (half["behind"], whole["behind"], whole["problem"]) == (None, 2, "")


def test_a_shallow_clone_is_told_but_for_its_edits(service: Path, tmp_path: Path, tell: Tell) -> None:
    save(service, "mine", {"lines.txt": "mine\n"})
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{service}", "clone")
    row = tell("clone")
    assert (row["behind"], row["edited"], row["deleted"], row["problem"]) == (2, None, None, "")
    assert row["unknown"] == "its history is cut off here, in a shallow clone."


def test_each_directory_is_told_once_and_in_order(service: Path, tmp_path: Path, result: Callable[..., Result]) -> None:
    (tmp_path / "link").symlink_to(service)
    shutil.copytree(service, tmp_path / "another")
    told = result("orders", "link", "./orders/", "another", str(service)).data["services"]
    assert [row["path"] for row in told] == [str(tmp_path.resolve() / name) for name in ("another", "orders")]  # type: ignore[attr-defined]


@pytest.mark.usefixtures("service")
def test_check_finds_what_is_behind(templates: Project, tmp_path: Path, result: Callable[..., Result]) -> None:
    assert (result("orders").exit_code, result("orders", "absent", check=True).exit_code) == (0, 3)
    newest = str(result("orders").data["services"][0]["latest"])  # type: ignore[index]
    make(templates, tmp_path / "users", newest)
    (tmp_path / "notes").mkdir()
    (tmp_path / "README.md").touch()
    git(tmp_path, "clone", "--quiet", "--bare", str(templates.path), "another.git")
    assert result("users", "notes", "README.md", "another.git", check=True).exit_code == 0
    with pytest.raises(InvalidProject, match=r"^absent cannot be checked: there is no such directory\.$") as raised:
        result("users", "absent", check=True)
    assert len(raised.value.data["services"]) == 2  # type: ignore[index, arg-type]
    assert "users" in raised.value.text


def test_the_table_is_plain_and_fits_eighty_columns(service: Path, tmp_path: Path, result: Callable[..., Result]) -> None:
    long = tmp_path / ("long" * 30)
    shutil.copytree(service, long)
    (long / "lines.txt").write_text("mine\n")
    (long / "Makefile").unlink()
    odd = tmp_path / "odd\x1b[31m\nname"
    shutil.copytree(service, odd)
    rewrite(odd, "_commit: v0.1.0", '_commit: "\\e[31mv1"')
    rewrite(service, "store: none\n", "")
    text = result("orders", long.name, odd.name).text
    lines = [line for line in text.splitlines() if line != long.name]
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in text
    assert {
        "  edited and deleted are unknown: .copier-answers.yml is not committed as it is.",
        "  unanswered: store",
        "  edited: lines.txt",
        "  deleted: Makefile",
        '  the service records "\\x1b[31mv1", which is no version of these templates.',
    } <= set(lines)
    assert lines[-1] == f"Behind {result('orders').data['services'][0]['latest']}, the newest version: 2 of 3."  # type: ignore[index]


def test_of_many_files_the_table_names_the_first(tmp_path: Path) -> None:
    names = tuple(f"{number:02}.txt" for number in range(14))
    told = table([Status(tmp_path, "v0.2.0", edited=names)], tmp_path)
    assert "  edited: 00.txt, " in told
    assert "11.txt and 2 more\n" in told


@pytest.fixture
def newest(carried: Path, tmp_path: Path, templates: Project) -> Path:
    """A service as `new` makes it with the version that the installation carries."""
    return make(templates, tmp_path / "orders", bundle.versions(carried / bundle.NAME)[-1])


@pytest.fixture(scope="module")
def carried(site: Path) -> Path:
    return site / "gopherforge/carried"


@pytest.fixture(scope="module")
def site(templates: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pip makes of a wheel with the small template, to be put before all other packages."""
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(PACKAGE, site / "gopherforge", ignore=shutil.ignore_patterns("__pycache__"))
    bundle.carry(templates.path, tmp_path_factory.mktemp("scratch"), os.environ).rename(site / "gopherforge/carried")
    (site / "gopherforge-0.0.0.dist-info").mkdir()
    header = f"Name: gopherforge\nProject-URL: Source, {canonical_url()}\n"
    (site / "gopherforge-0.0.0.dist-info/METADATA").write_text(header)
    return site


PROBE = """
import sys
from gopherforge.cli import main
main(["--version"])
code = main(["status", "--json", "orders"])
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture
def look(site: Path, tmp_path: Path) -> Look:
    """The row of the service as an installed program tells it, the modules that it imports, and its calls of git."""

    def look() -> tuple[Any, set[str], list[str]]:
        environ = {**counted(tmp_path), "PYTHONPATH": str(site)}
        environ.pop("COVERAGE_PROCESS_CONFIG", None)  # what measures coverage imports some of this
        command = [sys.executable, "-c", PROBE]
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        (row,) = json.loads(done.stdout.partition("\n")[2])["data"]["services"]
        return row, set(done.stderr.splitlines()[-1].split()), (tmp_path / "calls").read_text().splitlines()

    return look


NEVER = {"copier", "gopherforge.engine", "plumbum", "pydantic", "questionary", "rich"}
FOR_OTHERS = {"concurrent.futures", "hashlib", "jinja2", "logging", "random", "secrets", "tempfile", "yaml"}
"""What takes long to import, and what telling of one service that is as new as the installation can do without."""

GIT = ["cat-file", "log", "status"]


@pytest.mark.usefixtures("newest")
def test_of_a_service_that_is_up_to_date_little_is_imported_and_git_started_three_times(look: Look) -> None:
    row, modules, calls = look()
    assert (row["behind"], row["edited"], row["unknown"]) == (0, [], "")
    assert not (NEVER | FOR_OTHERS) & modules
    assert sorted(next(word for word in call.split() if word in GIT) for call in calls) == GIT


def test_of_a_service_with_edits_git_is_started_no_more_often(newest: Path, look: Look) -> None:
    for name in ("Makefile", "lines.txt", "go.mod"):
        with (newest / name).open("a") as file:
            file.write("mine\n")
    row, modules, calls = look()
    assert row["edited"] == ["Makefile", "lines.txt"]
    assert not NEVER & modules
    assert len(calls) == 3


@pytest.mark.usefixtures("service")
def test_of_a_service_that_is_behind_neither_copier_nor_jinja_is_imported(look: Look) -> None:
    row, modules, calls = look()
    assert row["behind"] == 2
    assert "gopherforge.catalog" in modules
    assert not (NEVER | {"jinja2"}) & modules
    assert len(calls) == 3
