"""The package as users get it: built, installed, and run as a program in places that are not friendly."""

import contextlib
import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import copier
import pytest
import yaml

from gopherforge import bundle
from tests import source
from tests.core.history import Project, git
from tests.support import Outcome, Shared, program, run

MADE_OF = [*source.PARTS, "src", "CHANGELOG.md", "LICENSE", "README.md", "hatch_build.py", "pyproject.toml"]

# Root obeys the modes of files only without these.
AS_ANYONE = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]


def build(project: Path, out: Path, *options: str) -> Outcome:
    command: list[str | Path] = [sys.executable, "-m", "build", "--no-isolation", "--outdir", out, *options, project]
    return run(command, cwd=project)


def make_distribution(path: Path) -> None:
    """The real project with a release and a commit more, and what is built from it, with a work tree that has moved on."""
    project = Project(path / "project")
    for part in MADE_OF:
        origin = source.ROOT / part
        if origin.is_dir():
            shutil.copytree(origin, project.path / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(origin, project.path / part)
    project.commit("release: v0.1.0", {"examples/service/go.mod": "module example\n", "tests/test_nothing.py": ""})
    project.commit("feat: notes", {"templates/go-http-service/NOTES.md": "New.\n"})
    project.write({"copier.yml": "not committed\n", "questions/new.yml": "not committed\n"})
    built = build(project.path, path / "dist")
    assert built.status == 0, built


@pytest.fixture(scope="session")
def distribution(shared: Shared) -> Path:
    return shared.directory("distribution", make_distribution)


@pytest.fixture(scope="session")
def wheel(distribution: Path) -> Path:
    (wheel,) = (distribution / "dist").glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Program:
    """The installed program."""

    path: Path
    site_packages: Path

    def new(self, target: Path, *options: str, env: Mapping[str, str], wrapper: list[str] | None = None) -> Outcome:
        command: list[str | Path] = [
            *(wrapper or []),
            self.path,
            "new",
            target,
            "--defaults",
            "--data",
            "module=example.com/x",
            *options,
        ]
        return run(command, cwd=Path("/"), env=env)

    def start(self, target: Path, *, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """A run that is under way, in a process group of its own, as a shell starts it."""
        words: list[str | Path] = [self.path, "new", target, "--defaults"]
        return subprocess.Popen(words, cwd="/", env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


@pytest.fixture(scope="session")
def installed(shared: Shared, wheel: Path) -> Program:
    """The wheel in a virtual environment whose path has a space. The other packages are those of the tests."""
    venv = shared.path / "an installation"
    library = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"

    def install() -> Outcome:
        made = run([sys.executable, "-m", "venv", "--without-pip", venv], cwd=shared.path)
        assert made.status == 0, made
        (venv / library / "others.pth").write_text(f"{Path(copier.__file__).parents[1]}\n")
        pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", venv, "install", "--quiet", "--no-deps", "--no-index"]
        return run([*pip, wheel], cwd=shared.path)

    outcome = shared.outcome("installation", install)
    assert outcome.status == 0, outcome
    return Program(venv / "bin/gopherforge", venv / library)


@pytest.fixture
def as_anyone() -> list[str]:
    """What makes a command obey the modes of files, also where the tests run as root."""
    if os.geteuid() != 0:
        return []
    program("setpriv")
    return AS_ANYONE


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "a place"
    place.mkdir()
    return place


def files(service: Path) -> list[str]:
    found = (path.relative_to(service) for path in service.rglob("*") if not path.is_dir())
    return sorted(path.as_posix() for path in found if path.parts[0] != ".git")


class TestBuild:
    def test_the_wheel_holds_the_package_and_the_templates_and_nothing_else(self, wheel: Path) -> None:
        modules = {path.relative_to(source.ROOT / "src").as_posix() for path in (source.ROOT / "src").rglob("*.py")}
        questions = {f"gopherforge/carried/{path}" for path in source.includes()}
        carried = {f"gopherforge/carried/{name}" for name in ("copier.yml", "ownership.yml", bundle.NAME)}
        with zipfile.ZipFile(wheel) as archive:
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


class Waiting:
    """A git hook of the user's at which a run waits."""

    def __init__(self, directory: Path) -> None:
        self.reached, self.released = directory / "reached", directory / "released"
        hook = directory / "hooks/pre-commit"
        hook.parent.mkdir(parents=True)
        hook.write_text(f"#!/bin/sh\necho > {self.reached}\ncat {self.released}\n")
        hook.chmod(0o755)
        for fifo in (self.reached, self.released):
            os.mkfifo(fifo)
        settings = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": str(hook.parent)}
        self.env = os.environ | settings

    @contextlib.contextmanager
    def run(self, installed: Program, target: Path) -> Iterator[subprocess.Popen[bytes]]:
        """A run that has rendered everything and has not yet committed it."""
        reached = os.open(self.reached, os.O_RDONLY | os.O_NONBLOCK)
        with installed.start(target, env=self.env) as process:
            readable, _, _ = select.select([reached], [], [], 60)
            os.close(reached)
            assert readable, process.communicate()
            yield process

    def release(self) -> None:
        self.released.write_text("")


@pytest.fixture
def waiting(tmp_path: Path) -> Waiting:
    return Waiting(tmp_path / "waiting")


KILLS = 8


class TestKilled:
    def test_nothing_or_the_whole_service_is_there(self, installed: Program, place: Path) -> None:
        started = time.monotonic()
        whole = installed.new(place / "whole", env=os.environ)
        duration = time.monotonic() - started
        assert whole.status == 0, whole
        expected = files(place / "whole")

        for number in range(1, KILLS + 1):
            target = place / f"killed-{number}"
            with installed.start(target, env=os.environ) as process:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=duration * number / KILLS)
                process.kill()
            if target.exists():
                assert files(target) == expected
                assert git(target, "status", "--porcelain") == ""

        assert installed.new(place / "last", env=os.environ).status == 0
        assert [path.name for path in place.iterdir() if path.name.startswith(".")] == []

    def test_an_interrupt_leaves_nothing(self, installed: Program, place: Path, waiting: Waiting) -> None:
        with waiting.run(installed, place / "user-service") as process:
            os.killpg(process.pid, signal.SIGINT)
            _, stderr = process.communicate()

        assert process.returncode == 130
        assert stderr.decode() == "error: interrupted.\n"
        assert list(place.iterdir()) == []

    def test_another_run_leaves_a_waiting_one_alone(self, installed: Program, place: Path, waiting: Waiting) -> None:
        with waiting.run(installed, place / "first") as process:
            other = installed.new(place / "second", env=os.environ)
            waiting.release()
            _, stderr = process.communicate()

        assert (other.status, process.returncode) == (0, 0), (other, stderr)
        assert files(place / "first") == files(place / "second")
        assert sorted(path.name for path in place.iterdir()) == ["first", "second"]
