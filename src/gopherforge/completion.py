"""Completion in shells: the scripts of bash, zsh and fish, and what the program answers when they ask."""

from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from typer._click.core import Command, Context, Parameter
from typer._click.shell_completion import CompletionItem, ShellComplete, split_arg_string
from typer._click.types import ParamType

from gopherforge.report import Result

ASKED = "_GOPHERFORGE_COMPLETE"
"""The environment variable with the command line up to the cursor. Set, the program prints what could come next."""


class Shell(StrEnum):
    """A shell that has a script."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


class Directory(ParamType):
    """Any text, completed as the path of a directory."""

    name = "directory"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> str:  # noqa: ARG002
        """Takes any text."""
        return str(value)

    def shell_complete(self, ctx: Context, param: Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Leaves it to the shell."""
        return [CompletionItem(incomplete, type="dir")]


class File(ParamType):
    """The path of a file."""

    name = "file"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> Path:  # noqa: ARG002
        """Takes any text."""
        return Path(value)

    def shell_complete(self, ctx: Context, param: Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Leaves it to the shell."""
        return [CompletionItem(incomplete, type="file")]


def script(shell: Shell) -> Result:
    """What a shell has to read to complete this program."""
    return Result({"shell": shell.value, "script": SCRIPTS[shell]}, SCRIPTS[shell])


def candidates(command: Command, line: str) -> str:
    """What could come next in a command line: a word a line, and after a tab what it means; or what the script is to list."""
    return _Candidates(command, {}, "gopherforge", ASKED, line=line).complete()


class _Candidates(ShellComplete):
    name: ClassVar[str] = "gopherforge"
    source_template: ClassVar[str] = ""

    def __init__(self, *arguments: object, line: str) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._words = [*split_arg_string(line), *([""] if line[-1:].isspace() else [])]

    def source_vars(self) -> dict[str, object]:
        return {}

    def get_completion_args(self) -> tuple[list[str], str]:
        return self._words[1:-1], self._words[-1]

    def format_completion(self, item: CompletionItem) -> str:
        if item.type in _BY_THE_SHELL:
            return _BY_THE_SHELL[item.type]
        option, equals, _ = self._words[-1].partition("=")
        before = f"{option}=" if equals and option.startswith("--") else ""
        return f"{before}{item.value}\t{' '.join((item.help or '').split())}"


_BY_THE_SHELL = {"dir": ":directories", "file": ":files"}

SCRIPTS = {
    Shell.BASH: """\
_gopherforge() {
    local value help word=${COMP_LINE:0:COMP_POINT}
    word=${word##*[[:space:]]}
    COMPREPLY=()
    while IFS=$'\\t' read -r value help; do
        case $value in
            :directories) compopt -o dirnames 2>/dev/null || COMPREPLY=($(compgen -d -- "$2")) ;;
            :files) compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "$2")) ;;
            *=) COMPREPLY+=("${value#"${word%"$2"}"}"); compopt -o nospace 2>/dev/null ;;
            ?*) COMPREPLY+=("${value#"${word%"$2"}"}") ;; # bash completes what follows a = by itself
        esac
    done < <(_GOPHERFORGE_COMPLETE="${COMP_LINE:0:COMP_POINT}" "${1/#\\~/$HOME}" 2>/dev/null)
}
complete -F _gopherforge gopherforge
""",
    Shell.ZSH: """\
#compdef gopherforge
_gopherforge() {
    local line value
    local -a words_ keys
    for line in "${(@f)$(_GOPHERFORGE_COMPLETE="${(j: :)words[1,CURRENT-1]} $PREFIX" ${words[1]/#\\~/$HOME} 2>/dev/null)}"; do
        value=${${line%%$'\\t'*}//:/\\\\:}
        case $line in
            :directories) compset -P '--*='; _files -/ ;;
            :files) compset -P '--*='; _files ;;
            *=$'\\t'*) keys+=("$value:${line#*$'\\t'}") ;;
            ?*) words_+=("$value:${line#*$'\\t'}") ;;
        esac
    done
    (( $#words_ )) && _describe gopherforge words_
    (( $#keys )) && _describe gopherforge keys -S ''
}
if [[ $funcstack[1] == _gopherforge ]]; then
    _gopherforge "$@"
else
    compdef _gopherforge gopherforge
fi
""",
    Shell.FISH: """\
function __gopherforge_complete
    set --local word (commandline --current-token --cut-at-cursor)
    set --local option (string match --regex -- '^--[^=]+=' $word)
    set --local program (string replace --regex -- '^~' $HOME (commandline --current-process --tokenize)[1])
    set --local line (commandline --current-process --cut-at-cursor | string collect)
    for candidate in (_GOPHERFORGE_COMPLETE="$line" $program 2>/dev/null)
        switch $candidate
            case :directories
                printf "$option%s\\n" (__fish_complete_directories (string replace -- "$option" '' $word))
            case :files
                printf "$option%s\\n" (__fish_complete_path (string replace -- "$option" '' $word))
            case '?*'
                echo -- $candidate
        end
    end
end
complete --command gopherforge --no-files --arguments '(__gopherforge_complete)'
""",
}
