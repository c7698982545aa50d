"""Every expected failure, with its stable code, its exit code and what to do about it."""

import copyreg
from collections.abc import Mapping
from typing import ClassVar


class ForgeError(Exception):
    """A failure that is explained to the user in one sentence, and never shown as a traceback.

    What was made or found out all the same goes with it, as in a result: `data` for programs, `text` for people.
    """

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "", *, data: Mapping[str, object] | None = None, text: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.data = data
        self.text = text

    def __reduce__(self) -> tuple[object, ...]:  # an exception would call __init__ again, with what it gave its base class
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class UsageError(ForgeError):
    """The command line itself is wrong."""

    code = "usage"
    exit_code = 2


class InvalidAnswer(ForgeError):
    """A given answer is unknown, of the wrong type, or refused by its question."""

    code = "invalid-answer"
    exit_code = 2


class MissingAnswer(ForgeError):
    """An answer that must be given was not, and there is no terminal to ask at."""

    code = "missing-answer"
    exit_code = 2


class InvalidDataFile(ForgeError):
    """The file of `--data-file` cannot be read as a mapping of keys to values."""

    code = "invalid-data-file"
    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(message, "a data file holds lines such as `database: postgres`.")


class Cancelled(ForgeError):
    """The user decided against it at the last prompt."""

    code = "cancelled"


class OutputFailed(ForgeError):
    """The result could not be written to stdout, for example because the disk is full."""

    code = "output-failed"


class InvalidTemplates(ForgeError):
    """The templates themselves are wrong: what their author has to mend."""

    code = "invalid-templates"


class ProgramMissing(ForgeError):
    """A required program is not on PATH."""

    code = "program-missing"
    exit_code = 5


class ProgramFailed(ForgeError):
    """A required program could not be started, did not end in time, or ended with an error."""

    code = "program-failed"
    exit_code = 5


class ChecksFailed(ForgeError):
    """Steps of a service's own checks failed."""

    code = "checks-failed"


class UnusableHistory(ForgeError):
    """The git history that the templates' versions come from is incomplete or contradicts itself."""

    code = "unusable-history"


class TemplatesMissing(ForgeError):
    """This installation carries no templates."""

    code = "templates-missing"


class UnknownRef(ForgeError):
    """`--ref` or `--to` names no version that this installation has."""

    code = "unknown-ref"
    exit_code = 2


class TargetRefused(ForgeError):
    """The directory for the new service cannot be made, or is not empty."""

    code = "target-refused"


class RenderFailed(ForgeError):
    """A template cannot be rendered with these answers."""

    code = "render-failed"


class InvalidProject(ForgeError):
    """A directory is not a generated service, or its answers file is damaged."""

    code = "invalid-project"


class CannotUpdate(ForgeError):
    """The templates that a service was made from, or those it is to follow, are none that this installation can render."""

    code = "cannot-update"


class Conflicts(ForgeError):
    """The author and the templates changed the same lines."""

    code = "conflicts"
    exit_code = 4


class UncleanWorkTree(ForgeError):
    """Tracked files of a service are not as in HEAD, or something that git began there is not finished."""

    code = "unclean-work-tree"


class InTheWay(ForgeError):
    """Files that git does not track lie where new files are to be."""

    code = "in-the-way"


class RepositoryBusy(ForgeError):
    """git or another gopherforge is at work on the repository, or has changed it in the meantime."""

    code = "repository-busy"


class CannotRecover(ForgeError):
    """What an interrupted run left in a repository cannot be read, so that it can be neither finished nor undone."""

    code = "cannot-recover"


class BranchRefused(ForgeError):
    """A new branch cannot have this name."""

    code = "branch-refused"


class IncompleteClone(ForgeError):
    """The service's repository lacks contents of files, as a clone that was made with a filter does."""

    code = "incomplete-clone"

    def __init__(self) -> None:
        super().__init__(
            "this clone lacks files that the merge needs: it was made with a filter.",
            "`git fetch --refetch --no-filter` brings them.",
        )


class CannotWrite(ForgeError):
    """The file system refused a file or directory."""

    code = "cannot-write"


class Interrupted(ForgeError):
    """Ctrl-C."""

    code = "interrupted"
    exit_code = 130


class Bug(ForgeError):
    """An exception that nobody expected."""

    code = "bug"
    exit_code = 70
