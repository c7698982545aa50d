"""What `gopherforge new` does: from its options to a service on disk, and what is told about it."""

import re
import shlex
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from gopherforge import answers, create, verify
from gopherforge.catalog import Answers, Catalog, Value, load
from gopherforge.checks import require_programs
from gopherforge.dialogue import Asker, Setting, converse
from gopherforge.errors import ForgeError, InvalidAnswer, MissingAnswer, UsageError
from gopherforge.report import Progress, Result
from gopherforge.source import locate
from gopherforge.toolchain import Machine
from gopherforge.wording import describe, display, printable


@dataclass(frozen=True)
class Request:
    """The command's options as they were given."""

    directory: str | None = None
    defaults: bool = False
    data: tuple[str, ...] = ()
    data_file: Path | None = None
    ref: str | None = None
    dry_run: bool = False
    verify: bool = False
    git: bool = True


@dataclass(frozen=True)
class Place:
    """Where the command runs, and the terminal to ask at; or why nothing is asked."""

    environ: Mapping[str, str]
    cwd: Path
    machine: Machine
    progress: Progress
    terminal: Callable[[], AbstractContextManager[Asker]] | None = None
    silence: str = ""


@dataclass(frozen=True)
class Commands:
    """What can be typed next: `start` runs the new service, in its directory; `again` makes the same one without a question."""

    start: str
    again: str


def new(request: Request, place: Place) -> Result:
    """Makes a service. Raises ForgeError, and then nothing has been made, except where its checks failed or were interrupted."""
    if request.verify:
        if request.dry_run:
            raise UsageError("--dry-run makes nothing that --verify could check.", "leave out one of them.")
        require_programs(place.environ, place.machine)
    target = _target(request.directory, place.cwd) if request.directory is not None else None
    if target:
        create.check_target(target)
    given = answers.read(request.data, request.data_file and place.cwd / request.data_file)
    with locate(request.ref, place.environ) as templates:
        catalog = load(templates.root)
        if not place.terminal:
            given.setdefault("template", catalog["template"].default)
        answers.check(catalog, given)
        if place.terminal:
            with place.terminal() as asker:
                chosen = _ask(catalog, given, target, place.cwd, asker)
        else:
            chosen = _given(catalog, given, target, request, place)
        target = target or place.cwd / str(chosen["name"])
        create.check_target(target)
        order = create.Request(target=target, answers=chosen, templates=templates, git=request.git)
        made = (create.preview if request.dry_run else create.create)(order, place.environ)
        commands = Commands(
            start=str(answers.context(catalog, chosen)["start"]),
            again=_again(catalog, chosen, target, request, place.cwd),
        )
    result = _result(made, request, place.cwd, commands)
    if not request.verify:
        return result
    where = verify.Place(place.environ, place.cwd, place.machine, place.progress)
    return verify.verify_new(made.path, result, where)


def _target(directory: str, cwd: Path) -> Path:
    """The absolute path of DIR. A link at its end is not followed: it is a file in the way."""
    if not directory:
        raise UsageError("DIR is empty.", "name the directory, or leave it out.")
    path = cwd / directory
    return path.resolve() if path.name == ".." else path.parent.resolve() / path.name


def _given(
    catalog: Catalog, given: Mapping[str, object], target: Path | None, request: Request, place: Place
) -> dict[str, Value]:
    """All answers, without a question."""
    known = dict(given)
    if target and "name" not in known:
        known["name"] = _name_of(catalog, target)
    missing = [key for key in ("name", "module") if key not in known and not (key == "module" and request.defaults)]
    if missing:
        ways = {"name": "DIR or --data name=my-service", "module": f"--data module=example.com/{known.get('name', 'my-service')}"}
        raise MissingAnswer(
            f"{place.silence}, so {' and '.join(missing)} must be given.",
            f"add {' and '.join(ways[key] for key in missing)}{'' if request.defaults else ', or use --defaults'}.",
        )
    return answers.complete(catalog, known)


def _name_of(catalog: Catalog, target: Path) -> str:
    """The service's name that a directory's name stands for."""
    name = target.name
    if sentence := _refusal(catalog, name):
        raise InvalidAnswer(
            f"{describe(name)} is no name of a service: {sentence}",
            f"add --data name={_slug(catalog, name)}, or choose another directory.",
        )
    return name


def _refusal(catalog: Catalog, name: str) -> str:
    question = catalog["name"]
    try:
        return catalog.problem(question, question.parse(name), answers.context(catalog, {}))
    except ValueError as error:
        return str(error)


def _slug(catalog: Catalog, name: str) -> str:
    """A valid name of a service that is near to any text."""
    near = re.sub("[^a-z0-9]+", "-", name.lower()).lstrip("-0123456789")[:40].rstrip("-")
    for candidate in (near, f"{near[:32]}-service"):
        if not _refusal(catalog, candidate):
            return candidate
    return str(catalog["name"].default)


def _ask(catalog: Catalog, given: Mapping[str, object], target: Path | None, cwd: Path, asker: Asker) -> dict[str, Value]:
    """All answers, by a conversation on the terminal."""
    setting = Setting(
        given={key: catalog[key].parse(value) for key, value in given.items()},
        suggested={"name": _slug(catalog, target.name)} if target else {},
        objection=lambda key, value: _in_the_way(cwd / str(value)) if key == "name" and target is None else "",
        where=lambda values: display(target or cwd / str(values["name"]), cwd),
    )
    return answers.complete(catalog, converse(catalog, setting, asker))


def _in_the_way(target: Path) -> str:
    try:
        create.check_target(target)
    except ForgeError as error:
        return f"{error.message} Choose another name."
    return ""


def _again(catalog: Catalog, chosen: Answers, target: Path, request: Request, cwd: Path) -> str:
    """The command that makes the same service without a question."""
    command = ["gopherforge", "new", display(target, cwd), "--defaults"]
    for key, value in answers.distinctive(catalog, chosen, target.name).items():
        command += ["--data", f"{key}={value if isinstance(value, str) else str(value).lower()}"]
    command += ["--ref", request.ref] if request.ref else []
    command += [] if request.git else ["--no-git"]
    return shlex.join(command)


def _result(made: create.Created, request: Request, cwd: Path, commands: Commands) -> Result:
    shown = display(made.path, cwd)
    done = "Would create" if request.dry_run else "Created"
    lines = [
        f"{done} {printable(shown)} with {made.template} {made.version}, {len(made.files)} files:",
        "",
        *_overview(made.files),
    ]
    if request.dry_run:
        lines += ["", "Create it:", f"  {commands.again}"]
    else:
        enter = [] if shown == "." else [f"  cd {shlex.quote(shown)}"]
        lines += ["", "Next:", *enter, f"  {commands.start}", "", "The same without questions:", f"  {commands.again}"]
    data = {
        "path": made.path.as_posix(),
        "template": made.template,
        "version": made.version,
        "answers": dict(sorted(made.answers.items())),
        "files": sorted(made.files),
        "committed": made.committed,
        "warning": made.warning,
    }
    return Result(data, "\n".join(lines), (made.warning,) if made.warning else ())


def _overview(files: tuple[str, ...]) -> list[str]:
    """The top of a tree: a directory with the number of its files, then the files."""
    directories: dict[str, int] = {}
    top = []
    for file in sorted(files):
        first, _, rest = file.partition("/")
        if rest:
            directories[f"{first}/"] = directories.get(f"{first}/", 0) + 1
        else:
            top.append(file)
    width = max(map(len, directories), default=0)
    counted = [f"  {name:<{width}}  {number} {'file' if number == 1 else 'files'}" for name, number in directories.items()]
    return [*counted, *(f"  {file}" for file in top)]
