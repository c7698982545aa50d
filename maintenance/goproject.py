"""A Go module in a scratch directory, and what the go command says of it."""

import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

PLATFORMS = ("linux", "darwin", "windows")
"""`go list` reads the files of one platform, `go mod tidy` those of all."""


class Failed(Exception):
    """The lock data cannot be made; the message says why and what to do."""


class Module(NamedTuple):
    """A module at a version; in go.sum the version may end in /go.mod."""

    path: str
    version: str


class Packages(NamedTuple):
    """Packages that a service imports, that only its tests import, and that it runs as tools."""

    imports: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()


class Imported(NamedTuple):
    """A package of a dependency, on one platform. In "all": the service or its tests reach it without anybody else's tests."""

    path: str
    module: str
    imports: frozenset[str]
    test_imports: frozenset[str]
    is_in_all: bool


@dataclass(frozen=True)
class Go:
    """The versions that go.mod names, and the environment in which go runs."""

    version: str
    toolchain: str
    environment: Mapping[str, str]

    def run(self, directory: Path, *arguments: str, platform: str = "linux") -> subprocess.CompletedProcess[str]:
        """A go command that ended well; everything else raises Failed."""
        pinned = {"GOTOOLCHAIN": f"go{self.toolchain}", "GOFLAGS": "-mod=mod", "GOWORK": "off", "GOOS": platform}
        done = subprocess.run(
            ["go", *arguments],
            cwd=directory,
            env={**self.environment, **pinned},
            capture_output=True,
            check=False,
            text=True,
        )
        if done.returncode:
            raise Failed(f"go {' '.join(arguments[:2])}: {done.stderr.strip()}")
        return done


class Project:
    """The module, of one package."""

    def __init__(self, directory: Path, go: Go) -> None:
        self._directory = directory
        self._go = go
        directory.mkdir()

    def write(self, packages: Iterable[Packages], requirements: Mapping[str, str]) -> None:
        """Import these packages, and require these versions: path to version."""
        features = list(packages)
        self._write_go("main.go", "\nfunc main() {}\n", {path for feature in features for path in feature.imports})
        self._write_go("main_test.go", "", {path for feature in features for path in feature.tests})
        tools = "".join(f"tool {path}\n" for feature in features for path in feature.tools)
        required = "".join(f"require {path} {version} // indirect\n" for path, version in requirements.items())
        self._file("go.mod").write_text(
            f"module example.com/scratch\n\ngo {self._go.version}\n\ntoolchain go{self._go.toolchain}\n\n{tools}\n{required}",
            encoding="utf-8",
        )

    def tidy(self) -> None:
        """Run `go mod tidy`, which must not look for a version itself."""
        found = re.search(r"^go: found (\S+) in (\S+) ", self._go.run(self._directory, "mod", "tidy").stderr, re.MULTILINE)
        if found:
            raise Failed(f"modules.yml has no version of {found[2]}, which provides {found[1]}: add one.")

    def requirements(self) -> dict[str, bool]:
        """Path to whether the requirement is indirect."""
        listed = json.loads(self._ask("mod", "edit", "-json")).get("Require") or ()
        return {required["Path"]: required.get("Indirect", False) for required in listed}

    def sums(self) -> dict[Module, str]:
        """The lines of go.sum."""
        lines = self._file("go.sum").read_text(encoding="utf-8").splitlines()
        return {Module(path, version): digest for path, version, digest in map(str.split, lines)}

    def zips(self) -> dict[str, str]:
        """Path to version of the modules whose packages are loaded: those that go.sum has the content of."""
        return {path: version for path, version in self.sums() if not version.endswith("/go.mod")}

    def providing_all(self, paths: Iterable[str]) -> set[str]:
        """Which of these modules provide a package of "all", on any platform: what `go mod vendor` would copy."""
        answers = self._ask("mod", "why", "-m", "-vendor", *paths).split("# ")[1:]
        return {answer.split()[0] for answer in answers if "(main module does not need to vendor" not in answer}

    def graph(self) -> dict[Module, set[Module]]:
        """The modules that each go.mod which is read requires."""
        edges: dict[Module, set[Module]] = {}
        for line in self._ask("mod", "graph").splitlines():
            source, target = (Module(*node.partition("@")[::2]) for node in line.split())
            if target.path not in ("go", "toolchain"):
                edges.setdefault(source, set()).add(target)
        return edges

    def selected(self) -> dict[Module, str]:
        """The modules of the graph at the versions chosen, to their go lines ("" where there is none)."""
        listed = self._ask("list", "-m", "-f", "{{if not .Main}}{{.Path}} {{.Version}} {{.GoVersion}}{{end}}", "all")
        lines = (line.split(" ") for line in listed.splitlines() if line)
        return {Module(path, version): go_line for path, version, go_line in lines}

    def imported(self) -> Iterator[Imported]:
        """The packages that are loaded, also for tests of dependencies, once for each platform."""
        for platform in PLATFORMS:
            yield from self._imported(platform)

    def _imported(self, platform: str) -> Iterator[Imported]:
        known = "{{if .Module}}{{if not .Module.Main}}{{if not .ForTest}}{{.ImportPath}}{{end}}{{end}}{{end}}"
        in_all = set(self._ask("list", "-e", "-deps", "-test", "-f", known, "./...", "tool", platform=platform).split())
        if not in_all:
            return
        fields = "-json=ImportPath,Imports,TestImports,XTestImports,Module,ForTest"
        for package in _documents(self._ask("list", "-e", "-deps", "-test", fields, *sorted(in_all), platform=platform)):
            if "Module" in package and not package.get("ForTest"):
                yield Imported(
                    package["ImportPath"],
                    package["Module"]["Path"],
                    frozenset(package.get("Imports", ())),
                    frozenset([*package.get("TestImports", ()), *package.get("XTestImports", ())]),
                    package["ImportPath"] in in_all,
                )

    def _ask(self, *arguments: str, platform: str = "linux") -> str:
        return self._go.run(self._directory, *arguments, platform=platform).stdout

    def _write_go(self, name: str, rest: str, paths: Iterable[str]) -> None:
        imports = "".join(f'\t_ "{path}"\n' for path in sorted(paths))
        self._file(name).write_text(f"package main\n\nimport (\n{imports})\n{rest}", encoding="utf-8")

    def _file(self, name: str) -> Path:
        return self._directory / name


def _documents(text: str) -> Iterator[dict[str, Any]]:
    """The JSON documents that follow one another."""
    decoder, position = json.JSONDecoder(), 0
    while position < len(text):
        document, end = decoder.raw_decode(text, position)
        yield document
        position = end + 1
