"""Resolves features to lock data, from which templates/_shared/gomod/macros.jinja renders what `go mod tidy` would write.

Every module has one version, whatever else a service takes, so that rendering needs sets but never compares versions. What tidy
writes for a set of features then follows from three rules of cmd/go/internal/modload (for pruned graphs, so from go 1.17 on):

* Roots, the lines of go.mod, are first the modules that provide the packages of "all": what the service and its tests import, and
  what that imports in turn. The "all" of several features is the union of theirs. (tidyPrunedRoots, "roots for every package")
* Then come modules that only tests of dependencies import, in rounds by their distance from "all": one becomes a root where no
  root so far implies its version. (tidyPrunedRoots, "one depth at a time")
* go.sum has both hashes of every module that provides a loaded package, and the go.mod hash of every go.mod file that loading the
  roots reads: their own and, of a root whose go line is below 1.17, those of its whole graph. (keepSums, readModGraph)
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gopherforge import gosum
from maintenance.goproject import Failed, Go, Imported, Module, Packages, Project

Lock = dict[str, Any]
"""
rounds:   how many there are
features: name to its tools and modules: direct, indirect, and for tests of dependencies by round
modules:  path to its line in go.mod and, for where it is a root, the go.mod files that it reads and the modules it implies
sums:     what go.sum may have lines for, in its order, to the hash
"""


@dataclass(frozen=True)
class Program:
    """One go.mod of the generated services: what its features import, and the versions that a maintainer chose."""

    features: dict[str, Packages]
    versions: dict[str, str]


def resolve(program: Program, go: Go) -> Lock:
    """The lock data of a program. Raises Failed where the versions chosen do not fit."""
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        together = Project(scratch / "together", go)
        versions = select(program, together)
        features = {
            name: examine(feature, versions, Project(scratch / f"feature-{name}", go))
            for name, feature in program.features.items()
        }
        modules = Project(scratch / "modules", go)
        graph = Graph.load(versions, modules)
        hashes = together.sums() | modules.sums()
    rounds = max(len(feature["tests"]) for feature in features.values())
    for feature in features.values():
        feature["tests"] += [[] for _ in range(rounds - len(feature["tests"]))]
    return {
        "rounds": rounds,
        "features": features,
        "modules": {path: graph.module(path) for path in versions},
        "sums": {" ".join(file): hashes[file] for file in sorted(graph.files(), key=lambda file: gosum.order(*file))},
    }


def select(program: Program, project: Project) -> dict[str, str]:
    """The version of every module that any feature needs: what tidy makes of the versions chosen with all features together."""
    project.write(program.features.values(), program.versions)
    project.tidy()
    versions = project.zips()
    for path, version in program.versions.items():
        if path not in versions:
            raise Failed(f"modules.yml has a version of {path}, which no feature needs: remove it.")
        if versions[path] != version:
            raise Failed(f"modules.yml has {path} {version}, but another module requires {versions[path]}: take that.")
    return versions


def examine(feature: Packages, versions: Mapping[str, str], project: Project) -> dict[str, Any]:
    """What tidy makes of one feature, with every version given."""
    project.write([feature], versions)
    project.tidy()
    needed = project.zips()
    if other := sorted(path for path, version in needed.items() if versions.get(path) != version):
        raise Failed(f"a feature alone needs another version of {other[0]} than all features together: add one to modules.yml.")
    in_all = project.providing_all(needed)
    direct = {path for path, is_indirect in project.requirements().items() if not is_indirect}
    return {
        "tools": sorted(feature.tools),
        "direct": sorted(direct),
        "indirect": sorted(in_all - direct),
        "tests": rounds(needed.keys() - in_all, list(project.imported())),
    }


def rounds(modules: set[str], packages: list[Imported]) -> list[list[str]]:
    """The modules, which only tests of dependencies import, by how far their nearest package is from "all".

    Those that only files of other platforms and build tags import come last.
    """
    met: list[list[str]] = []
    left = set(modules)
    seen = {package.path for package in packages if package.is_in_all}
    level = {path for package in packages if package.is_in_all for path in package.test_imports} - seen
    while level:
        here = [package for package in packages if package.path in level]
        met.append(sorted({package.module for package in here} & left))
        left -= set(met[-1])
        seen |= level
        level = {path for package in here for path in package.imports} - seen
    met.append(sorted(left))
    while met and not met[-1]:
        met.pop()
    return met


@dataclass(frozen=True)
class Graph:
    """The go.mod files of all modules that any feature needs, and what they require."""

    versions: Mapping[str, str]
    requirements: Mapping[Module, set[Module]]
    unpruned: set[str]
    """The modules whose go line is below 1.17: where one is a root, its whole graph is read."""

    @classmethod
    def load(cls, versions: Mapping[str, str], project: Project) -> "Graph":
        """Every module as a root."""
        project.write([], versions)
        requirements = project.graph()
        selected = project.selected()
        if other := sorted(path for path, version in versions.items() if Module(path, version) not in selected):
            raise Failed(f"a module requires another version of {other[0]} than its feature: add one to modules.yml.")
        unpruned = {module.path for module, go_line in selected.items() if _release(go_line or "1.16") < (1, 17)}
        return cls(versions, requirements, unpruned)

    def module(self, path: str) -> dict[str, Any]:
        """What rendering has to know of a module."""
        read = self._read_by(path)
        implied = {required for module in read for required in self.requirements.get(module, ())}
        return {
            "line": f"{path} {self.versions[path]}",
            "reads": sorted(f"{module.path} {module.version}/go.mod" for module in read),
            "implies": sorted(module.path for module in implied if self.versions.get(module.path) == module.version),
        }

    def files(self) -> set[Module]:
        """Everything that some go.sum has a line for: the content of a module, or its go.mod."""
        contents = {Module(path, version) for path, version in self.versions.items()}
        read = {module for path in self.versions for module in self._read_by(path)}
        return contents | {Module(path, f"{version}/go.mod") for path, version in read}

    def _read_by(self, path: str) -> set[Module]:
        """The modules whose go.mod files are read where this one is a root."""
        root = Module(path, self.versions[path])
        read, left = {root}, {root} if path in self.unpruned else set()
        while left:
            left = {required for module in left for required in self.requirements.get(module, ())} - read
            read |= left
        return read


def _release(go_line: str) -> tuple[int, ...]:
    return tuple(map(int, go_line.split(".")[:2]))
