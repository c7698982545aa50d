import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml
from copier._main import Worker
from plumbum import local

from gopherforge import bundle
from gopherforge.engine import Rendered, render
from gopherforge.errors import CannotWrite, ProgramFailed, ProgramMissing, RenderFailed
from gopherforge.source import Templates, locate
from tests.core.history import ANSWERS, FILES, RENDERED, Project, git, released
from tests.update.starts import counted


def record(directory: Path) -> dict[str, object]:
    answers: dict[str, object] = yaml.safe_load((directory / ".copier-answers.yml").read_text())
    return answers


def test_the_service_records_the_canonical_address_and_the_version(
    templates: Templates, tmp_path: Path, environ: dict[str, str]
) -> None:
    rendered = render(templates, ANSWERS, tmp_path / "service", environ)

    recorded = record(tmp_path / "service")
    assert recorded.pop("_src_path") == "https://gopherforge.example/gopherforge.git"
    assert recorded.pop("_commit") == templates.version
    assert rendered == Rendered(recorded, RENDERED)
    assert recorded.items() >= ANSWERS.items()
    assert "go_version" not in recorded


def test_an_older_version_is_rendered_as_it_was(package: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    for version, text in {"v0.1.0": "# user-service\n", "v0.2.0": "# user-service\n\nSecond.\n"}.items():
        with locate(version, environ, package) as templates:
            render(templates, ANSWERS, tmp_path / version, environ)
        assert (tmp_path / version / "Makefile").read_text() == text
        assert record(tmp_path / version)["_commit"] == version


def test_a_commit_and_its_bundle_render_alike(
    history: Project, templates: Templates, tmp_path: Path, environ: dict[str, str]
) -> None:
    with locate(None, environ, history.package) as checkout:
        render(checkout, ANSWERS, tmp_path / "checkout", environ)
    render(templates, ANSWERS, tmp_path / "bundle", environ)

    assert subprocess.run(["diff", "-r", "checkout", "bundle"], cwd=tmp_path, check=False, capture_output=True).stdout == b""


def test_a_service_from_a_work_tree_cannot_be_updated(project: Project, tmp_path: Path, environ: dict[str, str]) -> None:
    project.write({"templates/go-http-service/Makefile.jinja": "uncommitted\n"})
    with locate("HEAD", environ, project.package) as templates:
        render(templates, ANSWERS, tmp_path / "service", environ)

    assert (tmp_path / "service/Makefile").read_text() == "uncommitted\n"
    assert record(tmp_path / "service")["_commit"] == bundle.WORK_TREE
    updated = copier_update(tmp_path / "service", project.path, environ)
    assert updated.returncode == 1
    assert "invalid reference: work-tree" in updated.stderr


def test_plain_copier_updates_the_service_from_the_real_repository(
    package: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    upstream = released(tmp_path / "upstream")
    with locate("v0.1.0", environ, package) as templates:
        render(templates, ANSWERS, tmp_path / "service", environ)
    for version in ("v0.1.0", "v0.2.0"):
        commit = upstream.git("log", "--format=%H", f"--grep=^release: {version}")
        upstream.git("tag", "--annotate", "--message", version, version, commit)

    updated = copier_update(tmp_path / "service", upstream.path, environ)

    assert updated.returncode == 0, updated.stderr
    assert (tmp_path / "service/Makefile").read_text() == "# user-service\n\nSecond.\n"
    assert record(tmp_path / "service")["_commit"] == "v0.2.0"


def copier_update(service: Path, upstream: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    git(service, "init", "--quiet")
    git(service, "add", "--all")
    git(service, "commit", "--quiet", "--message", "first")
    rewritten = environ | {
        "COPIER_CACHE_DIR": str(service.parent / "cache"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{upstream}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://gopherforge.example/gopherforge.git",
    }
    command = [sys.executable, "-m", "copier", "update", "--defaults"]
    return subprocess.run(command, cwd=service, env=rewritten, capture_output=True, encoding="utf-8", check=False)


HOSTILE = {
    "protocol.allow": "never",
    "protocol.file.allow": "never",
    "url.ssh://git@example.invalid/.insteadOf": "https://gopherforge.example/",
    "url./nowhere.insteadOf": "https://gopherforge.example/gopherforge.git",
    "commit.gpgSign": "true",
    "tag.gpgSign": "true",
    "user.signingKey": "none",
    "fetch.fsckObjects": "true",
    "transfer.fsckObjects": "true",
    "core.autocrlf": "true",
    "core.eol": "crlf",
    "core.fileMode": "false",
    "core.hooksPath": "{place}/hooks",
    "core.attributesFile": "{place}/attributes",
    "init.templateDir": "{place}/template",
    "init.defaultObjectFormat": "sha256",
    "safe.bareRepository": "explicit",
}


@pytest.fixture
def hostile(tmp_path: Path) -> dict[str, str]:
    """A user's git settings, each of which would spoil a rendering."""
    write(tmp_path / "hooks/post-checkout", "#!/bin/sh\nexit 1\n", mode=0o755)
    write(tmp_path / "hooks/reference-transaction", "#!/bin/sh\nexit 1\n", mode=0o755)
    write(tmp_path / "attributes", "* text eol=crlf\n")
    write(tmp_path / "template/config", "[core]\n\tsparseCheckout = true\n")
    write(tmp_path / "template/info/sparse-checkout", "/nothing\n")
    return {key: value.format(place=tmp_path) for key, value in HOSTILE.items()}


def test_the_users_git_configuration_changes_nothing(
    templates: Templates, tmp_path: Path, environ: dict[str, str], hostile: dict[str, str]
) -> None:
    environ["GIT_CONFIG_GLOBAL"] = str(tmp_path / "gitconfig")
    for key, value in hostile.items():
        git(tmp_path, "config", "--file", environ["GIT_CONFIG_GLOBAL"], key, value)
    check_unspoilt(render(templates, ANSWERS, tmp_path / "service", environ), tmp_path / "service")


def test_settings_in_variables_change_nothing(
    templates: Templates, tmp_path: Path, environ: dict[str, str], hostile: dict[str, str]
) -> None:
    environ["GIT_CONFIG_COUNT"] = str(len(hostile))
    for number, (key, value) in enumerate(hostile.items()):
        environ |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    check_unspoilt(render(templates, ANSWERS, tmp_path / "service", environ), tmp_path / "service")


def test_files_in_the_home_change_nothing(templates: Templates, tmp_path: Path, environ: dict[str, str]) -> None:
    write(tmp_path / "home/.gitconfig", "[core\n")
    write(tmp_path / "home/.config/git/attributes", "* text eol=crlf\n")
    for name in ("GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME"):
        del environ[name]
    environ["HOME"] = str(tmp_path / "home")
    check_unspoilt(render(templates, ANSWERS, tmp_path / "service", environ), tmp_path / "service")


def write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def check_unspoilt(rendered: Rendered, service: Path) -> None:
    assert rendered.files == RENDERED
    assert (service / "Makefile").read_bytes() == b"# user-service\n\nThird.\n"
    assert (service / "bin/run").stat().st_mode & 0o111


ELSEWHERE = {
    "GIT_DIR": "{other}/.git",
    "GIT_WORK_TREE": "{other}",
    "GIT_INDEX_FILE": "{other}/.git/index",
    "GIT_OBJECT_DIRECTORY": "{other}/.git/objects",
    "GIT_COMMON_DIR": "{other}/.git",
    "GIT_PREFIX": "x/",
}

ODD = {
    "GIT_ALLOW_PROTOCOL": "https",
    "GIT_PROTOCOL_FROM_USER": "0",
    "GIT_CONFIG_PARAMETERS": "'protocol.file.allow'='never'",
    "GIT_CONFIG_COUNT": "not a number",
    "GIT_TEMPLATE_DIR": "/nowhere",
    "GIT_DEFAULT_HASH": "sha256",
    "GIT_NAMESPACE": "x",
    "GIT_LITERAL_PATHSPECS": "1",
    "COPIER_CACHE_DIR": "/nowhere",
    "COPIER_SETTINGS_PATH": "/nowhere",
    "LC_ALL": "tr_TR.UTF-8",
    "TZ": "Pacific/Kiritimati",
}


@pytest.mark.parametrize("variables", [{"GIT_DIR": "{other}/.git"}, ELSEWHERE, ODD], ids=["GIT_DIR", "elsewhere", "odd"])
def test_inherited_variables_change_nothing_here_or_elsewhere(
    templates: Templates, project: Project, tmp_path: Path, environ: dict[str, str], variables: dict[str, str]
) -> None:
    before = project.git("status", "--porcelain", "--branch"), project.git("for-each-ref"), project.git("count-objects")
    given = {key: value.format(other=project.path) for key, value in variables.items()}

    with local.env(**given):  # as if they had been there when Copier was imported
        rendered = render(templates, ANSWERS, tmp_path / "service", environ | given)
    assert rendered.files == RENDERED

    after = project.git("status", "--porcelain", "--branch"), project.git("for-each-ref"), project.git("count-objects")
    assert after == before


def test_no_home_is_needed(templates: Templates, tmp_path: Path, environ: dict[str, str]) -> None:
    assert render(templates, ANSWERS, tmp_path / "service", {"PATH": environ["PATH"]}).files == RENDERED


def test_a_directory_named_like_the_address_is_not_taken_for_it(
    templates: Templates, tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = Project(tmp_path / "https:/gopherforge.example/gopherforge.git")
    trap.commit("feat: a trap", FILES | {"templates/go-http-service/Makefile.jinja": "trapped\n"})
    trap.git("tag", "--annotate", "--message", "trap", templates.version)
    monkeypatch.chdir(tmp_path)

    render(templates, ANSWERS, tmp_path / "service", environ)

    assert (tmp_path / "service/Makefile").read_text() == "# user-service\n\nThird.\n"


def test_the_process_is_left_as_it_was(templates: Templates, tmp_path: Path, environ: dict[str, str]) -> None:
    before = dict(os.environ), dict(local.env), Path.cwd(), tempfile.tempdir, dict(vars(Worker))
    render(templates, ANSWERS, tmp_path / "service", environ | {"GIT_DIR": "/nowhere"})
    with pytest.raises(ProgramFailed, match=r"git failed while rendering: fatal: invalid reference: v9\.9\.9"):
        render(templates._replace(version="v9.9.9"), ANSWERS, tmp_path / "other", environ)

    assert (dict(os.environ), dict(local.env), Path.cwd(), tempfile.tempdir, dict(vars(Worker))) == before


BROKEN = {
    "undefined variable": (
        {"Makefile.jinja": "fine\n[[ nmae ]]\n"},
        "'nmae' is undefined (templates/go-http-service/Makefile.jinja, line 2)",
    ),
    "syntax": ({"Makefile.jinja": "[% if %]\n"}, "(templates/go-http-service/Makefile.jinja, line 1)"),
    "missing include": ({"Makefile.jinja": '[% include "templates/_shared/none" %]'}, "'templates/_shared/none' not found"),
    "bytes that are no text": ({"Makefile.jinja": "\udcff"}, "can't decode byte 0xff"),
}


# Copier does not close its iteration over the templates when it fails.
unclosed = pytest.mark.filterwarnings("ignore:.*ScandirIterator:pytest.PytestUnraisableExceptionWarning")


@unclosed
@pytest.mark.parametrize(("files", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_template_is_told_in_one_sentence(
    project: Project, tmp_path: Path, environ: dict[str, str], files: dict[str, str], reason: str
) -> None:
    for name, text in files.items():
        (project.path / "templates/go-http-service" / name).write_bytes(text.encode(errors="surrogateescape"))
    with locate("HEAD", environ, project.package) as templates, pytest.raises(RenderFailed) as caught:
        render(templates, ANSWERS, tmp_path / "service", environ)

    assert caught.value.message.startswith("the templates HEAD cannot be rendered: ")
    assert reason in caught.value.message
    assert "\n" not in caught.value.message


def test_templates_without_an_answers_file_are_refused(project: Project, tmp_path: Path, environ: dict[str, str]) -> None:
    (project.path / "templates/go-http-service/[[ _copier_conf.answers_file ]].jinja").unlink()
    with locate("HEAD", environ, project.package) as templates, pytest.raises(RenderFailed, match="leave no answers file"):
        render(templates, ANSWERS, tmp_path / "service", environ)


def test_a_service_that_would_record_another_version_is_refused(
    templates: Templates, tmp_path: Path, environ: dict[str, str]
) -> None:
    with pytest.raises(RenderFailed, match=f"the service records {templates.version} of .* instead of main of "):
        render(templates._replace(version="main"), ANSWERS, tmp_path / "service", environ)


def test_an_answer_that_the_template_refuses_is_an_error(templates: Templates, tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(RenderFailed, match="2 to 40 lower-case letters"):
        render(templates, ANSWERS | {"name": "X"}, tmp_path / "service", environ)


def test_a_damaged_bundle_is_an_error(templates: Templates, tmp_path: Path, environ: dict[str, str]) -> None:
    damaged = tmp_path / "damaged.bundle"
    damaged.write_bytes(templates.bundle.read_bytes()[:-5000])

    with pytest.raises(ProgramFailed, match="git failed while rendering: "):
        render(templates._replace(bundle=damaged), ANSWERS, tmp_path / "service", environ)


def test_without_git_the_program_is_named(templates: Templates, tmp_path: Path) -> None:
    with pytest.raises(ProgramMissing, match="git is required and was not found"):
        render(templates, ANSWERS, tmp_path / "service", {"PATH": str(tmp_path)})


@unclosed
def test_a_full_or_closed_directory_is_told(templates: Templates, tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CannotWrite, match="cannot write the service: Not a directory"):
        render(templates, ANSWERS, tmp_path / "file", environ)


def test_git_is_not_started_for_each_file(project: Project, tmp_path: Path, environ: dict[str, str]) -> None:
    """Copier does that, which takes it a third of the time."""
    directory = next(path for path in FILES if path.startswith("templates/")).rpartition("/")[0]
    project.commit("feat: many files", {f"{directory}/{number}.txt": "all alike\n" for number in range(50)})
    with locate(None, environ, project.package) as templates:
        render(templates, ANSWERS, tmp_path / "service", {**environ, "PATH": counted(tmp_path)["PATH"]})
    assert len(list((tmp_path / "service").glob("*.txt"))) >= 50
    assert 0 < len((tmp_path / "calls").read_text().splitlines()) < 25
