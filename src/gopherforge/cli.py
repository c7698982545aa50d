"""The command line: each command turns its arguments into one call of the core, which `main` makes and reports."""

import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer
from typer._click.exceptions import ClickException  # every error of the parser; typer<0.29 exports only some of them

from gopherforge import __version__, completion
from gopherforge.errors import Bug, ForgeError, Interrupted, OutputFailed, UsageError
from gopherforge.report import Report, Result

if TYPE_CHECKING:
    from gopherforge.change import Place
    from gopherforge.dialogue import Asker
    from gopherforge.toolchain import Machine

DEBUG = "GOPHERFORGE_DEBUG"  # set to anything: an unexpected exception is shown with its traceback

app = typer.Typer(
    help="Generates Go microservices that build, pass their tests and run.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Call = Callable[[], Result]


def _templates() -> list[tuple[str, str]]:
    from gopherforge import options as core

    return core.complete_template(dict(os.environ))


def _answers(incomplete: str) -> list[tuple[str, str]]:
    from gopherforge import options as core

    return core.complete_answer(incomplete, dict(os.environ))


Directory = typer.Argument(metavar="[DIR]", click_type=completion.Directory(), show_default=False, help="Where the service is.")
Directories = typer.Argument(
    metavar="[DIR]...", click_type=completion.Directory(), show_default=False, help="Where services are; without, here."
)
NewDirectory = typer.Argument(metavar="[DIR]", click_type=completion.Directory(), help="Where the service will be.")
DataFile = typer.Option(metavar="FILE", click_type=completion.File(), help="Answers in YAML; --data wins over them.")
Data = typer.Option("--data", "-d", metavar="KEY=VALUE", autocompletion=_answers, help="An answer; repeatable.")
Template = typer.Argument(metavar="[TEMPLATE]", autocompletion=_templates, help="Only the questions of this template.")
Words = typer.Argument(metavar="KEY=VALUE... [DIR]", autocompletion=_answers, help="Answers, and where the service is.")
DryRun = typer.Option("--dry-run", help="Tell what would change, and change nothing.")
Diff = typer.Option("--diff", help="Show what changes in files.")
OnConflict = typer.Option(
    metavar="fail|mark", help="Change nothing, or leave conflict markers; without it, mark at a terminal, else fail."
)
ReportFile = typer.Option(
    metavar="FILE",
    click_type=completion.File(),
    help="Write the text of a pull request, in Markdown; not where there is nothing to do.",
)
Branch = typer.Option(metavar="NAME|auto", help="Make one commit on a new branch; touch neither index nor work tree.")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document; never ask.")]


def _show_version(context: typer.Context, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        typer.echo(f"gopherforge {__version__}")
        raise typer.Exit


@app.callback()
def gopherforge(
    *,
    version: Annotated[bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)] = False,
) -> None:
    """Generates Go microservices that build, pass their tests and run."""


@app.command()
def new(
    context: typer.Context,
    *,
    directory: Annotated[str | None, NewDirectory] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="Take the default of whatever is not given; never ask.")] = False,
    data: Annotated[list[str] | None, Data] = None,
    data_file: Annotated[Path | None, DataFile] = None,
    ref: Annotated[str | None, typer.Option(metavar="vX.Y.Z", help="Use an older release of the templates.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be made, and make nothing.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Then run what the service's own CI runs.")] = False,
    git: Annotated[bool, typer.Option("--git/--no-git", help="Make a git repository with a first commit.")] = True,
    json: Json = False,
) -> Call:
    """Make a service: asks, or takes the answers from options."""
    from gopherforge import new as core

    request = core.Request(
        directory=directory,
        defaults=defaults,
        data=tuple(data or ()),
        data_file=data_file,
        ref=ref,
        dry_run=dry_run,
        verify=verify,
        git=git,
    )
    silence = _silence(defaults=defaults, json=json)
    place = core.Place(
        environ=dict(os.environ),
        cwd=_cwd(),
        machine=_machine(),
        progress=context.obj.progress(),
        terminal=None if silence else _terminal,
        silence=silence,
    )
    return partial(core.new, request, place)


@app.command()
def options(
    template: Annotated[str | None, Template] = None,
    *,
    json: Json = False,  # noqa: ARG001  (read by main, which also reports what goes wrong before this runs)
) -> Call:
    """List every question and its answers."""
    from gopherforge import options as core

    return partial(core.options, template, dict(os.environ))


@app.command()
def update(
    context: typer.Context,
    directory: Annotated[str, Directory] = ".",
    *,
    to: Annotated[str | None, typer.Option(metavar="vX.Y.Z", help="Go to this version, not to the newest.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only tell whether there is a newer version: exit code 3.")] = False,
    dry_run: Annotated[bool, DryRun] = False,
    diff: Annotated[bool, Diff] = False,
    on_conflict: Annotated[str | None, OnConflict] = None,
    report: Annotated[Path | None, ReportFile] = None,
    branch: Annotated[str | None, Branch] = None,
    json: Json = False,
) -> Call:
    """Bring a service to a newer version of its templates."""
    from gopherforge import update as core
    from gopherforge.change import Options

    options = Options(directory, dry_run=dry_run, diff=diff, on_conflict=on_conflict, report=report, branch=branch)
    return partial(core.update, core.Request(options, to, check), _service_place(context, json=json))


@app.command("set")
def set_answers(
    context: typer.Context,
    words: Annotated[list[str], Words],
    *,
    dry_run: Annotated[bool, DryRun] = False,
    diff: Annotated[bool, Diff] = False,
    on_conflict: Annotated[str | None, OnConflict] = None,
    report: Annotated[Path | None, ReportFile] = None,
    branch: Annotated[str | None, Branch] = None,
    json: Json = False,
) -> Call:
    """Change answers of a service, such as database=postgres."""
    from gopherforge import set_answers as core
    from gopherforge.change import Options

    options = Options(dry_run=dry_run, diff=diff, on_conflict=on_conflict, report=report, branch=branch)
    return partial(core.set_answers, core.Request(tuple(words), options), _service_place(context, json=json))


@app.command()
def status(
    directories: Annotated[list[str] | None, Directories] = None,
    *,
    check: Annotated[bool, typer.Option("--check", help="Exit code 3 when any is behind.")] = False,
    json: Json = False,  # noqa: ARG001  (as for `options`)
) -> Call:
    """Tell how far services are behind, and what was changed of the template's files."""
    from gopherforge import status as core

    return partial(core.status, directories or ["."], core.Place(dict(os.environ), _cwd()), check=check)


@app.command()
def verify(
    context: typer.Context,
    directory: Annotated[str, Directory] = ".",
    *,
    json: Json = False,  # noqa: ARG001  (as for `options`)
) -> Call:
    """Run what a service's own CI runs."""
    from gopherforge import verify as core

    return partial(core.verify, directory, core.Place(dict(os.environ), _cwd(), _machine(), context.obj.progress()))


@app.command()
def doctor(
    directory: Annotated[str | None, Directory] = None,
    *,
    json: Json = False,  # noqa: ARG001  (as for `options`)
) -> Call:
    """Tell which tools are missing or too old."""
    from gopherforge import doctor as core

    return partial(core.doctor, directory, core.Place(dict(os.environ), _cwd(), _machine()))


@app.command("completion")
def print_completion(
    shell: Annotated[completion.Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
    *,
    json: Json = False,  # noqa: ARG001  (as for `options`)
) -> Call:
    """Print a script that completes in a shell.

    \b
    bash: put this into ~/.bashrc
      eval "$(gopherforge completion bash)"
    zsh: put this into ~/.zshrc, after compinit
      eval "$(gopherforge completion zsh)"
    fish: run this once
      gopherforge completion fish > ~/.config/fish/completions/gopherforge.fish
    """  # noqa: D301  (a backspace keeps Typer from filling the lines below it)
    return partial(completion.script, shell)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program and returns its exit code."""
    if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:  # as some callers leave it: every program would seem to succeed
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    words = list(sys.argv[1:] if arguments is None else arguments)
    dumb = os.environ.get("TERM", "") in {"", "dumb", "unknown"}
    report = Report(_stream(sys.stdout), _stream(sys.stderr), _command(words), "--json" in _before_separator(words), dumb)
    try:
        if completion.ASKED in os.environ:
            report.page(completion.candidates(typer.main.get_command(app), os.environ[completion.ASKED]))
            return 0
        return _run(words, report)
    except ForgeError as error:
        return _fail(report, error)
    except KeyboardInterrupt:
        return _fail(report, Interrupted("interrupted."))
    except Exception as error:  # noqa: BLE001  (whatever it is, it is explained and has an exit code)
        if os.environ.get(DEBUG):
            report.traceback(error)
        what = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(":")
        return _fail(report, Bug(f"gopherforge has a bug: {what}", f"set {DEBUG}=1 to see where, and report it."))


def _run(words: list[str], report: Report) -> int:
    page = io.StringIO()  # what --help and --version write
    try:
        with redirect_stdout(page):
            call = typer.main.get_command(app)(words, prog_name="gopherforge", standalone_mode=False, obj=report)
    except ClickException as error:
        if not words:
            report.usage(error.format_message())
            return UsageError.exit_code
        sentence = " ".join(error.format_message().split())
        program = f"gopherforge {report.command}".strip()
        raise UsageError(sentence, f"`{program} --help` shows what there is.") from error
    if call == Interrupted.exit_code:  # so Typer tells of a Ctrl-C
        raise KeyboardInterrupt
    if callable(call):
        result = call()
        report.result(result)
        return int(result.exit_code)
    report.page(page.getvalue())
    return 0


def _fail(report: Report, error: ForgeError) -> int:
    try:
        report.error(error)
    except OutputFailed as unwritable:
        report.error(unwritable)
    return error.exit_code


def _command(words: Sequence[str]) -> str:
    """The command that is run, empty where there is none."""
    names = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    return next((word for word in words if word in names), "")


def _before_separator(words: Sequence[str]) -> Sequence[str]:
    return words[: words.index("--")] if "--" in words else words


def _stream(stream: TextIO | None) -> TextIO:
    """An output stream that takes any text; nowhere, where the caller closed it."""
    if stream is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream


def _silence(*, defaults: bool, json: bool) -> str:
    """Why nothing can be asked; empty where it can."""
    if defaults or json:
        return f"{'--defaults' if defaults else '--json'} asks nothing"
    if all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        return ""
    return "there is no terminal to ask at"


def _terminal() -> "AbstractContextManager[Asker]":
    from gopherforge.prompts import open_terminal

    return open_terminal(os.environ, sys.stdin, sys.stderr)


def _service_place(context: typer.Context, *, json: bool) -> "Place":
    from gopherforge.change import Place

    terminal = not _silence(defaults=False, json=json)
    return Place(
        environ=dict(os.environ),
        cwd=_cwd(),
        progress=context.obj.progress(),
        terminal=terminal,
        agrees=_agrees if terminal else None,
        colour=context.obj.colours and not os.environ.get("NO_COLOR"),
    )


def _agrees(question: str) -> bool:
    from gopherforge.dialogue import Prompt
    from gopherforge.prompts import LineAsker

    return LineAsker(sys.stdin, sys.stderr).confirm(Prompt("", question, default=False)) is True


def _machine() -> "Machine":
    import platform

    from gopherforge.toolchain import Machine

    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    return Machine(sys.platform, (release.get("ID", ""), *release.get("ID_LIKE", "").split()))


def _cwd() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError("the current directory no longer exists.", "change to one that does.") from error
