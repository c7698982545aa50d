"""A small template project in a real git repository, with as many releases as a test needs."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests import source

ANSWERS = {"template": "go-http-service", "name": "user-service", "module": "example.com/user-service"}

FILES = {
    "copier.yml": source.copier_yml(),
    "ownership.yml": "managed:\n  - /.copier-answers.yml\n",
    "questions/identity.yml": (source.ROOT / "questions/identity.yml").read_text(encoding="utf-8"),
    **{path: (source.ROOT / path).read_text(encoding="utf-8") for path in source.includes()},
    "templates/go-http-service/[[ _copier_conf.answers_file ]].jinja": "[[ _copier_answers | to_nice_yaml -]]\n",
    "templates/go-http-service/Makefile.jinja": "# [[ name ]]\n",
    "templates/go-http-service/internal/user/user.go": "package user\n",
    "templates/go-http-service/bin/run": "#!/bin/sh\n",
    "tests/big.txt": "not a part of the templates\n" * 1000,
}

RENDERED = (".copier-answers.yml", "Makefile", "bin/run", "internal/user/user.go")


class Project:
    """A checkout of gopherforge, as far as templates go."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "--quiet")

    @property
    def package(self) -> Path:
        """Where an editable installation finds the package's code."""
        return self.path / "src/gopherforge"

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755 if "/bin/" in name else 0o644)

    def commit(self, title: str, files: Mapping[str, str]) -> str:
        """Commit these files, and return the commit's name."""
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", title)
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        return git(self.path, *arguments)


def released(path: Path) -> Project:
    """A project with v0.1.0, v0.2.0 and one commit more."""
    project = Project(path)
    project.commit("feat: the first templates", FILES)
    project.commit("release: v0.1.0", {"CHANGELOG.md": "v0.1.0\n"})
    project.commit("feat: a second line", {"templates/go-http-service/Makefile.jinja": "# [[ name ]]\n\nSecond.\n"})
    project.commit("release: v0.2.0 (#7)", {"CHANGELOG.md": "v0.2.0\n"})
    project.commit("feat: a third line", {"templates/go-http-service/Makefile.jinja": "# [[ name ]]\n\nThird.\n"})
    return project


def git(directory: Path, *arguments: str) -> str:
    """What the developer's git says."""
    done = subprocess.run(["git", *arguments], cwd=directory, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()
