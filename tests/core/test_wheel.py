"""The package as users get it: built, installed, and run as a program in places that are not friendly."""

import contextlib
import os
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from gopherforge import bundle
from tests import source
from tests.core.history import Project, git
from tests.core.installation import MADE_OF, Program, build


class TestBuild:
    def test_the_wheel_holds_the_package_and_the_templates_and_nothing_else(self, wheel: Path, tmp_path: Path) -> None:
        modules = {path.relative_to(source.ROOT / "src").as_posix() for path in (source.ROOT / "src").rglob("*.py")}
        questions = {f"gopherforge/carried/{path}" for path in source.includes()}
        carried = {f"gopherforge/carried/{name}" for name in ("copier.yml", "ownership.yml", bundle.NAME)}
        with zipfile.ZipFile(wheel) as archive:
            releases = bundle.versions(Path(archive.extract(f"gopherforge/carried/{bundle.NAME}", tmp_path)))
            carried |= {f"gopherforge/carried/files/{version}" for version in releases}
            names = {name for name in archive.namelist() if ".dist-info/" not in name}
            assert archive.read("gopherforge/carried/copier.yml").decode() == source.copier_yml()
        assert names == modules | questions | carried

    def test_every_build_has_the_same_bundle(self, distribution: Path, wheel: Path, tmp_path: Path) -> None:
        again = build(distribution / "project", tmp_path / "dist", "--wheel")
        assert again.status == 0, again
        (second,) = (tmp_path / "dist").glob("*.whl")
        (sdist,) = (distribution / "dist").glob("*.tar.gz")

        bundles = []
        for path in (wheel, second):
            with zipfile.ZipFile(path) as archive:
                bundles.append(archive.read(f"gopherforge/carried/{bundle.NAME}"))
        with tarfile.open(sdist) as archive:
            (member,) = [name for name in archive.getnames() if name.endswith(bundle.NAME)]
            content = archive.extractfile(member)
            assert content is not None
            bundles.append(content.read())
        assert bundles[0] == bundles[1] == bundles[2]
        assert wheel.read_bytes() == second.read_bytes()

    def test_the_sdist_holds_no_examples_and_no_tests(self, distribution: Path) -> None:
        (sdist,) = (distribution / "dist").glob("*.tar.gz")
        with tarfile.open(sdist) as archive:
            top = {name.split("/")[1] for name in archive.getnames()}
        assert top == {*MADE_OF, "PKG-INFO", bundle.NAME}

    def test_a_shallow_clone_is_refused_with_a_sentence(self, distribution: Path, tmp_path: Path) -> None:
        git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{distribution / 'project'}", "clone")

        built = build(tmp_path / "clone", tmp_path / "dist", "--wheel")
        assert built.status == 1
        assert "Cannot build: " in built.output
        assert (
            "is a shallow clone, and the templates' releases are in its history. run git fetch --unshallow there." in built.output
        )

    def test_neither_history_nor_bundle_is_refused_with_a_sentence(self, distribution: Path, tmp_path: Path) -> None:
        shutil.copytree(distribution / "project", tmp_path / "copy", ignore=shutil.ignore_patterns(".git"))

        built = build(tmp_path / "copy", tmp_path / "dist", "--wheel")
        assert built.status == 1
        assert "is neither a git checkout of gopherforge nor a directory with templates.bundle" in built.output


class TestPlaces:
    def test_it_makes_a_service_that_records_its_origin(self, installed: Program, distribution: Path, place: Path) -> None:
        outcome = installed.new(place / "user-service", env=os.environ)

        assert outcome.status == 0, outcome
        head = git(distribution / "project", "rev-parse", "HEAD")
        recorded = yaml.safe_load((place / "user-service/.copier-answers.yml").read_text())
        assert recorded["_commit"] == f"v0.1.0-1-g{head[:12]}"
        assert recorded["_src_path"] == "https://gopherforge.example/gopherforge.git"
        assert (place / "user-service/NOTES.md").read_text() == "New.\n"
        assert git(place / "user-service", "status", "--porcelain") == ""

    def test_it_renders_an_older_release(self, installed: Program, place: Path) -> None:
        outcome = installed.new(place / "user-service", "--ref", "v0.1.0", env=os.environ)

        assert outcome.status == 0, outcome
        assert yaml.safe_load((place / "user-service/.copier-answers.yml").read_text())["_commit"] == "v0.1.0"
        assert not (place / "user-service/NOTES.md").exists()

    def test_with_nothing_that_can_be_written_but_the_place(
        self, installed: Program, place: Path, tmp_path: Path, as_anyone: list[str]
    ) -> None:
        home = tmp_path / "home"
        home.mkdir(mode=0o500)
        with read_only(installed.site_packages):
            env = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
            outcome = installed.new(place / "user-service", "--no-git", env=env, wrapper=as_anyone)

        assert outcome.status == 0, outcome
        assert list(home.iterdir()) == []

    def test_without_a_home(self, installed: Program, place: Path) -> None:
        outcome = installed.new(place / "user-service", "--no-git", env={"PATH": os.environ["PATH"]})
        assert outcome.status == 0, outcome

    def test_with_temporary_files_inside_a_repository(self, installed: Program, place: Path, tmp_path: Path) -> None:
        repository = Project(tmp_path / "repository")
        repository.commit("first", {"README.md": "x\n"})

        outcome = installed.new(place / "user-service", env=os.environ | {"TMPDIR": str(repository.path)})
        assert outcome.status == 0, outcome
        assert git(place / "user-service", "status", "--porcelain") == ""
        assert repository.git("status", "--porcelain", "--ignored") == ""

    def test_a_place_that_cannot_be_written_is_refused(self, installed: Program, place: Path, as_anyone: list[str]) -> None:
        place.chmod(0o500)
        outcome = installed.new(place / "user-service", env=os.environ, wrapper=as_anyone)

        assert outcome.status == 1
        assert outcome.output.startswith(f"error: {place} cannot be written.\nhint: ")
        assert list(place.iterdir()) == []

    def test_a_filling_that_fails_half_way_is_rolled_back(
        self, installed: Program, place: Path, tmp_path: Path, as_anyone: list[str]
    ) -> None:
        """A directory that cannot be written cannot be moved either; its name comes after all others."""
        hooks = tmp_path / "hooks"
        hooks.mkdir()
        (hooks / "pre-commit").write_text("#!/bin/sh\nmkdir -m 500 zzz\n")
        (hooks / "pre-commit").chmod(0o755)
        env = os.environ | {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": str(hooks)}
        (place / "user-service").mkdir()
        outcome = installed.new(place / "user-service", env=env, wrapper=as_anyone)

        assert (outcome.status, "error: cannot write" in outcome.output) == (1, True), outcome
        assert list((place / "user-service").iterdir()) == []


@contextlib.contextmanager
def read_only(directory: Path) -> Iterator[None]:
    paths = [directory, *(path for path in directory.rglob("*") if path.is_dir())]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in paths}
    try:
        for path in paths:
            path.chmod(0o555)
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
