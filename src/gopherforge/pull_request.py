"""The text of a pull request for a revision: what changed, why, and what is left to do by hand."""

import re
from collections.abc import Iterable, Mapping, Sequence

from gopherforge import changelog, gofix, summary
from gopherforge.changelog import BY_HAND, Release
from gopherforge.errors import ProgramFailed
from gopherforge.revision import Revision
from gopherforge.source import Source
from gopherforge.wording import printable

_KEPT = "These are yours, or you deleted them, so that they stay as they are:"


def news(revision: Revision, source: Source) -> tuple[Release, ...]:
    """What the changelog has to say about the way between the two versions."""
    service = revision.service
    old, new = (_read(source, version) for version in (service.record.version, revision.target.version))
    return changelog.between(service.record.version, old, new, revision.template, service.module)


def text(revision: Revision, releases: Sequence[Release]) -> str:
    """The pull request, in Markdown; its first line is its title."""
    sections = [
        f"# {printable(revision.target.title)}",
        *_section("What is new", _news(releases)),
        *_section("To do by hand", _tasks(revision, releases)),
        *_section("Answers that change", _answers(revision.answers_changed)),
        *_section("Not taken over", _listed(_KEPT, revision.kept)),
        *_section("Stays deleted", _listed("You deleted these files of the template:", summary.still_deleted(revision))),
        *_section("Files", _files(revision)),
    ]
    return "\n\n".join(sections) + "\n"


def _read(source: Source, version: str) -> str:
    try:
        return source.read(version, changelog.FILE)
    except ProgramFailed:  # the very first versions have none
        return ""


def _section(heading: str, lines: Iterable[str]) -> list[str]:
    body = "\n".join(lines)
    return [f"## {heading}", body] if body else []


def _news(releases: Sequence[Release]) -> list[str]:
    lines: list[str] = []
    for release in releases:
        told = [entry for entry in release.entries if not entry.startswith(BY_HAND)]
        if told:
            lines += [
                *([""] if lines else []),
                f"### {release.version or 'Not yet released'}",
                "",
                *(f"- {entry}" for entry in told),
            ]
    return lines


def _tasks(revision: Revision, releases: Sequence[Release]) -> list[str]:
    asked = [entry.removeprefix(BY_HAND) for release in releases for entry in release.entries if entry.startswith(BY_HAND)]
    conflicts = [f"Resolve a conflict: {printable(sentence)}" for sentence in revision.explained]
    forwards = [gofix.HINT] if revision.forwards else []
    warnings = map(printable, revision.warnings)  # which may begin with the name of a file
    return [f"- [ ] {task}" for task in [*asked, *conflicts, *forwards, *warnings]]


def _answers(changed: Mapping[str, tuple[object, object]]) -> list[str]:
    if not changed:
        return []
    rows = [f"| {_code(key)} | {_cell(old)} | {_cell(new)} |" for key, (old, new) in changed.items()]
    return ["| question | before | now |", "|---|---|---|", *rows]


def _listed(sentence: str, paths: Sequence[str]) -> list[str]:
    return [sentence, "", *(f"- {_code(path)}" for path in paths)] if paths else []


def _files(revision: Revision) -> list[str]:
    renamed = [f"{_code(old)} → {_code(new)}" for old, new in revision.renamed.items()]
    kinds = {"Added": map(_code, revision.added), "Renamed": renamed, "Deleted": map(_code, revision.deleted)}
    listed = [f"- {kind}: {', '.join(paths)}" for kind, each in kinds.items() if (paths := list(each))]
    return [f"{summary.counts(revision)[0].upper()}{summary.counts(revision)[1:]}.", *(["", *listed] if listed else [])]


def _code(path: str) -> str:
    """A path between as many backticks as it takes."""
    shown = printable(path)
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    inner = f" {shown} " if shown.startswith("`") or shown.endswith("`") else shown
    return f"{fence}{inner}{fence}"


def _cell(answer: object) -> str:
    return _code(summary.as_given(answer)).replace("|", "\\|") if answer is not None else ""
