"""What an author has to decide after a merge, each in a sentence."""

from dataclasses import dataclass

from gopherforge.wording import printable

_EXPLAINED = {
    "content": "you and the template changed the same lines",
    "add/add": "you and the template both added it, with different contents",
    "binary": "you and the template both changed it, and it is not text; yours is in its place",
    "type": "it is of one kind here and of another in the template (file, executable, link, submodule); yours is in its place",
    "modify/delete": "you changed it, and the template no longer has it; yours is in its place",
    "rename/delete": "you renamed it from {1}, and the template no longer has it; yours is in its place",
    "rename/rename": "you renamed it from {1}, and the template renamed that to {2}; it has your name",
    "file/directory": "it is the template's {1}, whose place is taken by a file or directory of yours",
}


@dataclass(frozen=True)
class Conflict:
    """What the author has to decide. `paths` begins with the one where it is to be resolved."""

    kind: str
    paths: tuple[str, ...]

    def __str__(self) -> str:
        paths = [printable(path) for path in self.paths]
        return f"{paths[0]}: {_EXPLAINED[self.kind].format(*paths)}."
