"""The page of commands, from the very objects that parse them."""

from inspect import cleandoc
from typing import TYPE_CHECKING

import typer
from typer._click.core import Command, Context, Parameter

from gopherforge.cli import DEBUG, app
from maintenance.reference.markdown import code, page, table

ENVIRONMENT = {
    DEBUG: "set to anything: a bug is shown with its traceback",
    "NO_COLOR": "set to anything: no colours",
    "TERM": "`dumb` or unset: questions are asked in plain lines",
}
"""The variables that the program itself reads."""

KEPT = "\b\n"

if TYPE_CHECKING:
    from typer.core import TyperGroup


def write() -> str:
    """Every command with its arguments and options."""
    group: TyperGroup = typer.main.get_command(app)  # type: ignore[assignment]
    context = Context(group, info_name="gopherforge")
    return page(
        "Commands",
        "This page lists every command of gopherforge with its arguments and options, as `--help` shows them.",
        f"`{_usage(group, context)}`",
        _parameters(group, context),
        *(_section(command, context) for command in group.commands.values() if not command.hidden),
        "## Environment variables",
        table(["variable", "meaning"], [(code(name), meaning) for name, meaning in ENVIRONMENT.items()]),
        "git, make and Go, which gopherforge starts, read variables of their own.",
    )


def _section(command: Command, group: Context) -> str:
    context = Context(command, info_name=command.name, parent=group)
    parts = [f"## {command.name}", _help(command), f"`{_usage(command, context)}`", _parameters(command, context)]
    return "\n\n".join(parts)


def _help(command: Command) -> str:
    """Its help; a paragraph whose lines are kept, which begins with a backspace, as a block."""
    paragraphs = cleandoc(str(command.help)).split("\n\n")
    return "\n\n".join(f"```text\n{text.removeprefix(KEPT)}\n```" if text.startswith(KEPT) else text for text in paragraphs)


def _usage(command: Command, context: Context) -> str:
    return command.get_usage(context).removeprefix("Usage: ")


def _parameters(command: Command, context: Context) -> str:
    records = [_record(parameter, context) for parameter in command.get_params(context)]
    return table(["argument or option", "meaning"], [(code(name), meaning) for name, meaning in filter(None, records)])


def _record(parameter: Parameter, context: Context) -> tuple[str, str] | None:
    return parameter.get_help_record(context)
