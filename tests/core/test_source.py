import os
import subprocess
import sys
from pathlib import Path

import pytest

from gopherforge import bundle
from gopherforge.errors import CannotWrite, TemplatesMissing, UnknownRef
from gopherforge.source import canonical_url, locate
from tests import source
from tests.core.history import FILES, Project, git


def test_an_installation_reads_what_it_carries_without_git_or_a_temporary_directory(package: Path, tmp_path: Path) -> None:
    with locate(None, {"PATH": str(tmp_path)}, package) as templates:
        assert templates.root == package / "carried"
        assert templates.bundle == package / "carried/templates.bundle"
        assert templates.version == bundle.versions(templates.bundle)[-1]
        assert templates.url == canonical_url()
        assert (templates.root / "questions/identity.yml").read_text() == FILES["questions/identity.yml"]


def test_the_address_is_the_one_in_the_metadata() -> None:
    assert canonical_url() == "https://gopherforge.example/gopherforge.git"


def test_the_carried_version_can_be_named(package: Path, environ: dict[str, str]) -> None:
    carried = bundle.versions(package / "carried/templates.bundle")[-1]

    with locate(carried, environ, package) as templates:
        assert (templates.root, templates.version) == (package / "carried", carried)


def test_without_an_installation_there_is_no_address() -> None:
    """As when the source is put on the path instead of being installed: -S leaves the installed packages out."""
    read = "from gopherforge.source import canonical_url\nfrom gopherforge.errors import TemplatesMissing\n"
    tried = "try: canonical_url()\nexcept TemplatesMissing as error: print(error.message)"
    env = {"PYTHONPATH": str(source.ROOT / "src"), "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-S", "-c", read + tried], env=env, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == "gopherforge is not installed, so its templates have no address.\n"


@pytest.mark.parametrize("origin", ["installation", "checkout"])
def test_an_older_release_has_its_own_questions(project: Project, tmp_path: Path, environ: dict[str, str], origin: str) -> None:
    project.commit("feat: another question", {"questions/storage.yml": "changed: {type: str, default: x}\n"})
    package = project.package if origin == "checkout" else tmp_path / "gopherforge"
    if origin == "installation":
        (tmp_path / "scratch").mkdir()
        package.mkdir()
        bundle.carry(project.path, tmp_path / "scratch", environ).rename(package / "carried")

    with locate("v0.1.0", environ, package) as templates:
        assert templates.version == "v0.1.0"
        assert (templates.root / "questions/storage.yml").read_text() == FILES["questions/storage.yml"]
        root = templates.root
    assert not root.exists()


def test_an_unknown_version_is_refused_with_the_versions_there_are(package: Path, environ: dict[str, str]) -> None:
    with pytest.raises(UnknownRef) as caught, locate("v9.9.9", environ, package):
        pass

    last = bundle.versions(package / "carried/templates.bundle")[-1]
    assert caught.value.message == 'there is no version "v9.9.9" of the templates in this installation.'
    assert caught.value.hint == f"the newest here: {last}, v0.2.0, v0.1.0; a newer gopherforge has newer ones."
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("written", ["0.2.0", "0.2"])
def test_a_version_without_its_v_is_suggested_with_it(package: Path, environ: dict[str, str], written: str) -> None:
    with pytest.raises(UnknownRef, match=r'Did you mean "v0\.2\.0"\?'), locate(written, environ, package):
        pass


def test_an_installation_has_no_work_tree(package: Path, environ: dict[str, str]) -> None:
    with (
        pytest.raises(UnknownRef, match="only a source checkout of gopherforge has a work tree"),
        locate("HEAD", environ, package),
    ):
        pass


def test_a_checkout_renders_its_commit_and_not_its_work_tree(project: Project, environ: dict[str, str]) -> None:
    project.write({"copier.yml": "changed\n"})

    with locate(None, environ, project.package) as templates:
        head = project.git("rev-parse", "HEAD")
        assert templates.version == f"v0.2.0-1-g{head[:12]}"
        assert (templates.root / "copier.yml").read_text() == FILES["copier.yml"]
        assert git(templates.bundle, "rev-parse", f"{templates.version}^{{commit}}") == head


def test_head_is_the_work_tree_of_a_checkout(project: Project, environ: dict[str, str]) -> None:
    project.write(
        {"copier.yml": "changed\n", "templates/new.txt": "new\n", ".gitignore": "*.log\n*.jinja\n", "templates/trace.log": "no\n"}
    )
    (project.path / "templates/go-http-service/bin/run").unlink()
    before = project.git("status", "--porcelain")

    with locate("HEAD", environ, project.package) as templates:
        assert templates.version == "HEAD"
        assert (templates.root / "copier.yml").read_text() == "changed\n"
        assert git(templates.bundle, "show", "HEAD:copier.yml") == "changed"
        paths = git(templates.bundle, "ls-tree", "-r", "--name-only", "HEAD").splitlines()
        assert {"templates/new.txt", "templates/go-http-service/Makefile.jinja"} <= set(paths)
        assert not {"templates/trace.log", "templates/go-http-service/bin/run"} & set(paths)
    assert project.git("status", "--porcelain") == before


def test_head_needs_no_commit_and_no_history(project: Project, tmp_path: Path, environ: dict[str, str]) -> None:
    fresh = Project(tmp_path / "fresh")
    fresh.write(FILES)
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{project.path}", "shallow")

    for checkout in (fresh.path, tmp_path / "shallow"):
        with locate("HEAD", environ, checkout / "src/gopherforge") as templates:
            assert git(templates.bundle, "show", "HEAD:ownership.yml") == FILES["ownership.yml"].strip()


def test_a_checkout_of_another_user_is_read(project: Project, environ: dict[str, str]) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files to another user.")
    for path in [project.path, *project.path.rglob("*")]:
        os.chown(path, 65534, 65534)

    for ref in (None, "HEAD"):
        with locate(ref, environ, project.package) as templates:
            assert git(templates.bundle, "show", "HEAD:ownership.yml") == FILES["ownership.yml"].strip()


def test_an_unpacked_sdist_has_the_bundle_at_its_root(package: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / bundle.NAME).write_bytes((package / "carried" / bundle.NAME).read_bytes())

    with locate("v0.1.0", environ, tmp_path / "src/gopherforge") as templates:
        assert (templates.root / "copier.yml").read_text() == FILES["copier.yml"]
        assert templates.bundle == tmp_path / bundle.NAME


def test_an_installation_without_templates_is_told_so(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(TemplatesMissing, match="neither a git checkout"), locate(None, environ, tmp_path / "lib/gopherforge"):
        pass


def test_no_place_for_temporary_files_is_told_with_what_to_do(
    project: Project, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")

    with pytest.raises(CannotWrite, match="cannot make a temporary directory: No such file") as caught:  # noqa: SIM117
        with locate(None, environ, project.package):
            pass
    assert "TMPDIR" in caught.value.hint
