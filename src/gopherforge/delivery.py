"""What `update` and `set` have in common: from their options to a service that is changed, and what is told about it."""

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from gopherforge import apply, gofix, outfile, plan, pull_request, repository, summary
from gopherforge.apply import Recovery
from gopherforge.branch import check_branch, commit_on_branch
from gopherforge.change import AUTO, MARK, Options, Place, Target, check_options, shown
from gopherforge.errors import CannotWrite, Conflicts, ForgeError, Interrupted, ProgramFailed, UncleanWorkTree, UsageError
from gopherforge.gocopy import surroundings
from gopherforge.plan import Move, Seen
from gopherforge.process import encode, held_signals
from gopherforge.project import check_version
from gopherforge.report import Result
from gopherforge.repository import Repository
from gopherforge.revision import Revision, revise
from gopherforge.scratch import scratch_directory
from gopherforge.service import Service, open_service, service_in
from gopherforge.source import Source, open_source
from gopherforge.wording import display, listed, printable

T = TypeVar("T")

Choose = Callable[[Service, Source], Target | Result]
"""What a command makes of the service and of the templates that there are; a result where there is nothing to do."""


def carry_out(choose: Choose, options: Options, place: Place) -> Result:
    """Change a service as `choose` says.

    Raises ForgeError, and then nothing has changed, except where conflicts are marked or the error says so.
    """
    check_options(options)
    report = options.report and outfile.writable(place.cwd / options.report)
    noticed: list[str] = []  # of what an earlier run left behind, which has been told to people
    with _told_also(noticed), _too_late_to_interrupt() as delivering, scratch_directory() as scratch:
        service = _open(options, place, noticed)
        with open_source(place.environ, scratch, place.package) as source:
            check_version(service.record, known=source.has(service.record.version), newest=source.newest)
            target = choose(service, source)
            if isinstance(target, Result):
                return replace(target, data={**target.data, "warnings": noticed, **({"diff": ""} if options.diff else {})})
            branch = _branch(service.repository, options, target)
            revision = revise(service, source, target, scratch, place.environ)
            news = pull_request.news(revision, source) if report else ()
        if revision.nothing and not options.dry_run:
            told = _told(revision, options, place, None, noticed)
            return replace(told, text=f"{shown(service, place)} is that already: nothing to do.")
        if report:
            _require_strange(report, revision)
        revision = _offer_new_names(revision, options, place, scratch)
        delivered = not options.dry_run and (not revision.conflicts or _marks(options, place))
        told = _told(revision, options, place, branch, noticed, delivered=delivered)
        done: Result | None = None
        try:
            with outfile.replaced(report, pull_request.text(revision, news)) if report else nullcontext():
                if delivered:
                    delivering.append(_Delivery(revision, branch, told, place))
                    commit, more = _deliver(revision, branch)
                    data = {**told.data, "commit": commit, "warnings": [*_for_programs(revision, noticed), *more]}
                    done = told = replace(told, data=data, warnings=(*told.warnings, *more))
        except CannotWrite as error:
            if done is None:
                raise
            message = f"{revision.target.title} is done, but not its report: {error.message}"
            raise CannotWrite(message, data=done.data, text=done.text) from error
        if revision.conflicts:
            for warning in told.warnings:
                place.progress.warn(warning)
            raise _conflicts(revision, told, options, marked=delivered)
        return told


def _open(options: Options, place: Place, noticed: list[str]) -> Service:
    """The service, once what an earlier run left behind is finished or undone, and it is certain that this one can write."""
    directory = place.cwd / options.directory
    if not options.applies:
        return open_service(directory, place.environ)
    found = repository.open_repository(directory, place.environ)
    if found.bare:
        raise UsageError(
            f"{found.directory} is in a bare repository, without a work tree to change.", "add --branch or --dry-run."
        )
    if recovery := apply.recover(found):
        noticed.append(_recovered(recovery, found))
        place.progress.warn(noticed[0])
    try:
        service = service_in(found)
        found.require_clean()
    except UncleanWorkTree as error:
        if recovery and recovery.outcome == "left":  # what is not committed is half an update
            error.hint = f"{_taking_back(recovery, found)} takes all back that was done since then."
        raise
    return service


@contextmanager
def _told_also(noticed: list[str]) -> Iterator[None]:
    """Errors tell programs of what was noticed before."""
    try:
        yield
    except ForgeError as error:
        if noticed:
            error.data = {"warnings": noticed, **(error.data or {})}
        raise


def _offer_new_names(revision: Revision, options: Options, place: Place, scratch: Path) -> Revision:
    """Where `go fix` finds old names, and somebody is there who wants that, the revision with the new ones."""
    if place.agrees is None or options.dry_run or revision.conflicts or not revision.forwards:
        return revision
    place.progress.show_now("go fix looks for old names in your code.")
    try:
        files = gofix.fix(revision.store, revision.tree, scratch, place.environ, around=surroundings(revision.service.repository))
    except ForgeError as error:
        place.progress.show(f"go fix cannot look for old names in your code: {error.message}")
        return revision
    except KeyboardInterrupt:
        place.progress.show("go fix did not end.")
        raise
    if not files:
        place.progress.show("go fix finds no old names in your code.")
        return revision.with_new_names({})
    place.progress.show(f"go fix finds old names in {listed(files)}.")
    return revision.with_new_names(files) if place.agrees("Replace them by the new ones?") else revision


def _branch(found: Repository, options: Options, target: Target) -> str | None:
    if options.branch is None:
        return None
    name = options.branch
    if name == AUTO:  # one for each service of a repository
        prefix = re.sub(r"[^\w/-]", _quoted, found.prefix)
        name = f"gopherforge/{prefix}{target.branch}"
    check_branch(found, name)
    return name


def _quoted(char: re.Match[str]) -> str:
    """As in a URL, but also what git would not have in a name."""
    return "".join(f"%{byte:02X}" for byte in encode(char[0]))


def _marks(options: Options, place: Place) -> bool:
    return options.applies and (options.on_conflict == MARK or (options.on_conflict is None and place.terminal))


def _require_strange(report: Path, revision: Revision) -> None:
    """Raise UsageError where the report would replace a file that the author or the template has, or be one of git's."""
    found = revision.service.repository
    common = Path(found.git("rev-parse", "--path-format=absolute", "--git-common-dir").removesuffix("\n"))
    gits = any(above.samefile(git_dir) for above in report.parents for git_dir in (found.git_dir, common))
    tracked = repository.split(found.git("ls-files", "-z")) if found.top else []
    paths = [*(f"{found.prefix}{path}" for path in revision.store.read(revision.tree)), *tracked]
    # Where case does not count, a file has many names.
    named = (Path(f"{found.top}/{path}") for path in paths if path.rpartition("/")[2].casefold() == report.name.casefold())
    if gits or any(path == report or (path.exists() and report.exists() and path.samefile(report)) for path in named):
        raise UsageError(f"--report cannot be {report}, a file of the repository.", "name one that git does not track.")


def _deliver(revision: Revision, branch: str | None) -> tuple[str | None, tuple[str, ...]]:
    """Bring the revision into the service. Returns the commit, where there is one, and what to warn of."""
    found = revision.service.repository
    stages = [entry.oid for each in revision.conflicts.values() for entry in each.values() if not entry.is_submodule]
    revision.store.publish(revision.tree, found.git_dir, [found.tree], stages)
    if branch is None:
        saved = apply.apply(found, revision.tree, revision.conflicts, step=revision.target.title)
        return None, ((f"what was still written to files while they were replaced is in {listed(saved)}.",) if saved else ())
    with held_signals() as signals, signals.raised():
        return commit_on_branch(found, revision.tree, branch, f"{revision.target.title}\n"), ()


@dataclass(frozen=True)
class _Delivery:
    """What is brought into a service: all of it or nothing."""

    revision: Revision
    branch: str | None
    told: Result
    place: Place

    def interrupted(self) -> Interrupted | None:
        """What an interrupted author is told where it has happened: the service was clean before, and had no such branch."""
        found = self.revision.service.repository
        if self.branch is None:
            happened, undo = bool(_asked(found.unclean)), _undo(found, self.place)
            message = f"interrupted when the service had changed already, as a whole: {found.directory}."
        else:
            happened = bool(_asked(lambda: found.git("for-each-ref", f"refs/heads/{self.branch}")))
            message, undo = f"interrupted when there was the branch {self.branch} already.", _undo(found, self.place, self.branch)
        return Interrupted(message, f"{undo} undoes it.", data=self.told.data, text=self.told.text) if happened else None


def _asked(question: Callable[[], T]) -> T:
    """What git says, also where a second Ctrl-C, which a terminal sends to all that runs, ends git."""
    try:
        return question()
    except ProgramFailed:
        return question()


@contextmanager
def _too_late_to_interrupt() -> Iterator[list[_Delivery]]:
    """Where what is put into the list has happened, this is raised in place of Ctrl-C, SIGTERM or SIGHUP."""
    delivering: list[_Delivery] = []
    try:
        yield delivering
    except (KeyboardInterrupt, SystemExit) as interrupt:
        with held_signals():  # no second one keeps the first from being answered
            for delivery in delivering:
                if told := delivery.interrupted():
                    raise told from interrupt
        raise


def _recovered(recovery: Recovery, found: Repository) -> str:
    ended = {
        "finished": "was complete",
        "undone": "was undone",
        "left": f"stays half done, since the repository was changed since; {_taking_back(recovery, found)} takes all back",
    }[recovery.outcome]
    where = f" in {printable(recovery.prefix.rstrip('/'))}" if recovery.prefix else ""
    kept = f"; changed since, and not touched: {listed(recovery.kept)}" if recovery.kept else ""
    return f'"{recovery.step}"{where} had been interrupted, and {ended}{kept}.'


def _told(
    revision: Revision, options: Options, place: Place, branch: str | None, noticed: list[str], *, delivered: bool = False
) -> Result:
    """The revision as a result: what is or would be done, and what comes next."""
    target, name = revision.target, shown(revision.service, place)
    would = f"Would {target.title[0].lower()}{target.title[1:]} in {name}"
    done = f"{target.done} in {name}{f', on the branch {branch}' if branch else ''}"
    head = summary.filled(f"{done if delivered else would}: {summary.counts(revision)}.")
    before = revision.service.repository.tree
    diff = revision.store.diff(before, revision.tree, colour=place.colour) if options.diff else None
    steps = "\n".join(["Next:", *(f"  {step}" for step in _next(revision, place, branch))]) if delivered else ""
    whole = summary.text(revision, shorten=delivered)
    text = "\n\n".join(filter(None, [head, whole, (diff or "").rstrip("\n"), steps]))
    obstacles = _obstacles(revision) if options.dry_run and options.branch is None else ()
    data = {**summary.data(revision), "warnings": [*_for_programs(revision, noticed), *obstacles]}
    data |= {"branch": branch if delivered else None, "commit": None, **({} if diff is None else {"diff": diff})}
    return Result(data, text, (*revision.warnings, *obstacles))


def _for_programs(revision: Revision, noticed: list[str]) -> list[str]:
    """The warnings in data: also of what people were told before, or are told as the next step."""
    return [*noticed, *revision.warnings, *([gofix.HINT] if revision.forwards else [])]


def _obstacles(revision: Revision) -> tuple[str, ...]:
    """Why the same without --dry-run would be refused as the work tree is now. What a killed run left is undone first."""
    found = revision.service.repository
    if found.top is None or apply.pending(found):
        return ()
    try:
        found.require_clean()
    except ForgeError as error:
        return (f"without --dry-run this would be refused: {error.message}",)
    old = [found.prefix + path for path in (*revision.deleted, *revision.renamed)]
    new = [found.prefix + path for path in (*revision.added, *revision.renamed.values())]
    try:
        moves = [Move(path, plan.seen(found.top / plan.native(path)), None) for path in old]
        moves += [Move(path, None, Seen(inode=0, size=0, changed=0, mode=0)) for path in new]
        strangers = plan.strangers(found.top, moves)
    except OSError as error:
        return (f"without --dry-run this would be refused: cannot write {error.filename}: {error.strerror}.",)
    if blocked := {path.removeprefix(found.prefix) for path in strangers}:
        return (f"without --dry-run this would be refused: files that git does not track are in the way: {listed(blocked)}.",)
    return ()


def _next(revision: Revision, place: Place, branch: str | None) -> list[str]:
    """What the author can type next."""
    found = revision.service.repository
    where = found.git_dir if found.bare else found.directory
    enter = [] if where == place.cwd else [f"cd {shlex.quote(display(where, place.cwd))}"]
    if branch is not None:
        merging = [] if found.bare else [f"git merge {shlex.quote(branch)}"]
        return [*enter, f"git diff HEAD...{shlex.quote(branch)}", *merging, *_fixing(revision)]
    if revision.conflicts:
        undo = f"{_undo(found, place)}, to undo it all"
        steps = ["git status", "git add and git commit, once the conflicts are resolved", undo]
    else:
        steps = ["git diff --staged", "git commit"]
    return [*enter, *steps, *_fixing(revision)]


def _fixing(revision: Revision) -> list[str]:
    return ["go fix -inline ./..., which carries your code over to new names"] if revision.forwards else []


def _undo(found: Repository, place: Place, branch: str | None = None) -> str:
    """The command that, typed anywhere, removes a branch, or makes the service as in HEAD again and keeps all beside it."""
    where = found.git_dir if found.bare else found.directory
    begin = "git" if where == place.cwd else f"git -C {shlex.quote(str(where))}"
    if branch is not None:
        return f"{begin} branch -D {shlex.quote(branch)}"
    return f"{begin} restore --source=HEAD --staged --worktree ." if found.prefix else f"{begin} reset --merge"


def _taking_back(recovery: Recovery, found: Repository) -> str:
    """The command that makes a service what it was before what was interrupted."""
    service = f"{found.top}/{recovery.prefix}".rstrip("/")
    return f"git -C {shlex.quote(service)} restore --source={recovery.head} --staged --worktree ."


def _conflicts(revision: Revision, told: Result, options: Options, *, marked: bool) -> Conflicts:
    number = len(revision.conflicts)
    files = f"{number} {'file has' if number == 1 else 'files have'} conflicts: {listed(revision.conflicts)}"
    if marked:
        return Conflicts(f"{files}.", "resolve the marked places, then git add and git commit.", data=told.data, text=told.text)
    ending = "." if options.dry_run else "; nothing was changed."
    where = "in a work tree, " if revision.service.repository.bare else "without --branch, " if options.branch else ""
    hint = f"{where}--on-conflict {MARK} leaves conflict markers to resolve{'' if where else ' in the work tree'}."
    return Conflicts(f"{files}{ending}", hint, data=told.data, text=told.text)
