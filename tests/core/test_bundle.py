import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gopherforge import bundle
from gopherforge.errors import TemplatesMissing, UnusableHistory
from tests.core.history import Project, git, released


def made_from(checkout: Path, scratch: Path) -> Path:
    scratch.mkdir()
    return bundle.carry(checkout, scratch, os.environ) / bundle.NAME


def test_a_clone_has_the_releases_as_annotated_tags_and_describes_what_came_after(history: Project, tmp_path: Path) -> None:
    packed = made_from(history.path, tmp_path / "scratch")
    git(tmp_path, "clone", "--quiet", str(packed), "clone")

    head = history.git("rev-parse", "HEAD")
    last = f"v0.2.0-1-g{head[:12]}"
    assert git(tmp_path / "clone", "tag", "--format", "%(objecttype) %(refname:short)").splitlines() == [
        "tag v0.1.0",
        "tag v0.2.0",
        f"tag {last}",
    ]
    assert git(tmp_path / "clone", "describe") == last
    assert git(tmp_path / "clone", "rev-parse", "HEAD") == head
    assert git(tmp_path / "clone", "log", "-1", "--format=%s", "v0.2.0") == "release: v0.2.0 (#7)"
    assert git(tmp_path / "clone", "fsck", "--strict") == ""
    assert bundle.versions(packed) == ("v0.1.0", "v0.2.0", last)


def test_a_release_is_the_newest_version_of_its_own_bundle(project: Project, tmp_path: Path) -> None:
    project.git("reset", "--quiet", "--hard", "HEAD~1")

    assert bundle.versions(made_from(project.path, tmp_path / "scratch")) == ("v0.1.0", "v0.2.0")


def test_before_the_first_release_the_commits_are_counted(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.commit("feat: first", {"copier.yml": "", "ownership.yml": "", "questions/a.yml": ""})
    head = project.commit("feat: second", {})

    assert bundle.versions(made_from(project.path, tmp_path / "scratch")) == (f"v0.0.0-2-g{head[:12]}",)


def test_only_the_exact_title_is_a_release(project: Project, tmp_path: Path) -> None:
    for title in ("release: v1.2", "release: v1.2.3-rc1", "Release: v1.2.3", "release: v01.2.3", "release: v1.2.3 again"):
        project.commit(title, {})

    *releases, _ = bundle.versions(made_from(project.path, tmp_path / "scratch"))
    assert releases == ["v0.1.0", "v0.2.0"]


def test_a_release_that_was_merged_counts(project: Project, tmp_path: Path) -> None:
    project.git("switch", "--quiet", "--create", "side")
    project.commit("release: v0.3.0", {"CHANGELOG.md": "v0.3.0\n"})
    project.git("switch", "--quiet", "main")
    project.git("merge", "--quiet", "--no-ff", "--message", "Merge pull request #8", "side")

    head = project.git("rev-parse", "HEAD")
    assert bundle.versions(made_from(project.path, tmp_path / "scratch"))[-2:] == ("v0.3.0", f"v0.3.0-1-g{head[:12]}")


def repacked(project: Project) -> None:
    project.git("repack", "-a", "-d", "-f", "--depth=5", "--window=250", "--quiet")


def tagged(project: Project) -> None:
    project.git("tag", "--annotate", "--message", "moved", "v0.1.0", "HEAD")
    project.git("tag", "nightly")


def configured(project: Project) -> None:
    for key, value in {"log.showSignature": "true", "core.compression": "0", "pack.threads": "2", "pack.depth": "1"}.items():
        project.git("config", key, value)


def replaced(project: Project) -> None:
    project.git("replace", "HEAD~1", "HEAD~2")


def given_away(project: Project) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files to another user.")
    for path in [project.path, *project.path.rglob("*")]:
        os.chown(path, 65534, 65534)


@pytest.mark.parametrize("changed", [repacked, tagged, configured, replaced, given_away])
def test_the_same_commits_give_the_same_bytes(project: Project, tmp_path: Path, changed: Callable[[Project], None]) -> None:
    expected = made_from(project.path, tmp_path / "first").read_bytes()
    changed(project)

    assert made_from(project.path, tmp_path / "second").read_bytes() == expected


def test_a_work_tree_clone_and_unpacked_bundle_give_the_same_bytes(project: Project, tmp_path: Path) -> None:
    expected = made_from(project.path, tmp_path / "scratch")
    project.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    git(tmp_path, "clone", "--quiet", f"file://{project.path}", "clone")
    sdist = tmp_path / "sdist"
    sdist.mkdir()
    shutil.copyfile(expected, sdist / bundle.NAME)

    for number, origin in enumerate([tmp_path / "linked", tmp_path / "clone", sdist]):
        assert made_from(origin, tmp_path / f"scratch-{number}").read_bytes() == expected.read_bytes(), origin


def test_old_blobs_that_the_clone_left_out_are_fetched(project: Project, tmp_path: Path) -> None:
    expected = made_from(project.path, tmp_path / "first").read_bytes()
    project.git("config", "uploadpack.allowFilter", "true")
    project.git("config", "uploadpack.allowAnySHA1InWant", "true")
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{project.path}", "clone")
    assert "?" in git(tmp_path / "clone", "rev-list", "--objects", "--missing=print", "HEAD")

    assert made_from(tmp_path / "clone", tmp_path / "second").read_bytes() == expected


def test_old_blobs_that_cannot_be_fetched_are_an_error(tmp_path: Path) -> None:
    project = released(tmp_path / "gone")
    project.git("config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{project.path}", "clone")
    shutil.rmtree(project.path)

    with pytest.raises(UnusableHistory, match="was cloned without old files, and they cannot be fetched: "):
        made_from(tmp_path / "clone", tmp_path / "scratch")


def test_what_lies_beside_the_bundle_is_what_was_committed(project: Project, tmp_path: Path) -> None:
    committed = (project.path / "copier.yml").read_text()
    project.write({"copier.yml": "changed", "questions/new.yml": "changed"})

    carried = made_from(project.path, tmp_path / "scratch").parent
    assert (carried / "copier.yml").read_text() == committed
    assert sorted(path.name for path in carried.iterdir()) == [
        "copier.yml",
        "files",
        "ownership.yml",
        "questions",
        "templates.bundle",
    ]
    assert not (carried / "questions/new.yml").exists()


def test_of_every_version_the_files_of_the_templates_are_listed(history: Project, tmp_path: Path) -> None:
    carried = made_from(history.path, tmp_path / "scratch")

    versions = bundle.versions(carried)
    assert sorted(path.name for path in (carried.parent / "files").iterdir()) == sorted(versions)
    git(tmp_path, "clone", "--quiet", str(carried), "clone")
    for version in versions:
        git(tmp_path / "clone", "checkout", "--quiet", version)
        templates = tmp_path / "clone/templates"
        there = sorted(path.relative_to(templates).as_posix() for path in templates.rglob("*") if path.is_file())
        assert there
        assert (carried.parent / "files" / version).read_text().splitlines() == there


def test_nothing_is_left_in_the_checkout(project: Project, tmp_path: Path) -> None:
    def state() -> list[tuple[Path, bytes]]:
        return [(path, path.read_bytes()) for path in sorted(project.path.rglob("*")) if path.is_file()]

    before = state()
    made_from(project.path, tmp_path / "scratch")
    assert state() == before


def test_a_shallow_clone_is_refused(history: Project, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{history.path}", "clone")

    with pytest.raises(UnusableHistory, match="is a shallow clone") as caught:
        made_from(tmp_path / "clone", tmp_path / "scratch")
    assert "git fetch --unshallow" in caught.value.hint


def test_a_release_made_twice_is_refused(project: Project, tmp_path: Path) -> None:
    project.commit("release: v0.1.0", {})

    with pytest.raises(UnusableHistory, match=r"two commits are titled release: v0\.1\.0\."):
        made_from(project.path, tmp_path / "scratch")


def test_a_checkout_without_a_commit_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")

    with pytest.raises(UnusableHistory, match="has no commit yet"):
        made_from(project.path, tmp_path / "scratch")


def test_a_directory_without_history_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplatesMissing, match="neither a git checkout of gopherforge nor a directory with"):
        made_from(tmp_path, tmp_path / "scratch")
