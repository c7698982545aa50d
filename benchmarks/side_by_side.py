"""Does the same updates with gopherforge and with plain Copier, and writes benchmarks/results/side_by_side.md.

    python -m benchmarks.side_by_side [--build] [EDIT…]

Authors' edits and template histories are those of tests/update, and so is what judges the results. The work tree is installed
from a wheel into an environment of its own, as users have it, and Copier is the one of that environment. With --build, Go is
asked of every result without conflicts whether it builds, which takes half of the time.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

from benchmarks.measuring import need, table, write
from benchmarks.startup import AUTHOR, commit_work_tree, install
from benchmarks.verdicts import Sides, Verdict, judge, told
from gopherforge import bundle, source
from tests import gotools
from tests.core.history import git
from tests.support import Shared, digest
from tests.update.edits import EDITS, Edit
from tests.update.ways import Step, can_precede, contents, export, prepare, rendering, steps

TITLES = {
    "awkward": "Over awkward changes of the template",
    "release": "Between releases",
    "on": "A feature that comes",
    "off": "A feature that goes",
}
"""The kinds of steps, by their names: updates, and other answers at the same version."""

NOTHING = {"nothing": Edit(lambda _service: None)}
"""The edit that is none: both have nothing to lose there."""

OURS, INLINE, REJECT = "gopherforge", "Copier", "Copier with rej"


class Tool(NamedTuple):
    """The words of a step to a version, and the exit code with which a tool tells of conflicts."""

    words: Callable[[Step, str], list[str]]
    in_conflict: int


def _gopherforge(step: Step, version: str) -> list[str]:
    what = ["set", *step.words] if step.answers else ["update", "--to", version]
    return ["gopherforge", *what, "--on-conflict", "mark", "--json"]


def _copier(step: Step, version: str) -> list[str]:
    data = [word for pair in step.words for word in ("--data", pair)]
    return ["copier", "update", "--quiet", "--defaults", "--vcs-ref", version, *data]


TOOLS = {
    OURS: Tool(_gopherforge, in_conflict=4),
    INLINE: Tool(_copier, in_conflict=0),
    REJECT: Tool(lambda step, version: [*_copier(step, version), "--conflict", "rej"], in_conflict=0),
}
"""By the name in the tables."""


class Taken(NamedTuple):
    """What a tool did in a case."""

    verdict: Verdict
    builds: bool | None  # None where Go was not asked: without --build, and over conflicts
    warned: bool  # whether it said of something that it is left to do
    seconds: float


class Case(NamedTuple):
    """What an author does, and the step after it."""

    name: str
    edit: Edit
    step: Step


Results = Sequence[tuple[Case, Mapping[str, Taken]]]
"""What each tool did in each case."""

BUILD = "--build"


def main(*arguments: str) -> int:
    """Take the steps after the named edits, or after all; write the results; return 1 where gopherforge lost something."""
    need("git", "go")
    os.environ.update(AUTHOR, GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1")
    names, known = {*arguments} - {BUILD}, NOTHING | dict(EDITS)
    if unknown := names - known.keys():
        sys.exit(f"error: there is no edit {', '.join(sorted(unknown))}; there are: {', '.join(known)}.")
    edits = {name: edit for name, edit in known.items() if not names or name in names}
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        programs = install(commit_work_tree(place / "gopherforge"), place / "venv")
        workshop = Workshop(place, programs, Shared(place / "shared"), asks_go=BUILD in arguments)
        results = [*workshop.take_all(edits, steps_of())]
        versions = [f"{name} {version_of(program)}" for name, program in (("git", "git"), ("Copier", programs / "copier"))]
    only = [f"Only these edits were asked for: {', '.join(edits)}."] if names else []
    write("side_by_side", "Updates side by side", *only, *page(results), versions=", ".join(versions))
    return int(any(taken[OURS].verdict.lost or taken[OURS].verdict.false for _, taken in results))


def steps_of() -> dict[str, list[Step]]:
    """The steps of each kind, in the order in which they are tried."""
    return {kind: [step for step in steps() if step.name == kind] for kind in TITLES}


class Workshop:
    """Where services are made, and given to each tool."""

    def __init__(self, place: Path, programs: Path, shared: Shared, *, asks_go: bool) -> None:
        self.place = place
        self.programs = programs
        self.shared = shared
        self.asks_go = asks_go

    def take_all(self, edits: Mapping[str, Edit], known: Mapping[str, Sequence[Step]]) -> Iterator[tuple[Case, dict[str, Taken]]]:
        """Each edit before each kind of step, in the first service in which it can be made."""
        for possible, (name, edit) in product(known.values(), edits.items()):
            if step := next((step for step in possible if can_precede(edit, step)), None):
                with tempfile.TemporaryDirectory(dir=self.place) as directory:
                    print(f"{step.before}, {name}", file=sys.stderr)
                    prepared = Path(directory) / "prepared"
                    prepare(step, edit, self.shared, prepared)
                    yield Case(name, edit, step), self.take(step, prepared)

    def take(self, step: Step, prepared: Path) -> dict[str, Taken]:
        """Have each tool do the step with a service. Without a conflict, Copier is not asked again how it shows one."""
        package, (start, end) = step.package(self.shared), step.versions(self.shared)
        environment = self.carry(package)
        ours = contents(prepared)
        module = {"module": ours["go.mod"].split()[1].decode()}
        before, after = (
            contents(rendering(self.shared, package, version, answers | module))
            for version, answers in ((start, step.before.answers), (end, step.after))
        )
        found: dict[str, Taken] = {}
        renamed: dict[str, str] = {}
        warnings: list[str] = []
        for name, tool in TOOLS.items():
            if name == REJECT and not found[INLINE].verdict.conflicts:
                found[name] = found[INLINE]
                continue
            service = prepared.with_name(name) / "user-service"
            shutil.copytree(prepared, service, symlinks=True)
            seconds, said = run(tool.words(step, end), service, environment, tool.in_conflict)
            if name == OURS:
                data = json.loads(said)["data"]
                renamed, warnings = {pair["from"]: pair["to"] for pair in data["renamed"]}, data["warnings"]
            verdict = judge(Sides(before, ours, after), contents(service), unmerged(service), renamed, prepared.parent)
            builds = self.builds(service) if self.asks_go and not verdict.conflicts else None
            found[name] = Taken(verdict, builds, name == OURS and bool(warnings), seconds)
        return found

    def builds(self, service: Path) -> bool:
        """Whether Go builds a service and finds nothing wrong; asked once for the same files."""
        name = digest(dict(contents(service)))
        project = self.shared.directory(f"results/{name}/service", lambda place: export(service, place))
        built = self.shared.outcome(f"results/{name}/build", lambda: gotools.go(project, "build", "./..."))
        return built.status == 0 and gotools.go(project, "vet", "./...").status == 0

    def carry(self, package: Path) -> dict[str, str]:
        """Have the installed gopherforge carry a history. Returns an environment in which Copier finds the same one."""
        name = package.parents[1].name
        history = self.shared.directory(f"histories/{name}", lambda place: _carry(package, place))
        (installed,) = self.programs.parent.glob("lib/python*/site-packages/gopherforge")
        shutil.rmtree(installed / source.CARRIED)
        shutil.copytree(history / "carried", installed / source.CARRIED)
        return os.environ | {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "COPIER_CACHE_DIR": str(self.place / f"cache of {name}"),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{history / 'upstream.git'}.insteadOf",
            "GIT_CONFIG_VALUE_0": source.canonical_url(),
        }


def _carry(package: Path, place: Path) -> None:
    place.mkdir(parents=True)
    carried = bundle.carry(package.parents[1], place, os.environ)
    git(place, "clone", "--quiet", "--bare", str(carried / bundle.NAME), "upstream.git")


def run(words: Sequence[str], service: Path, environment: Mapping[str, str], in_conflict: int) -> tuple[float, str]:
    """Have a tool do a step. Returns the processor time that it took, in seconds, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(words, cwd=service, env=environment, capture_output=True, encoding="utf-8", check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    if done.returncode != (in_conflict if unmerged(service) else 0):
        raise RuntimeError(f"`{' '.join(words)}` ended with {done.returncode}: {done.stderr}{done.stdout}")
    return seconds, done.stdout


def unmerged(service: Path) -> set[str]:
    """The files that git says are in conflict."""
    return {line.partition("\t")[2] for line in git(service, "ls-files", "--unmerged").splitlines()}


def version_of(program: str | Path) -> str:
    """The version of a program."""
    said = subprocess.check_output([program, "--version"], text=True)
    return next(word for word in said.split() if word[0].isdigit())


COMPARED = """The same service, with the same edits of its author, is updated by `gopherforge update --on-conflict mark`, by
`copier update --defaults`, and, where that meets a conflict, by the same with `--conflict rej`. Other answers are given to
`gopherforge set`, and to Copier as `--data`. Each is a whole process (`make side-by-side`). Between releases, it is a service of
the first release in which the edit can be made, if there is one."""

EXPLAINED = """- edits: lines that the author added or deleted, and files that the author deleted; other line ends are none
- lost: of these, what is neither in the files nor shown by a conflict, between markers or in a `.rej` file
- in conflict: files; really where both sides changed the same lines or lines beside each other, or one changed what the other
  deleted; falsely otherwise
- exit code: where there is a conflict
- builds: `go build ./... && go vet ./...`, asked of results without conflicts, with `--build`; without a word: where no warning
  said what is left to do
- seconds: of processor time, with all that a tool starts; in the first table the median of the cases"""


def page(results: Results) -> list[str]:
    """What is written: the sums, every case, and what was lost or contested for nothing."""
    parts = [COMPARED, sums(results), EXPLAINED]
    for kind, title in TITLES.items():
        chosen = [(case, taken) for case, taken in results if case.step.name == kind]
        if chosen:
            parts += [f"## {title}", each(chosen)]
    for title, found in (("What was lost", losses_of(results)), ("False conflicts", false_of(results))):
        parts += [f"## {title}", "\n".join(found) or "Nothing."]
    return parts


def sums(results: Results) -> str:
    """A row for each tool."""
    rows = []
    for name, tool in TOOLS.items():
        taken = [tools[name] for _, tools in results]
        verdicts = [one.verdict for one in taken]
        asked = [one for one in taken if one.builds is not None]
        broken = [one for one in asked if not one.builds]
        rows.append(
            [
                name,
                f"{sum(verdict.edits for verdict in verdicts):,}",
                f"{sum(len(verdict.lost) for verdict in verdicts):,}",
                f"{sum(bool(verdict.lost) for verdict in verdicts)} of {len(verdicts)}",
                str(sum(len(verdict.real) for verdict in verdicts)),
                str(sum(len(verdict.false) for verdict in verdicts)),
                str(tool.in_conflict),
                f"{len(asked) - len(broken)} of {len(asked)}" if asked else "not asked",
                str(sum(not one.warned for one in broken)) if asked else "not asked",
                f"{statistics.median(one.seconds for one in taken):.1f}",
            ]
        )
    header = ["tool", "edits", "lost", "cases with a loss", "really in conflict", "falsely", "exit code"]
    header += ["builds", "broken without a word", "seconds"]
    return table(header, rows)


def each(results: Results) -> str:
    """A row for each case."""
    rows = [[label(case), str(taken[OURS].verdict.edits), *(cell(one) for one in taken.values())] for case, taken in results]
    return table(["edit", "edits", *TOOLS], rows)


def label(case: Case) -> str:
    """What is done, and to which service."""
    return f"{case.name}: {case.step.before}"


def cell(taken: Taken) -> str:
    """What a tool did in a case, in a few words."""
    verdict = taken.verdict
    found = [f"**{len(verdict.lost)} lost**" if verdict.lost else "all kept"]
    found += [f"{len(verdict.real)} in conflict"] if verdict.real else []
    found += [f"**{len(verdict.false)} in false conflict**"] if verdict.false else []
    if taken.builds is False:
        found.append("does not build, with a warning" if taken.warned else "**does not build**")
    return f"{', '.join(found)}; {taken.seconds:.1f} s"


SHOWN = 8  # losses of a case


def losses_of(results: Results) -> list[str]:
    """A list of the cases in which something was lost, each with what it was."""
    found = []
    for case, taken in results:
        for names, lost in alike({name: one.verdict.lost for name, one in taken.items()}):
            more = [f"{len(lost) - SHOWN} more"] if len(lost) > SHOWN else []
            found += [f"- {label(case)}; {names}:", *(f"  - {line}" for line in [*map(told, lost[:SHOWN]), *more])]
    return found


def false_of(results: Results) -> list[str]:
    """A list of the cases with false conflicts, each with their files."""
    return [
        f"- {label(case)}; {names}: {', '.join(f'`{path}`' for path in files)}"
        for case, taken in results
        for names, files in alike({name: tuple(sorted(one.verdict.false)) for name, one in taken.items()})
    ]


def alike(found: Mapping[str, tuple[str, ...]]) -> list[tuple[str, tuple[str, ...]]]:
    """What was found, without repeating it where several tools have the same: their names, and what it is."""
    return [(" and ".join(name for name in found if found[name] == what), what) for what in dict.fromkeys(found.values()) if what]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
