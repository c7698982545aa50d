"""What holds for the merge of any small trees: nothing of the author is lost, and a side that did nothing does not count."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gopherforge.trees import Store, store
from tests.support import PROOF_IS_FULL
from tests.update.files import Files, Script, merge_files, repository
from tests.update.losses import losses

PATHS = (
    "Makefile",
    "a.go",
    "cmd/main.go",
    "deploy/k8s/a.yaml",
    "deploy/k8s/b.yaml",
    "internal/user/user.go",
    "internal/user/store.go",
)
OTHER = (
    *PATHS,
    "b.go",
    "moved/a.go",
    "moved/k8s/a.yaml",
    "moved/k8s/b.yaml",
    "deploy",
    "a.go/below",
    "deploy/k8s/new",
    "internal/user/new.go",
)
RULES = {"/internal/user/": "example"}

Text = dict[str, str | Script]

PIN = re.compile(r"(?<=FROM )(\S+:1\.)(\d+)(\S*)")
DIGEST = f"@sha256:{'a' * 64}"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Store:
    place = tmp_path_factory.mktemp("properties")
    return store(place, repository(place / "service"), os.environ)


@dataclass(frozen=True)
class Edit:
    """One thing that somebody does to one file. Every line that comes in is new, but for copies."""

    kind: str
    which: int  # of the files, counted round
    place: float  # from the first line to the last
    other: str  # where it is renamed to or added

    def apply(self, files: Text, lines: Iterator[str]) -> Text:
        if self.kind == "add" or not files:
            return {**files, self.other: next(lines) + next(lines)} if free(files, self.other) else files
        path = sorted(files)[self.which % len(files)]
        rest = {name: content for name, content in files.items() if name != path}
        match self.kind:
            case "delete":
                return rest
            case "rename":
                return {**rest, self.other: files[path]} if free(rest, self.other) else files
            case "mode":
                file = files[path]
                return {**rest, path: file.content if isinstance(file, Script) else Script(file)}
            case _:
                file = files[path]
                text = "".join(self.edit(content_of(file).splitlines(keepends=True), lines))
                return {**rest, path: Script(text) if isinstance(file, Script) else text}

    def edit(self, text: list[str], lines: Iterator[str]) -> list[str]:
        at = int(self.place * len(text))
        before, line, after = text[:at], text[at : at + 1], text[at + 1 :]
        match self.kind:
            case "insert":
                return [*before, next(lines), *line, *after]
            case "change":
                return [*before, next(lines), *after]
            case "copy":
                return [*before, *line, *line, *after]
            case "cut":
                return [*before, *after[2:]]
            case _:
                start = at if self.kind == "mixed" else 0
                return [*text[:start], *(self.rewrite(line, lines) for line in text[start:])]

    def rewrite(self, line: str, lines: Iterator[str]) -> str:
        match self.kind:
            case "pin":
                return PIN.sub(rf"\g<1>{self.which}\g<3>", line)
            case "digest":
                return PIN.sub(rf"\g<1>\g<2>{DIGEST}", line)
            case "beside":
                return f"{line.rstrip()} # {next(lines)}" if PIN.search(line) else line
            case _:  # crlf, mixed
                return line.replace("\r\n", "\n").replace("\n", "\r\n")


KINDS = (
    *("change", "change", "insert", "cut", "delete", "rename", "rename", "add", "crlf", "mixed", "mode"),
    *("pin", "pin", "digest", "beside", "copy"),
)
EDITS = st.lists(
    st.builds(Edit, st.sampled_from(KINDS), st.integers(0, 9), st.sampled_from((0.0, 0.3, 0.6, 1.0)), st.sampled_from(OTHER)),
    max_size=5,
)


SIZES = st.dictionaries(st.sampled_from(PATHS), st.integers(0, 25), min_size=1)


def tree(sizes: Mapping[str, int]) -> Text:
    """Files of so many lines, no two of them equal, and every fourth a pin."""

    def line(path: str, number: int) -> str:
        return f"FROM {path}-{number}:1.5\n" if number % 4 == 3 else f"{path} {number}\n"

    return {path: "".join(line(path, number) for number in range(size)) for path, size in sizes.items()}


def free(files: Text, path: str) -> bool:
    """Whether there can be a file of this name."""
    return not any(path == taken or path.startswith(f"{taken}/") or taken.startswith(f"{path}/") for taken in files)


def apply(files: Text, edits: Sequence[Edit], who: str) -> Text:
    lines = (f"{who} {number}\n" for number in count())
    for edit in edits:
        files = edit.apply(files, lines)
    return files


def content_of(file: object) -> str:
    return file.content if isinstance(file, Script) else str(file)


def content(files: Files) -> dict[str, bytes]:
    return {path: content_of(file).encode() for path, file in files.items()}


def modes(files: Files) -> dict[str, bool]:
    return {path: isinstance(file, Script) for path, file in files.items()}


PROVED = settings(
    max_examples=200 if PROOF_IS_FULL else 15,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


@PROVED
@given(sizes=SIZES, mine=EDITS, new=EDITS)
def test_no_line_of_the_authors_is_lost(scratch: Store, sizes: dict[str, int], mine: list[Edit], new: list[Edit]) -> None:
    base = tree(sizes)
    ours, theirs = apply(base, mine, "mine"), apply(base, new, "new")

    merge = merge_files(scratch, base, ours, theirs, RULES)

    assert losses(content(base), content(ours), content(theirs), content(merge.files), merge.renamed) == []
    assert merge.merged.conflicts.keys() <= merge.files.keys()
    assert all("<<<<<<<" not in str(file) for path, file in merge.files.items() if path not in merge.merged.conflicts)
    old, own, merged = modes(base), modes(ours), modes(merge.files)
    kept = {path for path in old.keys() & own.keys() & merged.keys() if own[path] != old[path]} - merge.merged.conflicts.keys()
    assert {path for path in kept if merged[path] != own[path]} == set()


@PROVED
@given(sizes=SIZES, mine=EDITS)
def test_where_one_side_did_nothing_the_other_counts(scratch: Store, sizes: dict[str, int], mine: list[Edit]) -> None:
    base = tree(sizes)
    changed = apply(base, mine, "mine")

    for ours, theirs in ((changed, base), (base, changed)):
        merge = merge_files(scratch, base, ours, theirs, RULES)
        assert (merge.files, merge.explained, merge.kept) == (changed, [], ())
