"""Which packages Go source imports, read without Go."""

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import PurePosixPath

_CONFLICT = re.compile(r"^<{7}[^\n]*\n(.*?)(?:^\|{7}[^\n]*\n.*?)?^={7}\r?\n(.*?)^>{7}[^\n]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_IGNORED = re.compile(r"^//go:build ignore\s*?$", re.MULTILINE)
_TOKEN = re.compile(r"""[\s\ufeff]+ | //[^\n]* | /\*.*?\*/ | ("[^"\n]*" | `[^`]*` | \w+ | .)""", re.DOTALL | re.VERBOSE)


def sources(paths: Collection[str]) -> list[str]:
    """Of the files below a module's root, its Go source: not other modules', nor what the go command passes over."""
    modules = {PurePosixPath(path).parent for path in paths if path.endswith("/go.mod")}
    return sorted(path for path in paths if path.endswith(".go") and not _is_apart(PurePosixPath(path), modules))


def imports(texts: Iterable[bytes]) -> frozenset[str]:
    """The import paths of Go files, on both sides of the conflicts in them. Nothing fails on a broken file."""
    return frozenset(path for text in texts for side in _sides(text.decode("utf-8", "replace")) for path in _imported(side))


def _is_apart(path: PurePosixPath, modules: set[PurePosixPath]) -> bool:
    return (
        path.name.startswith(("_", "."))
        or any(part.startswith(("_", ".")) or part in {"testdata", "vendor"} for part in path.parts[:-1])
        or any(parent in modules for parent in path.parents)
    )


def _sides(text: str) -> list[str]:
    if "<<<<<<<" not in text:
        return [text]
    return [_CONFLICT.sub(r"\1", text), _CONFLICT.sub(r"\2", text)]


def _imported(text: str) -> Iterator[str]:
    """The imports before the first declaration, one by one or in parentheses."""
    found = (token for token in _TOKEN.finditer(text) if token[1])
    first = next(found, None)
    if first is None or first[1] != "package" or _IGNORED.search(text[: first.start()]):
        return
    tokens = (token[1] for token in found)
    next(tokens, "")  # its name
    for word in tokens:
        if word == "import":
            yield from _specs(tokens)
        elif word != ";":
            return


def _specs(tokens: Iterator[str]) -> Iterator[str]:
    ends = {"path", ")"}
    for token in tokens:
        kind = "path" if token[0] in '"`' and len(token) > 1 else token
        if kind == "path":
            yield token[1:-1]
        elif kind == "(":
            ends = {")"}
        if kind in ends:
            return
