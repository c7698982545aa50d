"""What is told about a revision: a summary for people, and the same as data for programs."""

from collections.abc import Sequence
from textwrap import fill

from gopherforge.revision import Revision
from gopherforge.wording import printable

_SHOWN = 20  # paths of one kind


def data(revision: Revision) -> dict[str, object]:
    """The revision as JSON has it. `conflicts`, `kept` and the like are paths below `path`."""
    return {
        "path": revision.service.repository.directory.as_posix(),
        "template": revision.template,
        "from": revision.service.record.version,
        "to": revision.target.version,
        "answers_changed": {key: list(pair) for key, pair in revision.answers_changed.items()},
        "added": list(revision.added),
        "changed": list(revision.changed),
        "deleted": list(revision.deleted),
        "renamed": [{"from": old, "to": new} for old, new in revision.renamed.items()],
        "conflicts": list(revision.conflicts),
        "kept": list(revision.kept),
        "left_out": list(revision.left_out),
        "warnings": list(revision.warnings),
    }


def text(revision: Revision, *, shorten: bool) -> str:
    """What changes, in paragraphs, without a heading; of many files the first, if they are to be shortened."""
    told = {
        "Answers": _answers(revision),
        "Added": revision.added,
        "Changed": revision.changed,
        "Renamed": [f"{old} → {new}" for old, new in revision.renamed.items()],
        "Deleted": revision.deleted,
        "Conflicts": revision.explained,
        "Not taken over, because it is yours or you deleted it": revision.kept,
        "Stays deleted": still_deleted(revision),
    }
    return "\n\n".join(_listed(heading, lines, _SHOWN if shorten else len(lines)) for heading, lines in told.items() if lines)


def still_deleted(revision: Revision) -> list[str]:
    """The files that the author deleted, without those that are told among `kept`."""
    return [path for path in revision.left_out if path not in revision.kept]


def counts(revision: Revision) -> str:
    """How many files change, in a few words."""
    kinds = {"added": revision.added, "changed": revision.changed, "renamed": revision.renamed, "deleted": revision.deleted}
    told = [f"{len(paths)} {kind}" for kind, paths in kinds.items() if paths]
    if not told:
        return "no file changes"
    number, _, rest = ", ".join(told).partition(" ")
    return f"{number} {'file' if number == '1' else 'files'} {rest}"


def filled(sentence: str) -> str:
    """A sentence on lines of 80 columns, its words whole."""
    return fill(sentence, 80, break_long_words=False, break_on_hyphens=False)


def as_given(answer: object) -> str:
    """An answer as it is given on the command line."""
    if answer is None:
        return "nothing"
    return str(answer).lower() if isinstance(answer, bool) else str(answer)


def _answers(revision: Revision) -> list[str]:
    lines = []
    for key, (old, new) in revision.answers_changed.items():
        if old is None:
            why = "" if key in revision.target.answers else "  (a new question, answered by its default)"
            lines.append(f"{key}: {as_given(new)}{why}")
        elif new is None:
            lines.append(f"{key}: {as_given(old)} → no longer asked")
        else:
            unasked = key not in revision.target.answers and not (key == "module" and revision.service.moved)
            lines.append(f"{key}: {as_given(old)} → {as_given(new)}{'  (what it was is no longer valid)' if unasked else ''}")
    return lines


def _listed(heading: str, lines: Sequence[str], limit: int) -> str:
    more = [f"  … and {len(lines) - limit} more"] if len(lines) > limit else []
    return "\n".join([f"{heading}:", *(f"  {printable(line)}" for line in lines[:limit]), *more])
